"""The server's own database: opened or created, with its log."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, insert, select

from visavis.errors import ServerError
from visavis.server.state import tables
from visavis.server.types import LogEntry
from visavis.sql_database import DatabaseKind, SqlDatabase, now

KIND = DatabaseKind(
    meta=tables.META,
    version=tables.VERSION,
    name="the server's database",
    file="server.db",
    contents="hashes of keys and events of people",
    lock=7640118,
    error=ServerError,
)


def beside_gallery(gallery_url: str) -> str:
    """Return the URL of the server's database for a gallery: a file beside its file, or the same PostgreSQL."""
    if "://" in gallery_url and not gallery_url.startswith("sqlite:"):
        return gallery_url
    path = Path(gallery_url.removeprefix("sqlite:///"))
    return f"sqlite:///{path.with_name(f'{path.stem}.server.db')}"


class StateDatabase(SqlDatabase):
    """An open database, safe to share between threads. ``url`` is ``sqlite:///file`` or ``postgresql://...``.

    It is created where it is missing. Raises ServerError where it cannot be used, UsageError for another kind of URL.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, KIND)

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
