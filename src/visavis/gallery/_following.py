"""An index kept in step with the records, whoever changes them."""

from __future__ import annotations

from sqlalchemy import Connection

from visavis.gallery import records
from visavis.gallery.index import INDEXES, Index


class Following:
    """Holds an index and the number of the change that it is up to. Used by one thread at a time."""

    def __init__(self, kind: str) -> None:
        self._factory = INDEXES.factory(kind)
        self._index: Index | None = None
        self._seen = 0

    def caught_up(self, conn: Connection) -> Index | None:
        """Return the index as of this transaction; None where nothing was ever stored."""
        meta = records.meta(conn)
        if meta.dimension is None:
            return None
        if meta.change < self._seen:  # an older copy was put in place of the store
            self._index = None
        index, self._index = self._index, None  # what fails half-way is built anew
        if index is None:
            index, self._seen = self._factory(dimension=meta.dimension), 0
        if meta.change > self._seen:
            _apply(conn, index, self._seen, meta.dimension)
        self._index, self._seen = index, meta.change
        return index


def _apply(conn: Connection, index: Index, seen: int, dimension: int) -> None:
    if seen and len(removed := records.removed_since(conn, seen)):
        index.remove(removed)
    for block in records.added_since(conn, seen, dimension):
        index.add(*block)
