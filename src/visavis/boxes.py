"""Geometry of boxes ``(n, 4)`` x1, y1, x2, y2: overlap and suppression. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats

CHUNK = 256
"""Boxes decided at a time: bounds the overlap matrices to (kept + CHUNK) x CHUNK."""


def overlaps(a: Floats, b: Floats, *, of_smaller: bool = False) -> Floats:
    """Intersection over union ``(n, m)``, or over the smaller area; 0 where both are empty."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.T[:, :, None], b.T[:, None, :]
    shared = np.minimum(ax2, bx2)
    shared -= np.maximum(ax1, bx1)
    height = np.minimum(ay2, by2)
    height -= np.maximum(ay1, by1)
    # In place: these matrices are large, and the memory for another is what costs time.
    shared = np.multiply(np.maximum(shared, 0, out=shared), np.maximum(height, 0, out=height), out=shared)
    areas = (ax2 - ax1) * (ay2 - ay1), (bx2 - bx1) * (by2 - by1)
    whole = np.minimum(*areas) if of_smaller else np.subtract(np.add(*areas, out=height), shared, out=height)
    shared /= np.maximum(whole, np.finfo(np.float32).tiny, out=whole)
    ratios: Floats = shared
    return ratios


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
    if groups is None:
        return order[_kept(boxes[order], limit, of_smaller)]
    ordered = groups[order]
    # Not np.unique: its first call imports numpy.ma, 30 ms of every process.
    members = [np.flatnonzero(ordered == group) for group in sorted(set(groups.tolist()))]
    kept = [some[_kept(boxes[order[some]], limit, of_smaller)] for some in members]
    return order[np.sort(np.concatenate(kept))] if kept else order


def thinned(cells: NDArray[np.integer], scores: Floats, groups: NDArray[np.integer]) -> NDArray[np.intp]:
    """Keep the best of cells side by side: indices kept, best score first.

    ``cells`` are whole numbers ``(n, 2)``, column and row. As :func:`suppress`, greedily, where exactly the eight
    neighbors of a cell in its group overlap it by more than the limit. Equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    better, worse = _neighbors(cells, groups, rank)
    alive = np.ones(len(order), bool)
    while len(better):
        decided = alive.copy()
        decided[worse] = False  # by now no better neighbor is left to those that stay True
        alive[worse[decided[better]]] = False
        still = ~decided[better] & alive[better] & alive[worse]
        better, worse = better[still], worse[still]
    return order[alive[order]]


def _neighbors(
    cells: NDArray[np.integer], groups: NDArray[np.integer], rank: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of neighbors of one group, the one of lower rank first."""
    if not len(cells):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    width, height = (int(side) + 2 for side in cells.max(axis=0))  # a free column and row keep the edges apart
    keys = (groups.astype(np.int64) * height + cells[:, 1]) * width + cells[:, 0]
    order = np.argsort(keys)
    ordered = keys[order]
    pairs = []
    for step in (1, width - 1, width, width + 1):
        at = np.minimum(np.searchsorted(ordered, ordered + step), len(ordered) - 1)
        (hit,) = np.nonzero(ordered[at] == ordered + step)
        pairs.append(np.stack([order[hit], order[at[hit]]]))
    a, b = np.concatenate(pairs, axis=1)
    first = rank[a] < rank[b]
    return np.where(first, a, b), np.where(first, b, a)


def _kept(boxes: Floats, limit: float, of_smaller: bool) -> NDArray[np.intp]:
    """Indices of the boxes (best first) that no better kept one covers."""
    kept = np.empty(0, np.intp)
    for start in range(0, len(boxes), CHUNK):
        chunk = np.arange(start, min(start + CHUNK, len(boxes)))
        if start:
            worst = overlaps(boxes[kept], boxes[chunk], of_smaller=of_smaller).max(axis=0)
            chunk = chunk[worst <= limit]
        covers = overlaps(boxes[chunk], boxes[chunk], of_smaller=of_smaller) > limit
        kept = np.concatenate([kept, chunk[_greedy(covers)]])
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
    """Squares about the centers, as large as the longer sides."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2
    return np.concatenate([center - half, center + half], axis=1)
