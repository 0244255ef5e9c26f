"""The audit log: functions that take an open connection, as in ``records``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from visavis.gallery.sql.records import current_time, decode_time
from visavis.gallery.sql.schema import AUDIT
from visavis.gallery.types import AuditEntry

_ADD_ENTRIES = insert(AUDIT)
"""Built once: that takes as long as executing it."""


def log_action(conn: Connection, action: str, person_id: int | None, detail: str = "", *, actor: str) -> None:
    """Log an action on a person, by id only, so that no data of a removed person stays in the log."""
    log_actions(conn, action, [(person_id, detail)], actor=actor)


def log_actions(conn: Connection, action: str, done: Sequence[tuple[int | None, str]], *, actor: str) -> None:
    """Log the same action for several people, each with its detail."""
    time = current_time()
    rows = [{"at": time, "action": action, "person_id": who, "detail": detail, "actor": actor} for who, detail in done]
    if rows:
        conn.execute(_ADD_ENTRIES, rows)


def read_audit_log(conn: Connection, *, person_id: int | None = None) -> list[AuditEntry]:
    """Return all entries, or those of a person, in order."""
    query = select(AUDIT).order_by(AUDIT.c.id)
    rows = conn.execute(query if person_id is None else query.where(AUDIT.c.person_id == person_id))
    return [AuditEntry(decode_time(row.at), row.actor, row.action, row.person_id, row.detail) for row in rows]
