"""Geometry of boxes ``(n, 4)`` x1, y1, x2, y2: overlap and suppression. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats

CHUNK = 512
"""Boxes decided at a time: bounds the overlap matrices to (kept + CHUNK) x CHUNK."""


def overlaps(a: Floats, b: Floats, *, of_smaller: bool = False) -> Floats:
    """Intersection over union ``(n, m)``, or over the smaller area; 0 where both are empty."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    area_a, area_b = _areas(a)[:, None], _areas(b)[None, :]
    whole = np.minimum(area_a, area_b) if of_smaller else area_a + area_b - shared
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def suppress(
    boxes: Floats,
    scores: Floats,
    *,
    limit: float,
    groups: NDArray[np.integer] | None = None,
    of_smaller: bool = False,
) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: indices kept, best score first.

    A box goes where it overlaps a better kept one of its group by more than ``limit``. Equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    if groups is not None:  # groups are shifted apart, so that boxes of two groups never overlap
        span = float(boxes.max(initial=0) - boxes.min(initial=0)) + 1
        boxes = (boxes.astype(np.float64) + groups[:, None] * span).astype(np.float64)
    kept = order[:0]
    for start in range(0, len(order), CHUNK):
        chunk = order[start : start + CHUNK]
        if len(kept):
            worst = overlaps(boxes[kept], boxes[chunk], of_smaller=of_smaller).max(axis=0)
            chunk = chunk[worst <= limit]
        kept = np.concatenate([kept, chunk[_greedy(overlaps(boxes[chunk], boxes[chunk], of_smaller=of_smaller) > limit)]])
    return kept


def _greedy(covers: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Indices that survive, where ``covers[i, j]`` says that i removes j if i comes first and is kept."""
    alive = np.ones(len(covers), bool)
    for i in np.flatnonzero(covers.sum(axis=1) > 1):  # boxes that overlap none but themselves remove nothing
        if alive[i]:
            alive[i + 1 :] &= ~covers[i, i + 1 :]
    return np.flatnonzero(alive)


def moved(boxes: Floats, offsets: Floats) -> Floats:
    """Shift each edge by its offset, in units of the box's width and height."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    result: Floats = boxes + offsets * sides
    return result


def squared(boxes: Floats) -> Floats:
    """Squares about the centres, as large as the longer sides."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2
    return np.concatenate([centre - half, centre + half], axis=1)
