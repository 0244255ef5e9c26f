"""Templates in blocks of rows, so that nothing is copied when a gallery grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Ids
from visavis.gallery.index._codes import Codes
from visavis.types import Floats

BLOCK_ROWS = 262_144
"""Room of a block. An operating system gives it memory as it is filled, not before."""
FIRST_ROWS, DOUBLED_ROWS = 1024, 16_384
"""The first block begins small, and doubles so far; after that it has room for all."""
MOVED_ROWS = 4096
"""Rows copied at a time."""

Column = TypeVar("Column", Floats, Ids)


class Block:
    """Columns of up to ``BLOCK_ROWS`` templates; ``count`` rows are in use, the first being row ``start`` of all."""

    def __init__(self, dimension: int, rows: int, *, start: int) -> None:
        self.start, self.count = start, 0
        self.ids: Ids = np.empty(rows, np.int64)
        self.people: Ids = np.empty(rows, np.int64)
        self.embeddings: Floats = np.empty((rows, dimension), np.float32)
        self._codes: Codes | None = None
        self._order: NDArray[np.int32] | None = None

    def append(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Put rows after the last; there must be room."""
        rows = slice(self.count, self.count + len(ids))
        self.ids[rows], self.people[rows], self.embeddings[rows] = ids, people, embeddings
        self.count, self._order = rows.stop, None

    def put(self, rows: Ids, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Write over ``rows (n,)``."""
        if not np.array_equal(self.ids[rows], ids):
            self._order = None
        self.ids[rows], self.people[rows], self.embeddings[rows] = ids, people, embeddings
        if self._codes is not None:
            known = rows[rows < self._codes.count]
            self._codes.write(known, self.embeddings[known])

    def codes(self) -> Codes:
        """Return the embeddings in 8 bits; those that came since the last time are coded now."""
        if self._codes is None or self._codes.outgrown(self.count, len(self.ids)):
            self._codes = Codes(self.embeddings, self.count)
        self._codes.extend(self.embeddings, self.count)
        return self._codes

    def find(self, ids: Ids) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which of ``ids`` are here, as places in ``ids``, and in what rows."""
        if self._order is None:
            self._order = np.argsort(self.ids[: self.count], kind="stable").astype(np.int32)
        places = np.searchsorted(self.ids[: self.count], ids, sorter=self._order)
        rows = self._order[np.minimum(places, self.count - 1)]
        here = np.flatnonzero(self.ids[rows] == ids)
        return here, rows[here].astype(np.intp)

    def cut(self, count: int) -> None:
        """Keep the first rows only. The others become zeros: removed faces do not linger in memory."""
        self.embeddings[count : self.count] = 0
        if self._codes is not None:
            self._codes.cut(count)
        self.count, self._order = count, None

    def grow(self, rows: int) -> None:
        """Make room for as many rows."""
        self.ids, self.people = _resized(self.ids, rows, self.count), _resized(self.people, rows, self.count)
        self.embeddings = _resized(self.embeddings, rows, self.count)


class Blocks:
    """All templates; every block but the last is full.

    Row ``r`` is row ``r % BLOCK_ROWS`` of block ``r // BLOCK_ROWS``.
    """

    def __init__(self, dimension: int) -> None:
        self.all: list[Block] = []
        self._dimension = dimension
        self._highest = np.iinfo(np.int64).min
        """No id above this one was ever here: new ids need not be looked for."""

    def __len__(self) -> int:
        return self.all[-1].start + self.all[-1].count if self.all else 0

    def __iter__(self) -> Iterator[Block]:
        return iter(self.all)

    def append(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Add rows of new ids, block by block."""
        done = 0
        while done < len(ids):
            last = self._with_room(len(ids) - done)
            some = slice(done, done + len(last.ids) - last.count)
            last.append(ids[some], people[some], embeddings[some])
            done = some.stop
        self._highest = max(self._highest, int(ids.max(initial=self._highest)))

    def find(self, ids: Ids) -> tuple[NDArray[np.intp], Ids]:
        """Which of ``ids`` are here, as places in ``ids``, and in what rows."""
        known = np.flatnonzero(ids <= self._highest)
        pairs = [(np.empty(0, np.intp), np.empty(0, np.int64))]
        for block in self.all if len(known) else ():
            here, rows = block.find(ids[known])
            pairs.append((known[here], block.start + rows.astype(np.int64)))
        places, found = zip(*pairs, strict=True)
        return np.concatenate(places), np.concatenate(found)

    def put(self, rows: Ids, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Write over rows."""
        for number, some in _by_block(rows):
            self.all[number].put(rows[some] % BLOCK_ROWS, ids[some], people[some], embeddings[some])

    def embeddings(self, rows: Ids) -> Floats:
        """Embeddings ``(n, d)`` of rows ``(n,)``."""
        result = np.empty((len(rows), self._dimension), np.float32)
        for number, some in _by_block(rows):
            result[some] = self.all[number].embeddings[rows[some] % BLOCK_ROWS]
        return result

    def ids(self, rows: Ids) -> Ids:
        """Ids ``(n,)`` of rows ``(n,)``."""
        result = np.empty(len(rows), np.int64)
        for number, some in _by_block(rows):
            result[some] = self.all[number].ids[rows[some] % BLOCK_ROWS]
        return result

    def people(self, rows: Ids) -> Ids:
        """People ``(n,)`` of rows ``(n,)``."""
        result = np.empty(len(rows), np.int64)
        for number, some in _by_block(rows):
            result[some] = self.all[number].people[rows[some] % BLOCK_ROWS]
        return result

    def remove(self, rows: Ids) -> None:
        """Fill the rows, each given once, with the last that stay; blocks that become empty are freed."""
        left = len(self) - len(rows)
        gaps = np.sort(rows[rows < left])
        movers = np.setdiff1d(np.arange(left, left + len(rows)), rows, assume_unique=True)
        for start in range(0, len(gaps), MOVED_ROWS):
            some = movers[start : start + MOVED_ROWS]
            self.put(gaps[start : start + MOVED_ROWS], self.ids(some), self.people(some), self.embeddings(some))
        del self.all[-(-left // BLOCK_ROWS) :]
        if self.all:
            self.all[-1].cut(left - self.all[-1].start)

    def _with_room(self, rows: int) -> Block:
        """Return the last block, with room for one row or more, if it can be for all."""
        if not self.all or self.all[-1].count == BLOCK_ROWS:
            rows = BLOCK_ROWS if self.all else FIRST_ROWS
            self.all.append(Block(self._dimension, rows, start=len(self)))
        last = self.all[-1]
        wanted = min(last.count + rows, BLOCK_ROWS)
        if wanted > len(last.ids):
            last.grow(1 << (wanted - 1).bit_length() if wanted <= DOUBLED_ROWS else BLOCK_ROWS)
        return last


def _by_block(rows: Ids) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Numbers of the blocks that rows are in, each with the places of its rows."""
    numbers = rows // BLOCK_ROWS
    for number in np.unique(numbers):
        yield int(number), np.flatnonzero(numbers == number)


def _resized(column: Column, rows: int, used: int) -> Column:
    result = np.empty((rows, *column.shape[1:]), column.dtype)
    result[:used] = column[:used]
    return result
