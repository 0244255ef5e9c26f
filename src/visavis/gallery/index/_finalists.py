"""Who may still be among the nearest, for several probes at once, while the blocks are gone through."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Ids
from visavis.gallery.index._codes import Doubles, Found

FINAL_ROWS = 2048
"""Rows whose float64 products are held at a time."""
MANY = 1 << 16
SLIP = 1e-12
"""More than a float64 product of unit vectors can be wrong by."""

Embeddings = Callable[[Ids], NDArray[np.float32]]


class Finalists:
    """Rows with the bounds of their similarity to a probe, and the ``bars (m,)`` that rows must reach.

    A bar is a similarity that ``top`` owners reach (people, or the templates themselves), -inf until there are so many.
    """

    def __init__(self, probes: Doubles, top: int, embeddings: Embeddings) -> None:
        self.bars: Doubles = np.full(len(probes), -np.inf)
        self._probes, self._top, self._embeddings = probes, top, embeddings
        self.probe: NDArray[np.intp] = np.empty(0, np.intp)
        self.row: Ids = np.empty(0, np.int64)
        self.owner: Ids = np.empty(0, np.int64)
        self._similarity: Doubles = np.empty(0)
        self._slack: Doubles = np.empty(0)
        self._waiting: list[tuple[Found, Ids]] = []

    def take(self, found: Found, owner: Ids) -> None:
        """Take in rows, with whose they are."""
        if len(found.row):
            self._waiting.append((found, owner))

    def tighten(self) -> None:
        """Raise the bars by what came in, and drop what is below."""
        self._take_in()
        first = self._best_of_each(np.flatnonzero(self._similarity >= self.bars[self.probe]))
        leaders = first[_rank(self.probe[first]) < self._top]
        self._settle(leaders[self._slack[leaders] > SLIP])
        counts = np.bincount(self.probe[leaders], minlength=len(self.bars))
        lowest = np.full(len(self.bars), np.inf)
        np.minimum.at(lowest, self.probe[leaders], self._similarity[leaders] - self._slack[leaders])
        self.bars = np.maximum(self.bars, np.where(counts == self._top, _level(lowest), -np.inf))
        self._keep_if(self._similarity + self._slack >= self.bars[self.probe])

    def distances(self) -> Doubles:
        """Return cosine distances ``(n,)`` in float64 of what is left: the same for equal rows, wherever they stand."""
        self.tighten()
        if len(self.row) > MANY:
            self._drop_hidden()
        self._settle(np.flatnonzero(self._slack > SLIP))
        result: Doubles = np.clip(1 - self._similarity, 0.0, 2.0)
        return result

    def _take_in(self) -> None:
        parts = [(self.probe, self.row, self._similarity, self._slack, self.owner)]
        parts += [(*found, owner) for found, owner in self._waiting]
        self.probe, self.row, self._similarity, self._slack, self.owner = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        self._waiting = []
        self._keep_if(self._similarity + self._slack >= self.bars[self.probe])

    def _best_of_each(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return places of each owner's likeliest row, probe by probe, the likeliest owner first."""
        probe, owner = self.probe[places], self.owner[places]
        order = np.lexsort((-self._similarity[places], owner, probe))
        first = places[order[_starts(probe[order], owner[order])]]
        return first[np.lexsort((-self._similarity[first], self.probe[first]))]

    def _drop_hidden(self) -> None:
        """Drop rows that another of the same owner beats for sure."""
        low = self._similarity - self._slack
        order = np.lexsort((-low, self.owner, self.probe))
        starts = _starts(self.probe[order], self.owner[order])
        bar = np.empty(len(order))
        bar[order] = _level(low[order[starts]])[np.cumsum(starts) - 1]
        self._keep_if(self._similarity + self._slack >= bar)

    def _settle(self, places: NDArray[np.intp]) -> None:
        """Compute similarities in float64, row by row."""
        for start in range(0, len(places), FINAL_ROWS):
            some = places[start : start + FINAL_ROWS]
            embeddings = self._embeddings(self.row[some])
            self._similarity[some] = (embeddings * self._probes[self.probe[some]]).sum(axis=1)
            self._slack[some] = 0.0

    def _keep_if(self, wanted: NDArray[np.bool_]) -> None:
        if not wanted.all():
            self.probe, self.row, self.owner = self.probe[wanted], self.row[wanted], self.owner[wanted]
            self._similarity, self._slack = self._similarity[wanted], self._slack[wanted]


def _starts(*columns: NDArray[np.int64] | NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where a group begins: rows that are not like the one before in every column."""
    result = np.ones(len(columns[0]), bool)
    result[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return result


def _rank(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each in its group, where groups lie one after the other."""
    at = np.arange(len(groups))
    return at - np.maximum.accumulate(np.where(_starts(groups), at, 0))


def _level(similarity: Doubles) -> Doubles:
    """Similarities that tie with these or are better: all from 1 on are at distance 0, all down from -1 at 2."""
    return np.where(similarity <= -1 + SLIP, -np.inf, np.minimum(similarity, 1.0) - SLIP)
