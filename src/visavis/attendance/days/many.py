"""Days of many employees, and which of them would change under other rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple, TypeVar

from visavis.attendance.days.compute import DayComputer
from visavis.attendance.days.erased import mark_erased
from visavis.attendance.days.pairs import PunchLine
from visavis.attendance.days.types import Day
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.types import Employee, Leave, Outage, Punch
from visavis.plain import Plain

T = TypeVar("T", Punch, Leave)
COMPARED = (
    "kind", "status", "code", "planned", "worked", "credited", "late", "early", "overtime", "present", "on_leave",
    "absent",
)  # fmt: skip
"""The figures of a day in which rules can differ."""
_read_compared = attrgetter(*COMPARED)


class Recorded(NamedTuple):
    """What days are computed from: punches from ``DAYS_BEFORE`` days before the first day, leave and outages.

    ``now`` is the time until which the punches are complete, None where all are. Punches before ``erased_before`` were
    erased.
    """

    employees: tuple[Employee, ...]
    punches: tuple[Punch, ...]
    leaves: tuple[Leave, ...] = ()
    outages: tuple[Outage, ...] = ()
    now: datetime | None = None
    erased_before: datetime | None = None


class EmployeeDays(NamedTuple):
    """Days of an employee, one for each date."""

    employee: Employee
    days: list[Day]


@dataclass(frozen=True, slots=True)
class DayChange(Plain):
    """A day that other rules change; ``fields`` are the names of the figures that differ."""

    employee: str
    day: date
    fields: tuple[str, ...]
    before: Day
    after: Day


def compute_many(recorded: Recorded, planner: Planner, first: date, last: date) -> Iterator[EmployeeDays]:
    """Yield the days of each employee from ``first`` to ``last``, in the order of the employees."""
    for employee, (days,) in _compute_by_each(recorded, [planner], first, last):
        yield EmployeeDays(employee, days)


def replay(recorded: Recorded, old: Planner, new: Planner, first: date, last: date) -> Iterator[DayChange]:
    """Yield the days that would change if the new rules applied, by employee and day; erased days are left out."""
    for employee, (before, after) in _compute_by_each(recorded, [old, new], first, last):
        for old_day, new_day in zip(before, after, strict=True):
            if _read_compared(old_day) == _read_compared(new_day) or old_day.status == "erased":
                continue
            names = tuple(name for name in COMPARED if getattr(old_day, name) != getattr(new_day, name))
            yield DayChange(employee.number, old_day.day, names, old_day, new_day)


def _compute_by_each(
    recorded: Recorded, planners: Sequence[Planner], first: date, last: date
) -> Iterator[tuple[Employee, list[list[Day]]]]:
    """Yield each employee with the days by each planner."""
    punches, leaves = _by_employee(recorded.punches), _by_employee(recorded.leaves)
    computers = [DayComputer(planner, first, last, recorded.outages, now=recorded.now) for planner in planners]
    zones = [planner.rules.zone for planner in planners]
    for employee in recorded.employees:
        line, own_leaves = PunchLine(punches.get(employee.number, ())), leaves.get(employee.number, ())
        computed = [computer.compute(employee, line, own_leaves) for computer in computers]
        yield (
            employee,
            [mark_erased(days, recorded.erased_before, zone) for days, zone in zip(computed, zones, strict=True)],
        )


def _by_employee(records: Iterable[T]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = defaultdict(list)
    for record in records:
        grouped[record.employee].append(record)
    return grouped
