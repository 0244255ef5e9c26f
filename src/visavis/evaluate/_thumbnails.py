"""Faces cut from photos, small enough to lie within a page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from visavis import align, images
from visavis.errors import ImageError
from visavis.evaluate.templates import Templates
from visavis.types import RGB, Face

SIDE = 112
MARGIN = 0.4


def thumbnails(templates: Templates, rows: Iterable[int]) -> dict[int, str]:
    """Cut the face of each row out of its photo: a data address by row.

    A row is left out where the photo is gone, unreadable or has no face by now. A photo is read as it was by its
    name, which may be any file's: "-" is no standard input here.
    """
    cut = {row: _face(templates.photos[row], templates.boxes[row].astype(np.float32)) for row in sorted(set(rows))}
    return {row: images.data_address(face) for row, face in cut.items() if face is not None}


def _face(photo: str, box: np.ndarray[tuple[int], np.dtype[np.float32]]) -> RGB | None:
    if not (box[2] > box[0] and box[3] > box[1]):
        return None
    try:
        picture = images.read(Path(photo)).pixels
    except ImageError:
        return None
    face = Face(box, 1.0, np.zeros((5, 2), np.float32))
    crop: RGB = align.square_crops(picture, [face], size=SIDE, margin=MARGIN)[0]
    return crop
