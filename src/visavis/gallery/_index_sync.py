"""Keep an index up to date with the records of a gallery, which other processes change, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, func, select

from visavis.gallery.index import INDEXES, UNASSIGNED, Durable, Ids, Index, Origin
from visavis.gallery.sql import changes, records
from visavis.gallery.sql.schema import REMOVALS, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings
from visavis.types import Floats

NOTHING = 0
"""The state of an index without any template. That of a gallery before its first change is not less."""

Transaction = Callable[[], AbstractContextManager[Connection]]


class Differences(NamedTuple):
    """Template ids that differ: ``stale`` are in the index only, ``wrong`` are missing there or of another person."""

    stale: tuple[int, ...]
    wrong: tuple[int, ...]


class TemplateRows(NamedTuple):
    """Templates for an index: ids ``(n,)``, people ``(n,)`` (0: unassigned), embeddings ``(n, d)``."""

    ids: Ids
    people: Ids
    embeddings: Floats


class SyncedIndex:
    """An index with the state of the records that it contains (number and token). Used by one thread at a time.

    A durable index stores this state itself, and is updated under the write lock of the records: else a slow process
    could add again what another has removed. Do not wait for that lock with an open read transaction.
    """

    def __init__(self, index_name: str, *, url: str, reading: Transaction, writing: Transaction) -> None:
        name, _, self._place = index_name.partition(":")
        self._factory = INDEXES.factory(name)
        self._url, self._reading, self._writing = url, reading, writing
        self._index: Index | None = None
        self._state = NOTHING
        self._dimension: int | None = None
        """Length of the index's embeddings; if the records have another, the gallery was emptied in the meantime."""

    def update_durable(self) -> None:
        """Update a durable index. Call this before the view is opened in which to search."""
        if self._index is not None and not isinstance(self._index, Durable):
            return
        with self._reading() as conn:
            meta = records.read_meta(conn)
        index = self._open(meta)
        if isinstance(index, Durable) and index.change() != meta.state:
            with self._writing() as conn:
                self._update_locked(conn, index, index)

    def update(self, conn: Connection) -> Index | None:
        """Return the index as of this transaction, or later; None if nothing was ever stored.

        A durable index is as of :meth:`update_durable`.
        """
        meta = records.read_meta(conn)
        index = self._open(meta)
        if index is None or isinstance(index, Durable):
            return index
        self._index = None  # opened anew if the update fails half-way
        if self._state and not changes.contains(conn, self._state):  # the records were replaced by a backup
            return self.update(conn)
        _apply_changes(conn, index, self._state, meta)
        self._index, self._state = index, meta.state
        return index

    def update_for_writing(self, conn: Connection) -> Index | None:
        """Return the index as of this write transaction; None if nothing was ever stored."""
        index = self._open(records.read_meta(conn))
        if not isinstance(index, Durable):
            return self.update(conn)
        self._update_locked(conn, index, index)
        return index

    def current_in_memory(self, meta: records.Meta) -> Index | None:
        """Return the index if it is in memory and already as of ``meta``, else None."""
        return self._index if (self._state, self._dimension) == (meta.state, meta.dimension) else None

    def _open(self, meta: records.Meta) -> Index | None:
        """Return the index, opened if necessary; None if nothing was ever stored."""
        if self._dimension != meta.dimension:
            self.close()
        if self._index is None and meta.dimension is not None:
            self._index = self._factory(dimension=meta.dimension, place=self._place, origin=Origin(meta.key, self._url))
            self._state, self._dimension = NOTHING, meta.dimension
        return self._index

    def _update_locked(self, conn: Connection, index: Index, durable: Durable) -> None:
        """Update a durable index under the write lock; ``index`` and ``durable`` are the same object.

        An index of a state that is not in the records belongs to others, as after a backup was restored: fill it again.
        """
        meta, state = records.read_meta(conn), durable.change()
        if state == meta.state:
            return
        if state and not changes.contains(conn, state):
            durable.clear()
            state = NOTHING
        _apply_changes(conn, index, state, meta)
        durable.reached(meta.state)

    def close(self) -> None:
        """Close the index."""
        index, self._index = self._index, None
        if isinstance(index, Durable):
            index.close()

    def find_differences(self, conn: Connection) -> Differences:
        """Compare the index with the records of this transaction."""
        index = self.update(conn)
        if index is None:
            return Differences((), ())
        stored, owners = read_template_people(conn)
        ids, people = index.entries()
        order = np.argsort(ids, kind="stable")
        ids, people = ids[order], people[order]
        places = np.minimum(np.searchsorted(ids, stored), max(len(ids) - 1, 0))
        right = (ids[places] == stored) & (people[places] == owners) if len(ids) else np.zeros(len(stored), bool)
        return Differences(
            stale=tuple(np.setdiff1d(ids, stored, assume_unique=True).tolist()),
            wrong=tuple(stored[~right].tolist()),
        )

    def can_differ(self) -> bool:
        """Return whether there is an index that may differ from the records.

        An index in memory that is not filled yet cannot: it is filled from the records at the first search.
        """
        with self._reading() as conn:
            return isinstance(self._open(records.read_meta(conn)), Durable) or self._state > NOTHING

    def is_current(self, conn: Connection) -> bool:
        """Return whether the index is at the change of this transaction; other processes may change a durable one."""
        return not isinstance(self._index, Durable) or self._index.change() == records.read_meta(conn).state

    def repair(self) -> Differences:
        """Correct the index by the records; return the differences that it had."""
        with self._writing() as conn:
            index = self._open(records.read_meta(conn))
            if isinstance(index, Durable):
                self._update_locked(conn, index, index)
            elif not self._state:
                return Differences((), ())
            differences = self.find_differences(conn)
            if self._index is not None and (differences.stale or differences.wrong):
                self._index.remove(np.array(differences.stale, np.int64))
                dimension = records.read_meta(conn).dimension or 0
                for block in read_blocks(conn, differences.wrong, dimension):
                    self._index.add(*block)
        return differences


def read_template_people(conn: Connection) -> tuple[Ids, Ids]:
    """Return the ids ``(n,)`` of all templates, ascending, and their person ids ``(n,)`` (0: unassigned)."""
    query = select(TEMPLATES.c.id, func.coalesce(TEMPLATES.c.person_id, UNASSIGNED)).order_by(TEMPLATES.c.id)
    parts = [np.empty((0, 2), np.int64)]
    for rows in conn.execute(query, execution_options={"yield_per": records.BLOCK_ROWS}).partitions():
        parts.append(np.array([tuple(row) for row in rows], np.int64).reshape(-1, 2))
    both = np.concatenate(parts)
    return both[:, 0].copy(), both[:, 1].copy()


def _apply_changes(conn: Connection, index: Index, state: int, meta: records.Meta) -> None:
    """Remove and add in the index what was removed and added in the records since ``state``."""
    if meta.state == state or meta.dimension is None:
        return
    change = changes.change_of(state)
    if change and len(removed := read_removed(conn, change)):
        index.remove(removed)
    for block in read_added(conn, change, meta.dimension):
        index.add(*block)


def read_removed(conn: Connection, change: int) -> Ids:
    """Return ids ``(n,)`` of the templates removed after this change."""
    query = select(REMOVALS.c.template_id).where(REMOVALS.c.change > change)
    return np.array(conn.execute(query).scalars().all(), np.int64)


def read_added(conn: Connection, change: int, dimension: int) -> Iterator[TemplateRows]:
    """Yield the templates stored after this change, block by block; GalleryError where one is damaged."""
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.embedding)
    if change:  # else all templates, in storage order
        query = query.where(TEMPLATES.c.change > change)
    for rows in conn.execute(query, execution_options={"yield_per": records.READ_ROWS}).partitions():
        ids, people, blobs = zip(*rows, strict=True)
        yield _make_block(ids, people, blobs, dimension)


def read_blocks(conn: Connection, ids: Iterable[int], dimension: int) -> Iterator[TemplateRows]:
    """Yield these templates, block by block."""
    for part in records.split_list(ids):
        query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.embedding).where(TEMPLATES.c.id.in_(part))
        rows = conn.execute(query).all()
        yield _make_block(
            [row.id for row in rows], [row.person_id for row in rows], [row.embedding for row in rows], dimension
        )


def _make_block(
    ids: Sequence[int], people: Sequence[int | None], blobs: Sequence[bytes], dimension: int
) -> TemplateRows:
    """Return a block; raise GalleryError where an embedding is not one of the gallery."""
    owners = np.array([UNASSIGNED if person is None else person for person in people], np.int64)
    return TemplateRows(np.array(ids, np.int64), owners, decode_embeddings(blobs, dimension, ids))
