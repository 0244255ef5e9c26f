"""Late arrivals that are accepted with a reason: they are settled, and the figures of the day stay as they are."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from visavis.attendance.employees import find_employee
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.tables import EXCUSES
from visavis.attendance.tracked import put_row
from visavis.attendance.types import Excuse
from visavis.errors import UsageError
from visavis.gallery.check_text import TEXT_LENGTH, check_text


def excuse_late(writer: LedgerWriter, employee: str, day: date, *, minutes: int, reason: str) -> Excuse:
    """Accept that an employee came up to ``minutes`` late on a day; replaces what was accepted before.

    Raises UnknownNameError for an unknown employee; UsageError for a day on time, and without a reason.
    """
    find_employee(writer.conn, employee)
    check_text(reason, "a reason", most=TEXT_LENGTH)
    if not reason.strip():
        raise UsageError("an excuse needs a reason.")
    if minutes < 1:
        raise UsageError(f"the employee was not late on {day}: there is nothing to excuse.")
    excuse = Excuse(employee, day, minutes, reason, writer.actor)
    row = {"id": f"{day}/{employee}", **excuse.to_dict()}
    put_row(writer, EXCUSES, row, action="excuse late arrival", employee=employee, reason=reason)
    return excuse


def read_excuses(conn: Connection, day: date) -> dict[str, Excuse]:
    """Return the excuses of a day by employee number."""
    rows = conn.execute(select(EXCUSES).where(EXCUSES.c.day == day.isoformat()))
    return {row.employee: _read_row(row) for row in rows}


def _read_row(row: Row[Any]) -> Excuse:
    return Excuse(row.employee, date.fromisoformat(row.day), row.minutes, row.reason, row.actor)
