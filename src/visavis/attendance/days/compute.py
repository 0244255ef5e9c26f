"""Compute days from punches and rules.

Days are a function of the punches as they now are: neither the order in which punches arrived nor the days that are
computed with a day change it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from visavis.attendance.days._combine import combine, make_unemployed, read_leave
from visavis.attendance.days.pairs import PunchLine
from visavis.attendance.days.parts import Facts, compute_part
from visavis.attendance.days.split import LOOK_BACK, PunchSplit
from visavis.attendance.days.types import Day
from visavis.attendance.rules.schedule import DayPlan, Planner
from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Employee, Leave, Outage, Punch

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
    own = PunchLine([punch for punch in punches if punch.employee == employee.number])
    own_leaves = [leave for leave in leaves if leave.employee == employee.number]
    lost = sorted((int(outage.start.timestamp()) // 60, int(outage.end.timestamp()) // 60) for outage in outages)
    minute = None if now is None else int(now.timestamp()) // 60
    facts = Facts(own, lost, planner.rules.zone, minute)
    return list(_Days(employee, planner, facts, own_leaves, first, last).compute())


class _Days:
    """The days of an employee, in one pass over the shifts."""

    def __init__(
        self, employee: Employee, planner: Planner, facts: Facts, leaves: Sequence[Leave], first: date, last: date
    ) -> None:
        self._employee, self._planner, self._facts, self._leaves = employee, planner, facts, leaves
        self._days = [first + timedelta(number) for number in range((last - first).days + 1)]
        plans = [self._plan(first + timedelta(number)) for number in range(-LOOK_BACK - 1, len(self._days) + 1)]
        self._plans = {plan.day: plan for plan in plans if plan is not None}
        times = [(time, plan.version) for plan in self._plans.values() for time in plan.times]
        self._split = PunchSplit(facts.line, times)
        self._numbers: dict[date, int] = {}
        for number, (time, _) in enumerate(times):
            self._numbers.setdefault(time.day, number)
        self._times = times

    def compute(self) -> Iterator[Day]:
        """Yield the days."""
        if not self._days:
            return
        used = bytearray(len(self._facts.line.punches))
        spans = {}
        for number, (time, _) in enumerate(self._times):
            if time.day >= self._days[0] - timedelta(1):
                spans[number] = first, end = self._split.span(number)
                used[first:end] = b"\1" * (end - first)
        for day in self._days:
            outside = self._find_outside(day, used)
            plan = self._plans.get(day)
            if plan is None:
                yield make_unemployed(self._employee, day, outside)
                continue
            leave = read_leave(self._leaves, plan, self._planner.rules)
            numbers = range(self._numbers[day], self._numbers[day] + len(plan.times))
            parts = tuple(
                compute_part(
                    self._facts, spans[number], time, plan.version, leave.of_shift(number - numbers[0], len(numbers))
                )
                for number, time in zip(numbers, plan.times, strict=True)
            )
            yield combine(self._employee, plan, parts, leave, outside)

    def _plan(self, day: date) -> DayPlan | None:
        """Return the plan of a day; None outside of employment, and before all rules on a day that is not asked for."""
        joined, left = self._employee.joined, self._employee.left
        if (joined is not None and day < joined) or (left is not None and day > left):
            return None
        if day < self._planner.rules.versions[0].start and (not self._days or day < self._days[0]):
            return None
        return self._planner.plan(self._employee, day)

    def _find_outside(self, day: date, used: bytearray) -> tuple[str, ...]:
        """Return the punches of a date that belong to no shift."""
        line = self._facts.line
        plan = self._plans.get(day)
        if plan is not None:
            midnight, next_midnight = plan.midnight, plan.next_midnight
        else:
            midnight, next_midnight = self._planner.minute(day, 0), self._planner.minute(day + timedelta(1), 0)
        first, end = bisect_left(line.minutes, midnight), bisect_left(line.minutes, next_midnight)
        if not used.count(0, first, end):
            return ()
        return tuple(line.punches[number].id for number in range(first, end) if not used[number])
