"""Cut faces out of their photos: files are read again, since photos are not kept in memory while faces are clustered.

The page of clusters has a crop of each face and a small picture of each photo; each file is read once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from visavis import align, defaults, images
from visavis.clustering.types import Faces
from visavis.errors import ImageError
from visavis.types import Face, Photo

CROP_SIDES = (192, 96)
MANY_FACES = 1500
"""Number of faces above which crops have the smaller side."""

PHOTO_SIDES = (240, 1024)
PHOTO_BYTES = 110_000
"""Approximate size of a photo of the larger side on the page."""

ALL_BYTES = 40_000_000
"""Approximate limit for all photos together: to keep it, photos are shrunk, down to the smaller side."""

JPEG_QUALITY = 75


def plain_faces(faces: Faces, rows: Iterable[int]) -> list[Face]:
    """Return faces with boxes but without landmarks, for square crops."""
    return [Face(faces.boxes[row], 1.0, np.zeros((5, 2), np.float32)) for row in rows]


def of_photos(
    faces: Faces, rows: Iterable[int] | None = None, *, skipped: list[str] | None = None
) -> Iterator[tuple[Photo, list[int]]]:
    """Yield the photos of ``rows`` (default: all), each with the rows of its faces.

    The name of a photo is always that of a file: "-" is not standard input here. A photo that cannot be read any more,
    or that has other bytes than when its faces were detected, is left out; a message is appended to ``skipped``.
    """
    by_photo: dict[str, list[int]] = {}
    for row in range(len(faces)) if rows is None else rows:
        by_photo.setdefault(faces.photos[row], []).append(row)
    for name, photo_rows in by_photo.items():
        sha256 = faces.photo_hash(photo_rows[0])
        try:
            photo = images.read_again(file_of(name, sha256), sha256)
        except ImageError as error:
            if skipped is not None:
                skipped.append(str(error))
            continue
        yield photo, photo_rows


def file_of(name: str, sha256: str | None) -> str:
    """Return the path of a photo from its name in ``Faces``.

    Where two photos of a gallery have the same path, the name of one of them is the path and a part of its hash.
    """
    return name if sha256 is None else name.removesuffix(f" {sha256[:12]}")


@dataclass(slots=True)
class PagePictures:
    """Data URLs: crops of faces by row, and photos by name, each with its width and height in pixels."""

    faces: dict[int, str] = field(default_factory=dict)
    photos: dict[str, tuple[str, int, int]] = field(default_factory=dict)


def page_pictures(faces: Faces, *, skipped: list[str] | None = None) -> PagePictures:
    """Crop all faces and shrink their photos.

    A photo that cannot be read any more, or has changed, is left out; a message is appended to ``skipped``.
    """
    pictures = PagePictures()
    size = CROP_SIDES[len(faces) > MANY_FACES]
    longest = photo_side(len(set(faces.photos)))
    for photo, rows in of_photos(faces, skipped=skipped):
        crops = align.square_crops(photo.pixels, plain_faces(faces, rows), size=size, margin=defaults.CROP_MARGIN)
        for row, crop in zip(rows, crops, strict=True):
            pictures.faces[row] = images.data_address(crop, quality=JPEG_QUALITY)
        picture = images.data_address(images.shrink(photo.pixels, longest), quality=JPEG_QUALITY)
        pictures.photos[faces.photos[rows[0]]] = (picture, photo.width, photo.height)
    return pictures


def photo_side(count: int) -> int:
    """Return the longest side in pixels of each of ``count`` photos on the page."""
    smallest, largest = PHOTO_SIDES
    return round(min(max(largest * math.sqrt(ALL_BYTES / (PHOTO_BYTES * max(count, 1))), smallest), largest))
