"""Find the exact nearest neighbors of each face: the graph that clusters are made from.

Matrix products are computed in square tiles in float32, each used for its rows and its columns. Of a tile only the
edges within the limit are kept, at most the nearest ``count`` of each row, so that memory is bounded for any faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats

Ints = NDArray[np.int64]

TILE = 2048
"""Rows of a tile: its 16 MB of float32 fit in the caches of today's processors."""

MAX_EDGES = 8_000_000
"""Number of edges, 20 bytes each, above which only the nearest of each row are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges from ``rows (m,)`` to ``columns (m,)`` at cosine ``distances (m,)``; sorted by row, then distance."""

    rows: Ints
    columns: Ints
    distances: Floats

    def __len__(self) -> int:
        return len(self.rows)

    def within(self, limit: float) -> Edges:
        """Return the edges up to a distance."""
        return self.select(self.distances <= limit)

    def both_ways(self) -> Edges:
        """Return all edges in both directions, without duplicates."""
        rows = np.concatenate([self.rows, self.columns])
        columns = np.concatenate([self.columns, self.rows])
        distances = np.concatenate([self.distances, self.distances])
        size = int(rows.max(initial=0)) + 1
        _, first = np.unique(rows * size + columns, return_index=True)
        order = first[np.lexsort((columns[first], distances[first], rows[first]))]
        return Edges(rows[order], columns[order], distances[order])

    def select(self, kept: NDArray[np.bool_]) -> Edges:
        """Return the edges of a mask ``(m,)``."""
        return Edges(self.rows[kept], self.columns[kept], self.distances[kept])


NO_EDGES = Edges(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


def neighbors(embeddings: Floats, groups: Ints, *, limit: float, count: int) -> Edges:
    """Find the nearest ``count`` rows within cosine distance ``limit`` of each unit row of ``embeddings (n, d)``.

    Rows of the same group in ``groups (n,)`` are never neighbors.
    """
    parts: list[Edges] = []
    total = 0
    for edges in _search_tiles(embeddings, groups, 1 - limit, count):
        parts.append(edges)
        total += len(edges)
        if total > MAX_EDGES:
            parts = [_keep_nearest(parts, count)]
            total = len(parts[0])
    return _keep_nearest(parts, count)


def _search_tiles(embeddings: Floats, groups: Ints, least: float, count: int) -> Iterator[Edges]:
    """Yield the edges of each tile on or right of the diagonal, with products of ``least`` or more."""
    starts = range(0, len(embeddings), TILE)
    for row in starts:
        for column in starts[row // TILE :]:
            products = embeddings[row : row + TILE] @ embeddings[column : column + TILE].T
            if column == row:
                np.fill_diagonal(products, -np.inf)
            yield from _search_tile(products, row, column, groups, np.float32(least), count)


def _search_tile(
    products: Floats, row: int, column: int, groups: Ints, least: np.float32, count: int
) -> Iterator[Edges]:
    """Yield the edges from the rows of a tile to its columns and, off the diagonal, from its columns to its rows."""
    hits = products >= least
    hit_count = np.count_nonzero(hits)
    if not hit_count:
        return
    if hit_count > count * min(products.shape):
        for side, first, second in ((products, row, column), (products.T, column, row))[: 1 + (column != row)]:
            own, others = groups[first : first + len(side)], groups[second : second + side.shape[1]]
            marked = (side >= least) & _mark_best(side, own, others, count)
            yield _make_edges(side, marked, first, second, groups)
        return
    edges = _make_edges(products, hits, row, column, groups)
    yield edges
    if column != row:
        yield Edges(edges.columns, edges.rows, edges.distances)


def _make_edges(products: Floats, marked: NDArray[np.bool_], row: int, column: int, groups: Ints) -> Edges:
    """Return the edges where a tile is marked, except those within a group."""
    places = np.flatnonzero(marked)
    rows, columns = np.divmod(places, products.shape[1])
    distances = np.maximum(1 - products[rows, columns], 0)
    rows, columns = rows + row, columns + column
    return Edges(rows, columns, distances).select(groups[rows] != groups[columns])


def _mark_best(products: Floats, own: Ints, others: Ints, count: int) -> NDArray[np.bool_]:
    """Mark the ``count`` highest products of each row, those of the row's own group last."""
    if products.shape[1] <= count:
        return np.ones(products.shape, np.bool_)
    ranked = np.where(own[:, None] == others, np.float32(-np.inf), products)
    best = np.argpartition(ranked, -count, axis=1)[:, -count:]
    marked = np.zeros(products.shape, np.bool_)
    np.put_along_axis(marked, best, np.bool_(True), axis=1)
    return marked


def _keep_nearest(parts: list[Edges], count: int) -> Edges:
    """Sort edges by row, distance and column, and keep the first ``count`` of each row."""
    if not parts:
        return NO_EDGES
    rows = np.concatenate([part.rows for part in parts])
    columns = np.concatenate([part.columns for part in parts])
    distances = np.concatenate([part.distances for part in parts])
    order = np.lexsort((columns, distances, rows))
    rows = rows[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    order, rows = order[place < count], rows[place < count]
    return Edges(rows, columns[order], distances[order])
