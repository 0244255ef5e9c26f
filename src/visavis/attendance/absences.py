"""Approved leave, and outages of devices: read and written."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import date, datetime
from typing import get_args

from sqlalchemy import Connection, select

from visavis.attendance.employees import find_employee
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.local_time import count_microseconds, make_time
from visavis.attendance.tables import LEAVES, OUTAGES
from visavis.attendance.tracked import put_row, remove_row
from visavis.attendance.types import Leave, LeavePart, Outage
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery.check_text import NAME_LENGTH, TEXT_LENGTH, check_text
from visavis.images import shown

PARTS = get_args(LeavePart)


def new_id() -> str:
    """Return a random id of a row, short enough to be typed."""
    return secrets.token_hex(6)


def read_leaves(
    conn: Connection, first: date | None, last: date | None, employees: Collection[str] | None = None
) -> list[Leave]:
    """Return the leave that touches the days from ``first`` to ``last``, by first day, employee and id."""
    query = select(LEAVES).order_by(LEAVES.c.first, LEAVES.c.employee, LEAVES.c.id)
    if first is not None:
        query = query.where(LEAVES.c.last >= first.isoformat())
    if last is not None:
        query = query.where(LEAVES.c.first <= last.isoformat())
    days, wanted = date.fromisoformat, None if employees is None else {*employees}
    return [
        Leave(row.id, row.employee, row.kind, days(row.first), days(row.last), row.part)
        for row in conn.execute(query)
        if wanted is None or row.employee in wanted
    ]


def check_leave(conn: Connection, leave: Leave) -> Leave:
    """Return leave; UsageError for values that no leave has, and for days that other leave of the employee has."""
    find_employee(conn, leave.employee)
    check_text(leave.kind, "a kind of leave", most=NAME_LENGTH, one_line=True)
    if not leave.kind.strip():
        raise UsageError("leave needs a kind, such as vacation.")
    if leave.last < leave.first:
        raise UsageError(f"leave ends on {leave.last}, before it begins on {leave.first}.")
    if leave.part not in PARTS:
        raise UsageError(f"the part of a day is one of {', '.join(PARTS)}, got {leave.part!r}.")
    for other in read_leaves(conn, leave.first, leave.last, [leave.employee]):
        if other.id != leave.id and (leave.part == "whole" or other.part in ("whole", leave.part)):
            raise UsageError(
                f"employee {shown(leave.employee)} has {other.kind} from {other.first} to {other.last} already."
            )
    return leave


def add_leave(writer: LedgerWriter, leave: Leave, *, reason: str = "") -> Leave:
    """Add approved leave; raises as :func:`check_leave`."""
    row = {
        "id": check_leave(writer.conn, leave).id,
        "employee": leave.employee,
        "kind": leave.kind,
        "first": leave.first.isoformat(),
        "last": leave.last.isoformat(),
        "part": leave.part,
    }
    put_row(writer, LEAVES, row, action="add leave", employee=leave.employee, reason=reason)
    return leave


def cancel_leave(writer: LedgerWriter, leave_id: str, *, reason: str) -> None:
    """Remove leave; UnknownNameError where there is none with that id."""
    row = writer.conn.execute(select(LEAVES).where(LEAVES.c.id == leave_id)).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no leave {shown(leave_id)}.")
    remove_row(writer, LEAVES, leave_id, action="cancel leave", employee=row.employee, reason=reason)


def read_outages(conn: Connection, start: datetime | None, end: datetime | None) -> list[Outage]:
    """Return the outages that touch the time from ``start`` up to ``end``, by their start."""
    query = select(OUTAGES).order_by(OUTAGES.c.start, OUTAGES.c.id)
    if start is not None:
        query = query.where(OUTAGES.c.end > count_microseconds(start))
    if end is not None:
        query = query.where(OUTAGES.c.start < count_microseconds(end))
    return [Outage(row.device, make_time(row.start), make_time(row.end), row.reason) for row in conn.execute(query)]


def has_outage(conn: Connection, outage_id: str) -> bool:
    """Return whether there is an outage with an id."""
    return conn.execute(select(OUTAGES.c.id).where(OUTAGES.c.id == outage_id)).first() is not None


def add_outage(writer: LedgerWriter, outage: Outage, *, outage_id: str | None = None) -> str:
    """Add a time in which a device, or the recognition, failed; return its id. UsageError for wrong values.

    With the id of an outage that is there, this replaces it.
    """
    check_text(outage.device, "a name of a device", most=NAME_LENGTH, one_line=True)
    check_text(outage.reason, "a reason", most=TEXT_LENGTH)
    if outage.start.tzinfo is None or outage.end.tzinfo is None:
        raise UsageError("the times of an outage need an offset from UTC.")
    if outage.end <= outage.start:
        raise UsageError(f"an outage ends at {outage.end.isoformat()}, not after its start {outage.start.isoformat()}.")
    row = {
        "id": outage_id or new_id(),
        "device": outage.device,
        "start": count_microseconds(outage.start),
        "end": count_microseconds(outage.end),
        "reason": outage.reason,
    }
    put_row(writer, OUTAGES, row, action="add outage", employee=None)
    return str(row["id"])
