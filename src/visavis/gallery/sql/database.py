"""An open database of records: its transactions, and its errors explained in one sentence.

Records are in a file of SQLite (``sqlite.py``) or a database of PostgreSQL (``postgresql.py``). Transactions are
atomic and survive ``kill -9``, writers run one after another, and a read sees one consistent state.
"""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from visavis.encryption import Cipher
from visavis.errors import GalleryError, UsageError, VisavisWarning
from visavis.forking import ForkGate, guard_forks, keep_forever
from visavis.gallery.sql import changes, records, schema
from visavis.gallery.sql.postgresql import PostgresDatabase
from visavis.gallery.sql.sqlite import SqliteFile

ERASING_SECONDS, COMPACT_SECONDS = 5.0, 30.0
"""How long a change, and :meth:`Database.compact`, wait for others to end reading what was removed."""
READ_META = f"SELECT {', '.join(records.Meta._fields)} FROM meta"
SCHEMES = ("sqlite:///", "postgresql://")


class Backend(Protocol):
    """A database of records. ``place`` is its name in messages, ``url`` opens it again (without a password).

    ``disturbed_by_forks``: whether open connections of a parent make those of its child unsafe.
    """

    place: str
    url: str
    disturbed_by_forks: bool

    def refuse_in_child(self) -> None:
        """Refuse all use in this process, which was forked while a connection was in use."""
        ...

    def check_place(self, *, create: bool) -> None:
        """Raise GalleryError where the place cannot be that of a gallery."""
        ...

    def create_engine(self) -> Engine:
        """Return the engine that opens connections."""
        ...

    def set_up(self, engine: Engine) -> None:
        """Set up a place that has a gallery or is empty."""
        ...

    def begin_writing(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Begin a write transaction; other writers wait until it ends."""
        ...

    def translate_errors(self) -> AbstractContextManager[None]:
        """Convert the errors of the driver to GalleryErrors."""
        ...

    def connect(self, engine: Engine) -> Connection:
        """Connect; retry for a while if a server cannot be reached."""
        ...

    def fetch_first_row(self, engine: Engine, query: str) -> Sequence[Any]:
        """Return the first row of a query, as fast as possible."""
        ...

    def find_alterations(self, conn: Connection, *, current: bool) -> Iterator[str]:
        """Yield what another program has added to a gallery, or altered in one of the ``current`` schema."""
        ...

    def find_faults(self, conn: Connection) -> Iterator[str]:
        """Yield the faults that the database finds in its own storage."""
        ...

    def count_bytes(self, conn: Connection) -> int:
        """Return the bytes that the records take."""
        ...

    def mark_traces(self, conn: Connection) -> None:
        """Note, as a part of a write transaction, that it leaves traces of what it removes or replaces."""
        ...

    def has_traces(self, engine: Engine) -> bool:
        """Return whether such traces are left."""
        ...

    def compact(self, engine: Engine, *, patience: float) -> None:
        """Erase these traces; raise GalleryError while others keep reading for ``patience`` seconds."""
        ...


class Database:
    """An open database of records, safe to share between threads; :meth:`read` and :meth:`write` give transactions."""

    def __init__(self, url: str | os.PathLike[str], *, model: str, create: bool, cipher: Cipher | None = None) -> None:
        """Open ``url`` (``sqlite:///path``, a path, ``postgresql://...``); a new one is for embeddings of ``model``.

        With a ``cipher`` it is encrypted.

        Raises GalleryError where there is no database and ``create`` is False, or where it cannot be used.
        """
        self.cipher = cipher
        self._backend = _choose_backend(url, cipher)
        self._backend.check_place(create=create)
        self._engine = self._backend.create_engine()
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
        """The name of the database in messages."""
        return self._backend.place

    @property
    def url(self) -> str:
        """The URL of the database, without a password."""
        return self._backend.url

    def _prepare(self, model: str, *, create: bool) -> None:
        with self.read() as conn:
            version = schema.read_version(conn, place=self.place)
            self._refuse_altered(conn, current=version == schema.latest_version())
        if version is None and not create:
            raise GalleryError(f"{self.place} is empty, not yet a gallery: enroll a person first.")
        with self._translate_errors():
            self._backend.set_up(self._engine)
        if version != schema.latest_version():
            with self.write() as conn:  # checks again: another process may have been first
                if schema.create_or_migrate(conn, place=self.place, model=model):
                    changes.own(conn)
                changes.keep_mark(conn)
                self._refuse_altered(conn, current=True)
        self._erase_left_traces()

    def _refuse_altered(self, conn: Connection, *, current: bool) -> None:
        """Raise GalleryError for what no gallery has; for altered tables too, if the schema is ``current``."""
        fault = next(self._backend.find_alterations(conn, current=current), None)
        if fault is not None:
            raise GalleryError(f"{self.place} was altered: {fault}. Restore a copy that visavis wrote.")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that reads one consistent state; raises GalleryError for database errors."""
        with self._translate_errors(), self._connected() as conn, conn.begin():
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a write transaction: commit it when the block ends, or nothing where the block raises."""
        info: MutableMapping[Any, Any] = {}
        committed = False
        try:
            with self._translate_errors(), self._backend.begin_writing(self._engine) as conn:
                info = conn.info
                yield conn
            committed = True
        finally:
            changes.end_transaction(info, committed=committed)

    def read_meta(self) -> records.Meta:
        """Return :func:`visavis.gallery.sql.records.read_meta` of the current state, much faster."""
        with self._translate_errors():
            return records.make_meta(self._backend.fetch_first_row(self._engine, READ_META))

    def find_faults(self, conn: Connection) -> Iterator[str]:
        """Yield the faults that the database finds in its own storage."""
        return self._backend.find_faults(conn)

    def count_bytes(self) -> int:
        """Return the bytes that the records take."""
        with self.read() as conn:
            return self._backend.count_bytes(conn)

    @contextmanager
    def erasing(self) -> Iterator[Connection]:
        """Begin a write transaction that removes or replaces text, and erase the traces of that after its commit."""
        with self.write() as conn:
            self._backend.mark_traces(conn)
            yield conn
        self.erase_traces()

    def erase_traces(self) -> None:
        """Erase the traces of removed records.

        Where others keep reading, warn that traces are left: they are erased when the gallery is opened next, also
        after this process was killed.
        """
        try:
            self.compact(patience=ERASING_SECONDS)
        except GalleryError as error:
            warnings.warn(
                f"the change is done, but traces of what it removed are left in {self.place}: {error} They are erased "
                "when the gallery is opened next, or by visavis gallery compact.",
                VisavisWarning,
                stacklevel=4,
            )

    def mark_traces(self, conn: Connection) -> None:
        """Note that a write transaction leaves traces, which are erased when the gallery is opened next."""
        self._backend.mark_traces(conn)

    def compact(self, *, patience: float = COMPACT_SECONDS) -> None:
        """Erase the traces of removed records; raise GalleryError while others keep reading."""
        with self._translate_errors():
            self._backend.compact(self._engine, patience=patience)

    def _erase_left_traces(self) -> None:
        """Erase what an earlier process could not erase; leave it to the next one where this is not possible now."""
        with suppress(GalleryError), self._translate_errors():
            if self._backend.has_traces(self._engine):
                self._backend.compact(self._engine, patience=0)

    def close(self) -> None:
        """Close all connections; it cannot be used afterwards."""
        self._closed = True
        self._engine.dispose()

    def before_fork(self) -> None:
        """Wait for running transactions, and close the connections that a child must not inherit."""
        if self._backend.disturbed_by_forks:
            self._in_use.before_fork()
            self._engine.dispose()

    def after_fork_in_parent(self) -> None:
        """Let transactions begin again."""
        if self._backend.disturbed_by_forks:
            self._in_use.after_fork_in_parent()

    def renew_in_child(self) -> None:
        """Leave the connections to the parent, which continues to use them; a forked child opens its own."""
        keep_forever(self._engine.pool)
        self._engine.dispose(close=False)
        self._in_use.renew_in_child()
        if self._in_use.interrupted and self._backend.disturbed_by_forks:
            self._backend.refuse_in_child()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        conn = self._backend.connect(self._engine)
        try:
            yield conn
        finally:
            conn.close()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        if self._closed:
            raise GalleryError(f"{self.place} was closed: open the gallery again.")
        try:
            with self._in_use.inside(), self._backend.translate_errors():
                yield
        except NoConnectionError as error:
            raise GalleryError(f"too many threads use {self.place} at a time: {error}.") from error
        except UnicodeEncodeError as error:  # of a file name that is not in UTF-8, or of JSON
            raise UsageError(f"{str(error.object)[:100]!r} is no valid Unicode text: rename it.") from error
        except OverflowError as error:
            raise UsageError("a number is larger than a gallery can store.") from error


def _choose_backend(url: str | os.PathLike[str], cipher: Cipher | None) -> Backend:
    """Return the backend for a URL; a path is a file of SQLite. Raises UsageError for unsupported URLs."""
    text = os.fspath(url)
    if "://" not in text:
        return SqliteFile.at(text, cipher)
    try:
        parsed = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is not a number
        raise UsageError(f"{text!r} is not a URL of a gallery: write sqlite:///faces.db.") from error
    if parsed.get_backend_name() == "sqlite":
        return SqliteFile.of(parsed, cipher)
    if cipher is not None:
        raise UsageError("only galleries in files of SQLite can be encrypted: leave out the key file.")
    if parsed.get_backend_name() == "postgresql":
        return PostgresDatabase(parsed)
    raise UsageError(f"galleries of {parsed.drivername!r} are not supported; there are: {', '.join(SCHEMES)}.")
