"""An open store of records: its transactions, and what its errors mean in one sentence.

Records lie in a file of SQLite (``_sqlite.py``) or a database of PostgreSQL (``_postgresql.py``). Transactions are
stored whole or not at all and survive ``kill -9``, writers come one after another, a reading sees one state.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from visavis.errors import GalleryError, UsageError
from visavis.forking import ForkGate, guard_forks, keep_forever
from visavis.gallery.sql import records, schema
from visavis.gallery.sql.postgresql import PostgresDatabase
from visavis.gallery.sql.reconnect import patiently
from visavis.gallery.sql.sqlite import SqliteFile

SCHEMES = ("sqlite:///", "postgresql://")


class Backend(Protocol):
    """Where records lie. ``place`` is what messages call it, ``url`` what opens it again (without a password).

    ``disturbed_by_forks``: whether open connections of a parent make those of its child unsafe.
    """

    place: str
    url: str
    disturbed_by_forks: bool

    def refuse_in_child(self) -> None:
        """Refuse each use in this process: a connection was in use when it was forked."""
        ...

    def look_at(self, *, create: bool) -> None:
        """Raise GalleryError for what is wrong with the place."""
        ...

    def engine(self) -> Engine:
        """Return what connections come from."""
        ...

    def settle(self, engine: Engine) -> None:
        """Set up a place that holds a gallery, or nothing."""
        ...

    def begin_writing(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Begin a transaction that writes; others that write wait until it ends."""
        ...

    def explained(self) -> AbstractContextManager[None]:
        """Turn the errors of the driver into GalleryErrors."""
        ...

    def gone(self, error: DBAPIError) -> bool:
        """Tell whether the error says that there is no connection."""
        ...

    def row(self, engine: Engine, query: str) -> Sequence[Any]:
        """Return the first row of a query, as quickly as can be."""
        ...

    def sound(self, conn: Connection) -> Iterator[str]:
        """Yield what the database itself finds wrong with what it stores."""
        ...

    def size(self, conn: Connection) -> int:
        """Bytes that the records take."""
        ...

    def compact(self, engine: Engine) -> None:
        """Leave no trace of what was removed."""
        ...


class Store:
    """An open store, safe to share between threads; :meth:`read` and :meth:`write` give transactions."""

    def __init__(self, url: str | os.PathLike[str], *, model: str, create: bool) -> None:
        """Open ``url`` (``sqlite:///path``, a path, ``postgresql://...``); a new store is for embeddings of ``model``.

        Raises GalleryError where there is none and ``create`` is False, or where it cannot be used.
        """
        self._backend = _backend(url)
        self._backend.look_at(create=create)
        self._engine = self._backend.engine()
        weakref.finalize(self, self._engine.dispose).atexit = False
        self._closed = False
        self._in_use = ForkGate()
        guard_forks(self)
        try:
            self._prepare(model, create=create)
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> str:
        """What messages call it."""
        return self._backend.place

    @property
    def url(self) -> str:
        """Where it is; without a password."""
        return self._backend.url

    def _prepare(self, model: str, *, create: bool) -> None:
        with self.read() as conn:
            found = schema.version(conn, place=self.place)
        if found is None and not create:
            raise GalleryError(f"{self.place} is empty, not yet a gallery: enroll somebody first.")
        with self._explained():
            self._backend.settle(self._engine)
        if found != schema.current():
            with self.write() as conn:  # looks again: another process may have come first
                schema.prepare(conn, place=self.place, model=model)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the store; database errors come out as GalleryError."""
        with self._explained(), self._connected() as conn, conn.begin():
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is stored when the block ends, nothing of it where the block raises."""
        with self._explained(), self._backend.begin_writing(self._engine) as conn:
            yield conn

    def meta(self) -> records.Meta:
        """Return :func:`visavis.gallery.sql.records.meta` as of now, much quicker."""
        with self._explained():
            return records.Meta(*self._backend.row(self._engine, "SELECT model, dimension, change, key FROM meta"))

    def sound(self, conn: Connection) -> Iterator[str]:
        """Yield what the database itself finds wrong."""
        return self._backend.sound(conn)

    def size(self) -> int:
        """Bytes that the records take."""
        with self.read() as conn:
            return self._backend.size(conn)

    def compact(self) -> None:
        """Leave no trace of what was removed; GalleryError where others keep reading."""
        with self._explained():
            self._backend.compact(self._engine)

    def close(self) -> None:
        """Close all connections; the store is of no use afterwards."""
        self._closed = True
        self._engine.dispose()

    def before_fork(self) -> None:
        """Wait for the transactions under way, and close what the child must not inherit."""
        if self._backend.disturbed_by_forks:
            self._in_use.before_fork()
            self._engine.dispose()

    def after_fork_in_parent(self) -> None:
        """Let transactions begin again."""
        if self._backend.disturbed_by_forks:
            self._in_use.after_fork_in_parent()

    def renew_in_child(self) -> None:
        """Leave the connections to the parent, which goes on using them; a forked child opens others."""
        keep_forever(self._engine.pool)
        self._engine.dispose(close=False)
        self._in_use.renew_in_child()
        if self._in_use.interrupted and self._backend.disturbed_by_forks:
            self._backend.refuse_in_child()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        conn = self._connection()
        try:
            yield conn
        finally:
            conn.close()

    def _connection(self) -> Connection:
        """Connect; a server that is away is asked again for a while."""
        return patiently(self._engine.connect, self._backend.gone, error=DBAPIError)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        if self._closed:
            raise GalleryError(f"{self.place} was closed: open the gallery again.")
        try:
            with self._in_use.inside(), self._backend.explained():
                yield
        except NoConnectionError as error:
            raise GalleryError(f"too many threads use {self.place} at a time: {error}.") from error


def _backend(url: str | os.PathLike[str]) -> Backend:
    """Tell by its URL where a store is; a path is a file of SQLite. UsageError for any other URL."""
    text = os.fspath(url)
    if "://" not in text:
        return SqliteFile.at(text)
    try:
        parsed = make_url(text)
    except ArgumentError as error:
        raise UsageError(f"{text!r} is not a URL of a gallery: write sqlite:///faces.db.") from error
    if parsed.get_backend_name() == "sqlite":
        return SqliteFile.of(parsed)
    if parsed.get_backend_name() == "postgresql":
        return PostgresDatabase(parsed)
    raise UsageError(f"galleries of {parsed.drivername!r} are not supported; there are: {', '.join(SCHEMES)}.")
