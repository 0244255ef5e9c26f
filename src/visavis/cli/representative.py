"""representative: the most characteristic face of one person's photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import writable_file
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, box_text, decimals, exit_code, note, photo_line, short, significant
from visavis.cli._sources import Exclude, PhotosOrFolders, photos_of
from visavis.cli._table import Row
from visavis.errors import NoFaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from visavis.types import Characteristic, PhotoFaces

PICTURES = (".jpg", ".jpeg", ".png", ".webp")


@takes(EMBEDDING)
def representative(
    sources: PhotosOrFolders,
    *,
    exclude: Exclude = None,
    average_face: Annotated[
        Path | None,
        typer.Option(
            "--average-face",
            metavar="FILE.png",
            dir_okay=False,
            help="Write the mean of the faces, eyes on eyes.",
        ),
    ] = None,
    networks: Networks,
    json: Json = False,
) -> None:
    """Find the most characteristic face of a person.

    The faces of that person's photos are ranked: first comes the nearest to the mean of all, in which better faces
    weigh more. Of each photo one counts. Whoever is too far away to be that person is an outlier: ranked last, and no
    part of the mean.
    """
    if average_face:
        writable_file(average_face, endings=PICTURES)
    from visavis import images
    from visavis.ranking import representatives

    photos = photos_of(sources, exclude=exclude)
    recognizer = networks.recognizer()
    skipped: list[PhotoFaces] = []
    with Output("rank", "photo", "face", "box", "distance", "quality", "", json=json) as output:
        answers = output.progress(recognizer.represent(photos, min_face=networks.min_face), len(photos))
        try:
            rows = representatives.gathered(_with_a_face(answers, skipped))
        except NoFaceError as error:
            note(str(error))
            raise typer.Exit(exit_code([missed.status for missed in skipped], yes=False)) from error
        found = representatives.ranked(rows, model=recognizer.model)
        for rank, one in enumerate(found, 1):
            output.answer(*_answer(rank, one))
        for missed in skipped:
            output.answer(photo_line(missed, []), Row(["-", missed.name], missed.message))
    if average_face:
        left_out: list[str] = []
        images.save(representatives.average_face(found, skipped=left_out), average_face)
        for text in left_out:
            note(f"{text.removesuffix('.')}: it is left out of the average.")
    raise typer.Exit(exit_code(["ok"], yes=True))


def _with_a_face(answers: Iterable[PhotoFaces], skipped: list[PhotoFaces]) -> Iterator[PhotoFaces]:
    """Pass on what has a face, and put the rest aside."""
    for one in answers:
        if one.faces:
            yield one
        else:
            skipped.append(one)


def _answer(rank: int, one: Characteristic) -> tuple[dict[str, object], list[str]]:
    line = {
        "rank": rank,
        "photo": one.photo,
        "face": one.number,
        "box": decimals(one.face.box),
        "distance": significant(one.distance),
        "quality": significant(one.quality),
        "outlier": one.outlier,
    }
    mark = "outlier" if one.outlier else ""
    box, distance, quality = box_text(one.face), short(one.distance), short(one.quality, ".2f")
    return line, [str(rank), one.photo, str(one.number), box, distance, quality, mark]
