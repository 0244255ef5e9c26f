"""Search in PostgreSQL, by its extension pgvector: see docs/engines.md. Requires the package psycopg.

Each gallery has one table. The row with id 0 has the state of the records that it contains, as a negative person.
All statements can safely run twice: they are repeated after a lost connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from operator import attrgetter
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

import numpy as np
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from visavis.errors import GalleryError, MissingExtraError, UsageError
from visavis.forking import keep_forever, renew_in_child
from visavis.gallery.index import INDEXES, Hit, Ids, Origin
from visavis.gallery.index._nearby import Near, find_hits, last_of_each
from visavis.gallery.index._place import choice, number, split_place
from visavis.gallery.sql.postgresql import CONNECT_SECONDS, KEPT_ALIVE, PREPARING, without_password
from visavis.gallery.sql.reconnect import retry_connecting
from visavis.types import Floats

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composed

T = TypeVar("T")

OPTIONS = ("index", "ef", "m")
GRAPH_LENGTH = 2000
"""The longest vectors that pgvector's graphs accept."""
PAGE_LENGTH = 1900
"""Vectors up to this length are stored inside their row, which makes reading faster."""
GRAPH_MEMORY = "1GB"
"""Memory limit while a graph is built."""
COPY_ROWS = 4096

_COPY_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"


@INDEXES.register("pgvector")
class Pgvector:
    """A table of vectors: a durable :class:`~visavis.gallery.index.Index`."""

    def __init__(self, *, dimension: int, place: str = "", origin: Origin) -> None:
        """Connect, and create the table if it is missing; raise UsageError for an invalid place."""
        if find_spec("psycopg") is None:
            raise MissingExtraError("the index pgvector takes the package psycopg: pip install 'visavis[postgresql]'.")
        where, options = split_place("?index=hnsw" if place == "hnsw" else place, OPTIONS)
        self._graph = choice(options, "index", ("exact", "hnsw")) == "hnsw"
        self._ef, self._m = number(options, "ef", 200, top=1000), number(options, "m", 16, top=100)
        if self._graph and dimension > GRAPH_LENGTH:
            raise UsageError(
                f"pgvector's hnsw takes vectors of up to {GRAPH_LENGTH} values, those of this gallery have "
                f"{dimension}: leave hnsw out, and every vector is looked at."
            )
        self._url, self._safe_url = _parse_urls(where or origin.url, own=not where)
        self._dimension = dimension
        self._table = f"visavis_{origin.key}_{dimension}"
        self._row = np.dtype(
            [("fields", ">i2"), ("id_size", ">i4"), ("id", ">i8"), ("person_size", ">i4"), ("person", ">i8"),
             ("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("vector", ">f4", (dimension,))]
        )  # fmt: skip
        self._conn: psycopg.Connection | None = None
        renew_in_child(self)
        try:
            self._retry(self._prepare)
        except BaseException:
            self.close()
            raise

    # Contents

    def add(self, ids: Ids, people: Ids, vectors: Floats) -> None:
        """Add rows, and replace those with the same ids, in one transaction."""
        rows = last_of_each(ids)
        ids, people, vectors = ids[rows], people[rows], vectors[rows]

        def put(conn: psycopg.Connection) -> None:
            with conn.transaction():
                conn.execute(self._sql("DELETE FROM {table} WHERE id = ANY(%s)"), [ids.tolist()])
                command = self._sql("COPY {table} (id, person, vector) FROM STDIN (FORMAT BINARY)")
                with conn.cursor().copy(command) as copy:
                    copy.write(_COPY_START)
                    for start in range(0, len(ids), COPY_ROWS):
                        part = slice(start, start + COPY_ROWS)
                        copy.write(self._rows(ids[part], people[part], vectors[part]))
                    copy.write(_COPY_END)

        self._retry(put)

    def remove(self, ids: Ids) -> None:
        """Remove templates."""
        self._do("DELETE FROM {table} WHERE id = ANY(%s) AND id > 0", [ids.tolist()])

    def entries(self) -> tuple[Ids, Ids]:
        """Return template ids and people."""
        rows = self._do("SELECT id, person FROM {table} WHERE id > 0", [])
        columns = np.array(rows, np.int64).reshape(-1, 2)
        return columns[:, 0], columns[:, 1]

    # Search

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return the nearest people: exactly, or approximately by the graph."""
        clause: LiteralString = "person > 0" if among is None else "person > 0 AND person = ANY(%s)"
        return self._find(probes, top, clause, among, "people")

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return the nearest templates."""
        clause: LiteralString = "id > 0" if among is None else "id > 0 AND person = ANY(%s)"
        return self._find(probes, top, clause, among, "ids")

    def _find(self, probes: Floats, top: int, clause: LiteralString, among: Ids | None, by: str) -> list[list[Hit]]:
        """Search by the graph; without one, or ``among`` a few people, compare all rows that match ``clause``."""
        graph = self._graph and among is None
        product: LiteralString = "(vector <#> %s::vector)"
        score = product if graph else product + " + 0"  # the added term keeps PostgreSQL from using a graph
        nearest = "SELECT id, " + score + " AS score FROM {table} WHERE " + clause + " ORDER BY score LIMIT %s"
        query = (
            "SELECT id, person, vector_send(vector), score FROM (" + nearest + ") AS nearest JOIN {table} USING (id) "
            "ORDER BY score"
        )
        filters = [] if among is None else [among.tolist()]

        def fetch(batch: Floats, count: int) -> list[Near]:
            texts = [f"[{','.join(map(repr, probe.tolist()))}]" for probe in batch]
            return [self._near(self._do(query, [text, *filters, count])) for text in texts]

        return find_hits(fetch, probes, top, by=attrgetter(by), most=2**31 - 1)

    def _near(self, rows: list[tuple[Any, ...]]) -> Near:
        """Read rows; pgvector sends a vector as two numbers of 2 bytes, then the values."""
        ids, people, blobs, scores = zip(*rows, strict=True) if rows else ((), (), (), ())
        vectors = np.frombuffer(b"".join(blob[4:] for blob in blobs), ">f4").astype(np.float32)
        return Near(
            np.array(ids, np.int64),
            np.array(people, np.int64),
            vectors.reshape(len(rows), self._dimension),
            np.array(scores, np.float64),
        )

    # Changes

    def change(self) -> int:
        """Return the state of the records that the table contains; create the table again if it was dropped."""
        from psycopg.errors import UndefinedTable

        def look(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
            query = self._sql("SELECT person FROM {table} WHERE id = 0")
            try:
                return conn.execute(query).fetchall()
            except UndefinedTable:
                self._prepare(conn)
                return conn.execute(query).fetchall()

        rows = self._retry(look)
        return -int(rows[0][0]) if rows else 0

    def reached(self, change: int) -> None:
        """Store the state of the records; build the graph only now, after the first vectors, which is much faster."""
        self._retry(self._make_graph)
        statement: LiteralString = "INSERT INTO {table} (id, person) VALUES (0, %s)"
        self._do(statement + " ON CONFLICT (id) DO UPDATE SET person = excluded.person", [-change])

    def clear(self) -> None:
        """Empty the table."""
        self._do("TRUNCATE {table}", [])

    def renew_in_child(self) -> None:
        """Leave the connection to the parent; a forked child opens its own."""
        keep_forever(self._conn)
        self._conn = None

    def close(self) -> None:
        """Disconnect."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    # The server

    def _prepare(self, conn: psycopg.Connection) -> None:
        """Create missing objects, one process at a time: two at once may both fail in PostgreSQL."""
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [PREPARING])
            new = not _exists(conn, self._table)
            if new:
                _create_extension(conn, self._safe_url)
                columns = f"(id bigint PRIMARY KEY, person bigint, vector vector({self._dimension}))"
                conn.execute(self._sql("CREATE TABLE {table} " + columns))
                conn.execute(self._sql("CREATE INDEX ON {table} (person)"))
                if self._dimension <= PAGE_LENGTH:
                    conn.execute(self._sql("ALTER TABLE {table} ALTER COLUMN vector SET STORAGE PLAIN"))
        if not new:
            self._make_graph(conn)

    def _make_graph(self, conn: psycopg.Connection) -> None:
        if not self._graph or _exists(conn, f"{self._table}_hnsw"):
            return
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [PREPARING])
            conn.execute(f"SET LOCAL maintenance_work_mem = '{GRAPH_MEMORY}'")
            conn.execute("SET LOCAL max_parallel_maintenance_workers = 0")  # containers have little shared memory
            graph = "CREATE INDEX IF NOT EXISTS {graph} ON {table} USING hnsw (vector vector_ip_ops) WITH (m = "
            conn.execute(self._sql(graph + str(self._m) + ")"))

    def _do(self, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """Run a statement in its own transaction; return the rows of the result."""

        def run(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
            cursor = conn.execute(self._sql(statement), values, binary=True)
            return cursor.fetchall() if cursor.description else []

        return self._retry(run)

    def _sql(self, text: str) -> Composed:
        from psycopg.sql import SQL, Identifier

        return SQL(text).format(table=Identifier(self._table), graph=Identifier(f"{self._table}_hnsw"))

    def _rows(self, ids: Ids, people: Ids, vectors: Floats) -> bytes:
        """Return rows in the binary format of COPY."""
        rows = np.zeros(len(ids), self._row)
        rows["fields"], rows["id_size"], rows["person_size"], rows["size"] = 3, 8, 8, 4 + 4 * self._dimension
        rows["dimension"], rows["id"], rows["person"], rows["vector"] = self._dimension, ids, people, vectors
        return rows.tobytes()

    def _retry(self, work: Callable[[psycopg.Connection], T]) -> T:
        """Run ``work``, which must be safe to run twice; run it again while the server is away."""
        import psycopg

        with self._translate_errors():
            return retry_connecting(
                lambda: work(self._connect()), self._is_connection_lost, error=psycopg.OperationalError
            )

    def _connect(self) -> psycopg.Connection:
        import psycopg

        if self._conn is None:
            waiting: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, **KEPT_ALIVE}
            self._conn = psycopg.connect(self._url, autocommit=True, prepare_threshold=None, **waiting)
            for setting in ("client_min_messages = warning", "jit = off"):
                self._conn.execute(f"SET {setting}")
            if self._graph:
                self._conn.execute(f"SELECT set_config('hnsw.ef_search', '{self._ef}', false)")
                self._conn.execute("SELECT set_config('hnsw.iterative_scan', 'strict_order', false)")
                self._conn.execute("SET enable_sort = off")  # else a few rows are sorted, not looked up in the graph
        return self._conn

    def _is_connection_lost(self, error: psycopg.OperationalError) -> bool:
        """Return whether the connection is lost and connecting again may help; close a lost connection."""
        if self._conn is not None and not self._conn.broken and not self._conn.closed:
            return False
        self.close()
        return not any(words in str(error) for words in ("authentication", "does not exist"))

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            text = str(error).partition("\n")[0].rstrip(".")
            raise GalleryError(f"the index in {self._safe_url} cannot be used: {text}.") from error


def _parse_urls(text: str, *, own: bool) -> tuple[str, str]:
    """Return a URL for psycopg, and the same without a password; raise UsageError unless it is one of PostgreSQL."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is not a number
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.database:
        if own:
            raise UsageError(
                "the index pgvector is in a database of PostgreSQL, and this gallery is not: write "
                "pgvector:postgresql://user@host/vectors."
            )
        raise UsageError(f"{text!r} is no place of an index pgvector: write pgvector:postgresql://user@host/vectors.")
    safe_url = without_password(url)
    return url.set(drivername="postgresql").render_as_string(hide_password=False), safe_url


def _exists(conn: psycopg.Connection, name: str) -> bool:
    rows = conn.execute("SELECT to_regclass(quote_ident(%s)) IS NOT NULL", [name]).fetchall()
    return bool(rows[0][0])


def _create_extension(conn: psycopg.Connection, place: str) -> None:
    """Create the extension vector if it is missing; raise GalleryError where pgvector or the permission is missing."""
    import psycopg

    if conn.execute("SELECT to_regtype('vector') IS NOT NULL").fetchall()[0][0]:
        return
    try:
        conn.execute("CREATE EXTENSION vector")
    except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported) as error:
        raise GalleryError(f"the server of {place} has no extension vector: install pgvector there.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise GalleryError(
            f"this user may not turn on pgvector in {place}: let an administrator CREATE EXTENSION vector."
        ) from error
