"""Which punches decide about days: from when to when they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from visavis.attendance.days.split import LOOK_BACK
from visavis.attendance.rules.schedule import Planner, ShiftTime
from visavis.attendance.types import Employee

ONE_DAY = timedelta(1)


def find_needed(employees: Iterable[Employee], planner: Planner, first: date, last: date) -> tuple[datetime, datetime]:
    """Return from when to before when punches decide about the days from ``first`` to ``last``.

    The days of these employees are the same when they are computed without earlier and later punches. Times reach back
    over earlier days as far as the times of shifts overlap, at most ``LOOK_BACK`` shifts.
    """
    midnight = start = planner.minute(first, 0)
    end = planner.minute(last + ONE_DAY, 0)
    near_first = _list_days(first - (LOOK_BACK + 1) * ONE_DAY, first + ONE_DAY)
    near_last = _list_days(last - ONE_DAY, last)
    begin = planner.rules.versions[0].start
    days = [day for day in sorted({*near_first, *near_last}) if day >= begin]
    for employee in {planner.group(employee): employee for employee in employees}.values():
        times = [time for day in days for time in planner.plan(employee, day).times]
        before = [time for time in times if time.day <= near_first[-1]]
        start = min(start, *(time.opens for time in before[_find_first(before, first, midnight) :]), start)
        end = max(end, *(max(time.closes, time.extension) for time in times if near_last[0] <= time.day <= last), end)
    cooldown = max(version.cooldown for version in planner.rules.versions)
    return datetime.fromtimestamp(60 * start, UTC), datetime.fromtimestamp(60 * (end + 1) + cooldown + 1, UTC)


def _find_first(times: Sequence[ShiftTime], first: date, midnight: int) -> int:
    """Return the number of the first shift whose punches decide about the day ``first``, or about later ones."""
    needed = len(times)
    for number, time in enumerate(times):
        may_reach = time.day == first - ONE_DAY and max(time.closes, time.extension) >= midnight
        if time.day >= first or may_reach:
            needed = min(needed, _walk_back(times, number))
    return needed


def _walk_back(times: Sequence[ShiftTime], number: int) -> int:
    """Return the number of the earliest shift that decides where the punches of a shift begin."""
    for _ in range(min(LOOK_BACK, number)):
        before = times[number - 1]
        if times[number].opens > max(before.closes, before.extension):
            break
        number -= 1
    return number


def _list_days(first: date, last: date) -> list[date]:
    return [first + timedelta(number) for number in range((last - first).days + 1)]
