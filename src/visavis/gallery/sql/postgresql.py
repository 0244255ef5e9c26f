"""Records in a database of PostgreSQL, for several machines. Requires the package psycopg (extra ``postgresql``).

Reads see one consistent state (REPEATABLE READ). Writers begin by locking the only row of ``meta``, so that change
numbers follow the commits. A lost connection is opened again before a transaction begins; a failed transaction is never
retried. The connection to an unreachable machine is closed after ``KEPT_ALIVE``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.util import find_spec
from secrets import token_hex
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from visavis.errors import GalleryError, MissingExtraError, UsageError
from visavis.gallery.sql import postgresql_layout
from visavis.gallery.sql.reconnect import retry_connecting
from visavis.gallery.sql.schema import META, PATH_INDEXES, TABLES

CONNECT_SECONDS = 5
LOCK_SECONDS = 30
DRIVER = "postgresql+psycopg"
KEPT_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Seconds of silence, seconds between probes, and number of unanswered probes until a connection counts as lost."""

PREPARING = 0x7669_7361
"""Number of the advisory lock for creating the tables."""

TRACES = "visavis: traces of removed records, change"
"""Comment on the table of people while traces are left."""
KEPT_WHOLE = {"meta", "changes", "removals", "audit", "second_set"}
"""Tables whose rows hold nothing about a face, so that :meth:`PostgresDatabase.compact` does not rewrite them."""
WITH_VALUES = ("22", "23")
"""Classes of errors that quote values of the record."""

# By the first characters of PostgreSQL's error code (SQLSTATE).
_MEANINGS = {
    "08": "{place} cannot be reached ({error}): what was under way is stored whole or not at all",
    "28": "{place} refuses this user or password",
    "3D": "{place}: there is no such database: make it with createdb",
    "22": "{place} refused a value of a wrong form",
    "23": "{place} refused a record that contradicts another one",
    "25006": "{place} is read-only: a gallery needs to write",
    "42501": "{place}: this user may not do that ({error})",
    "53100": "{place} could not grow, the disk is full: make room and try again",
    "53300": "{place} has no room for another connection",
    "55P03": "another process has kept {place} locked for {seconds} seconds: try again when it is done",
    "57P": "{place} is shutting down or was restarted: what was under way is stored whole or not at all",
}


def hash_paths() -> None:
    """Let PostgreSQL find photos by hashes of their paths: a path may be too long for its B-tree.

    The tables do not say so themselves, since SQLAlchemy would then import its dialect of PostgreSQL for every gallery.
    """
    for index in PATH_INDEXES:
        index.dialect_options["postgresql"]["using"] = "hash"


class PostgresDatabase:
    """A database; see :class:`visavis.gallery.sql.database.Backend`."""

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
        """Do nothing: a child opens its own connections."""

    def check_place(self, *, create: bool) -> None:
        """Do nothing: connecting checks the database."""

    def create_engine(self) -> Engine:
        """Return an engine that tests connections before use, and so notices a restarted server."""
        hash_paths()
        return create_engine(
            self._url,
            isolation_level="REPEATABLE READ",
            pool_pre_ping=True,
            hide_parameters=True,  # an error, and so a log, holds no embedding, hash or path
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": self._settings(), **KEPT_ALIVE},
        )

    def _settings(self) -> str:
        """Return the settings of each connection; those of the URL come last, and so override ours."""
        settings = {"lock_timeout": round(1000 * LOCK_SECONDS), "client_min_messages": "warning"}
        settings |= {f"tcp_{name}": value for name, value in KEPT_ALIVE.items()}
        url_options = self._url.query.get("options", "")
        return " ".join([*(f"-c {name}={value}" for name, value in settings.items()), *_option_values(url_options)])

    def set_up(self, engine: Engine) -> None:
        """Do nothing: a database needs no further setup."""

    @contextmanager
    def begin_writing(self, engine: Engine) -> Iterator[Connection]:
        """Begin a transaction that locks the row of ``meta``; where there is no table yet, take the advisory lock.

        READ COMMITTED, so that reads see the state after the lock, not that at the transaction's first statement.
        """
        conn = self.connect(engine).execution_options(isolation_level="READ COMMITTED")
        with conn, conn.begin():
            if not inspect(conn).has_table(META.name):
                conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({PREPARING})")
            else:
                conn.execute(select(META.c.change).with_for_update())
            yield conn

    def translate_errors(self) -> AbstractContextManager[None]:
        """Raise GalleryErrors that explain PostgreSQL's errors."""
        return self._translate_errors()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if str(getattr(error.orig, "sqlstate", "")).startswith(WITH_VALUES):  # PostgreSQL's text quotes the record
                raise GalleryError(self._describe(error)) from None
            raise GalleryError(self._describe(error)) from error

    def connect(self, engine: Engine) -> Connection:
        """Connect; retry for a while if there is no connection."""
        return retry_connecting(engine.connect, self._is_connection_lost, error=DBAPIError)

    def _is_connection_lost(self, error: DBAPIError) -> bool:
        """Return whether there is no connection, or the server is starting or stopping."""
        code = getattr(error.orig, "sqlstate", None)
        if code is None:
            return not _connect_error_class(str(error.orig))
        return str(code).startswith(("08", "57P"))

    def fetch_first_row(self, engine: Engine, query: str) -> Sequence[Any]:
        """See :class:`visavis.gallery.sql.database.Backend`."""
        with self.connect(engine) as conn:
            return conn.exec_driver_sql(query).one()

    def find_alterations(self, conn: Connection, *, current: bool) -> Iterator[str]:
        """See :class:`visavis.gallery.sql.database.Backend`."""
        yield from postgresql_layout.find_foreign_parts(conn)
        if current:
            yield from postgresql_layout.find_altered_tables(conn)

    def find_faults(self, conn: Connection) -> Iterator[str]:
        """Yield what was altered; PostgreSQL checks pages when it reads them, and the other checks read them all."""
        for fault in self.find_alterations(conn, current=True):
            yield f"the database was altered: {fault}."

    def count_bytes(self, conn: Connection) -> int:
        """Return the bytes of the gallery's tables with their indexes."""
        sizes = (f"coalesce(pg_total_relation_size(to_regclass('{name}')), 0)" for name in TABLES.tables)
        return int(conn.exec_driver_sql(f"SELECT {' + '.join(sizes)}").scalar_one())

    def mark_traces(self, conn: Connection) -> None:
        """Note, as a part of the transaction, that it leaves traces: by a comment on the table of people.

        Only the owner of the table may do that, and only the owner may rewrite it.
        """
        with suppress(DBAPIError), conn.begin_nested():
            conn.exec_driver_sql(f"COMMENT ON TABLE people IS '{TRACES} {token_hex(8)}'")

    def has_traces(self, engine: Engine) -> bool:
        """Return whether a change has left traces that no process has erased yet."""
        with self.connect(engine) as conn:
            return self._read_mark(conn) is not None

    def _read_mark(self, conn: Connection) -> str | None:
        mark: str | None = conn.exec_driver_sql("SELECT obj_description('people'::regclass)").scalar()
        return mark

    def compact(self, engine: Engine, *, patience: float) -> None:
        """Rewrite the tables of people and faces, after older snapshots end, since these keep removed rows alive.

        Other copies on the server (write-ahead log, its archives, backups) are not changed.
        """
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            mark = self._read_mark(conn)
            self._wait_for_older_views(conn, patience)
            for name in TABLES.tables.keys() - KEPT_WHOLE:
                conn.exec_driver_sql(f"VACUUM (FULL) {name}")
        if mark is not None:
            with self.begin_writing(engine) as conn:
                if self._read_mark(conn) == mark:  # else another process has left traces meanwhile
                    conn.exec_driver_sql("COMMENT ON TABLE people IS NULL")

    def _wait_for_older_views(self, conn: Connection, patience: float) -> None:
        """Wait until all older snapshots of the database have ended; raise GalleryError after ``patience`` seconds."""
        now = conn.exec_driver_sql("SELECT pg_current_xact_id()::xid").scalar_one()
        older = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            f"AND age(backend_xmin) > age('{now}'::xid)"
        )
        deadline = monotonic() + patience
        while conn.exec_driver_sql(older).scalar_one():
            if monotonic() > deadline:
                raise GalleryError(f"others have kept reading {self.place} for {patience:g} seconds.")
            sleep(0.02)

    def _describe(self, error: DBAPIError) -> str:
        code = getattr(error.orig, "sqlstate", None) or (
            "08" if self._is_connection_lost(error) else _connect_error_class(str(error.orig))
        )
        message = str(error.orig).partition("\n")[0].rstrip(".")  # the other lines are hints
        meanings = (text for prefix, text in _MEANINGS.items() if code.startswith(prefix))
        return next(meanings, "{place}: {error}").format(place=self.place, error=message, seconds=LOCK_SECONDS) + "."


def without_password(url: URL) -> str:
    """Return a URL without its password."""
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return plain.difference_update_query(["password"]).render_as_string()


def _option_values(options: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of a URL's key, which may occur several times."""
    return (options,) if isinstance(options, str) else options


def _connect_error_class(text: str) -> str:
    """Return the SQLSTATE class of an error while connecting, for which psycopg has only a message."""
    if "authentication" in text or 'role "' in text:
        return "28"
    return "3D" if "does not exist" in text else ""
