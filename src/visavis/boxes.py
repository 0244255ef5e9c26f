"""Compute overlap and suppression of boxes ``(n, 4)`` x1, y1, x2, y2, by pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats

SAME_FACE = 0.5
"""Least intersection over union at which two boxes of one photo are the same face."""
CHUNK = 256
"""Number of boxes per step: bounds the overlap matrices to (kept + CHUNK) x CHUNK."""


def overlaps(a: Floats, b: Floats, *, of_smaller: bool = False) -> Floats:
    """Return the intersection over union ``(n, m)``, or over the smaller area; 0 where both are empty."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.T[:, :, None], b.T[:, None, :]
    shared = np.minimum(ax2, bx2)
    shared -= np.maximum(ax1, bx1)
    height = np.minimum(ay2, by2)
    height -= np.maximum(ay1, by1)
    # In place: these matrices are large, and allocating another takes most of the time.
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
    """Return the indices that greedy non-maximum suppression keeps, best score first.

    A box is removed if it overlaps a better kept box of its group by more than ``limit``. Equal scores keep their
    order.
    """
    order = np.argsort(-scores, kind="stable")
    if groups is None:
        return order[_select_kept(boxes[order], limit, of_smaller)]
    ordered = groups[order]
    # Not np.unique: its first call imports numpy.ma, 30 ms of every process.
    members = [np.flatnonzero(ordered == group) for group in sorted(set(groups.tolist()))]
    kept = [rows[_select_kept(boxes[order[rows]], limit, of_smaller)] for rows in members]
    return order[np.sort(np.concatenate(kept))] if kept else order


def thin_cells(cells: NDArray[np.integer], scores: Floats, groups: NDArray[np.integer]) -> NDArray[np.intp]:
    """Keep the best of adjacent cells; return the indices kept, best score first.

    ``cells`` are whole numbers ``(n, 2)``, column and row. The result is that of :func:`suppress` if exactly the eight
    neighbors of a cell in its group overlap it by more than the limit. Equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    better, worse = _pair_neighbors(cells, groups, rank)
    alive = np.ones(len(order), bool)
    while len(better):
        decided = alive.copy()
        decided[worse] = False  # the cells that stay True have no better neighbor left
        alive[worse[decided[better]]] = False
        undecided = ~decided[better] & alive[better] & alive[worse]
        better, worse = better[undecided], worse[undecided]
    return order[alive[order]]


def _pair_neighbors(
    cells: NDArray[np.integer], groups: NDArray[np.integer], rank: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return all pairs of neighbors in one group, the cell of lower rank first."""
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


def _select_kept(boxes: Floats, limit: float, of_smaller: bool) -> NDArray[np.intp]:
    """Return the indices of the boxes (best first) that no better kept box covers."""
    kept = np.empty(0, np.intp)
    for start in range(0, len(boxes), CHUNK):
        chunk = np.arange(start, min(start + CHUNK, len(boxes)))
        if start:
            worst = overlaps(boxes[kept], boxes[chunk], of_smaller=of_smaller).max(axis=0)
            chunk = chunk[worst <= limit]
        covers = overlaps(boxes[chunk], boxes[chunk], of_smaller=of_smaller) > limit
        kept = np.concatenate([kept, chunk[_suppress_chunk(covers)]])
    return kept


def _suppress_chunk(covers: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the indices that are kept; ``covers[i, j]`` means that i, if kept, removes a later j."""
    alive = np.ones(len(covers), bool)
    for i in np.flatnonzero(covers.sum(axis=1) > 1):  # boxes that overlap only themselves remove nothing
        if alive[i]:
            alive[i + 1 :] &= ~covers[i, i + 1 :]
    return np.flatnonzero(alive)


def shift_edges(boxes: Floats, offsets: Floats) -> Floats:
    """Shift each edge by its offset, in units of the width and height of the box."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    result: Floats = boxes + offsets * sides
    return result


def make_squares(boxes: Floats) -> Floats:
    """Return squares around the same centers, with the longer sides."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2
    return np.concatenate([center - half, center + half], axis=1)
