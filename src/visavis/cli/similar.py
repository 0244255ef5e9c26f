"""similar: look-alikes of a face, ranked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import writable_file
from visavis.cli._options import (
    DETECTOR,
    MODEL,
    DetectorName,
    Json,
    MinFace,
    ModelName,
    PrecisionName,
    Threads,
    Views,
    model_id,
)
from visavis.cli._output import Output, decimals, exit_code, percent, photo_line, short, significant
from visavis.cli._sources import PhotosOrFolders, photos_of

if TYPE_CHECKING:
    from visavis.compare import Calibration
    from visavis.types import Face, Floats, Lookalike, Photo, PhotoFaces

TOP = 10
STRIP_SIDE = 200
CROP_MARGIN = 0.3
PICTURES = (".jpg", ".jpeg", ".png", ".webp")


def similar(  # noqa: PLR0913 - a command's options
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="Whom to look for; - is standard input.")],
    sources: PhotosOrFolders,
    *,
    top: Annotated[int, typer.Option("--top", min=1, metavar="K", help="Look-alikes to tell of.")] = TOP,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.jpg",
            dir_okay=False,
            help="Write a strip of pictures: the face and who is like it.",
        ),
    ] = None,
    model: ModelName = MODEL,
    views: Views = None,
    precision: PrecisionName = None,
    detector: DetectorName = DETECTOR,
    min_face: MinFace = 20,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Rank the look-alikes of a face.

    Photos are ranked by how much a face in them is like the largest face of PHOTO, which is passed over itself.
    There is no threshold: look-alikes are mostly other people.
    """
    if out:
        writable_file(out, endings=PICTURES)
    from visavis import compare
    from visavis.lookalikes import best, nearest_face, probe
    from visavis.pipeline import Recognizer

    photos = photos_of(sources)
    recognizer = Recognizer(
        detector=detector, embedder=model_id(model, views=views, precision=precision), threads=threads
    )
    vector, own, face = probe(recognizer, photo, min_face=min_face)
    found: list[Lookalike] = []
    skipped: list[PhotoFaces] = []
    with Output("rank", "photo", "face", "box", "distance", "probability", json=json) as output:
        for one in output.progress(recognizer.represent(photos, min_face=min_face), len(photos)):
            if one.photo and one.photo.sha256 == own.sha256:
                continue
            near = nearest_face(vector, one)
            if near:
                found.append(near)
            else:
                skipped.append(one)
        found = best(found, top=top)
        table = compare.calibration(recognizer.model)
        for rank, like in enumerate(found, 1):
            output.answer(*_similar(rank, like, table))
        for one in skipped:
            output.answer(photo_line(one, []), ["-", one.name, "-", one.message, "", ""])
    if out:
        _save_strip(out, own, face, found)
    raise typer.Exit(exit_code([*(one.status for one in skipped), *("ok" for _ in found)], yes=bool(found)))


def _similar(rank: int, like: Lookalike, table: Calibration | None) -> tuple[dict[str, object], list[str]]:
    probability = table.probability(like.distance) if table else None
    line = {
        "rank": rank,
        "photo": like.photo,
        "face": like.number,
        "box": decimals(like.box),
        "distance": significant(like.distance),
        "probability": significant(probability),
        "quality": significant(like.quality),
    }
    return line, [str(rank), like.photo, str(like.number), _whole(like.box), short(like.distance), percent(probability)]


def _whole(box: Floats) -> str:
    return " ".join(f"{side:.0f}" for side in box)


def _save_strip(out: Path, own: Photo, face: Face, found: list[Lookalike]) -> None:
    """Write the face and its look-alikes in one row, the distance and the name of the file under each."""
    from visavis import images
    from visavis.align import square_crops
    from visavis.draw import contact_sheet
    from visavis.types import Face

    pictures, captions = [(own.pixels, face)], [f"{Path(own.name).name}\n"]
    for like in found:
        pictures.append((images.read(Path(like.photo)).pixels, Face(like.box, 1.0, face.landmarks)))
        captions.append(f"{like.distance:.4f}\n{Path(like.photo).name}")
    crops = [square_crops(pixels, [one], size=STRIP_SIDE, margin=CROP_MARGIN)[0] for pixels, one in pictures]
    sheet = contact_sheet(crops, captions, width=STRIP_SIDE * len(crops), columns=len(crops))
    images.save(sheet, out)
