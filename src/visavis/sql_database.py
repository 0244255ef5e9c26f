"""Databases that a part of the application has to itself: the server's, and that of attendance.

Each is a file of SQLite or a database of PostgreSQL: opened or created, with transactions, and errors in one sentence.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, func, insert, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from visavis import permissions
from visavis._closing import Closing
from visavis.errors import InvalidTextError, UsageError, VisavisError
from visavis.gallery.check_text import is_unicode
from visavis.gallery.sql.postgresql import CONNECT_SECONDS, KEPT_ALIVE
from visavis.images import shown

BUSY_SECONDS = 30


def now() -> str:
    """Return the time of this machine in UTC, as text that a database stores."""
    return write_time(datetime.now(UTC))


def write_time(time: datetime) -> str:
    """Return a time in UTC as text that a database stores."""
    return time.isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class DatabaseKind:
    """What a database holds, and how messages name it.

    ``meta`` is the table with the only row that has the ``version`` of all tables of its metadata; ``name`` names the
    database ("the server's database"), ``file`` is an example of its file, ``contents`` says what others could read in
    it. ``lock`` is the number of PostgreSQL's advisory lock that writers take; ``error`` is raised where it cannot be
    used.
    """

    meta: Table
    version: int
    name: str
    file: str
    contents: str
    lock: int
    error: type[VisavisError]


class SqlDatabase(Closing):
    """An open database, safe to share between threads. ``url`` is ``sqlite:///file`` or ``postgresql://...``.

    It is created where it is missing. Raises the error of its kind where it cannot be used, UsageError for another kind
    of URL. Every statement raises InvalidTextError for a text with a NUL character, or that is not valid Unicode:
    PostgreSQL holds none, so SQLite must not either.
    """

    def __init__(self, url: str, kind: DatabaseKind) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise UsageError(f"{url!r} is not a URL of a database: write sqlite:///{kind.file}.") from error
        self._kind = kind
        self.place = parsed.render_as_string(hide_password=True)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        self._engine = _create_sqlite(parsed, kind) if self._sqlite else _create_postgresql(parsed, kind)
        event.listen(self._engine, "before_cursor_execute", _check_texts)
        if not self._is_set_up():
            with self.write() as conn:
                self._set_up(conn)

    def _is_set_up(self) -> bool:
        with self.read() as conn:
            return {*self._kind.meta.metadata.tables} <= {*inspect(conn).get_table_names()} and self._has_version(conn)

    def _set_up(self, conn: Connection) -> None:
        meta = self._kind.meta
        meta.metadata.create_all(conn)
        if not self._has_version(conn):
            conn.execute(insert(meta).values(version=self._kind.version))

    def _has_version(self, conn: Connection) -> bool:
        """Return whether the tables have a version; raise the error of the kind for another version than ours."""
        version = conn.execute(select(self._kind.meta.c.version)).scalar()
        if version not in (None, self._kind.version):
            raise self._kind.error(f"{self.place} has tables of version {version}: use the visavis that made it.")
        return version is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that reads one consistent state."""
        with self._translate_errors(), self._engine.connect() as conn:
            if self._sqlite:
                conn.exec_driver_sql("BEGIN")
            else:
                conn.execution_options(isolation_level="REPEATABLE READ")
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a write transaction: committed when the block ends, without effect where it raises.

        Writers run one after another; each sees what those before it have written.
        """
        with self._translate_errors(), self._engine.connect() as conn:
            if self._sqlite:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
            else:  # an isolation that is stricter by default would read what was there before the lock
                conn.execution_options(isolation_level="READ COMMITTED")
                conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({self._kind.lock})")
            yield conn
            conn.commit()

    def read_clock(self, conn: Connection) -> datetime:
        """Return the time in UTC by the clock of the database: those of the machines that share it may differ."""
        if self._sqlite:  # a file of this machine
            return datetime.now(UTC)
        time: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
        return time.astimezone(UTC)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (SQLAlchemyError, sqlite3.Error) as error:  # the second from a cursor of the driver
            cause = str(getattr(error, "orig", error)).partition("\n")[0]
            raise self._kind.error(f"{self._kind.name} {self.place} cannot be used: {cause}.") from error


def _check_texts(
    _conn: Connection, _cursor: object, _statement: str, parameters: Any, _context: object, executemany: bool
) -> None:
    """Raise InvalidTextError for parameters of a statement that no database holds; SQLAlchemy calls it before each."""
    for row in parameters if executemany else [parameters]:
        for value in row.values() if isinstance(row, dict) else row:
            if isinstance(value, str) and ("\0" in value or not (value.isascii() or is_unicode(value))):
                raise InvalidTextError(f"{shown(value)} has a character that no text may have: remove it.")


def _create_sqlite(url: URL, kind: DatabaseKind) -> Engine:
    if not url.database or url.database == ":memory:":
        raise UsageError(f"{str(url)!r} names no file: write sqlite:///{kind.file}.")
    path = Path(url.database)
    if not path.parent.is_dir():
        raise kind.error(f"there is no folder {path.parent} for {kind.name} {path.name}: make it first.")
    try:
        permissions.create_file(path)
    except OSError as error:
        raise kind.error(f"{kind.name} {path} cannot be created: {os.strerror(error.errno or 0)}.") from error
    permissions.warn_if_readable([path], contents=kind.contents)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where read() and write() begin them
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _create_postgresql(url: URL, kind: DatabaseKind) -> Engine:
    if url.get_backend_name() != "postgresql":
        raise UsageError(f"{kind.name} is in SQLite or PostgreSQL, not {url.drivername!r}.")
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_SECONDS, **KEPT_ALIVE},
    )
