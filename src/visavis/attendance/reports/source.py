"""What the days of a site are computed from, read from its database, and its rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from visavis.attendance.days.compute import DAYS_AFTER
from visavis.attendance.days.many import EmployeeDays, Recorded, compute_many
from visavis.attendance.days.needed import find_needed
from visavis.attendance.local_time import FIRST_YEAR
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.types import Employee, Leave, Outage, Punch
from visavis.errors import UnknownNameError, UsageError
from visavis.garbage import pause_collection
from visavis.images import shown

BATCH_DAYS = 20_000
"""Days, each of an employee, whose punches are in memory at a time."""
LAST_YEAR = 9998
"""Punches of a day are looked for on the next days too, which dates must be able to say."""
NAMED = 10
"""Most names of departments in a message."""


class Records(Protocol):
    """What is asked of a site; :class:`visavis.attendance.site.Site` has it."""

    def employees(self) -> list[Employee]:
        """Return all employees."""

    def punches_between(self, start: datetime, end: datetime, employees: Collection[str] | None = None) -> list[Punch]:
        """Return the punches from ``start`` to before ``end`` as they now are."""

    def leaves(
        self, first: date | None = None, last: date | None = None, employees: Collection[str] | None = None
    ) -> list[Leave]:
        """Return approved leave."""

    def outages(self, first: date | None = None, last: date | None = None) -> list[Outage]:
        """Return the times in which devices failed."""

    def erased_before(self) -> datetime | None:
        """Return the time before which punches were erased."""


def read_records(
    site: Records,
    planners: Sequence[Planner],
    first: date,
    last: date,
    *,
    employees: Collection[str] = (),
    departments: Collection[str] = (),
    now: datetime | None = None,
) -> Iterator[Recorded]:
    """Yield what the days from ``first`` to ``last`` are computed from by each planner, for some employees at a time.

    Of those employees and departments, else of all. No more than ``BATCH_DAYS`` days are in memory. Raises
    UnknownNameError for an employee number or a department that the site does not have; UsageError for days that no
    punch can have.
    """
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise UsageError(f"days are of the years {FIRST_YEAR} to {LAST_YEAR}, got {first} to {last}.")
    people = site.employees()
    _check_names(employees, {employee.number for employee in people}, "employee")
    _check_names(departments, {employee.department for employee in people}, "department")
    outages = tuple(site.outages(first - timedelta(1), last + timedelta(DAYS_AFTER)))
    wanted = [
        employee
        for employee in people
        if (not employees or employee.number in employees) and (not departments or employee.department in departments)
    ]
    size = max(1, BATCH_DAYS // max(1, (last - first).days + 1))
    for begin in range(0, len(wanted), size):
        batch = tuple(wanted[begin : begin + size])
        numbers = [employee.number for employee in batch]
        starts, ends = zip(*(find_needed(batch, planner, first, last) for planner in planners), strict=True)
        # All are read in the order of time, which is that in the database.
        punches = site.punches_between(min(starts), max(ends), None if len(batch) == len(people) else numbers)
        leaves, erased_before = tuple(site.leaves(first, last, numbers)), site.erased_before()  # after the punches
        yield Recorded(batch, tuple(punches), leaves, outages, now, erased_before)


def compute_site_days(
    site: Records,
    planner: Planner,
    first: date,
    last: date,
    *,
    employees: Collection[str] = (),
    departments: Collection[str] = (),
) -> list[EmployeeDays]:
    """Return the days of the employees of a site as of now: what is not over is pending. Raises as read_records."""
    now = datetime.now(UTC)
    records = read_records(site, [planner], first, last, employees=employees, departments=departments, now=now)
    with pause_collection():
        return [entry for recorded in records for entry in compute_many(recorded, planner, first, last)]


def _check_names(names: Collection[str], there: Collection[str], kind: str) -> None:
    for name in names:
        if name not in there:
            listed = ", ".join(shown(other) for other in sorted(there)[:NAMED])
            raise UnknownNameError(f"there is no {kind} {shown(name)} at the site; there are: {listed} ...")
