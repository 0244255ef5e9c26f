"""Records in a file of SQLite.

The file uses WAL with ``synchronous=FULL``: committed transactions survive a power failure. Writers take the lock at
the start (``BEGIN IMMEDIATE``), so that none fails halfway; they wait up to ``BUSY_SECONDS``.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from visavis import input_files, permissions
from visavis.atomic import has_room
from visavis.encryption import Cipher
from visavis.errors import GalleryError, UsageError, VisavisWarning
from visavis.forking import ForkSafeLock, keep_forever
from visavis.gallery.sql import layout, read_only
from visavis.gallery.sql.changes import MARK
from visavis.gallery.sql.id_mark import IdMark
from visavis.gallery.sql.network_file_systems import network_share
from visavis.gallery.sql.sealed import use_cipher
from visavis.gallery.sql.write_lock import execute_locking

BUSY_SECONDS = 30
MAGIC = b"SQLite format 3\0"
LOG_BYTES = 1 << 22
"""Size of the write-ahead log at which it is merged into the file."""
PAGE_BYTES = 2048
"""Size of the pages of a new file.

An enrollment writes a page of each table and index that it changes, about ten, and three more for each page that has to
be divided: at most 25 of 2,000 enrollments. Embeddings of 512 values are on pages of their own, which they fill.
"""

TRACES = "PRAGMA user_version"
"""Number of the last change that left traces of removed text in the file; 0: none is left."""
MOST_TRACES = 2**31 - 2

# By the start of the name of SQLite's error; sqlite.org/rescode.html.
_MEANINGS = {
    "SQLITE_NOTADB": "{place} is not a gallery: it is a file of another format",
    "SQLITE_CORRUPT": "{place} is damaged ({error}): restore a copy of it",
    "SQLITE_FULL": "{place} could not grow, the disk is full: make room and try again",
    "SQLITE_READONLY": "{place} is read-only: a gallery needs to write to its file and folder",
    "SQLITE_CANTOPEN": "{place} cannot be opened: check the folder and its permissions",
    "SQLITE_BUSY": "another process has kept {place} locked for {seconds} seconds: try again when it is done",
    "SQLITE_IOERR": "{place} could not be read or written ({error}): nothing was stored",
}


_opened: set[tuple[int, int]] = set()
"""Device and inode of the files that this process has opened. They are not opened again to look at their first bytes:
closing them would drop SQLite's locks, and another process would delete the log (sqlite.org/howtocorrupt.html, 2.2)."""

_opening = ForkSafeLock()  # while a file is read or created, and while one is added to _opened, before SQLite opens it

_interrupted: set[tuple[int, int]] = set()
"""Device and inode of the files that another thread of the parent was using when this process was forked.

The child inherits SQLite's record of locks, but not the locks (sqlite.org/howtocorrupt.html, 2.6).
"""


class SqliteFile:
    """A file; see :class:`visavis.gallery.sql.database.Backend`."""

    disturbed_by_forks = True

    def __init__(self, path: Path, cipher: Cipher | None = None) -> None:
        self._path = path
        self._cipher = cipher
        self.place = str(path)
        self.url = f"sqlite:///{path}"
        self._read_only = self._full = False
        self._file: tuple[int, int] | None = None
        self._engine: Engine

    @classmethod
    def at(cls, path: str, cipher: Cipher | None = None) -> Self:
        """Return the file at a path, encrypted if there is a cipher."""
        return cls(input_files.expand_home(path), cipher)

    @classmethod
    def of(cls, url: URL, cipher: Cipher | None = None) -> Self:
        """Return the file of a URL, encrypted if there is a cipher; raise UsageError where it names none."""
        if not url.database or url.database == ":memory:" or url.query or url.host or url.drivername != "sqlite":
            raise UsageError(f"{str(url)!r} names no file: write sqlite:///faces.db, or sqlite:////folder/faces.db.")
        return cls(Path(url.database), cipher)

    def check_place(self, *, create: bool) -> None:
        """Raise GalleryError where the path cannot be that of a gallery; warn of a network share."""
        path = self._path
        if path.is_dir():
            raise GalleryError(f"{path} is a folder: a gallery is a file.")
        if permissions.is_dangling(path):
            raise GalleryError(f"{path} cannot be a gallery: {permissions.DANGLING}. Name the file itself.")
        if not path.exists() and not create:
            raise GalleryError(f"there is no gallery at {path}: enroll a person first.")
        if not path.parent.is_dir():
            raise GalleryError(f"there is no folder {path.parent} for the gallery {path.name}: make it first.")
        with _opening:
            is_new = path.exists() and _file_number(path) not in _opened
            if is_new and _read_head(path) not in {b"", MAGIC}:  # SQLite accepts a very short file as empty
                raise GalleryError(f"{path} is not a gallery: it is a file of another format.")
            self._read_only = not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK))
            if self._read_only and not path.exists():
                raise self._refuse_writing()
            self._keep_private()
        if share := network_share(path):
            warnings.warn(
                f"{path} is on a network share ({share}), where SQLite loses changes or damages the file once two "
                "machines use it: open it on one machine only, or use postgresql:// (docs/engines.md).",
                VisavisWarning,
                stacklevel=2,
            )

    def _keep_private(self) -> None:
        """Create a new file for this user alone, which SQLite's log takes over; warn where others can read the file."""
        files = [self._path, *(self._path.with_name(f"{self._path.name}{ending}") for ending in ("-wal", "-shm"))]
        if self._path.exists():
            permissions.warn_if_readable(files, contents="names and faces")
        else:
            with suppress(OSError):  # SQLite fails in the same way, and its error is translated
                permissions.create_file(self._path)

    def refuse_in_child(self) -> None:
        """See :class:`visavis.gallery.sql.database.Backend`."""
        if (number := _file_number(self._path)) is not None:
            _interrupted.add(number)

    def _refuse_interrupted(self) -> None:
        if _interrupted and _file_number(self._path) in _interrupted:
            raise GalleryError(
                f"{self.place} was in use by another thread when this process was forked, and cannot be used here: "
                "fork before galleries are used, or start processes by the method 'spawn'."
            )

    def create_engine(self) -> Engine:
        """Return an engine that begins transactions itself, not through the driver."""
        self._note_opened()
        self._full = not (self._read_only or read_only.has_room_to_open(self._path))
        self._read_only = self._read_only or self._full
        if not self._read_only:
            self._engine = self._create_engine(
                create_engine(
                    URL.create("sqlite", database=str(self._path)),
                    connect_args={"timeout": BUSY_SECONDS},
                    hide_parameters=True,  # an error, and so a log, holds no embedding, hash or path
                )
            )
            self._read_only = not self._can_write_beside()
        if self._read_only:
            connect = read_only.connector(self._path, seconds=BUSY_SECONDS)
            self._engine = self._create_engine(
                create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
            )
        self._note_opened()  # a file that SQLite has created
        return self._engine

    def _note_opened(self) -> None:
        with _opening:
            self._file = _file_number(self._path)
            if self._file is not None:
                _opened.add(self._file)

    def _can_write_beside(self) -> bool:
        """Return whether SQLite can make the files that it needs beside an existing gallery."""
        if not self._file_is_filled():
            return True
        try:
            self.fetch_first_row(self._engine, "SELECT 1 FROM sqlite_master")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if read_only.is_needed(error):
                self._engine.dispose()
                return False
        return True

    def _file_is_filled(self) -> bool:
        return self._path.exists() and self._path.stat().st_size > 0

    def _create_engine(self, engine: Engine) -> Engine:
        """Set up the connections of an engine."""
        use_cipher(engine, self._cipher)

        @event.listens_for(engine, "connect")
        def _(raw: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
            record.info[MARK] = IdMark(self._path)
            raw.isolation_level = None  # the next listener begins transactions, not the driver
            raw.execute("PRAGMA trusted_schema=OFF")  # the file may be another's
            raw.execute(f"PRAGMA page_size={PAGE_BYTES}")  # for a new file
            raw.execute(f"PRAGMA wal_autocheckpoint={LOG_BYTES // PAGE_BYTES}")
            raw.execute("PRAGMA synchronous=FULL")
            raw.execute("PRAGMA foreign_keys=ON")
            raw.execute("PRAGMA secure_delete=ON")  # overwrites removed rows with zeros

        # The traceback of an interrupt holds the cursor, which keeps a closed connection and its locks alive.
        @event.listens_for(engine, "handle_error")
        def _(context: ExceptionContext) -> None:
            if context.execution_context and not isinstance(context.original_exception, Exception):
                context.execution_context.cursor.close()

        @event.listens_for(engine, "invalidate")
        def _(raw: sqlite3.Connection, *_: object) -> None:
            raw.rollback()

        @event.listens_for(engine, "begin")
        def _(conn: Connection) -> None:
            if conn.get_execution_options().get("visavis_writing"):
                raw = conn.connection.dbapi_connection
                execute_locking(cast("sqlite3.Connection", raw), "BEGIN IMMEDIATE", seconds=BUSY_SECONDS)
            else:
                conn.exec_driver_sql("BEGIN")

        return engine

    def set_up(self, engine: Engine) -> None:
        """Turn on the write-ahead log, only now that the file is no other program's database."""
        if not self._read_only:
            self.fetch_first_row(engine, "PRAGMA journal_mode=WAL")

    @contextmanager
    def begin_writing(self, engine: Engine) -> Iterator[Connection]:
        """Begin a transaction that holds the lock of the only writer."""
        if self._read_only:
            raise self._refuse_writing()
        with engine.execution_options(visavis_writing=True).begin() as conn:
            yield conn
        self._refuse_replaced()

    def _refuse_writing(self) -> GalleryError:
        if self._full:
            return GalleryError(f"{self.place} can only be read, the disk is full: make room and open it again.")
        return GalleryError(self._explain("SQLITE_READONLY"))

    def _refuse_replaced(self) -> None:
        """Raise GalleryError if the path no longer names the file that is open.

        Its connections stay open: SQLite would delete the log beside the file that is there now.
        """
        if self._file is None or (current := _file_number(self._path)) == self._file:
            return
        keep_forever(self._engine.pool)
        self._engine.dispose(close=False)
        what = "deleted" if current is None else "replaced by another file"
        raise GalleryError(
            f"{self.place} was {what} while it was open: nothing that was stored since then is in it. "
            "Open the gallery again."
        )

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise GalleryErrors that explain SQLite's errors."""
        self._refuse_interrupted()
        self._refuse_replaced()
        try:
            yield
        except DBAPIError as error:
            raise GalleryError(self._describe(error.orig)) from error
        except sqlite3.Error as error:
            raise GalleryError(self._describe(error)) from error
        except UnicodeDecodeError as error:  # in a message of SQLite about a damaged schema
            raise GalleryError(_MEANINGS["SQLITE_CORRUPT"].format(place=self.place, error="no text") + ".") from error

    def connect(self, engine: Engine) -> Connection:
        """Connect; waiting does not bring a file back."""
        return engine.connect()

    def find_alterations(self, conn: Connection, *, current: bool) -> Iterator[str]:
        """See :class:`visavis.gallery.sql.database.Backend`."""
        yield from layout.find_foreign_parts(conn)
        if current:
            yield from layout.find_altered_tables(conn)

    def find_faults(self, conn: Connection) -> Iterator[str]:
        """Yield the faults that SQLite finds in the file."""
        for fault in self.find_alterations(conn, current=True):
            yield f"the file was altered: {fault}."
        for (line,) in conn.exec_driver_sql("PRAGMA integrity_check"):
            if line != "ok":
                yield f"{line}."

    def count_bytes(self, conn: Connection) -> int:
        """Return the bytes on disk, including the write-ahead log."""
        log = self._path.with_name(f"{self._path.name}-wal")
        return sum(file.stat().st_size for file in (self._path, log) if file.exists())

    def mark_traces(self, conn: Connection) -> None:
        """Count, as a part of the transaction, a change that leaves traces: in the number that SQLite leaves to users.

        VACUUM keeps this number.
        """
        (count,) = conn.exec_driver_sql(TRACES).one()
        conn.exec_driver_sql(f"{TRACES}={count % MOST_TRACES + 1}")

    def has_traces(self, engine: Engine) -> bool:
        """Return whether a change has left traces that no process has erased yet."""
        return self.fetch_first_row(engine, TRACES) != (0,)

    def compact(self, engine: Engine, *, patience: float) -> None:
        """Rewrite the file: free space and the write-ahead log still contain copies of deleted rows."""
        with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute(f"PRAGMA busy_timeout={round(1000 * patience)}")
            try:
                self._erase_traces(cursor, patience)
            finally:
                cursor.execute(f"PRAGMA busy_timeout={round(1000 * BUSY_SECONDS)}")

    def _erase_traces(self, cursor: DBAPICursor, patience: float) -> None:
        (count,) = cursor.execute(TRACES).fetchone()
        execute_locking(cursor.connection, "VACUUM", seconds=patience)
        deadline = monotonic() + patience
        while not _empty_log(cursor):
            if monotonic() > deadline:
                raise GalleryError(f"others have kept reading {self.place} for {patience:g} seconds.")
            sleep(0.02)
        if count:
            cursor.execute("BEGIN IMMEDIATE")
            same = cursor.execute(TRACES).fetchone() == (count,)  # else another process has left traces meanwhile
            cursor.execute(f"{TRACES}=0" if same else TRACES)
            cursor.execute("COMMIT")
            _empty_log(cursor)

    def fetch_first_row(self, engine: Engine, statement: str) -> Sequence[Any]:
        """Run a statement outside any transaction; return the first row of the result, if any."""
        with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute(statement)
            return cursor.fetchone() or ()

    def _describe(self, error: BaseException | None) -> str:
        return self._explain(getattr(error, "sqlite_errorname", None) or "", error)

    def _explain(self, name: str, error: BaseException | None = None) -> str:
        """Return the sentence for SQLite's error of a name; without room several names mean that."""
        if name.startswith(read_only.WORDS) and not has_room(self._path.absolute().parent):
            name = "SQLITE_FULL"
        meanings = (text for prefix, text in _MEANINGS.items() if name.startswith(prefix))
        return next(meanings, "{place}: {error}").format(place=self.place, error=error, seconds=BUSY_SECONDS) + "."


def _empty_log(cursor: DBAPICursor) -> bool:
    """Merge the write-ahead log into the file, and empty it; False while others read from it.

    SQLite does not wait for some locks of readers.
    """
    return not cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _file_number(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None where it does not exist."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _read_head(path: Path) -> bytes:
    try:
        with input_files.open_file(path) as file:
            return file.read(len(MAGIC))
    except input_files.SpecialFileError as error:
        raise GalleryError(f"{path} is a pipe, a socket or a device, not a gallery.") from error
    except OSError as error:
        raise GalleryError(f"{path} cannot be read: {error.strerror}.") from error
