"""detect: find the faces in photos."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from visavis.cli._csv import BOX_COLUMNS, LANDMARK_COLUMNS
from visavis.cli._face_lines import make_face_line
from visavis.cli._files import PictureFolder
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Csv, Json, Photos, Pictures
from visavis.cli._output import Output, box_text, decimals, exit_code, photo_line, short
from visavis.cli._sources import Exclude, expand_folders
from visavis.cli._table import Row
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.types import PhotoFaces

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


def _make_detect_line(photo: PhotoFaces) -> dict[str, object]:
    size = {"width": photo.photo and photo.photo.width, "height": photo.photo and photo.photo.height}
    faces = [
        {
            **make_face_line(face),
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


def _save_annotated(folder: PictureFolder, photo: PhotoFaces) -> None:
    from visavis.draw import annotate

    if photo.photo:
        labels = [f"{n}: {face.score:.3f}" for n, face in enumerate(photo.faces, 1)]
        folder.save(annotate(photo.photo.pixels, photo.faces, labels), photo.photo, "-faces.jpg")
