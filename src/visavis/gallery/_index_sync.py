"""An index kept in step with the records, whoever changes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, func, select

from visavis.gallery.index import INDEXES, NOBODY, Durable, Ids, Index, Origin
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import TEMPLATES

Transaction = Callable[[], AbstractContextManager[Connection]]


class Differences(NamedTuple):
    """Template ids by which index and records differ: no more in the records; or missing, or of another person."""

    stale: tuple[int, ...]
    wrong: tuple[int, ...]


class Following:
    """Holds an index and the number of the change that it is up to. Used by one thread at a time.

    A durable index keeps its own number, and is brought up to date under the records' write lock: else a slow process
    could put back what another has taken out. Nobody waits for that lock with a view of the records open.
    """

    def __init__(self, wanted: str, *, url: str, reading: Transaction, writing: Transaction) -> None:
        name, _, self._place = wanted.partition(":")
        self._factory = INDEXES.factory(name)
        self._url, self._reading, self._writing = url, reading, writing
        self._index: Index | None = None
        self._seen = 0
        self._dimension: int | None = None
        """Length of the index's embeddings; another in the records means that the gallery was empty and began anew."""

    def catch_up(self) -> None:
        """Bring a durable index up to date. To be called before the view is opened that is searched in."""
        if self._index is not None and not isinstance(self._index, Durable):
            return
        with self._reading() as conn:
            meta = records.meta(conn)
        index = self._opened(meta)
        if isinstance(index, Durable) and index.change() != meta.change:
            with self._writing() as conn:
                self._send(conn, index, index)

    def caught_up(self, conn: Connection) -> Index | None:
        """Return the index as of this transaction, or later; None where nothing was ever stored.

        A durable one is as of :meth:`catch_up`.
        """
        meta = records.meta(conn)
        index = self._opened(meta)
        if index is None or isinstance(index, Durable):
            return index
        self._index = None  # what fails half-way is opened anew
        if meta.change < self._seen:  # an older copy was put in place of the store
            return self.caught_up(conn)
        _apply(conn, index, self._seen, meta)
        self._index, self._seen = index, meta.change
        return index

    def in_memory(self, meta: records.Meta) -> Index | None:
        """Return the index where it is in memory and as of ``meta`` already."""
        return self._index if (self._seen, self._dimension) == (meta.change, meta.dimension) else None

    def _opened(self, meta: records.Meta) -> Index | None:
        """Return the index, opened if it was not; None where nothing was ever stored."""
        if self._dimension != meta.dimension:
            self.close()
        if self._index is None and meta.dimension is not None:
            self._index = self._factory(dimension=meta.dimension, place=self._place, origin=Origin(meta.key, self._url))
            self._seen, self._dimension = 0, meta.dimension
        return self._index

    def _send(self, conn: Connection, index: Index, known: Durable) -> None:
        """Bring a shared index up to date, under the write lock; one that is ahead is of a copy that was replaced."""
        meta, seen = records.meta(conn), known.change()
        if seen == meta.change:
            return
        if meta.change < seen:
            known.clear()
            seen = 0
        _apply(conn, index, seen, meta)
        known.reached(meta.change)

    def close(self) -> None:
        """Let go of the index."""
        index, self._index = self._index, None
        if isinstance(index, Durable):
            index.close()

    def differences(self, conn: Connection) -> Differences:
        """Compare what is in the index with the records of this transaction."""
        index = self.caught_up(conn)
        if index is None:
            return Differences((), ())
        stored, owners = template_people(conn)
        ids, people = index.entries()
        order = np.argsort(ids, kind="stable")
        ids, people = ids[order], people[order]
        places = np.minimum(np.searchsorted(ids, stored), max(len(ids) - 1, 0))
        right = (ids[places] == stored) & (people[places] == owners) if len(ids) else np.zeros(len(stored), bool)
        return Differences(
            stale=tuple(np.setdiff1d(ids, stored, assume_unique=True).tolist()),
            wrong=tuple(stored[~right].tolist()),
        )

    def is_apart(self) -> bool:
        """Tell whether there is an index that may differ from the records.

        One in memory that was not filled yet cannot: it is made of the records when it is first searched.
        """
        with self._reading() as conn:
            return isinstance(self._opened(records.meta(conn)), Durable) or self._seen > 0

    def is_as_of(self, conn: Connection) -> bool:
        """Tell whether the index is up to just the change of this transaction: one that is shared may be elsewhere."""
        return not isinstance(self._index, Durable) or self._index.change() == records.meta(conn).change

    def mend(self) -> Differences:
        """Make the index what the records say; returns what was wrong with it."""
        with self._writing() as conn:
            index = self._opened(records.meta(conn))
            if isinstance(index, Durable):
                self._send(conn, index, index)
            elif not self._seen:
                return Differences((), ())
            found = self.differences(conn)
            if self._index is not None and (found.stale or found.wrong):
                self._index.remove(np.array(found.stale, np.int64))
                dimension = records.meta(conn).dimension or 0
                for block in records.templates_in(conn, found.wrong, dimension):
                    self._index.add(*block)
        return found


def template_people(conn: Connection) -> tuple[Ids, Ids]:
    """Return the ids ``(n,)`` of all templates, rising, and the person of each (0: nobody)."""
    query = select(TEMPLATES.c.id, func.coalesce(TEMPLATES.c.person_id, NOBODY)).order_by(TEMPLATES.c.id)
    parts = [np.empty((0, 2), np.int64)]
    for rows in conn.execute(query, execution_options={"yield_per": records.BLOCK_ROWS}).partitions():
        parts.append(np.array([tuple(row) for row in rows], np.int64).reshape(-1, 2))
    both = np.concatenate(parts)
    return both[:, 0].copy(), both[:, 1].copy()


def _apply(conn: Connection, index: Index, seen: int, meta: records.Meta) -> None:
    """Take in what happened after the change ``seen``."""
    if meta.change == seen or meta.dimension is None:
        return
    if seen and len(removed := records.removed_since(conn, seen)):
        index.remove(removed)
    for block in records.added_since(conn, seen, meta.dimension):
        index.add(*block)
