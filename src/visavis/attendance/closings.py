"""Months that are closed: their figures are frozen, and what changes later is carried to the next month."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.local_time import make_time
from visavis.attendance.retention import read_erased_before
from visavis.attendance.tables import CLOSINGS, FIGURES
from visavis.attendance.tracked import put_row, remove_row
from visavis.attendance.types import ClosedMonth
from visavis.errors import UsageError
from visavis.images import shown
from visavis.sql_database import write_time
from visavis.structured_text import parse_json

MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
Figures = Mapping[str, Any]
"""What a month came to for an employee: values that JSON can hold, by name."""
Carried = Mapping[str, Mapping[str, float]]
"""Differences of figures by name, by the month that they are of."""


def read_month(text: str) -> tuple[date, date]:
    """Return the first and the last day of a month, such as 2026-10; UsageError for another text."""
    match = MONTH.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{shown(text)} is no month: write it as 2026-10.")
    first = date(int(match[1]), int(match[2]), 1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def close_month(
    writer: LedgerWriter,
    month: str,
    figures: Mapping[str, Figures],
    *,
    last_record: int,
    carried: Mapping[str, Carried] | None = None,
) -> ClosedMonth:
    """Freeze the figures of a month, by employee number; ``last_record`` is the newest record that they hold.

    ``carried`` has, by employee number, how earlier closed months differ from their frozen figures by what was recorded
    later. Raises UsageError for a month that is closed.
    """
    read_month(month)
    require_open(writer.conn, month)
    differences = carried or {}
    for employee in sorted({*figures, *differences}):
        row = {
            "id": f"{month}/{employee}",
            "month": month,
            "employee": employee,
            "figures": _dump(figures.get(employee, {})),
            "carried": _dump(differences.get(employee, {})),
        }
        put_row(writer, FIGURES, row, action="freeze figures", employee=employee)
    return _put(writer, ClosedMonth(month, "closed", last_record, make_time(writer.recorded), writer.actor))


def require_open(conn: Connection, month: str) -> None:
    """Raise UsageError for a month that is closed."""
    before = find_closing(conn, month)
    if before is not None and before.state == "closed":
        raise UsageError(f"{month} was closed by {before.changed_by} already: reopen it with a reason first.")


def reopen_month(writer: LedgerWriter, month: str, *, reason: str) -> ClosedMonth:
    """Open a closed month again: its figures are removed. Raises UsageError where it is not closed, or for no reason.

    What they were stays in the ledger. UsageError also where retention has erased the punches: the month could not be
    closed again.
    """
    before = find_closing(writer.conn, month)
    if before is None or before.state != "closed":
        raise UsageError(f"{month} is not closed.")
    if not reason.strip():
        raise UsageError("to reopen a month takes a reason.")
    erased = read_erased_before(writer.conn)
    if erased is not None and read_month(month)[0] <= erased.date():  # in any zone
        raise UsageError(f"{month} stays closed: its punches were erased, so that it could not be closed again.")
    for row in _read_rows(writer.conn, month):
        remove_row(writer, FIGURES, row.id, action="remove figures", employee=row.employee, reason=reason)
    moment = make_time(writer.recorded)
    return _put(writer, ClosedMonth(month, "open", before.last_record, moment, writer.actor, reason))


def read_closings(conn: Connection) -> list[ClosedMonth]:
    """Return all months that were closed, also those that were opened again, in their order."""
    rows = conn.execute(select(CLOSINGS).order_by(CLOSINGS.c.month))
    return [
        ClosedMonth(
            row.month, row.state, row.last_record, datetime.fromisoformat(row.changed), row.changed_by, row.reason
        )
        for row in rows
    ]


def find_closing(conn: Connection, month: str) -> ClosedMonth | None:
    """Return what was done with a month; None where it was never closed."""
    return next((closing for closing in read_closings(conn) if closing.month == month), None)


def find_closed(conn: Connection, day: date) -> ClosedMonth | None:
    """Return the closed month of a day; None where it is not closed."""
    closing = find_closing(conn, f"{day:%Y-%m}")
    return closing if closing is not None and closing.state == "closed" else None


def read_figures(conn: Connection, month: str) -> dict[str, dict[str, Any]]:
    """Return the frozen figures of a closed month, by employee number."""
    return {row.employee: parse_json(row.figures) for row in _read_rows(conn, month)}


def read_carried(conn: Connection, month: str) -> dict[str, Carried]:
    """Return what a closed month has taken over from earlier ones, by employee number; employees without are left out.

    Differences are by month and by the name of the figure.
    """
    carried = {row.employee: parse_json(row.carried) for row in _read_rows(conn, month)}
    return {employee: differences for employee, differences in carried.items() if differences}


def _read_rows(conn: Connection, month: str) -> Sequence[Row[Any]]:
    return conn.execute(select(FIGURES).where(FIGURES.c.month == month).order_by(FIGURES.c.employee)).all()


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _put(writer: LedgerWriter, closing: ClosedMonth) -> ClosedMonth:
    row = {**closing.to_dict(), "changed": write_time(closing.changed)}
    put_row(writer, CLOSINGS, row, action=f"{closing.state} month", employee=None, reason=closing.reason)
    return closing
