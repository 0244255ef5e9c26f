"""Records in a database of PostgreSQL, for many machines at a time. Takes the package psycopg (extra ``postgresql``).

Readings are of one state of the whole (REPEATABLE READ). Writers begin by locking the one row of ``meta``, so the
numbers of changes follow the commits. A lost connection is made anew before a transaction begins; what broke within
one is never tried again. A machine that vanishes is given up after ``KEPT_ALIVE``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from visavis.errors import GalleryError, MissingExtraError, UsageError
from visavis.gallery.sql.reconnect import patiently
from visavis.gallery.sql.schema import META, TABLES

CONNECT_SECONDS = 5
LOCK_SECONDS = 30
DRIVER = "postgresql+psycopg"
KEPT_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Seconds of silence, seconds between questions, and questions without an answer, until a connection counts as lost."""

PREPARING = 0x7669_7361
"""Number of the advisory lock that whoever makes the tables holds."""

# By the class of PostgreSQL's error code (SQLSTATE), the first characters of it.
_MEANINGS = {
    "08": "{place} cannot be reached ({error}): what was under way is stored whole or not at all",
    "28": "{place} refuses this user or password",
    "3D": "{place}: there is no such database: make it with createdb",
    "25006": "{place} is read-only: a gallery needs to write",
    "42501": "{place}: this user may not do that ({error})",
    "53100": "{place} could not grow, the disk is full: nothing was stored",
    "53300": "{place} has no room for another connection",
    "55P03": "another process has kept {place} locked for {seconds} seconds: try again when it is done",
    "57P": "{place} is shutting down or was restarted: what was under way is stored whole or not at all",
}


class PostgresDatabase:
    """A database; see :class:`visavis.gallery.sql.store.Backend`."""

    disturbed_by_forks = False

    def __init__(self, url: URL) -> None:
        if not url.database:
            raise UsageError(f"{url.render_as_string()!r} names no database: write postgresql://user@host/faces.")
        if find_spec("psycopg") is None:
            raise MissingExtraError(
                "a gallery in PostgreSQL takes the package psycopg: pip install 'visavis[postgresql]'."
            )
        self._url = url.set(drivername=DRIVER)
        self.url = self.place = without_password(url)

    def refuse_in_child(self) -> None:
        """Nothing is refused: a child has connections of its own."""

    def look_at(self, *, create: bool) -> None:
        """Connecting tells."""

    def engine(self) -> Engine:
        """Connections that are tried out before they are used, so that a restarted server is noticed."""
        return create_engine(
            self._url,
            isolation_level="REPEATABLE READ",
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": self._settings(), **KEPT_ALIVE},
        )

    def _settings(self) -> str:
        """Return what the server is told of each connection; what the URL says goes last, and so before ours."""
        ours = {"lock_timeout": round(1000 * LOCK_SECONDS), "client_min_messages": "warning"}
        ours |= {f"tcp_{name}": value for name, value in KEPT_ALIVE.items()}
        theirs = self._url.query.get("options", "")
        return " ".join([*(f"-c {name}={value}" for name, value in ours.items()), *_words(theirs)])

    def settle(self, engine: Engine) -> None:
        """Nothing is to be done."""

    @contextmanager
    def begin_writing(self, engine: Engine) -> Iterator[Connection]:
        """Begin with the row of ``meta`` locked; where there is none yet, with a lock of the database's.

        READ COMMITTED, so that what is read is as of the lock and not as of the transaction's first word.
        """
        conn = patiently(engine.connect, self.gone, error=DBAPIError).execution_options(
            isolation_level="READ COMMITTED"
        )
        with conn, conn.begin():
            if not inspect(conn).has_table(META.name):
                conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({PREPARING})")
            else:
                conn.execute(select(META.c.change).with_for_update())
            yield conn

    def explained(self) -> AbstractContextManager[None]:
        """Say what PostgreSQL's errors mean."""
        return self._explained()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise GalleryError(self._meaning(error)) from error

    def gone(self, error: DBAPIError) -> bool:
        """Tell whether there is no connection, or the server is just starting or stopping."""
        code = getattr(error.orig, "sqlstate", None)
        if code is None:
            return not _code(str(error.orig))
        return str(code).startswith(("08", "57P"))

    def row(self, engine: Engine, query: str) -> Sequence[Any]:
        """See :class:`visavis.gallery.sql.store.Backend`."""
        with patiently(engine.connect, self.gone, error=DBAPIError) as conn:
            return conn.exec_driver_sql(query).one()

    def sound(self, conn: Connection) -> Iterator[str]:
        """PostgreSQL checks its pages as it reads them: all are read by the other checks."""
        return iter(())

    def size(self, conn: Connection) -> int:
        """Bytes of the gallery's tables with their indexes."""
        sizes = (f"coalesce(pg_total_relation_size(to_regclass('{name}')), 0)" for name in TABLES.tables)
        return int(conn.exec_driver_sql(f"SELECT {' + '.join(sizes)}").scalar_one())

    def compact(self, engine: Engine) -> None:
        """Write the tables of people and faces anew, after views of before, whose rows would be copied.

        What the server keeps elsewhere (write-ahead log, archives of it, copies) is not ours to write.
        """
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            self._wait_for_older_views(conn)
            for name in ("people", "templates", "photos"):
                conn.exec_driver_sql(f"VACUUM (FULL) {name}")

    def _wait_for_older_views(self, conn: Connection) -> None:
        """Wait until nobody sees the database as it was before now; GalleryError after ``LOCK_SECONDS``."""
        now = conn.exec_driver_sql("SELECT pg_current_xact_id()::xid").scalar_one()
        older = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            f"AND age(backend_xmin) > age('{now}'::xid)"
        )
        deadline = monotonic() + LOCK_SECONDS
        while conn.exec_driver_sql(older).scalar_one():
            if monotonic() > deadline:
                raise GalleryError(f"others have kept reading {self.place} for {LOCK_SECONDS} seconds.")
            sleep(0.02)

    def _meaning(self, error: DBAPIError) -> str:
        code = getattr(error.orig, "sqlstate", None) or ("08" if self.gone(error) else _code(str(error.orig)))
        said = str(error.orig).partition("\n")[0].rstrip(".")  # the lines that follow are hints
        known = (text for prefix, text in _MEANINGS.items() if code.startswith(prefix))
        return next(known, "{place}: {error}").format(place=self.place, error=said, seconds=LOCK_SECONDS) + "."


def without_password(url: URL) -> str:
    """Return a URL as it may be shown."""
    shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return shown.difference_update_query(["password"]).render_as_string()


def _words(options: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of a key that may come several times in a URL."""
    return (options,) if isinstance(options, str) else options


def _code(said: str) -> str:
    """Class of an error that came while connecting, of which psycopg tells only the words."""
    if "authentication" in said or 'role "' in said:
        return "28"
    return "3D" if "does not exist" in said else ""
