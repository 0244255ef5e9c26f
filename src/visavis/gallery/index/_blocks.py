"""Templates in blocks of rows: a growing gallery copies no rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Ids
from visavis.gallery.index._codes import Codes
from visavis.types import Floats

BLOCK_ROWS = 262_144
"""Capacity of a block. An operating system allocates its memory only as it is filled."""
FIRST_ROWS, DOUBLED_ROWS = 1024, 16_384
"""The first block starts with ``FIRST_ROWS`` and doubles up to ``DOUBLED_ROWS``; then it gets ``BLOCK_ROWS``."""
MOVED_ROWS = 4096
"""Rows copied at a time."""

Column = TypeVar("Column", Floats, Ids)


class Block:
    """Columns of up to ``BLOCK_ROWS`` templates; ``count`` rows are in use, the first is row ``start`` of the index."""

    def __init__(self, dimension: int, rows: int, *, start: int) -> None:
        self.start, self.count = start, 0
        self.ids: Ids = np.empty(rows, np.int64)
        self.people: Ids = np.empty(rows, np.int64)
        self.embeddings: Floats = np.empty((rows, dimension), np.float32)
        self._codes: Codes | None = None
        self._order: NDArray[np.int32] | None = None

    def append(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Append rows; there must be room."""
        rows = slice(self.count, self.count + len(ids))
        self.ids[rows], self.people[rows], self.embeddings[rows] = ids, people, embeddings
        self.count, self._order = rows.stop, None

    def put(self, rows: Ids, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Overwrite ``rows (n,)``."""
        if not np.array_equal(self.ids[rows], ids):
            self._order = None
        self.ids[rows], self.people[rows], self.embeddings[rows] = ids, people, embeddings
        if self._codes is not None:
            coded = rows[rows < self._codes.count]
            self._codes.write(coded, self.embeddings[coded])

    def codes(self) -> Codes:
        """Return the embeddings in 8 bits; encode those added since the last call."""
        if self._codes is None or self._codes.outgrown(self.count, len(self.ids)):
            self._codes = Codes(self.embeddings, self.count)
        self._codes.extend(self.embeddings, self.count)
        return self._codes

    def find(self, ids: Ids) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return which of ``ids`` are in this block, as places in ``ids``, and their rows in the block."""
        if self._order is None:
            self._order = np.argsort(self.ids[: self.count], kind="stable").astype(np.int32)
        places = np.searchsorted(self.ids[: self.count], ids, sorter=self._order)
        rows = self._order[np.minimum(places, self.count - 1)]
        here = np.flatnonzero(self.ids[rows] == ids)
        return here, rows[here].astype(np.intp)

    def cut(self, count: int) -> None:
        """Keep the first ``count`` rows. The others become zeros, so that removed faces do not stay in memory."""
        self.embeddings[count : self.count] = 0
        if self._codes is not None:
            self._codes.cut(count)
        self.count, self._order = count, None

    def grow(self, rows: int) -> None:
        """Make room for ``rows`` rows in total."""
        self.ids, self.people = _resize(self.ids, rows, self.count), _resize(self.people, rows, self.count)
        self.embeddings = _resize(self.embeddings, rows, self.count)


class Blocks:
    """All templates; every block but the last is full.

    Row ``r`` is row ``r % BLOCK_ROWS`` of block ``r // BLOCK_ROWS``.
    """

    def __init__(self, dimension: int) -> None:
        self.all: list[Block] = []
        self._dimension = dimension
        self._highest = np.iinfo(np.int64).min
        """The highest id ever added: higher ids are new and need no search."""

    def __len__(self) -> int:
        return self.all[-1].start + self.all[-1].count if self.all else 0

    def __iter__(self) -> Iterator[Block]:
        return iter(self.all)

    def append(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Add rows of new ids, block by block."""
        done = 0
        while done < len(ids):
            last = self._make_room(len(ids) - done)
            part = slice(done, done + len(last.ids) - last.count)
            last.append(ids[part], people[part], embeddings[part])
            done = part.stop
        self._highest = max(self._highest, int(ids.max(initial=self._highest)))

    def find(self, ids: Ids) -> tuple[NDArray[np.intp], Ids]:
        """Return which of ``ids`` are in any block, as places in ``ids``, and their rows."""
        possible = np.flatnonzero(ids <= self._highest)
        pairs = [(np.empty(0, np.intp), np.empty(0, np.int64))]
        for block in self.all if len(possible) else ():
            here, rows = block.find(ids[possible])
            pairs.append((possible[here], block.start + rows.astype(np.int64)))
        places, block_rows = zip(*pairs, strict=True)
        return np.concatenate(places), np.concatenate(block_rows)

    def put(self, rows: Ids, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Overwrite rows."""
        for number, places in _group_by_block(rows):
            self.all[number].put(rows[places] % BLOCK_ROWS, ids[places], people[places], embeddings[places])

    def embeddings(self, rows: Ids) -> Floats:
        """Return the embeddings ``(n, d)`` of rows ``(n,)``."""
        result = np.empty((len(rows), self._dimension), np.float32)
        for number, places in _group_by_block(rows):
            result[places] = self.all[number].embeddings[rows[places] % BLOCK_ROWS]
        return result

    def ids(self, rows: Ids) -> Ids:
        """Return the ids ``(n,)`` of rows ``(n,)``."""
        result = np.empty(len(rows), np.int64)
        for number, places in _group_by_block(rows):
            result[places] = self.all[number].ids[rows[places] % BLOCK_ROWS]
        return result

    def people(self, rows: Ids) -> Ids:
        """Return the people ``(n,)`` of rows ``(n,)``."""
        result = np.empty(len(rows), np.int64)
        for number, places in _group_by_block(rows):
            result[places] = self.all[number].people[rows[places] % BLOCK_ROWS]
        return result

    def remove(self, rows: Ids) -> None:
        """Remove rows (no duplicates): move the last remaining rows there, and free blocks that become empty."""
        remaining = len(self) - len(rows)
        gaps = np.sort(rows[rows < remaining])
        movers = np.setdiff1d(np.arange(remaining, remaining + len(rows)), rows, assume_unique=True)
        for start in range(0, len(gaps), MOVED_ROWS):
            moved = movers[start : start + MOVED_ROWS]
            self.put(gaps[start : start + MOVED_ROWS], self.ids(moved), self.people(moved), self.embeddings(moved))
        del self.all[-(-remaining // BLOCK_ROWS) :]
        if self.all:
            self.all[-1].cut(remaining - self.all[-1].start)

    def _make_room(self, rows: int) -> Block:
        """Return the last block with room for at least one row, and for all ``rows`` if they fit."""
        if not self.all or self.all[-1].count == BLOCK_ROWS:
            rows = BLOCK_ROWS if self.all else FIRST_ROWS
            self.all.append(Block(self._dimension, rows, start=len(self)))
        last = self.all[-1]
        needed = min(last.count + rows, BLOCK_ROWS)
        if needed > len(last.ids):
            last.grow(1 << (needed - 1).bit_length() if needed <= DOUBLED_ROWS else BLOCK_ROWS)
        return last


def _group_by_block(rows: Ids) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Yield the number of each block that has some of the rows, and the places of these in ``rows``."""
    numbers = rows // BLOCK_ROWS
    for number in np.unique(numbers):
        yield int(number), np.flatnonzero(numbers == number)


def _resize(column: Column, rows: int, used: int) -> Column:
    result = np.empty((rows, *column.shape[1:]), column.dtype)
    result[:used] = column[:used]
    return result
