"""Faces cut out of their photos again, once their boxes are known: photos are not kept in memory till then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from visavis import align, images
from visavis.errors import ImageError
from visavis.types import RGB, Face, Faces, Photo


def cut(faces: Faces, rows: Iterable[int] | None = None, *, size: int, margin: float) -> Iterator[tuple[int, RGB]]:
    """Crop the faces of ``rows`` (default: all), squares of ``size`` pixels, photo by photo: row and crop.

    See :func:`visavis.align.square_crops`. A face is left out where its photo cannot be read any more.
    """
    for photo, some in of_photos(faces, rows):
        crops = align.square_crops(photo.pixels, plain_faces(faces, some), size=size, margin=margin)
        yield from zip(some, crops, strict=True)


def plain_faces(faces: Faces, rows: Iterable[int]) -> list[Face]:
    """Return faces as far as their boxes: to cut by, without landmarks."""
    return [Face(faces.boxes[row], 1.0, np.zeros((5, 2), np.float32)) for row in rows]


def of_photos(faces: Faces, rows: Iterable[int] | None = None) -> Iterator[tuple[Photo, list[int]]]:
    """Read the photos of ``rows`` (default: all) one after the other, each with the rows of its faces.

    The name of a photo is that of a file, whichever: "-" is no standard input here.
    """
    by_photo: dict[str, list[int]] = {}
    for row in range(len(faces)) if rows is None else rows:
        by_photo.setdefault(faces.photos[row], []).append(row)
    for name, some in by_photo.items():
        try:
            photo = images.read(Path(name))
        except ImageError:
            continue
        yield photo, some
