"""The days of employees with their plans, as far as they are the same for many employees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from visavis.attendance.days.split import LOOK_BACK, find_alone
from visavis.attendance.rules.schedule import DayPlan, Planner, ShiftTime
from visavis.attendance.rules.types import RuleVersion
from visavis.attendance.types import Employee

ONE_DAY = timedelta(1)


class Calendar:
    """The plans of days in a row, and of those around them whose shifts decide about them.

    ``plans`` has the plan of each of the ``days``; None outside of employment. ``times`` are the shifts in the order of
    time, with the rules of their day; those of a day have the numbers ``numbers[day]`` and following. ``alone`` says of
    each whether its time touches that of no other. Shifts from ``first_number`` on may have punches of the days.
    """

    def __init__(self, planner: Planner, employee: Employee, days: Sequence[date]) -> None:
        self.times: list[tuple[ShiftTime, RuleVersion]] = []
        self.numbers: dict[date, int] = {}
        by_day: dict[date, DayPlan] = {}
        around = [days[0] + timedelta(number) for number in range(-LOOK_BACK - 1, len(days) + 1)] if days else []
        for day in around:
            plan = _find_plan(planner, employee, day, days[0])
            if plan is not None:
                by_day[day] = plan
                self.numbers[day] = len(self.times)
                self.times += [(time, plan.version) for time in plan.times]
        self.alone = find_alone(self.times)
        self.plans = [by_day.get(day) for day in days]
        self.first_number = sum(1 for time, _ in self.times if time.day < days[0] - ONE_DAY)


def _find_plan(planner: Planner, employee: Employee, day: date, first: date) -> DayPlan | None:
    """Return the plan of a day; None outside of employment, and before all rules on a day before the ``first``."""
    joined, left = employee.joined, employee.left
    if (joined is not None and day < joined) or (left is not None and day > left):
        return None
    if day < first and day < planner.rules.versions[0].start:
        return None
    return planner.plan(employee, day)


class Calendars:
    """The calendars of employees for the same days, each made once for all employees who have the same."""

    def __init__(self, planner: Planner, first: date, last: date) -> None:
        self.planner = planner
        self.days = [first + timedelta(number) for number in range((last - first).days + 1)]
        self.midnights = [planner.minute(first + timedelta(number), 0) for number in range(len(self.days) + 1)]
        """When each of the days begins, and the last one ends: minutes since 1970."""
        self._first, self._last = first - (LOOK_BACK + 1) * ONE_DAY, last + ONE_DAY
        self._made: dict[tuple[object, ...], Calendar] = {}

    def find(self, employee: Employee) -> Calendar:
        """Return the calendar of an employee; UsageError for a day before the first version of the rules."""
        joined, left = employee.joined, employee.left
        if joined is not None and joined <= self._first:
            joined = None
        if left is not None and left >= self._last:
            left = None
        key = self.planner.group(employee), joined, left
        calendar = self._made.get(key)
        if calendar is None:
            calendar = self._made[key] = Calendar(self.planner, employee, self.days)
        return calendar
