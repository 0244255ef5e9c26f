"""Compute days from punches and rules.

Days are a function of the punches as they now are: neither the order in which punches arrived nor the days that are
computed with a day change it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise

from visavis.attendance.days._combine import NO_LEAVE, combine, make_unemployed, read_leave
from visavis.attendance.days.calendar import Calendars
from visavis.attendance.days.pairs import PunchLine
from visavis.attendance.days.parts import Facts, compute_part
from visavis.attendance.days.split import LOOK_BACK, PunchSplit
from visavis.attendance.days.types import Day
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Employee, Leave, Outage, Punch
from visavis.garbage import pause_collection

DAYS_BEFORE, DAYS_AFTER = LOOK_BACK + 2, 2
"""How many days before and after a day its punches may decide about it."""


def compute_day(
    employee: Employee,
    day: date,
    punches: Iterable[Punch],
    rules: Rules,
    leaves: Iterable[Leave] = (),
    outages: Iterable[Outage] = (),
    *,
    now: datetime | None = None,
) -> Day:
    """Return a day of an employee; see :func:`compute_days`."""
    (computed,) = compute_days(employee, day, day, punches, Planner(rules), leaves, outages, now=now)
    return computed


def compute_days(
    employee: Employee,
    first: date,
    last: date,
    punches: Iterable[Punch],
    planner: Planner,
    leaves: Iterable[Leave] = (),
    outages: Iterable[Outage] = (),
    *,
    now: datetime | None = None,
) -> list[Day]:
    """Return the days of an employee from ``first`` to ``last``.

    Punches and leave of others are left out. Punches are needed from ``DAYS_BEFORE`` days before to ``DAYS_AFTER`` days
    after, in any order. ``now`` is the time until which the punches are complete: shifts that end later are pending;
    None: all are complete. Raises UsageError for a day before the first version of the rules.
    """
    computer = DayComputer(planner, first, last, outages, now=now)
    line = PunchLine([punch for punch in punches if punch.employee == employee.number])
    return computer.compute(employee, line, [leave for leave in leaves if leave.employee == employee.number])


class DayComputer:
    """Computes the same days of many employees; what they share is computed once. See :func:`compute_days`."""

    def __init__(
        self, planner: Planner, first: date, last: date, outages: Iterable[Outage] = (), *, now: datetime | None = None
    ) -> None:
        self._calendars = Calendars(planner, first, last)
        self._rules = planner.rules
        self._lost = sorted(
            (int(outage.start.timestamp()) // 60, int(outage.end.timestamp()) // 60) for outage in outages
        )
        self._now = None if now is None else int(now.timestamp()) // 60

    def compute(self, employee: Employee, line: PunchLine, leaves: Sequence[Leave]) -> list[Day]:
        """Return the days of an employee, whose own punches and leave these are."""
        with pause_collection():
            return [*self._compute(employee, line, leaves)]

    def _compute(self, employee: Employee, line: PunchLine, leaves: Sequence[Leave]) -> Iterator[Day]:
        calendar = self._calendars.find(employee)
        facts = Facts(line, self._lost, self._rules.zone, self._now)
        split = PunchSplit(line, calendar.times, calendar.alone)
        spans = {number: split.span(number) for number in range(calendar.first_number, len(calendar.times))}
        all_outside = self._find_outside(line, spans.values())
        for day, plan, outside in zip(self._calendars.days, calendar.plans, all_outside, strict=True):
            if plan is None:
                yield make_unemployed(employee, day, outside)
                continue
            leave = read_leave(leaves, plan, self._rules) if leaves else NO_LEAVE
            first, count = calendar.numbers[day], len(plan.times)
            parts = [
                compute_part(facts, spans[first + part], time, plan.version, leave.of_shift(part, count))
                for part, time in enumerate(plan.times)
            ]
            yield combine(employee, plan, tuple(parts), leave, outside)

    def _find_outside(self, line: PunchLine, spans: Iterable[tuple[int, int]]) -> list[tuple[str, ...]]:
        """Return by day the punches of its date that belong to no shift."""
        unused = bytearray(b"\1" * len(line.punches))
        for first, end in spans:
            unused[first:end] = bytes(end - first)
        bounds = [bisect_left(line.minutes, midnight) for midnight in self._calendars.midnights]
        if not unused.count(1, bounds[0], bounds[-1]):
            return [()] * (len(bounds) - 1)
        return [
            tuple(line.punches[number].id for number in range(first, end) if unused[number])
            for first, end in pairwise(bounds)
        ]
