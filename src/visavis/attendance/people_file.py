"""Employees in a CSV: columns number and name, and department, joined, left and manages if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from visavis.attendance.employees import check_employee
from visavis.attendance.local_time import read_day
from visavis.attendance.types import Employee
from visavis.csv_files import read_table
from visavis.errors import UsageError
from visavis.images import shown
from visavis.text_files import errors_in, malformed, read_text

NEEDED = ("number", "name")
OPTIONAL = ("department", "joined", "left", "manages")


def read_people(path: Path, stored: Mapping[str, Employee]) -> list[Employee]:
    """Return the employees of a file; what it has no column for stays as in ``stored``, by number.

    ``manages`` has departments with ``|`` between them. Raises UsageError, which names the file and the line.
    """
    with errors_in(path):
        employees: dict[str, Employee] = {}
        for line, cells in read_table(read_text(path), NEEDED, OPTIONAL):
            try:
                employee = check_employee(_make_employee(cells, stored.get(cells["number"])))
            except UsageError as error:
                raise malformed(line, str(error)) from error
            if employee.number in employees:
                raise malformed(line, f"employee {shown(employee.number)} is in the file twice.")
            employees[employee.number] = employee
    return [*employees.values()]


def _make_employee(cells: Mapping[str, str], before: Employee | None) -> Employee:
    stored = before or Employee(cells["number"], cells["name"])
    manages = cells.get("manages")
    return Employee(
        cells["number"],
        cells["name"],
        cells.get("department", stored.department),
        stored.person_id,
        _read_day(cells, "joined", stored.joined),
        _read_day(cells, "left", stored.left),
        stored.manages if manages is None else tuple(_split(manages)),
    )


def _split(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split("|") if part.strip())


def _read_day(cells: Mapping[str, str], column: str, before: date | None) -> date | None:
    if column not in cells:
        return before
    return read_day(cells[column], any_year=True) if cells[column] else None
