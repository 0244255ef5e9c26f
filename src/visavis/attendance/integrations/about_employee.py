"""What is stored about an employee in the tables of deliveries and of terminals."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from visavis.attendance.integrations.types import DeliveredRecord, EmployeeDeliveries, RefusedRecord
from visavis.attendance.tables import CURSORS, HELD, REFUSED, SENT
from visavis.printable import make_printable
from visavis.structured_text import parse_json


def read_deliveries(conn: Connection, employee: str) -> list[EmployeeDeliveries]:
    """Return what was sent to each target about an employee, by the name of the target."""
    cursors = {row.target: row.cursor for row in conn.execute(select(CURSORS))}
    sent: dict[str, list[DeliveredRecord]] = {}
    for row in conn.execute(select(SENT).where(SENT.c.employee == employee).order_by(SENT.c.at, SENT.c.key)):
        content = parse_json(row.content)
        record = DeliveredRecord(row.target, row.key, datetime.fromisoformat(row.at), content, row.remote)
        sent.setdefault(row.target, []).append(record)
    refused: dict[str, list[RefusedRecord]] = {}
    for row in conn.execute(select(REFUSED).where(REFUSED.c.employee == employee).order_by(REFUSED.c.at)):
        at = None if row.at is None else datetime.fromisoformat(row.at)
        since = datetime.fromisoformat(row.since)
        left_out = RefusedRecord(row.key, row.employee, at, row.change, row.reason, since)
        refused.setdefault(row.target, []).append(left_out)
    return [
        EmployeeDeliveries(name, cursors.get(name, 0), tuple(sent.get(name, ())), tuple(refused.get(name, ())))
        for name in sorted({*cursors, *sent, *refused})
    ]


def read_held_lines(conn: Connection, employee: str) -> list[str]:
    """Return the lines of terminals that are held and have the number of an employee."""
    return [line for _, line in _find_held(conn, employee)]


def delete_held_lines(conn: Connection, employee: str) -> None:
    """Delete the lines of terminals that are held and have the number of an employee."""
    for serial, line in _find_held(conn, employee):
        conn.execute(delete(HELD).where(HELD.c.serial == serial, HELD.c.line == line))


def _find_held(conn: Connection, employee: str) -> list[tuple[str, str]]:
    """Return the serial numbers and lines that have a number, with blanks around it or without."""
    rows = conn.execute(select(HELD.c.serial, HELD.c.line).order_by(HELD.c.received, HELD.c.line)).all()
    number = make_printable(employee)  # as lines are stored
    return [(serial, line) for serial, line in rows if line.partition("\t")[0].strip() == number]
