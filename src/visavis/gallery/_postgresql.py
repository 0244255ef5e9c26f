"""Records in a database of PostgreSQL, for many machines at a time. Takes the package psycopg (extra ``postgresql``).

Readings are of one state of the whole (REPEATABLE READ). Writers come one after another: each begins by locking the one
row of ``meta``, so the numbers of changes follow the commits, as they do in SQLite. A connection that was lost is made
anew before a transaction begins; what broke within one is never tried again, since nobody knows how far it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from visavis.errors import GalleryError, MissingExtraError, UsageError
from visavis.gallery._patience import patiently
from visavis.gallery.schema import META, TABLES

CONNECT_SECONDS = 5
LOCK_SECONDS = 30
DRIVER = "postgresql+psycopg"
PREPARING = 0x7669_7361
"""Number of the advisory lock that whoever makes the tables holds."""

# By the class of PostgreSQL's error code (SQLSTATE), the first characters of it.
_MEANINGS = {
    "08": "{place} cannot be reached ({error}): nothing was stored unless it was acknowledged",
    "28": "{place} refuses this user or password",
    "3D": "{place}: there is no such database: make it with createdb",
    "25006": "{place} is read-only: a gallery needs to write",
    "42501": "{place}: this user may not do that ({error})",
    "53100": "{place} could not grow, the disk is full: nothing was stored",
    "53300": "{place} has no room for another connection",
    "55P03": "another process has kept {place} locked for {seconds} seconds: try again when it is done",
    "57P": "{place} is shutting down or was restarted: nothing was stored unless it was acknowledged; try again",
}


class PostgresDatabase:
    """A database; see :class:`visavis.gallery.store.Backend`."""

    def __init__(self, url: URL) -> None:
        if not url.database:
            raise UsageError(f"{url.render_as_string()!r} names no database: write postgresql://user@host/faces.")
        if find_spec("psycopg") is None:
            raise MissingExtraError(
                "a gallery in PostgreSQL takes the package psycopg: pip install 'visavis[postgresql]'."
            )
        self._url = url.set(drivername=DRIVER)
        self.url = url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.place = self.url

    def look_at(self, *, create: bool) -> None:
        """Connecting tells."""

    def engine(self) -> Engine:
        """Connections that are tried out before they are used, so that a restarted server is noticed."""
        return create_engine(
            self._url,
            isolation_level="REPEATABLE READ",
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "options": f"-c lock_timeout={LOCK_SECONDS}s -c client_min_messages=warning",
            },
        )

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
            return "authentication" not in str(error.orig) and "does not exist" not in str(error.orig)
        return str(code).startswith(("08", "57P"))

    def sound(self, conn: Connection) -> Iterator[str]:
        """PostgreSQL checks its pages as it reads them: all are read by the other checks."""
        return iter(())

    def size(self, conn: Connection) -> int:
        """Bytes of the gallery's tables with their indexes."""
        names = ", ".join(f"'{name}'" for name in TABLES.tables)
        query = f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname IN ({names})"
        return int(conn.exec_driver_sql(query).scalar() or 0)

    def compact(self, engine: Engine) -> None:
        """Write the tables that hold people and faces anew, without dead rows."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            for name in ("people", "templates", "photos"):
                conn.exec_driver_sql(f"VACUUM (FULL) {name}")

    def _meaning(self, error: DBAPIError) -> str:
        code = getattr(error.orig, "sqlstate", None) or ("08" if self.gone(error) else _code(str(error.orig)))
        said = " ".join(str(error.orig).split()).rstrip(".")[:300]
        known = (text for prefix, text in _MEANINGS.items() if code.startswith(prefix))
        return next(known, "{place}: {error}").format(place=self.place, error=said, seconds=LOCK_SECONDS) + "."


def _code(said: str) -> str:
    """Class of an error that came while connecting, of which psycopg tells only the words."""
    return "28" if "authentication" in said else "3D" if "does not exist" in said else ""
