"""Scale a picture to decreasing sizes, so that a network of fixed input size finds large and small faces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from visavis.types import RGB, Floats

FACTOR = 0.709
"""Ratio of consecutive levels: about the square root of one half, as in the authors' code."""
DETAIL = 1.6
"""Least pixels of the source per pixel of a crop, chosen for agreement with facenet-pytorch, which averages areas."""
OUTSIDE = (127, 127, 127)
"""RGB of a crop beyond the edge of the picture: the middle of the range, which the networks take as 0, like the padding
of their own layers. Landmarks of 240 faces cut beside an eye err by .035 of the eye distance (median); with repeated
pixels of the edge by .064, with mirrored ones by .059. Black, the authors' choice, gives .055 for faces cut below the
mouth, where gray gives .032."""
MAX_CROPS = 512
"""Crops per call of OpenCV, which takes 32,767 rows at most: 682 crops of 48 pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A picture at one size; ``scale`` is its width and height divided by those of the original picture."""

    pixels: RGB
    scale: Floats

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return int(self.pixels.shape[0])


def scales(width: int, height: int, *, cell: int, min_face: float) -> Iterator[float]:
    """Yield scales at which faces of ``min_face`` pixels and more have ``cell`` pixels, as long as a cell fits."""
    scale = cell / min_face
    while min(width, height) * scale >= cell:
        yield scale
        scale *= FACTOR


def levels(picture: RGB, *, cell: int, min_face: float) -> list[Level]:
    """Return the picture at these scales, the largest first, each made from the previous level."""
    height, width = picture.shape[:2]
    result: list[Level] = []
    source = picture
    for scale in scales(width, height, cell=cell, min_face=min_face):
        source = _resize(source, max(cell, round(width * scale)), max(cell, round(height * scale)))
        ratio = (source.shape[1] / width, source.shape[0] / height)
        result.append(Level(source, np.array(ratio, np.float32)))
    return result


def _resize(picture: RGB, width: int, height: int) -> RGB:
    """Halve a picture while it stays large enough, then interpolate.

    OpenCV has vector code for both, but not for exact area weights, which take six times as long.
    """
    from visavis.opencv import cv2

    while picture.shape[1] >= 2 * width and picture.shape[0] >= 2 * height:
        halves = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, halves, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def sample(pyramid: Sequence[Level], boxes: Floats, *, size: int) -> RGB:
    """Return crops ``(n, size, size, 3)`` of boxes in picture coordinates, cut at whole pixels.

    A crop shows the whole box, with ``OUTSIDE`` beyond the edge of the picture, so that places in the crop are places
    in the box. Clipping the box and stretching the rest, as facenet-pytorch does, moves landmarks outwards by half the
    distance of the eyes.

    Crops are interpolated from the smallest level in which the box has ``DETAIL * size`` pixels (``pyramid`` is sorted,
    largest level first). The crops of one level take one call, so sort the boxes by size.
    """
    corners = np.floor(boxes).astype(np.float32)
    sides = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0), 1)
    # A margin of a thousandth: a box with exactly enough pixels in a level must not move to the next by rounding.
    rising = np.array([level.scale.min() for level in pyramid][::-1]) * 1.001
    chosen = np.maximum(len(pyramid) - 1 - np.searchsorted(rising, DETAIL * size / sides), 0)
    crops = np.empty((len(boxes), size, size, 3), np.uint8)
    for number in set(chosen.tolist()):
        (members,) = np.nonzero(chosen == number)
        for start in range(0, len(members), MAX_CROPS):
            chunk = members[start : start + MAX_CROPS]
            crops[chunk] = _sample_level(pyramid[number], corners[chunk], size)
    return crops


def _sample_level(level: Level, boxes: Floats, size: int) -> RGB:
    from visavis.opencv import cv2

    corner = boxes[:, :2] * level.scale
    step = (boxes[:, 2:] - boxes[:, :2]) * level.scale / size
    # Pixel centers of the crops, in pixel centers of the level: (n, 2, size).
    centers = (corner[:, :, None] + step[:, :, None] * (np.arange(size, dtype=np.float32) + 0.5) - 0.5).astype(
        np.float32
    )
    shape = (len(boxes), size, size)
    across = np.broadcast_to(centers[:, 0, None, :], shape).reshape(-1, size)
    down = np.broadcast_to(centers[:, 1, :, None], shape).reshape(-1, size)
    crops = cv2.remap(level.pixels, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=OUTSIDE)
    return np.asarray(crops, np.uint8).reshape(len(boxes), size, size, 3)
