"""Faces cut out of their photos again, once their boxes are known: photos are not kept in memory till then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from visavis import align, images
from visavis.errors import ImageError
from visavis.types import RGB, Face, Faces, Photo


def cut(
    faces: Faces, rows: Iterable[int] | None = None, *, size: int, margin: float, skipped: list[str] | None = None
) -> Iterator[tuple[int, RGB]]:
    """Crop the faces of ``rows`` (default: all), squares of ``size`` pixels, photo by photo: row and crop.

    See :func:`visavis.align.square_crops`. Faces whose photo cannot be read any more, or is another photo by now, are
    left out: ``skipped`` takes a sentence for each such photo.
    """
    for photo, some in of_photos(faces, rows, skipped=skipped):
        crops = align.square_crops(photo.pixels, plain_faces(faces, some), size=size, margin=margin)
        yield from zip(some, crops, strict=True)


def plain_faces(faces: Faces, rows: Iterable[int]) -> list[Face]:
    """Return faces as far as their boxes: to cut by, without landmarks."""
    return [Face(faces.boxes[row], 1.0, np.zeros((5, 2), np.float32)) for row in rows]


def of_photos(
    faces: Faces, rows: Iterable[int] | None = None, *, skipped: list[str] | None = None
) -> Iterator[tuple[Photo, list[int]]]:
    """Read the photos of ``rows`` (default: all) one after the other, each with the rows of its faces.

    The name of a photo is that of a file, whichever: "-" is no standard input here. A photo that cannot be read any
    more, or whose bytes are others than those in which its faces were found, is left out: ``skipped`` takes a sentence.
    """
    by_photo: dict[str, list[int]] = {}
    for row in range(len(faces)) if rows is None else rows:
        by_photo.setdefault(faces.photos[row], []).append(row)
    for name, some in by_photo.items():
        sha256 = faces.photo_hash(some[0])
        try:
            photo = images.read_again(file_of(name, sha256), sha256)
        except ImageError as error:
            if skipped is not None:
                skipped.append(str(error))
            continue
        yield photo, some


def file_of(name: str, sha256: str | None) -> str:
    """Return the path of a photo by its name among faces.

    Where two photos of a gallery are said to lie at one path, one of them is told by its hash after the path.
    """
    return name if sha256 is None else name.removesuffix(f" {sha256[:12]}")
