"""classify: name the people that a network was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis._show import percent
from visavis.cli._classifiers import ClassifierRun, load_classifier
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, Photos
from visavis.cli._output import Output, box_text, decimals, exit_code, photo_line
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Column, Row
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.classify import FaceClassifier, FaceNames
    from visavis.types import PhotoFaces

LIKELY = Column("likely", drop=9, least=16)


def _list_classifiers() -> list[str]:
    from visavis.classify import CLASSIFIERS

    return CLASSIFIERS.names()


ClassifierName = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME", autocompletion=_list_classifiers, help="The network that classifies faces."
    ),
]

MinProbability = Annotated[
    float | None,
    typer.Option(
        "--min-probability",
        min=0,
        max=1,
        metavar="P",
        help="Least probability of a name.",
        show_default=f"{defaults.MIN_PROBABILITY}, or the rule of --classifier",
    ),
]


@takes(DETECTING)
def classify(  # noqa: PLR0913 - a command's options
    sources: Photos,
    *,
    exclude: Exclude = None,
    model: ClassifierName = defaults.CLASSIFIER,
    trained: ClassifierRun = None,
    top: Annotated[
        int, typer.Option("--top", min=1, metavar="K", help="Number of names per face.")
    ] = defaults.TOP_NAMES,
    min_probability: MinProbability = None,
    networks: Networks,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="Accept a license that restricts use; needed once.")
    ] = False,
    json: Json = False,
) -> None:
    """Name the people of a network or a classifier in photos.

    A network knows celebrities, a classifier of train classifier your own people. A face is unknown if no probability
    reaches --min-probability. Exits 1 if all faces are unknown.
    """
    from visavis import classify as classes
    from visavis.weights import store

    if trained is not None and model != defaults.CLASSIFIER:
        raise UsageError("--classifier and --model exclude each other.")
    photos = expand_folders(sources, exclude=exclude)
    if accept_license and trained is None:
        classes.accept_license(model)
    classifier: FaceClassifier
    if trained is not None:
        classifier = load_classifier(trained, networks)
        recognizer = classifier.recognizer
    else:
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
    statuses, any_known = [], False
    with Output("photo", "face", "box", "name", LIKELY, json=json) as output:
        for photo, faces in output.progress(answers, len(photos)):
            statuses.append(photo.status)
            any_known = any_known or any(face.known for face in faces)
            output.answer(_make_line(photo, faces), *_make_rows(photo, faces))
    raise typer.Exit(exit_code(statuses, yes=any_known))


def _make_line(photo: PhotoFaces, faces: list[FaceNames]) -> dict[str, object]:
    lines = [
        {
            "box": decimals(face.box),
            "score": significant(face.score),
            "known": result.known,
            "names": [[name, significant(probability)] for name, probability in result.names],
        }
        for face, result in zip(photo.faces, faces, strict=True)
    ]
    return photo_line(photo, lines)


def _make_rows(photo: PhotoFaces, faces: list[FaceNames]) -> list[Row]:
    if not photo.faces:
        return [Row([photo.name], photo.message)]
    return [
        Row(
            [
                photo.name,
                str(number),
                box_text(face),
                result.name or "unknown",
                ", ".join(f"{name} {percent(probability)}" for name, probability in result.names),
            ]
        )
        for number, (face, result) in enumerate(zip(photo.faces, faces, strict=True), 1)
    ]
