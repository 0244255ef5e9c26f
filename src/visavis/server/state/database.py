"""The server's own database: opened or created, with transactions, and errors in one sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, insert, make_url, select
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from visavis import permissions
from visavis.errors import ServerError, UsageError
from visavis.gallery.sql.postgresql import CONNECT_SECONDS, KEPT_ALIVE
from visavis.server.state import tables
from visavis.server.types import LogEntry

BUSY_SECONDS = 30


def beside_gallery(gallery_url: str) -> str:
    """Return the URL of the server's database for a gallery: a file beside its file, or the same PostgreSQL."""
    if "://" in gallery_url and not gallery_url.startswith("sqlite:"):
        return gallery_url
    path = Path(gallery_url.removeprefix("sqlite:///"))
    return f"sqlite:///{path.with_name(f'{path.stem}.server.db')}"


def now() -> str:
    """Return the time of this machine in UTC, as the database stores it."""
    return write_time(datetime.now(UTC))


def write_time(time: datetime) -> str:
    """Return a time in UTC as the database stores it."""
    return time.isoformat(timespec="microseconds")


class StateDatabase:
    """An open database, safe to share between threads. ``url`` is ``sqlite:///file`` or ``postgresql://...``.

    It is created where it is missing. Raises ServerError where it cannot be used, UsageError for another kind of URL.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise UsageError(f"{url!r} is not a URL of a database: write sqlite:///server.db.") from error
        self.place = parsed.render_as_string(hide_password=True)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        self._engine = _create_sqlite(parsed) if self._sqlite else _create_postgresql(parsed)
        with self.write() as conn:
            self._set_up(conn)

    def _set_up(self, conn: Connection) -> None:
        tables.METADATA.create_all(conn)
        version = conn.execute(select(tables.META.c.version)).scalar()
        if version is None:
            conn.execute(insert(tables.META).values(version=tables.VERSION))
        elif version != tables.VERSION:
            raise ServerError(f"{self.place} has tables of version {version}: use the visavis that made it.")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that reads one consistent state."""
        with self._translate_errors(), self._engine.connect() as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a write transaction: committed when the block ends, without effect where it raises."""
        with self._translate_errors(), self._engine.connect() as conn:
            if self._sqlite:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                conn.exec_driver_sql("SELECT pg_advisory_xact_lock(7640118)")
            yield conn
            conn.commit()

    def read_clock(self, conn: Connection) -> datetime:
        """Return the time in UTC by the clock of the database: those of the machines that share it may differ."""
        if self._sqlite:  # a file of this machine
            return datetime.now(UTC)
        time: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
        return time.astimezone(UTC)

    def log(self, conn: Connection, actor: str, action: str, detail: str = "") -> None:
        """Write who changed the server."""
        conn.execute(insert(tables.LOG).values(at=now(), actor=actor, action=action, detail=detail))

    def read_log(self, *, after: int = 0, limit: int = 100) -> list[LogEntry]:
        """Return the entries of the log of a number above ``after``, the oldest first."""
        query = select(tables.LOG).where(tables.LOG.c.number > after).order_by(tables.LOG.c.number).limit(limit)
        with self.read() as conn:
            return [LogEntry(**row._mapping) for row in conn.execute(query)]

    def read_latest_log(self, *, before: int | None = None, limit: int = 100) -> list[LogEntry]:
        """Return the entries of a number below ``before`` (None: all), the newest first."""
        query = select(tables.LOG).order_by(tables.LOG.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(tables.LOG.c.number < before)
        with self.read() as conn:
            return [LogEntry(**row._mapping) for row in conn.execute(query)]

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", error)).partition("\n")[0]
            raise ServerError(f"the server's database {self.place} cannot be used: {cause}.") from error


def _create_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise UsageError(f"{str(url)!r} names no file: write sqlite:///server.db.")
    path = Path(url.database)
    if not path.parent.is_dir():
        raise ServerError(f"there is no folder {path.parent} for the server's database {path.name}: make it first.")
    try:
        permissions.create_file(path)
    except OSError as error:
        raise ServerError(
            f"the server's database {path} cannot be created: {os.strerror(error.errno or 0)}."
        ) from error
    permissions.warn_if_readable([path], contents="hashes of keys and events of people")
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where write() begins them
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _create_postgresql(url: URL) -> Engine:
    if url.get_backend_name() != "postgresql":
        raise UsageError(f"the server's database is in SQLite or PostgreSQL, not {url.drivername!r}.")
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_SECONDS, **KEPT_ALIVE},
    )
