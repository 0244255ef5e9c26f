"""An index kept in step with the records, whoever changes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from visavis.gallery import records
from visavis.gallery.index import INDEXES, Durable, Index, Origin

Writing = Callable[[], AbstractContextManager[Connection]]


class Differences(NamedTuple):
    """Template ids by which index and records differ: no more in the records; or missing, or of another person."""

    stale: tuple[int, ...]
    wrong: tuple[int, ...]


class Following:
    """Holds an index and the number of the change that it is up to. Used by one thread at a time.

    An index in memory is this process's own, and is filled as it opens. One that is durable keeps its own number, and
    is brought up to date under the records' write lock: else a process that is slow could put back what another has
    taken out since.
    """

    def __init__(self, wanted: str, *, url: str, writing: Writing) -> None:
        name, _, self._place = wanted.partition(":")
        self._factory = INDEXES.factory(name)
        self._url, self._writing = url, writing
        self._index: Index | None = None
        self._seen = 0

    def caught_up(self, conn: Connection) -> Index | None:
        """Return the index as of this transaction, or later; None where nothing was ever stored."""
        meta = records.meta(conn)
        if meta.dimension is None:
            return None
        index, self._index = self._index, None  # what fails half-way is opened anew
        if index is None:
            index = self._factory(dimension=meta.dimension, place=self._place, origin=Origin(meta.key, self._url))
            self._seen = 0
        if isinstance(index, Durable):
            _catch_up_durable(index, index, meta, self._writing)
        else:
            if meta.change < self._seen:  # an older copy was put in place of the store
                return self.caught_up(conn)
            _apply(conn, index, self._seen, meta)
        self._index, self._seen = index, meta.change
        return index

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
        stored = records.everybody(conn)
        ids, people = index.entries()
        there = dict(zip(ids.tolist(), people.tolist(), strict=True))
        return Differences(
            stale=tuple(sorted(one for one in there if one not in stored)),
            wrong=tuple(sorted(one for one, person in stored.items() if there.get(one) != person)),
        )

    def mend(self) -> Differences:
        """Make the index what the records say; returns what was wrong with it."""
        with self._writing() as conn:
            found = self.differences(conn)
            if self._index is not None and (found.stale or found.wrong):
                self._index.remove(np.array(found.stale, np.int64))
                dimension = records.meta(conn).dimension or 0
                for block in records.templates_in(conn, found.wrong, dimension):
                    self._index.add(*block)
        return found


def _catch_up_durable(index: Index, known: Durable, meta: records.Meta, writing: Writing) -> None:
    """Bring a shared index up to the change of ``meta``; one that is ahead of it is of a copy that was replaced."""
    if known.change() == meta.change:
        return
    with writing() as conn:
        now, seen = records.meta(conn), known.change()
        if now.change < seen:
            known.clear()
            seen = 0
        _apply(conn, index, seen, now)
        known.reached(now.change)


def _apply(conn: Connection, index: Index, seen: int, meta: records.Meta) -> None:
    """Take in what happened after the change ``seen``."""
    if meta.change == seen or meta.dimension is None:
        return
    if seen and len(removed := records.removed_since(conn, seen)):
        index.remove(removed)
    for block in records.added_since(conn, seen, meta.dimension):
        index.add(*block)
