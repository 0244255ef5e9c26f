"""What a single-shot network looks at: a picture at falling sizes, large ones cut into overlapping tiles.

Such a network sees faces from some pixels to some hundred at once. So few sizes of a picture do, a factor ``FACTOR``
apart: in the first, the smallest face asked for is as large as the network needs it; in the last, so is one that fills
the picture. At full size such a face is not seen, or only a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from visavis.types import RGB, Floats

SMALLEST = 20
"""Longer side in pixels of the smallest face asked for in the first level: with the usual ``min_face`` the picture is
seen as it is. Of 24 faces of the group photos, made 20 pixels large, YuNet finds all at 20 pixels, 18 when they are
shrunk to 16, 7 at 12; SCRFD-500M 24, 24 and 21. Scores of other faces fall too when a picture is shrunk."""
LARGEST_SCALE = 2.0
"""Enlarging further shows a network nothing that it has not seen."""
FACTOR = 4
"""Ratio of neighboring levels; each costs a sixteenth of the one before."""
LAST = 160
"""Longest side of the last level: a face that fills it is of a size that every network knows."""
TILE, OVERLAP = 896, 160
"""Longest side of a tile, and pixels that neighbors share. 896 squared bounds what a run takes: some 100 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A part of a picture at some scale.

    ``pixels`` are those of the part, ``corner`` (2,) is its place in the level, ``scale`` (2,) the level's width and
    height over the picture's. Of a face whose center is not in ``core`` (x1, y1, x2, y2, in pixels of the part), or
    whose longer side exceeds ``largest``, another view shows more.
    """

    pixels: RGB
    corner: Floats
    scale: Floats
    core: Floats
    largest: float


def fits(picture: RGB, *, min_face: float) -> bool:
    """Whether a picture is seen whole in one view of each scale."""
    return bool(max(picture.shape[:2]) * _first_scale(min_face) <= TILE)


def views(picture: RGB, *, min_face: float) -> Iterator[View]:
    """All views of a picture, largest level first; tiles are parts of their level, not copies."""
    height, width = picture.shape[:2]
    for level in _levels(picture, _first_scale(min_face)):
        ratio = np.array((level.shape[1] / width, level.shape[0] / height), np.float32)
        across, down = list(_cuts(level.shape[1])), list(_cuts(level.shape[0]))
        largest = np.inf if len(across) == len(down) == 1 else 2.0 * OVERLAP
        for top, bottom, core_top, core_bottom in down:
            for left, right, core_left, core_right in across:
                corner = np.array((left, top), np.float32)
                core = np.array((core_left, core_top, core_right, core_bottom), np.float32) - np.tile(corner, 2)
                yield View(level[top:bottom, left:right], corner, ratio, core, largest)


def _first_scale(min_face: float) -> float:
    return min(SMALLEST / min_face, LARGEST_SCALE)


def _levels(picture: RGB, scale: float) -> Iterator[RGB]:
    level = _scaled(picture, scale)
    yield level
    while max(level.shape[:2]) > LAST:
        level = _scaled(level, 1 / FACTOR)
        yield level


def _scaled(picture: RGB, scale: float) -> RGB:
    """Halve as long as that is not too small, then interpolate: both are vectorized in OpenCV."""
    import cv2

    width, height = (max(1, round(side * scale)) for side in (picture.shape[1], picture.shape[0]))
    while picture.shape[1] >= 2 * width and picture.shape[0] >= 2 * height:
        halves = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, halves, interpolation=cv2.INTER_AREA), np.uint8)
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _cuts(length: int) -> Iterator[tuple[int, int, float, float]]:
    """Start and end of each piece of at most ``TILE``, about equally long, and of its core: half the overlap less."""
    count = max(1, -(-(length - OVERLAP) // (TILE - OVERLAP)))
    step = -(-(length - OVERLAP) // count)
    for number in range(count):
        start = number * step
        end = length if number == count - 1 else start + step + OVERLAP
        yield (
            start,
            end,
            start + OVERLAP / 2 if number else -np.inf,
            end - OVERLAP / 2 if number < count - 1 else np.inf,
        )
