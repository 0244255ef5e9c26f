"""Exact search: one matrix in memory, one matrix product a search.

The product in float32 only chooses the finalists, with a margin wider than its rounding error; their
distances are then computed in float64, row by row. So the answer does not depend on blocks, batch size or
BLAS, and ties are real.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.gallery.index import INDEXES, NOBODY, Hit, Ids, Origin
from visavis.types import Floats

BLOCK_BYTES = 1 << 27
"""Bound of the matrix of scores (probes x templates, float32) held at a time."""

FIRST_ROWS = 1024
FINAL_ROWS = 16_384
"""Rows whose float64 products are held at a time."""

Column = TypeVar("Column", Floats, Ids)


@INDEXES.register("exact")
class Exact:
    """All vectors in one matrix that doubles when full; removal moves the last rows into the gaps."""

    def __init__(self, *, dimension: int, place: str = "", origin: Origin | None = None) -> None:
        if place:
            raise UsageError(f"the index exact is in memory and takes no place, got {place!r}.")
        self._count = 0
        self._vectors: Floats = np.empty((FIRST_ROWS, dimension), np.float32)
        self._ids: Ids = np.empty(FIRST_ROWS, np.int64)
        self._people: Ids = np.empty(FIRST_ROWS, np.int64)
        # A float32 product of unit vectors errs by less than dimension * 2**-24 (Higham, worst case); twice,
        # since the scores of the last finalist and of a challenger may err in opposite directions.
        self._margin = 2 * (dimension + 1) * 2.0**-24

    def add(self, ids: Ids, people: Ids, vectors: Floats) -> None:
        """Append rows; those whose ids are there are replaced."""
        self.remove(ids)
        end = self._count + len(ids)
        self._grow(end)
        self._ids[self._count : end] = ids
        self._people[self._count : end] = people
        self._vectors[self._count : end] = vectors
        self._count = end

    def remove(self, ids: Ids) -> None:
        """Fill the rows of ``ids`` with the last rows that stay."""
        gone = np.isin(self._ids[: self._count], ids)
        left = self._count - int(gone.sum())
        gaps = np.flatnonzero(gone[:left])
        movers = left + np.flatnonzero(~gone[left:])
        for column in (self._ids, self._people, self._vectors):
            column[gaps] = column[movers]
        self._vectors[left : self._count] = 0  # removed faces do not linger in memory
        self._count = left

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Exact nearest people; see :class:`~visavis.gallery.index.Index`."""
        people = self._people[: self._count]
        allowed = people != NOBODY if among is None else np.isin(people, among) & (people != NOBODY)
        return self._found(probes, top, people, None if allowed.all() else allowed)

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Exact nearest templates."""
        allowed = None if among is None else np.isin(self._people[: self._count], among)
        return self._found(probes, top, self._ids[: self._count], allowed)

    def _found(self, probes: Floats, top: int, by: Ids, allowed: NDArray[np.bool_] | None) -> list[list[Hit]]:
        """Nearest hits of each probe, one for each value of ``by``."""
        if not self._count:
            return [[] for _ in probes]
        answers = []
        for probe, scores in self._scored(probes):
            if allowed is not None:
                scores[~allowed] = -np.inf
            answers.append(self._nearest(probe, scores, top, by))
        return answers

    def entries(self) -> tuple[Ids, Ids]:
        """Template ids and people, as copies."""
        return self._ids[: self._count].copy(), self._people[: self._count].copy()

    def _grow(self, rows: int) -> None:
        if rows <= len(self._ids):
            return
        size = max(rows, 2 * len(self._ids))
        self._ids, self._people = _resized(self._ids, size), _resized(self._people, size)
        self._vectors = _resized(self._vectors, size)

    def _scored(self, probes: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Each probe with its approximate similarities ``(n,)``, computed a block of probes at a time."""
        step = max(1, BLOCK_BYTES // (4 * self._count))
        for start in range(0, len(probes), step):
            block = probes[start : start + step]
            yield from zip(block, block @ self._vectors[: self._count].T, strict=True)

    def _nearest(self, probe: Floats, scores: Floats, top: int, by: Ids) -> list[Hit]:
        rows = np.flatnonzero((scores >= self._bar(scores, top, by) - self._margin) & (scores > -np.inf))
        if not len(rows):
            return []
        distance = self._distances(probe, rows)
        hits: dict[int, Hit] = {}
        for i in np.lexsort((self._ids[rows], by[rows], distance)):
            key = int(by[rows[i]])
            if key not in hits:
                hits[key] = Hit(int(self._people[rows[i]]), int(self._ids[rows[i]]), float(distance[i]))
            if len(hits) == top:
                break
        return list(hits.values())

    def _distances(self, probe: Floats, rows: Ids) -> NDArray[np.float64]:
        """Cosine distances in float64: the same for equal rows, wherever they stand."""
        exact = probe.astype(np.float64)
        parts = [rows[i : i + FINAL_ROWS] for i in range(0, len(rows), FINAL_ROWS)]
        similarity: NDArray[np.float64] = np.concatenate([(self._vectors[p] * exact).sum(axis=1) for p in parts])
        return np.clip(1 - similarity, 0.0, 2.0)

    def _bar(self, scores: Floats, top: int, by: Ids) -> float:
        """Approximate similarity that the ``top``-th best value of ``by`` reaches; -inf where there are fewer."""
        wanted = 4 * top
        while wanted < self._count:
            best = np.argpartition(scores, -wanted)[-wanted:]
            best = best[np.argsort(-scores[best])]
            _, first = np.unique(by[best], return_index=True)
            if len(first) >= top:
                return min(float(scores[best[np.sort(first)[top - 1]]]), 1.0)
            wanted *= 4
        return -np.inf


def _resized(column: Column, rows: int) -> Column:
    result = np.empty((rows, *column.shape[1:]), column.dtype)
    result[: len(column)] = column
    return result
