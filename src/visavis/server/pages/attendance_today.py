"""Who is in, late, not there, without a punch or undecided on a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeVar

from visavis.attendance.days.parts import expect
from visavis.attendance.days.types import Day
from visavis.attendance.excuses import read_excuses
from visavis.attendance.presence import LOOK_BACK, Present, find_present
from visavis.attendance.reports.totals import MISSING
from visavis.attendance.rules.schedule import DayPlan, ShiftTime
from visavis.attendance.types import Employee, Excuse, Leave, Outage, Punch
from visavis.server.pages.attendance_scope import Scope

Record = TypeVar("Record", Punch, Leave)
Mark = Literal["in", "late", "missing", "unpaired", "undecided"]
MARKS: tuple[Mark, ...] = ("in", "late", "missing", "unpaired", "undecided")
"""What the page counts: who is in now, came late, is expected but not there, lacks a punch, and cannot be decided."""
OPEN: tuple[Mark, ...] = ("late", "missing", "unpaired", "undecided")
"""Marks of days that a person settles."""


@dataclass(frozen=True, slots=True)
class TodayRow:
    """A day of an employee, with its marks; ``present`` says since when the employee is in, today alone.

    ``excuse`` is that of a late arrival, which has no mark then. ``plan`` is what the rules plan.
    """

    employee: Employee
    day: Day
    marks: frozenset[Mark]
    present: Present | None
    plan: DayPlan | None = None
    excuse: Excuse | None = None

    @property
    def is_open(self) -> bool:
        """Whether a person has to look at the day."""
        return not self.marks.isdisjoint(OPEN)


@dataclass(frozen=True, slots=True)
class Today:
    """The employees of a day, those first who are to be settled; ``counts`` says how many have each mark."""

    day: date
    is_today: bool
    rows: tuple[TodayRow, ...]

    @property
    def counts(self) -> Mapping[Mark, int]:
        """How many rows have each mark."""
        return {mark: sum(mark in row.marks for row in self.rows) for mark in MARKS}

    def select(self, mark: str) -> tuple[TodayRow, ...]:
        """Return the rows with a mark, all for another text."""
        return tuple(row for row in self.rows if mark not in MARKS or mark in row.marks)


def read_present(scope: Scope, people: Iterable[Employee], at: datetime) -> list[Present]:
    """Return who of these employees is in, or perhaps is, by department and name."""
    listed = list(people)
    if not listed:
        return []
    is_whole = scope.view.numbers is None and len(listed) == len(scope.people)
    numbers = None if is_whole else [employee.number for employee in listed]
    punches = scope.site.ledger.punches(at - LOOK_BACK, None, numbers)
    return find_present(listed, punches, at, scope.view.entrances(at))


def read_today(scope: Scope, department: str, day: date) -> Today:
    """Return a day of the employees of a department, all where its name is empty; of those employed on it."""
    now, people = scope.now, scope.select(department)
    is_today = day == now.date()
    computed = list(scope.read(people, day, day))
    batches = {id(recorded): recorded for recorded, _ in computed}.values()
    punches = _group(punch for recorded in batches for punch in recorded.punches)
    leaves = _group(leave for recorded in batches for leave in recorded.leaves)
    present = {each.employee: each for each in read_present(scope, people, now)} if is_today else {}
    with scope.site.database.read() as conn:
        excuses = read_excuses(conn, day)
    rows = []
    for recorded, (employee, (own_day,)) in computed:
        if own_day.kind == "not_employed":
            continue
        number = employee.number
        marks = {mark for mark, applies in _mark(own_day).items() if applies}
        plan, excuse = scope.planner.plan(employee, day), excuses.get(number)
        if excuse is not None and own_day.late <= excuse.minutes:
            marks -= {"late"}
        if own_day.status == "pending":
            records = punches.get(number, ()), leaves.get(number, ())
            waiting = [
                time
                for time, part in zip(plan.times, own_day.parts, strict=True)
                if part.status == "pending" and _is_awaited(time, *records, now)
            ]
            failed = any(_overlaps(recorded.outages, time, now) for time in waiting)
            marks |= {"undecided"} if failed else {"missing"} if waiting else set()
        if number in present:
            marks = marks - {"missing"} | {"in"}
        rows.append(TodayRow(employee, own_day, frozenset(marks), present.get(number), plan, excuse))
    return Today(day, is_today, tuple(sorted(rows, key=lambda row: not row.is_open)))


def _mark(day: Day) -> dict[Mark, bool]:
    return {
        "late": day.late > 0,
        "missing": day.status == "absent",
        "unpaired": not MISSING.isdisjoint(day.notes) or bool(day.outside),
        "undecided": day.status == "undecided",
    }


def _is_awaited(time: ShiftTime, punches: Iterable[Punch], leaves: Iterable[Leave], now: datetime) -> bool:
    """Return whether an employee should have come by now, and has no punch in the shift."""
    is_off = any(leave.part == "first_half" and leave.first <= time.day <= leave.last for leave in leaves)
    start = expect(time, "first_half" if is_off else "").start
    if time.shift is None or start is None or _minute(now) <= start + time.shift.grace_late:
        return False
    return not any(time.opens <= _minute(punch.at) <= time.closes for punch in punches)


def _overlaps(outages: Iterable[Outage], time: ShiftTime, now: datetime) -> bool:
    """Return whether a device failed while the employee could have come."""
    return any(_minute(each.start) <= _minute(now) and time.opens <= _minute(each.end) for each in outages)


def _group(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return the records of each employee."""
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.employee, []).append(record)
    return grouped


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def list_departments(present: Iterable[Present]) -> Iterator[tuple[str, list[Present]]]:
    """Yield the departments of people who are in, with those people."""
    grouped: dict[str, list[Present]] = {}
    for each in present:
        grouped.setdefault(each.department, []).append(each)
    yield from grouped.items()
