"""liveness: judge whether the faces in photos are real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._challenge import run_challenge
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, Photos
from visavis.cli._output import Output, box_text, decimals, exit_code, photo_line, short
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row
from visavis.defaults import REAL_FROM
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.liveness import Liveness
    from visavis.types import PhotoFaces

MinScore = Annotated[
    float, typer.Option("--threshold", min=0, max=1, help="Score (probability of a real face) from which it is real.")
]


AsChallenge = Annotated[
    bool,
    typer.Option(
        "--challenge", help="Ask the person before a camera (its number or address, or a video) to move the head."
    ),
]


@takes(DETECTING)
def liveness(
    sources: Photos,
    *,
    exclude: Exclude = None,
    threshold: MinScore = REAL_FROM,
    challenge: AsChallenge = False,
    networks: Networks,
    json: Json = False,
) -> None:
    """Judge whether faces are real, not photos or screens.

    Needs photos by the camera itself, with the surroundings of the face. Exits 0 if every photo has a face and all
    faces are surely real, 1 if not. With --challenge, give a camera instead: it asks the person before it to turn
    left, turn right or look up, in random order, and exits 0 if the person did.
    """
    if challenge:
        if exclude or threshold != REAL_FROM:
            raise UsageError("--challenge asks for movements: it does nothing with --exclude and --threshold.")
        raise typer.Exit(run_challenge(sources, networks, json=json))
    from visavis.liveness import LivenessCheck
    from visavis.photo_liveness import judge_photos

    photos = expand_folders(sources, exclude=exclude)
    check = LivenessCheck(threshold=threshold, threads=networks.threads)
    answers = judge_photos(photos, check, recognizer=networks.recognizer(), min_face=networks.min_face)
    statuses, real = [], []
    with Output("photo", "face", "box", "answer", "score", json=json) as output:
        for photo, faces in output.progress(answers, len(photos)):
            statuses.append(photo.status)
            real.append(bool(faces) and all(faces))
            output.answer(_make_line(photo, faces), *_make_rows(photo, faces))
    raise typer.Exit(exit_code(statuses, yes=all(real)))


def _make_line(photo: PhotoFaces, faces: tuple[Liveness, ...]) -> dict[str, object]:
    return photo_line(
        photo,
        [
            {
                "box": decimals(face.box),
                "real": answer.real,
                "score": significant(answer.score),
                "doubts": list(answer.doubts),
            }
            for face, answer in zip(photo.faces, faces, strict=True)
        ],
    )


def _make_rows(photo: PhotoFaces, faces: tuple[Liveness, ...]) -> list[Row]:
    if not faces:
        return [Row([photo.name], photo.message)]
    return [
        Row([photo.name, str(number), box_text(face), _name(answer), short(answer.score)], " ".join(answer.doubts))
        for number, (face, answer) in enumerate(zip(photo.faces, faces, strict=True), 1)
    ]


def _name(answer: Liveness) -> str:
    """Return the answer in a word or two; of a face with doubts only what it seems to be."""
    word = "real" if answer.real else "fake"
    return word if answer.certain else f"{word}?"
