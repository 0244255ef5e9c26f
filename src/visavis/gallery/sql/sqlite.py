"""Records in a file of SQLite.

It runs in WAL with ``synchronous=FULL``: a transaction that was acknowledged survives loss of power. Writers take the
lock at the start (``BEGIN IMMEDIATE``), so that none fails half-way; they wait up to ``BUSY_SECONDS``.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from visavis.errors import GalleryError, UsageError, VisavisWarning
from visavis.gallery.sql._network_share import network_share

BUSY_SECONDS = 30
MAGIC = b"SQLite format 3\0"
LOG_BYTES = 1 << 22
"""How long the write-ahead log becomes before it is taken into the file."""
PAGE_BYTES = 16_384
"""Of 4,096, SQLite's own, an embedding of 512 values leaves nearly half unused."""

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


_interrupted: set[tuple[int, int]] = set()
"""Device and number of the files that another thread of the parent was using when this process was forked.

The child inherits SQLite's record of locks and not the locks (sqlite.org/howtocorrupt.html, 2.6).
"""


class SqliteFile:
    """A file; see :class:`visavis.gallery.sql.store.Backend`."""

    disturbed_by_forks = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.place = str(path)
        self.url = f"sqlite:///{path}"

    @classmethod
    def at(cls, path: str) -> Self:
        """Take a path."""
        return cls(Path(path).expanduser())

    @classmethod
    def of(cls, url: URL) -> Self:
        """Take a URL; UsageError where it names no file."""
        if not url.database or url.database == ":memory:" or url.query or url.host or url.drivername != "sqlite":
            raise UsageError(f"{str(url)!r} names no file: write sqlite:///faces.db, or sqlite:////folder/faces.db.")
        return cls(Path(url.database))

    def look_at(self, *, create: bool) -> None:
        """Raise GalleryError where there can be no gallery at the path."""
        path = self._path
        if path.is_dir():
            raise GalleryError(f"{path} is a folder: a gallery is a file.")
        if not path.exists() and not create:
            raise GalleryError(f"there is no gallery at {path}: enroll somebody first.")
        if not path.parent.is_dir():
            raise GalleryError(f"there is no folder {path.parent} for the gallery {path.name}: make it first.")
        if path.exists() and _head(path) not in {b"", MAGIC}:  # SQLite takes a very short file for an empty one
            raise GalleryError(f"{path} is not a gallery: it is a file of another format.")
        if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise GalleryError(f"{path} is read-only: a gallery needs to write to its file and folder.")
        if share := network_share(path):
            warnings.warn(
                f"{path} is on a network share ({share}), where SQLite loses changes or damages the file once two "
                "machines use it: open it on one machine only, or use postgresql:// (docs/engines.md).",
                VisavisWarning,
                stacklevel=2,
            )

    def refuse_in_child(self) -> None:
        """See :class:`visavis.gallery.sql.store.Backend`."""
        if (number := _number(self._path)) is not None:
            _interrupted.add(number)

    def _refuse_interrupted(self) -> None:
        if _interrupted and _number(self._path) in _interrupted:
            raise GalleryError(
                f"{self.place} was in use by another thread when this process was forked, and cannot be used here: "
                "fork before galleries are used, or start processes by the method 'spawn'."
            )

    def engine(self) -> Engine:
        """Connections whose transactions begin as we say, not as the driver does."""
        engine = create_engine(URL.create("sqlite", database=str(self._path)), connect_args={"timeout": BUSY_SECONDS})

        @event.listens_for(engine, "connect")
        def _(raw: sqlite3.Connection, _record: object) -> None:
            raw.isolation_level = None  # the driver begins nothing by itself: the next listener does
            raw.execute(f"PRAGMA page_size={PAGE_BYTES}")  # of a file that is yet to be made
            raw.execute(f"PRAGMA wal_autocheckpoint={LOG_BYTES // PAGE_BYTES}")
            raw.execute("PRAGMA synchronous=FULL")
            raw.execute("PRAGMA foreign_keys=ON")
            raw.execute("PRAGMA secure_delete=ON")  # what is removed is overwritten with zeros

        @event.listens_for(engine, "begin")
        def _(conn: Connection) -> None:
            conn.exec_driver_sql(conn.get_execution_options().get("visavis_begin", "BEGIN"))

        return engine

    def settle(self, engine: Engine) -> None:
        """Turn on the write-ahead log; not earlier, since the file might have been another program's."""
        self.row(engine, "PRAGMA journal_mode=WAL")

    def begin_writing(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Begin with the lock of the one writer."""
        return engine.execution_options(visavis_begin="BEGIN IMMEDIATE").begin()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say what SQLite's errors mean."""
        self._refuse_interrupted()
        try:
            yield
        except DBAPIError as error:
            raise GalleryError(self._meaning(error.orig)) from error
        except sqlite3.Error as error:
            raise GalleryError(self._meaning(error)) from error

    def gone(self, error: DBAPIError) -> bool:
        """Tell that a file does not come back."""
        return False

    def sound(self, conn: Connection) -> Iterator[str]:
        """Yield what is wrong with the file."""
        for (line,) in conn.exec_driver_sql("PRAGMA integrity_check"):
            if line != "ok":
                yield f"{line}."

    def size(self, conn: Connection) -> int:
        """Bytes on disk, with the write-ahead log."""
        log = self._path.with_name(f"{self._path.name}-wal")
        return sum(file.stat().st_size for file in (self._path, log) if file.exists())

    def compact(self, engine: Engine) -> None:
        """Write the file anew: copies of deleted rows are left in free space and in the write-ahead log."""
        self.row(engine, "VACUUM")
        deadline = monotonic() + BUSY_SECONDS
        while self.row(engine, "PRAGMA wal_checkpoint(TRUNCATE)")[0]:  # busy; for some locks SQLite does not wait
            if monotonic() > deadline:
                raise GalleryError(f"others have kept reading {self.place} for {BUSY_SECONDS} seconds.")
            sleep(0.02)

    def row(self, engine: Engine, statement: str) -> Sequence[Any]:
        """Run a statement outside any transaction; returns the first row of the answer, if any."""
        with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute(statement)
            return cursor.fetchone() or ()

    def _meaning(self, error: BaseException | None) -> str:
        name = getattr(error, "sqlite_errorname", None) or ""
        known = (text for prefix, text in _MEANINGS.items() if name.startswith(prefix))
        return next(known, "{place}: {error}").format(place=self.place, error=error, seconds=BUSY_SECONDS) + "."


def _number(path: Path) -> tuple[int, int] | None:
    """Return device and number of a file; None where it is not there."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC))
    except OSError as error:
        raise GalleryError(f"{path} cannot be read: {error.strerror}.") from error
