"""similar: rank the look-alikes of a face."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis._show import percent
from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._files import PICTURES, writable_file
from visavis.cli._galleries import open_gallery
from visavis.cli._networks import OF_GALLERY, Networks, takes
from visavis.cli._options import INDEX, Csv, GalleryIndex, Json
from visavis.cli._output import Output, decimals, exit_code, iso_time, note, photo_line, short
from visavis.cli._sources import Exclude, GalleryInstead, PhotosOrGallery, check_one_photo, check_sources, photos_of
from visavis.cli._table import Row
from visavis.errors import ImageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.compare import Calibration
    from visavis.gallery import Gallery
    from visavis.types import Face, Floats, Lookalike, Photo, PhotoFaces

COLUMNS = ("rank", "photo", "face", "box", "distance", "probability")
SIMILAR_CSV = (
    *("rank", "photo", "status", "captured", "face", *BOX_COLUMNS, "distance", "probability", "quality"),
    *("template_id", "person_id", "name", "notes", "message"),
)
STORED_KEYS = ("template_id", "person_id", "name")
STRIP_SIDE = 200


@takes(OF_GALLERY)
def similar(  # noqa: PLR0913 - a command's options
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="Photo of the probe face; - is standard input.")],
    sources: PhotosOrGallery = None,
    *,
    exclude: Exclude = None,
    gallery: GalleryInstead = None,
    index: GalleryIndex = INDEX,
    top: Annotated[
        int, typer.Option("--top", min=1, metavar="K", help="Number of look-alikes.")
    ] = defaults.TOP_LOOKALIKES,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.jpg",
            dir_okay=False,
            help="Write a strip of pictures: the probe and its look-alikes.",
        ),
    ] = None,
    networks: Networks,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Rank the look-alikes of a face.

    Ranks photos by the distance of their nearest face to the largest face of PHOTO, which is left out itself; with
    --gallery, ranks all faces of the gallery. There is no threshold: look-alikes are mostly other people.
    """
    others = check_sources(sources, gallery)
    check_one_photo(photo, "PHOTO")
    if out:
        writable_file(out, endings=PICTURES)

    columns = COLUMNS if gallery is None else (*COLUMNS, "name")
    with Output(*columns, json=json, csv=SIMILAR_CSV if csv else None) as output:
        if gallery is None:
            photos = photos_of(others, exclude=exclude)
            query, lookalikes, statuses = _rank_photos(photo, photos, networks, output, top=top)
        else:
            store = open_gallery(gallery, networks, index=index)
            query, lookalikes = _rank_gallery(photo, store, output, top=top, min_face=networks.min_face)
            statuses = ["ok" for _ in lookalikes]
    if out:
        _save_strip(out, *query, lookalikes)
    raise typer.Exit(exit_code(statuses, yes=bool(lookalikes)))


def _rank_photos(
    photo: str, photos: list[str], networks: Networks, output: Output, *, top: int
) -> tuple[tuple[Photo, Face], list[Lookalike], list[str]]:
    from visavis import compare
    from visavis.ranking.lookalikes import nearest_face, probe, select_best

    recognizer = networks.recognizer()
    embedding, probe_photo, face = probe(recognizer, photo, min_face=networks.min_face)
    lookalikes: list[Lookalike] = []
    skipped: list[PhotoFaces] = []
    for answer in output.progress(recognizer.represent(photos, min_face=networks.min_face), len(photos)):
        if answer.photo and answer.photo.sha256 == probe_photo.sha256:
            continue
        nearest = nearest_face(embedding, answer)
        if nearest:
            lookalikes.append(nearest)
        else:
            skipped.append(answer)
    table, compared = compare.calibration(recognizer.model), len(lookalikes)
    lookalikes = select_best(lookalikes, top=top)
    for rank, lookalike in enumerate(lookalikes, 1):
        output.answer(*_make_answer(rank, lookalike, table, compared))
    for answer in skipped:
        output.answer(photo_line(answer, []), Row(["-", answer.name], answer.message))
    return (probe_photo, face), lookalikes, [*(answer.status for answer in skipped), *("ok" for _ in lookalikes)]


def _rank_gallery(
    photo: str, opening: AbstractContextManager[Gallery], output: Output, *, top: int, min_face: float
) -> tuple[tuple[Photo, Face], list[Lookalike]]:
    """Rank the faces of a gallery with its own model; leave out faces of the probe's own photo."""
    from visavis.ranking.lookalikes import probe

    with opening as store:
        embedding, probe_photo, face = probe(store.recognizer, photo, min_face=min_face)
        (lookalikes,) = store.lookalikes(embedding[None], top=top, besides=probe_photo.sha256)
        table, stats = store.calibration, store.stats()
    for rank, lookalike in enumerate(lookalikes, 1):
        line, row = _make_answer(rank, lookalike, table, stats.templates + stats.unassigned)
        output.answer(line, [*row, lookalike.name or "-"])
    return (probe_photo, face), lookalikes


def _make_answer(
    rank: int, lookalike: Lookalike, table: Calibration | None, compared: int
) -> tuple[dict[str, object], list[str]]:
    """Return the JSON line and the table row of a look-alike; ``compared`` is the number of faces searched.

    A face of a photo has its number in the photo, a face of a gallery its template, person and name.
    """
    probability = table.search_probabilities([lookalike.distance], compared)[0] if table else None
    fields = lookalike.to_dict()
    stored = lookalike.template_id is not None
    line = {
        "rank": rank,
        "photo": lookalike.photo,
        "captured": iso_time(lookalike.captured),
        **({} if stored else {"face": lookalike.number}),
        "box": None if lookalike.box is None else decimals(lookalike.box),
        "distance": significant(lookalike.distance),
        "probability": significant(probability),
        "quality": significant(lookalike.quality),
        **{key: fields[key] for key in STORED_KEYS if stored},
    }
    row = [
        str(rank),
        lookalike.photo,
        f"#{lookalike.template_id}" if stored else str(lookalike.number),
        _format_box(lookalike.box),
        short(lookalike.distance),
        percent(probability),
    ]
    return line, row


def _format_box(box: Floats | None) -> str:
    return "-" if box is None else " ".join(f"{side:.0f}" for side in box)


def _save_strip(out: Path, probe_photo: Photo, face: Face, lookalikes: list[Lookalike]) -> None:
    """Write the probe and its look-alikes in one row, with distance and file name below each.

    Leave out, with a note, a look-alike whose photo cannot be read again or was replaced, or whose box is not known.
    """
    from visavis import images
    from visavis.align import square_crops
    from visavis.draw import contact_sheet
    from visavis.types import Face

    pictures, captions = [(probe_photo.pixels, face)], [f"{Path(probe_photo.name).name}\n"]
    for lookalike in lookalikes:
        try:
            photo = images.read_again(lookalike.photo, lookalike.sha256)
        except ImageError as error:
            note(f"{str(error).removesuffix('.')}: it is left out of the strip.")
            continue
        if lookalike.box is None:
            note(f"{lookalike.photo}: the place of the face was not stored: it is left out of the strip.")
            continue
        pictures.append((photo.pixels, Face(lookalike.box, 1.0, face.landmarks)))
        captions.append(f"{lookalike.distance:.4f}\n{Path(lookalike.photo).name}")
    crops = [
        square_crops(pixels, [box_face], size=STRIP_SIDE, margin=defaults.CROP_MARGIN)[0]
        for pixels, box_face in pictures
    ]
    sheet = contact_sheet(crops, captions, width=STRIP_SIDE * len(crops), columns=len(crops))
    images.save(sheet, out)
