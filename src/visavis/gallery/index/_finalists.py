"""The rows that may still be among the nearest, for several probes at once, during a pass over the blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Ids
from visavis.gallery.index._codes import CandidateRows
from visavis.types import Doubles

FINAL_ROWS = 2048
"""Rows with float64 products in memory at a time."""
MANY = 1 << 16
SLIP = 1e-12
"""More than the largest error of a float64 product of unit vectors."""

Embeddings = Callable[[Ids], NDArray[np.float32]]


class Finalists:
    """Rows with the bounds of their similarity to a probe, and the ``bars (m,)`` that rows must reach.

    A bar is a similarity that ``top`` owners reach (people, or the templates themselves), -inf until as many do.
    """

    def __init__(self, probes: Doubles, top: int, embeddings: Embeddings) -> None:
        self.bars: Doubles = np.full(len(probes), -np.inf)
        self._probes, self._top, self._embeddings = probes, top, embeddings
        self.probe: NDArray[np.intp] = np.empty(0, np.intp)
        self.row: Ids = np.empty(0, np.int64)
        self.owner: Ids = np.empty(0, np.int64)
        self._similarity: Doubles = np.empty(0)
        self._slack: Doubles = np.empty(0)
        self._waiting: list[tuple[CandidateRows, Ids]] = []

    def take(self, candidates: CandidateRows, owner: Ids) -> None:
        """Add rows, with their owners ``(n,)``."""
        if len(candidates.row):
            self._waiting.append((candidates, owner))

    def tighten(self) -> None:
        """Raise the bars by the rows added, and drop the rows below them."""
        self._merge_waiting()
        first = self._best_of_each(np.flatnonzero(self._similarity >= self.bars[self.probe]))
        leaders = first[_rank_in_groups(self.probe[first]) < self._top]
        self._compute_exactly(leaders[self._slack[leaders] > SLIP])
        counts = np.bincount(self.probe[leaders], minlength=len(self.bars))
        lowest = np.full(len(self.bars), np.inf)
        np.minimum.at(lowest, self.probe[leaders], self._similarity[leaders] - self._slack[leaders])
        self.bars = np.maximum(self.bars, np.where(counts == self._top, _tie_level(lowest), -np.inf))
        self._keep_if(self._similarity + self._slack >= self.bars[self.probe])

    def distances(self) -> Doubles:
        """Return the cosine distances ``(n,)`` of the remaining rows in float64: equal rows have equal distances."""
        self.tighten()
        if len(self.row) > MANY:
            self._drop_hidden()
        self._compute_exactly(np.flatnonzero(self._slack > SLIP))
        result: Doubles = np.clip(1 - self._similarity, 0.0, 2.0)
        return result

    def _merge_waiting(self) -> None:
        parts = [(self.probe, self.row, self._similarity, self._slack, self.owner)]
        parts += [(*candidates, owner) for candidates, owner in self._waiting]
        self.probe, self.row, self._similarity, self._slack, self.owner = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        self._waiting = []
        self._keep_if(self._similarity + self._slack >= self.bars[self.probe])

    def _best_of_each(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the places of each owner's most similar row, probe by probe, the most similar owner first."""
        probe, owner = self.probe[places], self.owner[places]
        order = np.lexsort((-self._similarity[places], owner, probe))
        first = places[order[_group_starts(probe[order], owner[order])]]
        return first[np.lexsort((-self._similarity[first], self.probe[first]))]

    def _drop_hidden(self) -> None:
        """Drop rows that are certainly less similar than another row of the same owner."""
        low = self._similarity - self._slack
        order = np.lexsort((-low, self.owner, self.probe))
        starts = _group_starts(self.probe[order], self.owner[order])
        bar = np.empty(len(order))
        bar[order] = _tie_level(low[order[starts]])[np.cumsum(starts) - 1]
        self._keep_if(self._similarity + self._slack >= bar)

    def _compute_exactly(self, places: NDArray[np.intp]) -> None:
        """Compute the similarities of the rows at ``places`` in float64, row by row."""
        for start in range(0, len(places), FINAL_ROWS):
            part = places[start : start + FINAL_ROWS]
            embeddings = self._embeddings(self.row[part])
            self._similarity[part] = (embeddings * self._probes[self.probe[part]]).sum(axis=1)
            self._slack[part] = 0.0

    def _keep_if(self, mask: NDArray[np.bool_]) -> None:
        if not mask.all():
            self.probe, self.row, self.owner = self.probe[mask], self.row[mask], self.owner[mask]
            self._similarity, self._slack = self._similarity[mask], self._slack[mask]


def _group_starts(*columns: NDArray[np.int64] | NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return a mask of the rows that begin a group: those that differ from the row before in any column."""
    result = np.ones(len(columns[0]), bool)
    result[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return result


def _rank_in_groups(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rank of each row in its group (from 0); the rows of a group are adjacent."""
    places = np.arange(len(groups))
    return places - np.maximum.accumulate(np.where(_group_starts(groups), places, 0))


def _tie_level(similarity: Doubles) -> Doubles:
    """Return the least similarities that tie: all from 1 up are at distance 0, all from -1 down at distance 2."""
    return np.where(similarity <= -1 + SLIP, -np.inf, np.minimum(similarity, 1.0) - SLIP)
