"""The log of who looked at whose attendance."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from visavis.attendance.tables import ACCESSES
from visavis.attendance.types import Access
from visavis.gallery.check_text import NAME_LENGTH, check_text
from visavis.sql_database import write_time

RECENT = 5000
"""Entries among which it is looked whether a look was logged just before."""


def add_accesses(conn: Connection, at: datetime, actor: str, action: str, employees: Collection[str]) -> None:
    """Log that ``actor`` looked at employees, or at all where ``employees`` is empty; ``action`` is what was shown."""
    check_text(actor, "an actor", most=NAME_LENGTH, one_line=True)
    check_text(action, "an action", most=NAME_LENGTH, one_line=True)
    same = {"at": write_time(at), "actor": actor, "action": action}
    conn.execute(insert(ACCESSES), [{**same, "employee": employee} for employee in sorted(employees) or [""]])


def read_accesses(conn: Connection, *, employee: str | None = None, limit: int | None = 1000) -> list[Access]:
    """Return the newest entries, newest first; of an employee with those of all employees. ``limit`` None: all."""
    query = select(ACCESSES).order_by(ACCESSES.c.number.desc()).limit(limit)
    if employee is not None:
        query = query.where(ACCESSES.c.employee.in_((employee, "")))
    return [Access(datetime.fromisoformat(row.at), row.actor, row.action, row.employee) for row in conn.execute(query)]


def read_recent(conn: Connection, since: datetime, *, actor: str, action: str) -> set[str]:
    """Return the employees that an actor looked at by an action since a time, among the newest entries; "": all."""
    newest = select(ACCESSES).order_by(ACCESSES.c.number.desc()).limit(RECENT).subquery()
    same = newest.c.actor == actor, newest.c.action == action, newest.c.at >= write_time(since)
    return {*conn.execute(select(newest.c.employee).where(*same)).scalars()}


def remove_accesses(conn: Connection, *, before: datetime) -> int:
    """Remove the entries of a time before ``before``; return how many."""
    return conn.execute(delete(ACCESSES).where(ACCESSES.c.at < write_time(before))).rowcount
