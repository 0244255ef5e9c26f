"""Faces cut out of their photos again, once their boxes are known: photos are not kept in memory till then.

The page of clusters has a crop of each face and a small picture of each photo; each file is read once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from visavis import align, images
from visavis.errors import ImageError
from visavis.types import RGB, Face, Faces, Photo

CROP_MARGIN = 0.3
CROP_SIDES = (192, 96)
MANY_FACES = 1500
"""More faces than that have crops of the smaller side."""

PHOTO_SIDES = (240, 1024)
PHOTO_BYTES = 110_000
"""About what a photo of the larger side takes on the page."""

ALL_BYTES = 40_000_000
"""About what all photos may take: many of them are made smaller, down to the smaller side."""

JPEG_QUALITY = 75


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


@dataclass(slots=True)
class PagePictures:
    """As data URLs: crops of faces by row, and photos by name, each with its width and height in pixels."""

    faces: dict[int, str] = field(default_factory=dict)
    photos: dict[str, tuple[str, int, int]] = field(default_factory=dict)


def page_pictures(faces: Faces, *, skipped: list[str] | None = None) -> PagePictures:
    """Cut faces out and shrink their photos.

    What cannot be read any more, or is another photo by now, is left out: ``skipped`` takes a sentence for each photo.
    """
    pictures = PagePictures()
    size = CROP_SIDES[len(faces) > MANY_FACES]
    longest = photo_side(len(set(faces.photos)))
    for photo, rows in of_photos(faces, skipped=skipped):
        crops = align.square_crops(photo.pixels, plain_faces(faces, rows), size=size, margin=CROP_MARGIN)
        for row, crop in zip(rows, crops, strict=True):
            pictures.faces[row] = images.data_address(crop, quality=JPEG_QUALITY)
        picture = images.data_address(_shrunk(photo.pixels, longest), quality=JPEG_QUALITY)
        pictures.photos[faces.photos[rows[0]]] = (picture, photo.width, photo.height)
    return pictures


def photo_side(count: int) -> int:
    """Return the longest side in pixels of each of ``count`` photos on the page."""
    smallest, largest = PHOTO_SIDES
    return round(min(max(largest * math.sqrt(ALL_BYTES / (PHOTO_BYTES * max(count, 1))), smallest), largest))


def _shrunk(picture: RGB, longest: int) -> RGB:
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    return np.asarray(image)
