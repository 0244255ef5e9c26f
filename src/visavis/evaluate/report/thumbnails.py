"""Cut faces out of photos, as pictures within a page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from visavis import align, images
from visavis.errors import ImageError
from visavis.evaluate.data.templates import Templates
from visavis.types import RGB, Face, Floats

SIDE, MARGIN = 112, 0.4
"""Side of a face on a page in pixels, and the margin around its box as a share of the box."""


def thumbnails(templates: Templates, rows: Iterable[int]) -> dict[int, str]:
    """Cut the face of each row out of its photo: a data address by row.

    A row is left out if the photo is missing, unreadable or has no face. Photos are read as files, so "-" is not
    standard input here.
    """
    cut = {row: face_picture(templates.photos[row], templates.boxes[row]) for row in sorted(set(rows))}
    return {row: address for row, address in cut.items() if address is not None}


def face_picture(photo: str, box: Floats) -> str | None:
    """Cut the face with a box ``(4,)`` out of a photo (a path): a data address; None where that is not possible."""
    face = _cut_face(photo, box.astype(np.float32))
    return None if face is None else images.data_address(face)


def _cut_face(photo: str, box: Floats) -> RGB | None:
    if not (box[2] > box[0] and box[3] > box[1]):
        return None
    try:
        picture = images.read(Path(photo)).pixels
    except ImageError:
        return None
    face = Face(box, 1.0, np.zeros((5, 2), np.float32))
    crop: RGB = align.square_crops(picture, [face], size=SIDE, margin=MARGIN)[0]
    return crop
