"""representative: find the most characteristic face in one person's photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import PICTURES, writable_file
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, box_text, decimals, exit_code, note, photo_line, short
from visavis.cli._sources import Exclude, PhotosOrFolders, photos_of
from visavis.cli._table import Row
from visavis.errors import NoFaceError
from visavis.printable import significant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from visavis.types import Characteristic, PhotoFaces


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
            help="Write the average of the faces, aligned by the eyes.",
        ),
    ] = None,
    networks: Networks,
    json: Json = False,
) -> None:
    """Find the most characteristic face of a person.

    Ranks the faces by their distance to the mean embedding, in which better faces weigh more; one face of each photo
    counts. A face that is too far away to be that person is an outlier: it is ranked last, and left out of the mean.
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
            faces = representatives.collect_faces(_filter_photos(answers, skipped))
        except NoFaceError as error:
            note(str(error))
            raise typer.Exit(exit_code([photo.status for photo in skipped], yes=False)) from error
        ranking = representatives.rank_faces(faces, model=recognizer.model)
        for rank, face in enumerate(ranking, 1):
            output.answer(*_make_answer(rank, face))
        for photo in skipped:
            output.answer(photo_line(photo, []), Row(["-", photo.name], photo.message))
    if average_face:
        left_out: list[str] = []
        images.save(representatives.average_face(ranking, skipped=left_out), average_face)
        for text in left_out:
            note(f"{text.removesuffix('.')}: it is left out of the average.")
    raise typer.Exit(exit_code(["ok"], yes=True))


def _filter_photos(answers: Iterable[PhotoFaces], skipped: list[PhotoFaces]) -> Iterator[PhotoFaces]:
    """Yield the photos with a face, and append the others to ``skipped``."""
    for photo in answers:
        if photo.faces:
            yield photo
        else:
            skipped.append(photo)


def _make_answer(rank: int, face: Characteristic) -> tuple[dict[str, object], list[str]]:
    line = {
        "rank": rank,
        "photo": face.photo,
        "face": face.number,
        "box": decimals(face.face.box),
        "distance": significant(face.distance),
        "quality": significant(face.quality),
        "outlier": face.outlier,
    }
    mark = "outlier" if face.outlier else ""
    box, distance, quality = box_text(face.face), short(face.distance), short(face.quality, ".2f")
    return line, [str(rank), face.photo, str(face.number), box, distance, quality, mark]
