"""The option ``--classifier``, and ``identify`` with a classifier in place of a gallery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis._show import percent
from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._files import PictureFolder
from visavis.cli._networks import Networks
from visavis.cli._options import DETECTOR
from visavis.cli._output import Output, box_text, decimals, exit_code, photo_line, short
from visavis.cli._table import Row
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.train.classifier_model import ClassifiedFace, EmbeddingClassifier
    from visavis.types import PhotoFaces

COLUMNS = ("photo", "face", "box", "who", "distance", "probability")
CSV = (
    *("photo", "status", "captured", "face", *BOX_COLUMNS, "name", "probability", "distance", "rule", "threshold"),
    *("candidates", "message"),
)

ClassifierRun = Annotated[
    Path | None,
    typer.Option(
        "--classifier",
        metavar="RUN",
        help="Use a classifier of train classifier: the folder of its run, or its file.",
        show_default=False,
    ),
]


def load_classifier(run: Path, networks: Networks, *, model: str | None = None) -> EmbeddingClassifier:
    """Load a classifier with the detector and threads of the command line; UsageError for a ``model`` that differs.

    Unless the command line names a detector, the classifier's own is used.
    """
    from visavis.pipeline import Recognizer
    from visavis.train.classifier_file import load_classifier as load

    classifier = load(run)
    detector = classifier.detector if networks.detector == DETECTOR else networks.detector
    recognizer = Recognizer(detector=detector, embedder=model or classifier.model, threads=networks.threads)
    return classifier.with_recognizer(recognizer)


def check_rule_options(*values: object) -> None:
    """Raise UsageError if an option that sets the threshold of a gallery was given a value."""
    if any(value is not None and value is not False for value in values):
        raise UsageError("a classifier has a rule of its own: leave out --fpir, --threshold, --margin and --repeats.")


def check_no_gallery(context: typer.Context) -> None:
    """Raise UsageError if the command line names a gallery or its index, which a classifier does not search."""
    sources = [context.get_parameter_source(name) for name in ("gallery", "index")]
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise UsageError("a classifier knows its own people: leave out --gallery and --index, or --classifier.")


def identify_by_classifier(
    run: Path,
    photos: Sequence[str],
    networks: Networks,
    folder: PictureFolder | None,
    *,
    top: int,
    json: bool,
    csv: bool,
) -> int:
    """Print who is in the photos; return the exit code."""
    classifier = load_classifier(run, networks, model=networks.model)
    statuses, any_known = [], False
    with Output(*COLUMNS, json=json, csv=CSV if csv else None) as output:
        answers = classifier.identify(photos, top=top, min_face=networks.min_face)
        for photo, faces in output.progress(answers, len(photos)):
            statuses.append(photo.status)
            any_known |= any(face.known for face in faces)
            if folder:
                _save_named(folder, photo, faces)
            output.answer(_make_line(photo, faces), *_make_rows(photo, faces))
    return exit_code(statuses, yes=any_known)


def _save_named(folder: PictureFolder, photo: PhotoFaces, faces: Sequence[ClassifiedFace]) -> None:
    from visavis.draw import BLUE, ORANGE, annotate

    if photo.photo is None:
        return
    labels = [f"{face.name} {percent(face.probability)}" if face.known else "unknown" for face in faces]
    colors = [BLUE if face.known else ORANGE for face in faces]
    folder.save(annotate(photo.photo.pixels, photo.faces, labels, colors=colors), photo.photo, "-named.jpg")


def _make_line(photo: PhotoFaces, faces: Sequence[ClassifiedFace]) -> dict[str, object]:
    lines = [
        {
            "box": decimals(face.box),
            "name": answer.name,
            "probability": significant(answer.probability),
            "distance": significant(answer.distance),
            "rule": answer.rule,
            "threshold": significant(answer.threshold),
            "candidates": [
                {"name": name, "probability": significant(probability)} for name, probability in answer.candidates
            ],
        }
        for face, answer in zip(photo.faces, faces, strict=True)
    ]
    return photo_line(photo, lines)


def _make_rows(photo: PhotoFaces, faces: Sequence[ClassifiedFace]) -> list[Row]:
    if not photo.faces:
        return [Row([photo.name], photo.message)]
    return [
        Row(
            [
                photo.name,
                str(number),
                box_text(face),
                answer.name or "unknown",
                short(answer.distance),
                percent(answer.probability),
            ]
        )
        for number, (face, answer) in enumerate(zip(photo.faces, faces, strict=True), 1)
    ]
