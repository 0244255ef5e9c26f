"""detect, extract, embed: find, crop and embed the faces of photos."""

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
    """Detect faces in photos: boxes, scores, landmarks, quality.

    Exits 1 if no photo has a face.
    """
    photos = expand_folders(sources, exclude=exclude)
    folder = PictureFolder(out) if out else None
    answers = networks.recognizer().detect(photos, min_face=networks.min_face)
    statuses = []
    with Output(*DETECT_COLUMNS, json=json, csv=DETECT_CSV if csv else None) as output:
        for photo in output.progress(answers, len(photos)):
            statuses.append(photo.status)
            if folder:
                _save_annotated(folder, photo)
            output.answer(_make_detect_line(photo), *_make_detect_rows(photo))
    raise typer.Exit(exit_code(statuses, yes="ok" in statuses))


@takes(DETECTING)
def extract(
    sources: Photos,
    *,
    exclude: Exclude = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Folder for the crops.")],
    size: Annotated[int, typer.Option("--size", min=1, metavar="PIXELS", help="Side of a crop.")] = CROP_SIZE,
    margin: Annotated[
        float, typer.Option("--margin", min=0, help="Margin around the box, as a share of its sides.")
    ] = CROP_MARGIN,
    networks: Networks,
    json: Json = False,
) -> None:
    """Crop the faces and write them as PNG files.

    Face 2 of holiday.jpg becomes holiday-2.png. If a face of another photo, or any other file, has that name, it
    becomes holiday~2-2.png, and so on: only crops of the same photo are replaced.
    """
    from visavis.align import square_crops

    photos = expand_folders(sources, exclude=exclude)
    folder = PictureFolder(out)
    answers = networks.recognizer().detect(photos, min_face=networks.min_face)
    statuses = []
    with Output("photo", "face", "box", "score", "file", json=json) as output:
        for photo in output.progress(answers, len(photos)):
            statuses.append(photo.status)
            files = []
            if photo.photo:
                crops = square_crops(photo.photo.pixels, photo.faces, size=size, margin=margin)
                files = [str(folder.save(crop, photo.photo, f"-{n}.png")) for n, crop in enumerate(crops, 1)]
            output.answer(*_make_face_lines(photo, "file", files))
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
    """Compute embeddings of all faces and write them to one file.

    Writes one row per face: photo (n,), box (n, 4), score (n,), embedding (n, d). Embeddings have length 1; embeddings
    of two models cannot be compared.
    """
    from visavis.cli._embeddings import ENDINGS, FaceTable

    photos = expand_folders(sources, exclude=exclude)
    table = FaceTable(writable_file(out, endings=ENDINGS))
    recognizer = networks.recognizer()
    statuses = []
    with Output("photo", "face", "box", "score", "row", json=json, csv=EMBED_CSV if csv else None) as output:
        for photo in output.progress(recognizer.represent(photos, min_face=networks.min_face), len(photos)):
            statuses.append(photo.status)
            output.answer(*_make_face_lines(photo, "row", table.add(photo)))
    code = exit_code(statuses, yes="ok" in statuses)
    if code != 2:
        table.write(dimension=recognizer.embedder.dimension)
    raise typer.Exit(code)


def _make_detect_line(photo: PhotoFaces) -> dict[str, object]:
    size = {"width": photo.photo and photo.photo.width, "height": photo.photo and photo.photo.height}
    faces = [
        {
            **_make_face_line(face),
            "landmarks": [decimals(point) for point in face.landmarks],
            "quality": significant(quality.score),
            "quality_parts": {name: significant(value) for name, value in asdict(quality).items() if name != "score"},
        }
        for face, quality in zip(photo.faces, photo.quality, strict=True)
    ]
    return photo_line(photo, faces, **size)


def _make_detect_rows(photo: PhotoFaces) -> list[Row]:
    size = f"{photo.photo.width} x {photo.photo.height}" if photo.photo else "-"
    if not photo.faces:
        return [Row([photo.name, size], photo.message)]
    return [
        Row([photo.name, size, str(n), box_text(face), short(face.score), short(quality.score, ".2f")])
        for n, (face, quality) in enumerate(zip(photo.faces, photo.quality, strict=True), 1)
    ]


def _make_face_line(face: Face) -> dict[str, object]:
    return {"box": decimals(face.box), "score": significant(face.score)}


def _make_face_lines(
    photo: PhotoFaces, key: str, values: Sequence[object]
) -> tuple[dict[str, object], *tuple[Row, ...]]:
    """Return the JSON line and the table rows of a photo, with one more value per face."""
    faces = list(zip(photo.faces, values, strict=True))
    line = photo_line(photo, [{**_make_face_line(face), key: value} for face, value in faces])
    rows = [
        Row([photo.name, str(n), box_text(face), short(face.score), str(value)])
        for n, (face, value) in enumerate(faces, 1)
    ]
    return line, *(rows or [Row([photo.name], photo.message)])


def _save_annotated(folder: PictureFolder, photo: PhotoFaces) -> None:
    from visavis.draw import annotate

    if photo.photo:
        labels = [f"{n}: {face.score:.3f}" for n, face in enumerate(photo.faces, 1)]
        folder.save(annotate(photo.photo.pixels, photo.faces, labels), photo.photo, "-faces.jpg")
