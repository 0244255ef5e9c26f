"""Days whose punches retention has erased: nothing can be computed of them, least of all absence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from visavis.attendance.days.types import CODES, Day


def is_erased(day: date, before: datetime | None, zone: ZoneInfo) -> bool:
    """Return whether punches that decide about a day may be among those that were erased before a time.

    The day after that time is one too: its first punch may end the shift of the day before.
    """
    return before is not None and day <= before.astimezone(zone).date() + timedelta(1)


def mark_erased(days: Sequence[Day], before: datetime | None, zone: ZoneInfo) -> list[Day]:
    """Return days, of which those of erased punches have the status ``erased`` and no figures."""
    if before is None:
        return [*days]
    return [_erase(day) if day.status != "not_employed" and is_erased(day.day, before, zone) else day for day in days]


def _erase(day: Day) -> Day:
    return Day(
        day.employee, day.day, day.kind, "erased", CODES["erased"], 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0,
        "", day.holiday, day.rules, (), (), ("erased",),
    )  # fmt: skip
