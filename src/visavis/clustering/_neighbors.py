"""The graph that clusters are made of: of each face the nearest others, exact.

Matrix products of square tiles in float32, each used for both of its sides. Of a tile only what is within the limit is
kept, and of that the nearest ``count`` a row, so that memory is bounded whatever the faces are like.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats

Ints = NDArray[np.int64]

TILE = 2048
"""Rows of a tile: its 16 MB of float32 stay in the caches of today's processors."""

HELD_EDGES = 8_000_000
"""Edges held before they are thinned to the nearest of each row; 20 bytes each."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges from ``rows (m,)`` to ``columns (m,)`` at cosine ``distances (m,)``; sorted by row, then distance."""

    rows: Ints
    columns: Ints
    distances: Floats

    def __len__(self) -> int:
        return len(self.rows)

    def within(self, limit: float) -> Edges:
        """Return those up to a distance."""
        return self.some(self.distances <= limit)

    def both_ways(self) -> Edges:
        """Return each edge in both directions, once."""
        rows = np.concatenate([self.rows, self.columns])
        columns = np.concatenate([self.columns, self.rows])
        distances = np.concatenate([self.distances, self.distances])
        size = int(rows.max(initial=0)) + 1
        _, first = np.unique(rows * size + columns, return_index=True)
        order = first[np.lexsort((columns[first], distances[first], rows[first]))]
        return Edges(rows[order], columns[order], distances[order])

    def some(self, kept: NDArray[np.bool_]) -> Edges:
        """Return those that are marked ``(m,)``."""
        return Edges(self.rows[kept], self.columns[kept], self.distances[kept])


NONE = Edges(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


def neighbors(embeddings: Floats, groups: Ints, *, limit: float, count: int) -> Edges:
    """Find of each unit row of ``embeddings (n, d)`` the nearest ``count`` others within cosine distance ``limit``.

    Rows of the same group ``groups (n,)`` are no neighbors of each other: no edge may join them.
    """
    held: list[Edges] = []
    kept = 0
    for found in _of_tiles(embeddings, groups, 1 - limit, count):
        held.append(found)
        kept += len(found)
        if kept > HELD_EDGES:
            held = [_nearest(held, count)]
            kept = len(held[0])
    return _nearest(held, count)


def _of_tiles(embeddings: Floats, groups: Ints, least: float, count: int) -> Iterator[Edges]:
    starts = range(0, len(embeddings), TILE)
    for top in starts:
        for left in starts[top // TILE :]:
            products = embeddings[top : top + TILE] @ embeddings[left : left + TILE].T
            if left == top:
                np.fill_diagonal(products, -np.inf)
            yield from _of_tile(products, top, left, groups, np.float32(least), count)


def _of_tile(products: Floats, top: int, left: int, groups: Ints, least: np.float32, count: int) -> Iterator[Edges]:
    """Edges from the rows of a tile to its columns and, but on the diagonal, from these to those."""
    hits = products >= least
    found = np.count_nonzero(hits)
    if not found:
        return
    if found > count * min(products.shape):
        for side, first, second in ((products, top, left), (products.T, left, top))[: 1 + (left != top)]:
            own, others = groups[first : first + len(side)], groups[second : second + side.shape[1]]
            marked = (side >= least) & _best_of_rows(side, own, others, count)
            yield _marked(side, marked, first, second, groups)
        return
    some = _marked(products, hits, top, left, groups)
    yield some
    if left != top:
        yield Edges(some.columns, some.rows, some.distances)


def _marked(products: Floats, marked: NDArray[np.bool_], top: int, left: int, groups: Ints) -> Edges:
    """Edges where a tile is marked, but for those within a group."""
    places = np.flatnonzero(marked)
    rows, columns = np.divmod(places, products.shape[1])
    distances = np.maximum(1 - products[rows, columns], 0)
    rows, columns = rows + top, columns + left
    return Edges(rows, columns, distances).some(groups[rows] != groups[columns])


def _best_of_rows(products: Floats, own: Ints, others: Ints, count: int) -> NDArray[np.bool_]:
    """Mark the ``count`` highest products of each row, other groups' before the own's."""
    if products.shape[1] <= count:
        return np.ones(products.shape, np.bool_)
    ranked = np.where(own[:, None] == others, np.float32(-np.inf), products)
    best = np.argpartition(ranked, -count, axis=1)[:, -count:]
    marked = np.zeros(products.shape, np.bool_)
    np.put_along_axis(marked, best, np.bool_(True), axis=1)
    return marked


def _nearest(some: list[Edges], count: int) -> Edges:
    """Sort edges by row, distance and column, and keep the first ``count`` of each row."""
    if not some:
        return NONE
    rows = np.concatenate([one.rows for one in some])
    columns = np.concatenate([one.columns for one in some])
    distances = np.concatenate([one.distances for one in some])
    order = np.lexsort((columns, distances, rows))
    rows = rows[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    order, rows = order[place < count], rows[place < count]
    return Edges(rows, columns[order], distances[order])
