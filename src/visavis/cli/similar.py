"""similar: look-alikes of a face, ranked."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._files import writable_file
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import INDEX, Csv, GalleryIndex, Json
from visavis.cli._output import Output, decimals, exit_code, iso_time, note, percent, photo_line, short, significant
from visavis.cli._sources import Exclude, GalleryInstead, PhotosOrGallery, check_one_photo, one_of, photos_of
from visavis.cli._table import Row
from visavis.errors import ImageError

if TYPE_CHECKING:
    from visavis.compare import Calibration
    from visavis.gallery import Gallery
    from visavis.types import Face, Floats, Lookalike, Photo, PhotoFaces

COLUMNS = ("rank", "photo", "face", "box", "distance", "probability")
SIMILAR_CSV = (
    *("rank", "photo", "status", "captured", "face", *BOX_COLUMNS, "distance", "probability", "quality"),
    *("template_id", "person_id", "name", "notes", "message"),
)
TOP = 10
STRIP_SIDE = 200
CROP_MARGIN = 0.3
PICTURES = (".jpg", ".jpeg", ".png", ".webp")


@takes(OF_GALLERY)
def similar(  # noqa: PLR0913 - a command's options
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="Whom to look for; - is standard input.")],
    sources: PhotosOrGallery = None,
    *,
    exclude: Exclude = None,
    gallery: GalleryInstead = None,
    index: GalleryIndex = INDEX,
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
    networks: Networks,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Rank the look-alikes of a face.

    Photos are ranked by how much a face in them is like the largest face of PHOTO, which is passed over itself; with
    --gallery the faces of a gallery, named or not. There is no threshold: look-alikes are mostly other people.
    """
    others = one_of(sources, gallery)
    check_one_photo(photo, "PHOTO")
    if out:
        writable_file(out, endings=PICTURES)
    from visavis.cli.people import opened

    columns = COLUMNS if gallery is None else (*COLUMNS, "name")
    with Output(*columns, json=json, csv=SIMILAR_CSV if csv else None) as output:
        if gallery is None:
            photos = photos_of(others, exclude=exclude)
            asked, found, statuses = _in_photos(photo, photos, networks, output, top=top)
        else:
            store = opened(gallery, networks, index=index)
            asked, found = _in_gallery(photo, store, output, top=top, min_face=networks.min_face)
            statuses = ["ok" for _ in found]
    if out:
        _save_strip(out, *asked, found)
    raise typer.Exit(exit_code(statuses, yes=bool(found)))


def _in_photos(
    photo: str, photos: list[str], networks: Networks, output: Output, *, top: int
) -> tuple[tuple[Photo, Face], list[Lookalike], list[str]]:
    from visavis import compare
    from visavis.ranking.lookalikes import best, nearest_face, probe

    recognizer = networks.recognizer()
    embedding, own, face = probe(recognizer, photo, min_face=networks.min_face)
    found: list[Lookalike] = []
    skipped: list[PhotoFaces] = []
    for one in output.progress(recognizer.represent(photos, min_face=networks.min_face), len(photos)):
        if one.photo and one.photo.sha256 == own.sha256:
            continue
        near = nearest_face(embedding, one)
        if near:
            found.append(near)
        else:
            skipped.append(one)
    table, compared = compare.calibration(recognizer.model), len(found)
    found = best(found, top=top)
    for rank, like in enumerate(found, 1):
        output.answer(*_similar(rank, like, table, compared))
    for one in skipped:
        output.answer(photo_line(one, []), Row(["-", one.name], one.message))
    return (own, face), found, [*(one.status for one in skipped), *("ok" for _ in found)]


def _in_gallery(
    photo: str, opening: AbstractContextManager[Gallery], output: Output, *, top: int, min_face: float
) -> tuple[tuple[Photo, Face], list[Lookalike]]:
    """Rank the faces of a gallery, by its own model; those of the very photo are passed over."""
    import numpy as np

    from visavis.ranking.lookalikes import probe
    from visavis.types import Lookalike

    with opening as store:
        embedding, own, face = probe(store.recognizer, photo, min_face=min_face)
        near = store.lookalikes(embedding[None], top=top, besides=own.sha256)[0]
        table, stats = store.calibration, store.stats()
    found = [
        Lookalike(
            one.photo, 0, np.array(one.box or [0] * 4, np.float32), one.distance, one.quality or 0.0, one.photo_sha256
        )
        for one in near
    ]
    for rank, (like, one) in enumerate(zip(found, near, strict=True), 1):
        line, row = _similar(rank, like, table, stats.templates + stats.unnamed)
        whose = {"template_id": one.template_id, "person_id": one.person_id, "name": one.name}
        del line["face"]
        output.answer({**line, **whose}, [*row[:2], f"#{one.template_id}", *row[3:6], one.name or "-"])
    return (own, face), found


def _similar(
    rank: int, like: Lookalike, table: Calibration | None, compared: int
) -> tuple[dict[str, object], list[str]]:
    """Build the line and the row of a look-alike; ``compared`` is the number of faces it was chosen from."""
    probability = table.search_probabilities([like.distance], compared)[0] if table else None
    line = {
        "rank": rank,
        "photo": like.photo,
        "captured": iso_time(like.captured),
        "face": like.number,
        "box": decimals(like.box),
        "distance": significant(like.distance),
        "probability": significant(probability),
        "quality": significant(like.quality),
    }
    row = [str(rank), like.photo, str(like.number), _whole(like.box), short(like.distance), percent(probability)]
    return line, row


def _whole(box: Floats) -> str:
    return " ".join(f"{side:.0f}" for side in box)


def _save_strip(out: Path, own: Photo, face: Face, found: list[Lookalike]) -> None:
    """Write the face and its look-alikes in one row, the distance and the name of the file under each.

    A look-alike whose photo cannot be read again, or is another photo by now, is left out and noted.
    """
    from visavis import images
    from visavis.align import square_crops
    from visavis.draw import contact_sheet
    from visavis.types import Face

    pictures, captions = [(own.pixels, face)], [f"{Path(own.name).name}\n"]
    for like in found:
        try:
            photo = images.read_again(like.photo, like.sha256)
        except ImageError as error:
            note(f"{str(error).removesuffix('.')}: it is left out of the strip.")
            continue
        pictures.append((photo.pixels, Face(like.box, 1.0, face.landmarks)))
        captions.append(f"{like.distance:.4f}\n{Path(like.photo).name}")
    crops = [square_crops(pixels, [one], size=STRIP_SIDE, margin=CROP_MARGIN)[0] for pixels, one in pictures]
    sheet = contact_sheet(crops, captions, width=STRIP_SIDE * len(crops), columns=len(crops))
    images.save(sheet, out)
