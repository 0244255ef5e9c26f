"""detect, extract, embed: what is in each photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._csv import BOX_COLUMNS, LANDMARK_COLUMNS
from visavis.cli._files import PictureFolder, writable_file
from visavis.cli._networks import DETECTING, EMBEDDING, Networks, takes
from visavis.cli._options import Csv, Json, Photos, Pictures
from visavis.cli._output import Output, box_text, decimals, exit_code, photo_line, short, significant
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row

if TYPE_CHECKING:
    from visavis.types import Face, PhotoFaces

CROP_SIZE = 224
CROP_MARGIN = 0.3

DETECT_COLUMNS = ("photo", "size", "face", "box", "score", "quality")
QUALITY_PARTS = (
    *("size", "sharpness", "clarity", "pose", "exposure", "detection", "visible", "compression", "proportions"),
    "brightness",
)
DETECT_CSV = (
    *("photo", "status", "captured", "width", "height", "face", *BOX_COLUMNS, "score", *LANDMARK_COLUMNS, "quality"),
    *(f"quality_parts.{part}" for part in QUALITY_PARTS),
    *("notes", "message"),
)
EMBED_CSV = ("photo", "status", "captured", "face", *BOX_COLUMNS, "score", "row", "notes", "message")


@takes(DETECTING)
def detect(
    sources: Photos,
    *,
    exclude: Exclude = None,
    networks: Networks,
    out: Pictures = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Find the faces in photos: boxes, scores, landmarks, quality.

    Exits 1 where there is not one face in all the photos.
    """
    photos = expand_folders(sources, exclude=exclude)
    folder = PictureFolder(out) if out else None
    found = networks.recognizer().detect(photos, min_face=networks.min_face)
    statuses = []
    with Output(*DETECT_COLUMNS, json=json, csv=DETECT_CSV if csv else None) as output:
        for one in output.progress(found, len(photos)):
            statuses.append(one.status)
            if folder:
                _save_annotated(folder, one)
            output.answer(_detect_line(one), *_detect_rows(one))
    raise typer.Exit(exit_code(statuses, yes="ok" in statuses))


@takes(DETECTING)
def extract(
    sources: Photos,
    *,
    exclude: Exclude = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Folder for the crops.")],
    size: Annotated[int, typer.Option("--size", min=1, metavar="PIXELS", help="Side of a crop.")] = CROP_SIZE,
    margin: Annotated[
        float, typer.Option("--margin", min=0, help="Part of its sides by which the box is extended.")
    ] = CROP_MARGIN,
    networks: Networks,
    json: Json = False,
) -> None:
    """Cut the faces out and write them as PNG files.

    Face 2 of holiday.jpg becomes holiday-2.png. Where another photo's face, or any other file, has that name
    it becomes holiday~2-2.png, and so on: only the same photo's own crops are ever replaced.
    """
    from visavis.align import square_crops

    photos = expand_folders(sources, exclude=exclude)
    folder = PictureFolder(out)
    found = networks.recognizer().detect(photos, min_face=networks.min_face)
    statuses = []
    with Output("photo", "face", "box", "score", "file", json=json) as output:
        for one in output.progress(found, len(photos)):
            statuses.append(one.status)
            files = []
            if one.photo:
                crops = square_crops(one.photo.pixels, one.faces, size=size, margin=margin)
                files = [str(folder.save(crop, one.photo, f"-{n}.png")) for n, crop in enumerate(crops, 1)]
            output.answer(*_face_lines(one, "file", files))
    raise typer.Exit(exit_code(statuses, yes="ok" in statuses))


@takes(EMBEDDING)
def embed(
    sources: Photos,
    *,
    exclude: Exclude = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A .npz or a .parquet file.")],
    networks: Networks,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Turn every face into an embedding and write all to one file.

    A row a face: photo (n,), box (n, 4), score (n,), embedding (n, d). Embeddings have length 1. Those of two
    models cannot be compared.
    """
    from visavis.cli._embeddings import ENDINGS, FaceTable

    photos = expand_folders(sources, exclude=exclude)
    table = FaceTable(writable_file(out, endings=ENDINGS))
    recognizer = networks.recognizer()
    statuses = []
    with Output("photo", "face", "box", "score", "row", json=json, csv=EMBED_CSV if csv else None) as output:
        for one in output.progress(recognizer.represent(photos, min_face=networks.min_face), len(photos)):
            statuses.append(one.status)
            output.answer(*_face_lines(one, "row", table.add(one)))
    code = exit_code(statuses, yes="ok" in statuses)
    if code != 2:
        table.write(dimension=recognizer.embedder.dimension)
    raise typer.Exit(code)


def _detect_line(one: PhotoFaces) -> dict[str, object]:
    size = {"width": one.photo and one.photo.width, "height": one.photo and one.photo.height}
    faces = [
        {
            **_face_line(face),
            "landmarks": [decimals(point) for point in face.landmarks],
            "quality": significant(quality.score),
            "quality_parts": {name: significant(value) for name, value in asdict(quality).items() if name != "score"},
        }
        for face, quality in zip(one.faces, one.quality, strict=True)
    ]
    return photo_line(one, faces, **size)


def _detect_rows(one: PhotoFaces) -> list[Row]:
    size = f"{one.photo.width} x {one.photo.height}" if one.photo else "-"
    if not one.faces:
        return [Row([one.name, size], one.message)]
    return [
        Row([one.name, size, str(n), box_text(face), short(face.score), short(quality.score, ".2f")])
        for n, (face, quality) in enumerate(zip(one.faces, one.quality, strict=True), 1)
    ]


def _face_line(face: Face) -> dict[str, object]:
    return {"box": decimals(face.box), "score": significant(face.score)}


def _face_lines(one: PhotoFaces, key: str, values: Sequence[object]) -> tuple[dict[str, object], *tuple[Row, ...]]:
    """Put an answer in both its forms, with one more value a face."""
    faces = list(zip(one.faces, values, strict=True))
    line = photo_line(one, [{**_face_line(face), key: value} for face, value in faces])
    rows = [
        Row([one.name, str(n), box_text(face), short(face.score), str(value)])
        for n, (face, value) in enumerate(faces, 1)
    ]
    return line, *(rows or [Row([one.name], one.message)])


def _save_annotated(folder: PictureFolder, one: PhotoFaces) -> None:
    from visavis.draw import annotate

    if one.photo:
        labels = [f"{n}: {face.score:.3f}" for n, face in enumerate(one.faces, 1)]
        folder.save(annotate(one.photo.pixels, one.faces, labels), one.photo, "-faces.jpg")
