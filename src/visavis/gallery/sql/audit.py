"""The audit log: who did what to whom, and when. Functions of an open connection, as ``records``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from visavis.gallery.sql.records import now, time_of
from visavis.gallery.sql.schema import AUDIT
from visavis.gallery.types import AuditEntry


def note(conn: Connection, action: str, person_id: int | None, detail: str = "", *, actor: str) -> None:
    """Note who did what to whom; to whom by id only, so that nothing of a removed person stays here."""
    note_all(conn, action, [(person_id, detail)], actor=actor)


def note_all(conn: Connection, action: str, done: Sequence[tuple[int | None, str]], *, actor: str) -> None:
    """Note the same action for many people, each with its detail."""
    at = now()
    rows = [{"at": at, "action": action, "person_id": who, "detail": detail, "actor": actor} for who, detail in done]
    if rows:
        conn.execute(insert(AUDIT), rows)


def entries(conn: Connection) -> list[AuditEntry]:
    """Return all that was done, in order."""
    rows = conn.execute(select(AUDIT).order_by(AUDIT.c.id))
    return [AuditEntry(time_of(row.at), row.actor, row.action, row.person_id, row.detail) for row in rows]
