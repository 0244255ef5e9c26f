"""Boxes rounded to whole pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def whole_pixels(box: NDArray[np.float32], width: int, height: int) -> tuple[int, int, int, int]:
    """Round a box outwards to whole pixels within a picture of that size: x1, y1, x2, y2, to be used as slices.

    Where the box lies outside the picture, x1 is x2 or y1 is y2: the slice is empty. Use it wherever a picture is
    sliced by a box: the negative start of a box that begins left of the picture or above it would count from the end.
    """
    left, top = (min(max(math.floor(low), 0), size) for low, size in zip(box[:2], (width, height), strict=True))
    right, bottom = (
        min(max(math.ceil(high), first), size)
        for high, first, size in zip(box[2:], (left, top), (width, height), strict=True)
    )
    return left, top, right, bottom
