"""The days of an employee for the pages: computed days, their shifts, punches and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from visavis.attendance.days.types import Day
from visavis.attendance.rules.schedule import DayPlan, Planner
from visavis.attendance.types import Employee, Leave, Punch
from visavis.server.pages.attendance_scope import Scope
from visavis.server.pages.day_bar import DayBar, make_day_bar

ONE_DAY = timedelta(1)


@dataclass(frozen=True, slots=True)
class PersonDays:
    """Days of an employee from ``first`` to ``last``, with the days before and after them.

    ``punches`` are all punches that may belong to these days.
    """

    employee: Employee
    first: date
    last: date
    days: dict[date, Day]
    punches: Sequence[Punch]
    leaves: Sequence[Leave]
    planner: Planner

    def listed(self) -> list[Day]:
        """Return the days that were asked for."""
        return [day for day in self.days.values() if self.first <= day.day <= self.last]

    def plan(self, day: date) -> DayPlan | None:
        """Return the plan of a day; None outside of employment and before all rules."""
        joined, left = self.employee.joined, self.employee.left
        if (joined is not None and day < joined) or (left is not None and day > left):
            return None
        return None if day < self.planner.rules.versions[0].start else self.planner.plan(self.employee, day)

    def bar(self, day: date, now: datetime) -> DayBar:
        """Return the bar of a day."""
        plans = (self.plan(day - ONE_DAY), self.plan(day))
        shifts = [time for plan in plans if plan is not None for time in plan.times]
        around = [self.days[each] for each in (day - ONE_DAY, day, day + ONE_DAY) if each in self.days]
        return make_day_bar(self.planner, day, shifts, around, self.punches, now)


def read_person_days(scope: Scope, employee: Employee, first: date, last: date) -> PersonDays:
    """Return days of an employee; UsageError for days that no punch can have, or that no rules apply to."""
    start = max(min(first, scope.planner.rules.versions[0].start), first - ONE_DAY)
    ((recorded, entry),) = scope.read([employee], start, last + ONE_DAY)
    days = {day.day: day for day in entry.days}
    return PersonDays(employee, first, last, days, recorded.punches, recorded.leaves, scope.planner)
