"""classify: which of the people that a network was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, Photos
from visavis.cli._output import Output, box_text, decimals, exit_code, percent, photo_line, significant
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Column, Row

if TYPE_CHECKING:
    from visavis.classify import FaceNames
    from visavis.types import PhotoFaces

MODEL = "vggface2-resnet50"
TOP = 5
MIN_PROBABILITY = 0.5
LIKELY = Column("likely", drop=9, least=16)


def _classifiers() -> list[str]:
    from visavis.classify import CLASSIFIERS

    return CLASSIFIERS.names()


ClassifierName = Annotated[
    str, typer.Option("--model", metavar="NAME", autocompletion=_classifiers, help="The network that knows the people.")
]


@takes(DETECTING)
def classify(
    sources: Photos,
    *,
    exclude: Exclude = None,
    model: ClassifierName = MODEL,
    top: Annotated[int, typer.Option("--top", min=1, metavar="K", help="People to tell of each face.")] = TOP,
    min_probability: Annotated[
        float,
        typer.Option("--min-probability", min=0, max=1, metavar="P", help="Below it a face is nobody's."),
    ] = MIN_PROBABILITY,
    networks: Networks,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="Accept, once, a license that does not allow every use.")
    ] = False,
    json: Json = False,
) -> None:
    """Name the celebrities in photos.

    Those are the people that a network was trained on.

    Where the likeliest person has a probability below --min-probability, the face is nobody's that the network
    knows. Exits 1 where nobody is known.
    """
    from visavis import classify as classes
    from visavis.weights import store

    photos = expand_folders(sources, exclude=exclude)
    if accept_license:
        classes.accept_license(model)
    recognizer = networks.recognizer()
    with store.all_missing(lambda: recognizer.detector):
        classifier = classes.CLASSIFIERS.create(model, threads=networks.threads)
    answers = classes.classify(
        photos,
        model=classifier,
        top=top,
        min_probability=min_probability,
        recognizer=recognizer,
        min_face=networks.min_face,
    )
    statuses, known = [], False
    with Output("photo", "face", "box", "name", LIKELY, json=json) as output:
        for one, faces in output.progress(answers, len(photos)):
            statuses.append(one.status)
            known = known or any(face.known for face in faces)
            output.answer(_line(one, faces), *_rows(one, faces))
    raise typer.Exit(exit_code(statuses, yes=known))


def _line(one: PhotoFaces, faces: list[FaceNames]) -> dict[str, object]:
    found = [
        {
            "box": decimals(face.box),
            "score": significant(face.score),
            "known": named.known,
            "names": [[name, significant(probability)] for name, probability in named.names],
        }
        for face, named in zip(one.faces, faces, strict=True)
    ]
    return photo_line(one, found)


def _rows(one: PhotoFaces, faces: list[FaceNames]) -> list[Row]:
    if not one.faces:
        return [Row([one.name], one.message)]
    return [
        Row(
            [
                one.name,
                str(number),
                box_text(face),
                named.name or "unknown",
                ", ".join(f"{name} {percent(probability)}" for name, probability in named.names),
            ]
        )
        for number, (face, named) in enumerate(zip(one.faces, faces, strict=True), 1)
    ]
