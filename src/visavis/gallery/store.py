"""Opening a store, its transactions, and what its errors mean in one sentence.

SQLite runs in WAL (readers and one writer at a time, from any number of processes) with
``synchronous=FULL``: a transaction that was acknowledged survives ``kill -9`` and loss of power. Writers take
the lock at the start (``BEGIN IMMEDIATE``), so none fails half-way because another came first; it waits
instead, up to ``BUSY_SECONDS``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from visavis.errors import GalleryError, UsageError
from visavis.gallery import schema

BUSY_SECONDS = 30
SCHEMES = ("sqlite",)
SQLITE_MAGIC = b"SQLite format 3\0"

# By what the name of SQLite's error starts with; sqlite.org/rescode.html.
_MEANINGS = {
    "SQLITE_NOTADB": "{place} is not a gallery: it is a file of another format",
    "SQLITE_CORRUPT": "{place} is damaged ({error}): restore a copy of it",
    "SQLITE_FULL": "{place} could not grow, the disk is full: nothing was stored",
    "SQLITE_READONLY": "{place} is read-only: a gallery needs to write to its file and folder",
    "SQLITE_CANTOPEN": "{place} cannot be opened: check the folder and its permissions",
    "SQLITE_BUSY": "another process has kept {place} locked for {seconds} seconds: try again when it is done",
    "SQLITE_IOERR": "{place} could not be read or written ({error}): nothing was stored",
}


class Store:
    """An open store, safe to share between threads; :meth:`read` and :meth:`write` give transactions."""

    def __init__(self, url: str | os.PathLike[str], *, model: str, create: bool) -> None:
        """Open ``url`` (``sqlite:///path``, or a path); a new store is for vectors of ``model``.

        Raises GalleryError where there is none and ``create`` is False, or where it cannot be used.
        """
        self.path = _path(url)
        self.url = f"sqlite:///{self.path}"
        _look_at(self.path, create=create)
        self._engine = _engine(self.path)
        self._writer = self._engine.execution_options(visavis_begin="BEGIN IMMEDIATE")
        self._closed = False
        try:
            self._prepare(model, create=create)
        except BaseException:
            self.close()
            raise

    def _prepare(self, model: str, *, create: bool) -> None:
        with self.read() as conn:
            found = schema.version(conn, place=str(self.path))
        if found is None and not create:
            raise GalleryError(f"{self.path} is empty, not yet a gallery: enrol somebody first.")
        self._alone("PRAGMA journal_mode=WAL")  # not earlier: the file might have been another program's
        if found != schema.current():
            with self.write() as conn:  # looks again: another process may have come first
                schema.prepare(conn, place=str(self.path), model=model)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the store; database errors come out as GalleryError."""
        with self._explained(), self._engine.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is stored when the block ends, nothing of it where the block raises."""
        with self._explained(), self._writer.begin() as conn:
            yield conn

    def size(self) -> int:
        """Bytes on disk, with the write-ahead log."""
        log = self.path.with_name(f"{self.path.name}-wal")
        return sum(file.stat().st_size for file in (self.path, log) if file.exists())

    def compact(self) -> None:
        """Write the file anew, without a trace of what was removed; GalleryError where others keep reading.

        Zeros over deleted rows (``secure_delete``) are not enough: when SQLite moves rows between pages it
        leaves copies in the free space, and the write-ahead log keeps whole pages of before.
        """
        self._alone("VACUUM")
        deadline = monotonic() + BUSY_SECONDS
        while self._alone("PRAGMA wal_checkpoint(TRUNCATE)")[0]:  # busy; for some locks SQLite does not wait
            if monotonic() > deadline:
                raise GalleryError(f"others have kept reading {self.path} for {BUSY_SECONDS} seconds.")
            sleep(0.02)

    def close(self) -> None:
        """Close all connections; the store is of no use afterwards."""
        self._closed = True
        self._engine.dispose()

    def _alone(self, statement: str) -> Sequence[Any]:
        """Run what must not be part of a transaction; returns the first row of the answer, if any."""
        with (
            self._explained(),
            closing(self._engine.raw_connection()) as raw,
            closing(raw.cursor()) as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchone() or ()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        if self._closed:
            raise GalleryError(f"{self.path} was closed: open the gallery again.")
        try:
            yield
        except DBAPIError as error:
            raise GalleryError(_meaning(error.orig, self.path)) from error
        except sqlite3.Error as error:
            raise GalleryError(_meaning(error, self.path)) from error
        except NoConnectionError as error:
            raise GalleryError(f"too many threads use {self.path} at a time: {error}.") from error


def _meaning(error: BaseException | None, path: Path) -> str:
    name = getattr(error, "sqlite_errorname", None) or ""
    known = (text for prefix, text in _MEANINGS.items() if name.startswith(prefix))
    return next(known, "{place}: {error}").format(place=path, error=error, seconds=BUSY_SECONDS) + "."


def _path(url: str | os.PathLike[str]) -> Path:
    """Read ``sqlite:///path`` or a path; UsageError for any other URL."""
    text = os.fspath(url)
    if "://" not in text:
        return Path(text).expanduser()
    try:
        parsed = make_url(text)
    except ArgumentError as error:
        raise UsageError(f"{text!r} is not a URL of a gallery: write sqlite:///faces.db.") from error
    if parsed.drivername not in SCHEMES:
        kinds = ", ".join(f"{scheme}:///" for scheme in SCHEMES)
        raise UsageError(f"galleries of {parsed.drivername!r} are not supported; there are: {kinds}.")
    if not parsed.database or parsed.database == ":memory:" or parsed.query or parsed.host:
        raise UsageError(f"{text!r} names no file: write sqlite:///faces.db, or sqlite:////folder/faces.db.")
    return Path(parsed.database)


def _look_at(path: Path, *, create: bool) -> None:
    """Say what is wrong with a path before SQLite says it less well."""
    if path.is_dir():
        raise GalleryError(f"{path} is a folder: a gallery is a file.")
    if not path.exists() and not create:
        raise GalleryError(f"there is no gallery at {path}: enrol somebody first.")
    if not path.parent.is_dir():
        raise GalleryError(f"there is no folder {path.parent} for the gallery {path.name}: make it first.")
    if path.exists() and _head(path) not in {
        b"",
        SQLITE_MAGIC,
    }:  # SQLite takes a very short file for an empty one
        raise GalleryError(f"{path} is not a gallery: it is a file of another format.")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise GalleryError(f"{path} is read-only: a gallery needs to write to its file and folder.")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise GalleryError(f"{path} cannot be read: {error.strerror}.") from error


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # the driver begins nothing by itself: the next listener does
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA secure_delete=ON")  # what is removed is overwritten with zeros

    @event.listens_for(engine, "begin")
    def _(conn: Connection) -> None:
        conn.exec_driver_sql(conn.get_execution_options().get("visavis_begin", "BEGIN"))

    return engine
