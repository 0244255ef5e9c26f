"""Crops by boxes alone, as for the classic networks: no landmarks, no turning. Black outside the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis import align
from visavis.types import RGB, Face, Floats


def boxes_of(faces: Sequence[Face]) -> Floats:
    """Return the boxes ``(n, 4)``."""
    return np.array([face.box for face in faces], np.float32).reshape(-1, 4)


def clip_boxes(boxes: Floats, picture: RGB) -> Floats:
    """Return boxes cut off at the picture's edges and at whole pixels, never smaller than one."""
    height, width = picture.shape[:2]
    low = np.floor(np.clip(boxes[:, :2], 0, (width - 1, height - 1)))
    high = np.maximum(np.floor(np.clip(boxes[:, 2:], 0, (width, height))), low + 1)
    return np.concatenate([low, high], axis=1).astype(np.float32)


def stretched_boxes(picture: RGB, faces: Sequence[Face], *, size: int) -> RGB:
    """Return crops ``(n, size, size, 3)`` of the boxes, cut off at the picture's edges and at whole pixels."""
    return stretched(picture, clip_boxes(boxes_of(faces), picture), size=size)


def middles(boxes: Floats, *, part: float) -> Floats:
    """Return squares about the middles of boxes, with sides ``part`` of the shorter sides of the boxes."""
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    half = sides.min(axis=1, keepdims=True) * part / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def stretched(picture: RGB, boxes: Floats, *, size: int) -> RGB:
    """Return crops ``(n, size, size, 3)``: each box stretched to the square."""
    scale = size / np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    matrices = np.zeros((len(boxes), 2, 3), np.float32)
    matrices[:, 0, 0], matrices[:, 1, 1] = scale.T
    # Pixel centers: the middle of the crop's first pixel lies half a crop pixel inside the corner.
    matrices[:, :, 2] = -boxes[:, :2] * scale + 0.5 * scale - 0.5
    return align.warp(picture, matrices, size=size)
