"""Search in PostgreSQL, by its extension pgvector: see docs/engines.md. Takes the package psycopg.

One table a gallery. The change that it is up to is the row of the id 0, as a person below 0. Statements may be run
twice, so they are where a connection broke.
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
from visavis.gallery.index._nearby import Near, found, last_of_each
from visavis.gallery.index._place import choice, number, parted
from visavis.gallery.sql.postgresql import CONNECT_SECONDS, KEPT_ALIVE, PREPARING, without_password
from visavis.gallery.sql.reconnect import patiently
from visavis.types import Floats

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composed

T = TypeVar("T")

OPTIONS = ("index", "ef", "m")
GRAPH_LENGTH = 2000
"""pgvector's graphs take no longer vectors."""
PAGE_LENGTH = 1900
"""Vectors up to this length are kept with their row, and are read the quicker."""
GRAPH_MEMORY = "1GB"
"""That a graph may take while it is made."""
COPY_ROWS = 4096

_COPY_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"


@INDEXES.register("pgvector")
class Pgvector:
    """A table of vectors: an :class:`~visavis.gallery.index.Index` that is durable."""

    def __init__(self, *, dimension: int, place: str = "", origin: Origin) -> None:
        """Connect, and make the table where there is none; UsageError for a place that means nothing."""
        if find_spec("psycopg") is None:
            raise MissingExtraError("the index pgvector takes the package psycopg: pip install 'visavis[postgresql]'.")
        where, options = parted("?index=hnsw" if place == "hnsw" else place, OPTIONS)
        self._graph = choice(options, "index", ("exact", "hnsw")) == "hnsw"
        self._ef, self._m = number(options, "ef", 200, top=1000), number(options, "m", 16, top=100)
        if self._graph and dimension > GRAPH_LENGTH:
            raise UsageError(
                f"pgvector's hnsw takes vectors of up to {GRAPH_LENGTH} values, those of this gallery have "
                f"{dimension}: leave hnsw out, and every vector is looked at."
            )
        self._url, self._shown = _url(where or origin.url, own=not where)
        self._dimension = dimension
        self._table = f"visavis_{origin.key}_{dimension}"
        self._row = np.dtype(
            [("fields", ">i2"), ("id_size", ">i4"), ("id", ">i8"), ("person_size", ">i4"), ("person", ">i8"),
             ("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("vector", ">f4", (dimension,))]
        )  # fmt: skip
        self._conn: psycopg.Connection | None = None
        renew_in_child(self)
        try:
            self._patiently(self._prepare)
        except BaseException:
            self.close()
            raise

    # What is in it

    def add(self, ids: Ids, people: Ids, vectors: Floats) -> None:
        """Take in rows, those whose ids are there in place of them, in one transaction."""
        rows = last_of_each(ids)
        ids, people, vectors = ids[rows], people[rows], vectors[rows]

        def put(conn: psycopg.Connection) -> None:
            with conn.transaction():
                conn.execute(self._sql("DELETE FROM {table} WHERE id = ANY(%s)"), [ids.tolist()])
                command = self._sql("COPY {table} (id, person, vector) FROM STDIN (FORMAT BINARY)")
                with conn.cursor().copy(command) as copy:
                    copy.write(_COPY_START)
                    for start in range(0, len(ids), COPY_ROWS):
                        some = slice(start, start + COPY_ROWS)
                        copy.write(self._rows(ids[some], people[some], vectors[some]))
                    copy.write(_COPY_END)

        self._patiently(put)

    def remove(self, ids: Ids) -> None:
        """Forget templates."""
        self._do("DELETE FROM {table} WHERE id = ANY(%s) AND id > 0", [ids.tolist()])

    def entries(self) -> tuple[Ids, Ids]:
        """Template ids and people."""
        rows = self._do("SELECT id, person FROM {table} WHERE id > 0", [])
        columns = np.array(rows, np.int64).reshape(-1, 2)
        return columns[:, 0], columns[:, 1]

    # Search

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Nearest people: exactly, or those whom the graph leads to."""
        clause: LiteralString = "person > 0" if among is None else "person > 0 AND person = ANY(%s)"
        return self._found(probes, top, clause, among, "people")

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Nearest templates."""
        clause: LiteralString = "id > 0" if among is None else "id > 0 AND person = ANY(%s)"
        return self._found(probes, top, clause, among, "ids")

    def _found(self, probes: Floats, top: int, clause: LiteralString, among: Ids | None, by: str) -> list[list[Hit]]:
        """Search by the graph, or, where there is none or only some people are meant, among all rows of these."""
        graph = self._graph and among is None
        product: LiteralString = "(vector <#> %s::vector)"
        score = product if graph else product + " + 0"  # which no graph has the order of
        nearest = "SELECT id, " + score + " AS score FROM {table} WHERE " + clause + " ORDER BY score LIMIT %s"
        query = (
            "SELECT id, person, vector_send(vector), score FROM (" + nearest + ") AS nearest JOIN {table} USING (id) "
            "ORDER BY score"
        )
        filters = [] if among is None else [among.tolist()]

        def fetch(some: Floats, count: int) -> list[Near]:
            texts = [f"[{','.join(map(repr, probe.tolist()))}]" for probe in some]
            return [self._near(self._do(query, [text, *filters, count])) for text in texts]

        return found(fetch, probes, top, by=attrgetter(by), most=2**31 - 1)

    def _near(self, rows: list[tuple[Any, ...]]) -> Near:
        """Read rows; vectors come as pgvector sends them, behind two numbers of 2 bytes."""
        ids, people, blobs, scores = zip(*rows, strict=True) if rows else ((), (), (), ())
        vectors = np.frombuffer(b"".join(blob[4:] for blob in blobs), ">f4").astype(np.float32)
        return Near(
            np.array(ids, np.int64),
            np.array(people, np.int64),
            vectors.reshape(len(rows), self._dimension),
            np.array(scores, np.float64),
        )

    # How far it is

    def change(self) -> int:
        """Return the change that the table is up to; a table that somebody dropped is made anew."""
        from psycopg.errors import UndefinedTable

        def look(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
            query = self._sql("SELECT person FROM {table} WHERE id = 0")
            try:
                return conn.execute(query).fetchall()
            except UndefinedTable:
                self._prepare(conn)
                return conn.execute(query).fetchall()

        rows = self._patiently(look)
        return -int(rows[0][0]) if rows else 0

    def reached(self, change: int) -> None:
        """Keep the change; the graph is made once the first vectors are there, which is much quicker."""
        self._patiently(self._make_graph)
        statement: LiteralString = "INSERT INTO {table} (id, person) VALUES (0, %s)"
        self._do(statement + " ON CONFLICT (id) DO UPDATE SET person = excluded.person", [-change])

    def clear(self) -> None:
        """Empty the table."""
        self._do("TRUNCATE {table}", [])

    def renew_in_child(self) -> None:
        """Leave the connection to the parent; a forked child opens another."""
        keep_forever(self._conn)
        self._conn = None

    def close(self) -> None:
        """Disconnect."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    # The server

    def _prepare(self, conn: psycopg.Connection) -> None:
        """Make what is missing; one process at a time, since PostgreSQL lets none of two win."""
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [PREPARING])
            new = not _is_there(conn, self._table)
            if new:
                _need_extension(conn, self._shown)
                columns = f"(id bigint PRIMARY KEY, person bigint, vector vector({self._dimension}))"
                conn.execute(self._sql("CREATE TABLE {table} " + columns))
                conn.execute(self._sql("CREATE INDEX ON {table} (person)"))
                if self._dimension <= PAGE_LENGTH:
                    conn.execute(self._sql("ALTER TABLE {table} ALTER COLUMN vector SET STORAGE PLAIN"))
        if not new:
            self._make_graph(conn)

    def _make_graph(self, conn: psycopg.Connection) -> None:
        if not self._graph or _is_there(conn, f"{self._table}_hnsw"):
            return
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [PREPARING])
            conn.execute(f"SET LOCAL maintenance_work_mem = '{GRAPH_MEMORY}'")
            conn.execute("SET LOCAL max_parallel_maintenance_workers = 0")  # containers have little shared memory
            graph = "CREATE INDEX IF NOT EXISTS {graph} ON {table} USING hnsw (vector vector_ip_ops) WITH (m = "
            conn.execute(self._sql(graph + str(self._m) + ")"))

    def _do(self, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own; returns the rows of its answer."""

        def run(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
            cursor = conn.execute(self._sql(statement), values, binary=True)
            return cursor.fetchall() if cursor.description else []

        return self._patiently(run)

    def _sql(self, text: str) -> Composed:
        from psycopg.sql import SQL, Identifier

        return SQL(text).format(table=Identifier(self._table), graph=Identifier(f"{self._table}_hnsw"))

    def _rows(self, ids: Ids, people: Ids, vectors: Floats) -> bytes:
        """Lay rows out as COPY reads them."""
        rows = np.zeros(len(ids), self._row)
        rows["fields"], rows["id_size"], rows["person_size"], rows["size"] = 3, 8, 8, 4 + 4 * self._dimension
        rows["dimension"], rows["id"], rows["person"], rows["vector"] = self._dimension, ids, people, vectors
        return rows.tobytes()

    def _patiently(self, work: Callable[[psycopg.Connection], T]) -> T:
        """Do something that may be done twice; a server that went away is waited for."""
        import psycopg

        with self._explained():
            return patiently(lambda: work(self._connected()), self._lost, error=psycopg.OperationalError)

    def _connected(self) -> psycopg.Connection:
        import psycopg

        if self._conn is None:
            waiting: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, **KEPT_ALIVE}
            self._conn = psycopg.connect(self._url, autocommit=True, prepare_threshold=None, **waiting)
            for setting in ("client_min_messages = warning", "jit = off"):
                self._conn.execute(f"SET {setting}")
            if self._graph:
                self._conn.execute(f"SELECT set_config('hnsw.ef_search', '{self._ef}', false)")
                self._conn.execute("SELECT set_config('hnsw.iterative_scan', 'strict_order', false)")
                self._conn.execute("SET enable_sort = off")  # else of few rows the order is made, not looked up
        return self._conn

    def _lost(self, error: psycopg.OperationalError) -> bool:
        """Tell whether the connection is no more; then the next is a new one."""
        if self._conn is not None and not self._conn.broken and not self._conn.closed:
            return False
        self.close()
        return not any(words in str(error) for words in ("authentication", "does not exist"))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            said = str(error).partition("\n")[0].rstrip(".")
            raise GalleryError(f"the index in {self._shown} cannot be used: {said}.") from error


def _url(text: str, *, own: bool) -> tuple[str, str]:
    """Return a URL as psycopg takes it, and as it may be shown; UsageError where it is none of PostgreSQL's."""
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql" or not url.database:
        if own:
            raise UsageError(
                "the index pgvector is in a database of PostgreSQL, and this gallery is not: write "
                "pgvector:postgresql://user@host/vectors."
            )
        raise UsageError(f"{text!r} is no place of an index pgvector: write pgvector:postgresql://user@host/vectors.")
    shown = without_password(url)
    return url.set(drivername="postgresql").render_as_string(hide_password=False), shown


def _is_there(conn: psycopg.Connection, name: str) -> bool:
    rows = conn.execute("SELECT to_regclass(quote_ident(%s)) IS NOT NULL", [name]).fetchall()
    return bool(rows[0][0])


def _need_extension(conn: psycopg.Connection, place: str) -> None:
    """GalleryError where the server has no pgvector, or this user may not turn it on."""
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
