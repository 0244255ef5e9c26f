"""Employees: read, added and changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.tables import EMPLOYEES
from visavis.attendance.tracked import put_row
from visavis.attendance.types import Employee
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery.check_text import NAME_LENGTH, check_text
from visavis.images import shown
from visavis.structured_text import parse_json

NUMBER_LENGTH = 100
"""Most characters of an employee number."""


class ImportCounts(NamedTuple):
    """How many rows of a file were added, have changed what was there, and were there already."""

    added: int
    changed: int
    unchanged: int


def check_employee(employee: Employee) -> Employee:
    """Return an employee, whose departments are in order; UsageError for values that no employee has."""
    check_text(employee.number, "an employee number", most=NUMBER_LENGTH, one_line=True)
    check_text(employee.name, "a name of an employee", most=NAME_LENGTH, one_line=True)
    for department in (employee.department, *employee.manages):
        check_text(department, "a name of a department", most=NAME_LENGTH, one_line=True)
    if not employee.number or employee.number != employee.number.strip():
        raise UsageError(f"an employee needs a number without spaces around it, got {shown(employee.number)}.")
    if not employee.name.strip():
        raise UsageError(f"employee {shown(employee.number)} needs a name.")
    if employee.joined is not None and employee.left is not None and employee.left < employee.joined:
        raise UsageError(
            f"employee {shown(employee.number)} left on {employee.left}, before joining on {employee.joined}."
        )
    return replace(employee, manages=tuple(sorted({*employee.manages})))


def put_employees(writer: LedgerWriter, employees: Iterable[Employee]) -> ImportCounts:
    """Add employees, and change those that differ from what is stored; employees who are not given stay."""
    stored = {employee.number: employee for employee in read_employees(writer.conn)}
    added = changed = unchanged = 0
    for employee in map(check_employee, employees):
        before = stored.get(employee.number)
        if employee == before:
            unchanged += 1
            continue
        added, changed = added + (before is None), changed + (before is not None)
        stored[employee.number] = employee
        action = "add employee" if before is None else "change employee"
        put_row(writer, EMPLOYEES, make_row(employee), action=action, employee=employee.number)
    return ImportCounts(added, changed, unchanged)


def read_employees(conn: Connection, numbers: Collection[str] | None = None) -> list[Employee]:
    """Return the employees of these numbers, all by default, in the order of their numbers."""
    rows = conn.execute(select(EMPLOYEES).order_by(EMPLOYEES.c.number))
    return [_make_employee(*row) for row in rows if numbers is None or row[0] in numbers]


def find_employee(conn: Connection, number: str) -> Employee:
    """Return the employee of a number; UnknownNameError where there is none."""
    row = conn.execute(select(EMPLOYEES).where(EMPLOYEES.c.number == number)).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no employee {shown(number)}: visavis attendance people lists all.")
    return _make_employee(*row)


def make_row(employee: Employee) -> dict[str, object]:
    """Return the row of an employee."""
    return {
        "number": employee.number,
        "name": employee.name,
        "department": employee.department,
        "person_id": employee.person_id,
        "joined": None if employee.joined is None else employee.joined.isoformat(),
        "left": None if employee.left is None else employee.left.isoformat(),
        "manages": json.dumps(employee.manages, ensure_ascii=False),
    }


def _make_employee(
    number: str, name: str, department: str, person_id: int | None, joined: str | None, left: str | None, manages: str
) -> Employee:
    """Return the employee of the columns of a row."""
    departments = () if manages == "[]" else tuple(parse_json(manages))
    return Employee(number, name, department, person_id, _read_day(joined), _read_day(left), departments)


def _read_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
