"""Shifts whose time touches that of no other have all punches of their time."""

from __future__ import annotations

from datetime import date, timedelta

from visavis.attendance.days.calendar import Calendar
from visavis.attendance.rules.schedule import Planner

from .clock import ANN, NIGHT, OFFICE, rules

THURSDAY = date(2026, 3, 5)


def find_alone(text: str, assign: str) -> dict[str, bool]:
    calendar = Calendar(Planner(rules(text, assign=assign)), ANN, [THURSDAY + timedelta(number) for number in range(5)])
    shifts = zip(calendar.times, calendar.alone, strict=True)
    return {f"{time.day:%a}": alone for (time, _), alone in shifts if time.day >= THURSDAY}


def test_a_shift_is_alone_unless_the_free_day_before_reaches_into_it() -> None:
    """After midnight a free day takes a departure until 8:00; the shift of Monday opens at 7:00."""
    week = find_alone(OFFICE, 'shifts = ["office"]\nweekly_off = ["saturday", "sunday"]')
    assert week == {"Thu": True, "Fri": True, "Sat": False, "Sun": False, "Mon": False, "Tue": True}


def test_a_night_shift_is_not_alone_before_a_free_day() -> None:
    """It ends on the free day, which begins at midnight."""
    week = find_alone(NIGHT, 'shifts = ["night"]\nweekly_off = ["saturday"]')
    assert week == {"Thu": True, "Fri": False, "Sat": False, "Sun": True, "Mon": True, "Tue": True}


def test_shifts_with_wide_windows_are_not_alone() -> None:
    wide = OFFICE + "window_before = 420\nwindow_after = 481"  # from 1:00 to 1:01 of the next day
    assert not any(find_alone(wide, 'shifts = ["office"]').values())
    assert all(find_alone(wide.replace("481", "479"), 'shifts = ["office"]').values())
