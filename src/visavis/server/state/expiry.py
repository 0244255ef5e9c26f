"""What the server's database keeps for some days: events of cameras, jobs that have ended, and the server's log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Column, ColumnElement, Table, delete, func, select, true

from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.state.jobs import CANCELED, DONE, FAILED
from visavis.server.types import ExpiringKind
from visavis.sql_database import write_time

_KINDS: Mapping[str, tuple[Table, Column[str], ColumnElement[bool]]] = {
    "events": (tables.EVENTS, tables.EVENTS.c.at, true()),
    "jobs": (tables.JOBS, tables.JOBS.c.updated, tables.JOBS.c.state.in_([CANCELED, DONE, FAILED])),
    "log": (tables.LOG, tables.LOG.c.at, true()),
}
"""Table, time and condition of each kind of rows that expires."""


class Expiry:
    """The rows of a database that are kept for ``days``, by kind; 0 days: for ever."""

    def __init__(self, database: StateDatabase, days: Mapping[str, int]) -> None:
        self._database, self._days = database, days

    def describe(self) -> list[ExpiringKind]:
        """Return how much is stored of each kind, since when, and how much is too old."""
        with self._database.read() as conn:
            moment = self._database.read_clock(conn)
            kinds = []
            for name, (table, time, condition) in _KINDS.items():
                stored = select(func.count(), func.min(time)).select_from(table).where(condition)
                count, oldest = conn.execute(stored).one()
                due = 0
                if days := self._days[name]:
                    due = conn.execute(stored.where(time < write_time(moment - timedelta(days=days)))).one()[0]
                kinds.append(ExpiringKind(name, days, count, oldest, due))
        return kinds

    def remove(self, *, actor: str | None = None) -> dict[str, int]:
        """Remove what is too old; return the number of each kind. The log names an ``actor`` who asked for it."""
        removed = {}
        with self._database.write() as conn:
            moment = self._database.read_clock(conn)
            for name, (table, time, condition) in _KINDS.items():
                removed[name] = 0
                if days := self._days[name]:
                    is_old = time < write_time(moment - timedelta(days=days))
                    removed[name] = conn.execute(delete(table).where(condition, is_old)).rowcount
            if actor is not None:
                self._database.log(
                    conn, actor, "remove old", ", ".join(f"{count} {name}" for name, count in removed.items())
                )
        return removed
