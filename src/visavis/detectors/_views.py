"""Cut the views of a picture for a single-shot network: decreasing sizes, large ones cut into overlapping tiles.

Such a network detects faces from a few to a few hundred pixels in one run. So few sizes suffice, a factor ``FACTOR``
apart: in the first, the smallest requested face is as large as the network needs; in the last, so is a face that fills
the picture. At full size such a face is missed, or only a part of it is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from visavis.types import RGB, Floats

SMALLEST = 20
"""Longer side in pixels of the smallest requested face in the first level: at the default ``min_face`` the picture is
not scaled. Of 24 faces of the group photos, scaled to 20 pixels, YuNet finds all at 20 pixels, 18 if shrunk to 16, 7 at
12; SCRFD-500M 24, 24 and 21. Scores of other faces fall too when a picture is shrunk."""
LARGEST_SCALE = 2.0
"""Greatest enlargement: more gives a network nothing new."""
FACTOR = 4
"""Ratio of consecutive levels; each costs a sixteenth of the previous one."""
LAST = 160
"""Longest side of the last level: all networks detect faces that fill it."""
TILE, OVERLAP = 896, 160
"""Longest side of a tile, and pixels shared by neighbors. 896 squared bounds the memory of a run to about 100 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A part of a picture at some scale.

    ``pixels`` are those of the part, ``corner`` (2,) is its place in the level, ``scale`` (2,) the ratio of the level's
    width and height to the picture's. Another view shows more of a face with its center outside ``core`` (x1, y1, x2,
    y2, in pixels of the part), or with a longer side above ``largest``.
    """

    pixels: RGB
    corner: Floats
    scale: Floats
    core: Floats
    largest: float


def fits(picture: RGB, *, min_face: float) -> bool:
    """Return whether one view of each scale shows the whole picture."""
    return bool(max(picture.shape[:2]) * _choose_first_scale(min_face) <= TILE)


def views(picture: RGB, *, min_face: float) -> Iterator[View]:
    """Yield all views of a picture, the largest level first; tiles are parts of their level, not copies."""
    height, width = picture.shape[:2]
    for level in _make_levels(picture, _choose_first_scale(min_face)):
        ratio = np.array((level.shape[1] / width, level.shape[0] / height), np.float32)
        across, down = list(_cut_pieces(level.shape[1])), list(_cut_pieces(level.shape[0]))
        largest = np.inf if len(across) == len(down) == 1 else 2.0 * OVERLAP
        for top, bottom, core_top, core_bottom in down:
            for left, right, core_left, core_right in across:
                corner = np.array((left, top), np.float32)
                core = np.array((core_left, core_top, core_right, core_bottom), np.float32) - np.tile(corner, 2)
                yield View(level[top:bottom, left:right], corner, ratio, core, largest)


def _choose_first_scale(min_face: float) -> float:
    return min(SMALLEST / min_face, LARGEST_SCALE)


def _make_levels(picture: RGB, scale: float) -> Iterator[RGB]:
    level = _scale(picture, scale)
    yield level
    while max(level.shape[:2]) > LAST:
        level = _scale(level, 1 / FACTOR)
        yield level


def _scale(picture: RGB, scale: float) -> RGB:
    """Halve a picture while it stays large enough, then interpolate: OpenCV has vector code for both."""
    from visavis.opencv import cv2

    width, height = (max(1, round(side * scale)) for side in (picture.shape[1], picture.shape[0]))
    while picture.shape[1] >= 2 * width and picture.shape[0] >= 2 * height:
        halves = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, halves, interpolation=cv2.INTER_AREA), np.uint8)
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _cut_pieces(length: int) -> Iterator[tuple[int, int, float, float]]:
    """Yield start and end of pieces of at most ``TILE``, about equally long, and of their cores.

    A core is half the overlap shorter on each side that has a neighbor.
    """
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
