"""Night shifts, clock changes and several shifts, computed by hand. Europe/Berlin: forward on 2026-03-29 at 2:00, back
on 2026-10-25 at 3:00.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from visavis.attendance.days.compute import compute_days
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.types import LeavePart

from .clock import ANN, NIGHT, OFFICE, brief, compute, hours, leave, punches, rules

NIGHTS = rules(NIGHT, assign='shifts = ["night"]')
FORWARD, BACK = date(2026, 3, 28), date(2026, 10, 24)
"""The days on which the night shifts begin in which clocks change."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22:00 +1 06:00", "present 8:00"),  # 22:00 to 6:00
        ("21:55 +1 06:10", "present 8:15"),  # 21:55 to 6:10
        ("22:20 +1 05:30", "present 7:10 late 0:20 early 0:30"),  # 22:20 to 5:30
        ("+1 00:30 +1 06:00", "present 5:30 late 2:30"),  # arrives after midnight: still this shift, 0:30 to 6:00
        ("21:00 +1 07:00", "present 10:00"),  # the ends of the window
        ("20:59 +1 06:00", "undecided 0:00 late 8:00 missing_out outside"),  # 6:00 is then an arrival, 8:00 late
        ("22:00 +1 02:00 +1 02:30 +1 06:00", "present 7:30"),  # 4:00 + 3:30
        ("", "absent 0:00"),
    ],
)
def test_a_night_shift_belongs_to_the_day_it_begins_on(text: str, expected: str) -> None:
    assert brief(compute(text, NIGHTS)) == expected


def test_a_departure_in_the_morning_is_no_arrival_of_the_next_day() -> None:
    """Three nights in a row; each day has its own pair, none is left over."""
    line = punches("21:58 +1 06:05 +1 21:50 +2 06:01 +2 22:03 +3 06:00")
    days = compute_days(ANN, date(2026, 3, 2), date(2026, 3, 5), line, Planner(NIGHTS))
    # 21:58 to 6:05 are 8:07, 21:50 to 6:01 are 8:11, 22:03 to 6:00 are 7:57
    assert [brief(day) for day in days] == ["present 8:07", "present 8:11", "present 7:57 late 0:03", "absent 0:00"]


def test_a_night_before_a_day_off() -> None:
    friday = rules(NIGHT, assign='shifts = ["night"]\nweekly_off = ["saturday", "sunday"]')
    line = punches("22:00 +1 06:20 +1 06:20:30", day=date(2026, 3, 6))
    days = compute_days(ANN, date(2026, 3, 6), date(2026, 3, 8), line, Planner(friday))
    assert [brief(day) for day in days] == ["present 8:20 double_punch", "off 0:00", "off 0:00"]  # 22:00 to 6:20
    # an arrival after midnight is of Friday's shift: 0:30 to 6:00
    days = compute_days(
        ANN, date(2026, 3, 6), date(2026, 3, 7), punches("+1 00:30 +1 06:00", day=date(2026, 3, 6)), Planner(friday)
    )
    assert [brief(day) for day in days] == ["present 5:30 late 2:30", "off 0:00"]
    # absent on Friday, and at work on Saturday from 6:30 to 10:00: 3:30 on the day off
    line = punches("+1 06:30 +1 10:00", day=date(2026, 3, 6))
    days = compute_days(ANN, date(2026, 3, 6), date(2026, 3, 8), line, Planner(friday))
    assert [brief(day) for day in days] == ["absent 0:00", "off 3:30", "off 0:00"]


@pytest.mark.parametrize(
    ("text", "day", "planned", "expected"),
    [
        ("22:00 +1 06:00", FORWARD, "7:00", "present 7:00"),  # 8:00 by the clock, less the hour that is skipped
        ("22:00 +1 06:00", BACK, "9:00", "present 9:00"),  # and with the hour that comes twice
        ("22:00 +1 03:00 +1 03:30 +1 06:00", FORWARD, "7:00", "present 6:30"),  # 4:00 + 2:30
        # 22:00 to the first 2:30 are 4:30; from the second 2:30 to 6:00 are 3:30
        ("22:00 +1 02:30 +1 02:30* +1 06:00", BACK, "9:00", "present 8:00"),
    ],
)
def test_a_night_in_which_clocks_change(text: str, day: date, planned: str, expected: str) -> None:
    computed = compute(text, NIGHTS, day=day)
    assert (brief(computed), hours(computed.planned)) == (expected, planned)


@pytest.mark.parametrize(
    ("begins", "ends", "day", "planned"),
    [
        ("02:30", "03:00", FORWARD, "6:30"),  # 7:00 less 0:30, from 3:30 to 4:00 by the clock
        ("02:30", "03:00", BACK, "8:30"),  # 9:00 less 0:30, from the first 2:30
        ("01:45", "02:15", FORWARD, "6:30"),
        ("03:30", "04:00", BACK, "8:30"),
    ],
)
def test_a_break_is_as_long_in_a_night_in_which_clocks_change(begins: str, ends: str, day: date, planned: str) -> None:
    shift = f'{NIGHT}breaks = [{{ start = "{begins}", end = "{ends}" }}]\n'
    computed = compute("22:00 +1 06:00", rules(shift, assign='shifts = ["night"]'), day=day)
    assert (brief(computed), hours(computed.planned)) == (f"present {planned}", planned)


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("01:00 05:00", FORWARD + timedelta(1), "present 3:00"),  # 4:00 by the clock
        ("01:00 05:00", BACK + timedelta(1), "present 5:00"),
        # the shift begins at 2:30, which is skipped: 2.5 hours after midnight the clock shows 3:30
        ("03:30 05:00", FORWARD + timedelta(1), "present 1:30"),
        ("03:31 05:00", FORWARD + timedelta(1), "present 1:29 late 0:01"),
        # of the two 2:30 the first is meant: the second is an hour late; 2:30 to 5:00 are 2:30
        ("02:30* 05:00", BACK + timedelta(1), "present 2:30 late 1:00"),
    ],
)
def test_a_shift_that_begins_where_clocks_change(text: str, day: date, expected: str) -> None:
    early = '[versions.shifts.early]\nstart = "02:30"\nend = "05:00"\nwindow_before = 120'
    assert brief(compute(text, rules(early, assign='shifts = ["early"]'), day=day)) == expected


def test_a_zone_without_clock_changes() -> None:
    saigon = rules(NIGHT, assign='shifts = ["night"]', zone="Asia/Ho_Chi_Minh")
    assert brief(compute("22:00 +1 06:00", saigon, day=FORWARD)) == "present 8:00"


def test_a_clock_that_was_set_back() -> None:
    """The terminal records 8:00, its clock is set back by 30 minutes, and the later punches follow the new clock.

    Recorded in this order: 8:00, 7:45 (truly 8:15), 16:30. By time 7:45 to 8:00 is a pair of 0:15, and 16:30
    has no other: the day is listed for a missing punch, and the 0:15 are not taken for a day.
    """
    by = rules(OFFICE + 'half_day_below = "4:00"')
    assert brief(compute("08:00 07:45 16:30", by)) == "undecided 0:15 missing_out"
    # an even number: 7:45 to 8:00 and 12:30 to 16:30 are 4:15, of which 0:30 are the break
    assert brief(compute("08:00 07:45 12:30 16:30", by)) == "half_day 3:45 early 0:30"


TWO = """
[versions.shifts.morning]
start = "08:00"
end = "12:00"
[versions.shifts.evening]
start = "17:00"
end = "21:00"
"""
SPLIT = rules(TWO, assign='shifts = ["evening", "morning"]')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("08:00 12:00 17:00 21:00", "present 8:00"),  # 4:00 + 4:00
        ("08:10 12:00 17:05 21:00", "present 7:45 late 0:15"),  # 3:50 + 3:55; 0:10 + 0:05 late
        ("08:00 12:00", "half_day 4:00"),  # one of two shifts
        ("17:00 21:00", "half_day 4:00"),
        ("", "absent 0:00"),
        ("08:00 17:00 21:00", "undecided 4:00 missing_out"),  # the morning has no departure
        ("08:00 12:00 14:30 17:00 21:00", "present 8:00 outside"),  # 14:30 is of no shift
    ],
)
def test_two_shifts_a_day(text: str, expected: str) -> None:
    assert brief(compute(text, SPLIT)) == expected


@pytest.mark.parametrize(
    ("part", "text", "expected", "shares"),
    [
        ("first_half", "17:00 21:00", "half_day 4:00 credit 4:00", (0.5, 0.5, 0)),  # the morning is leave
        ("first_half", "", "half_day 0:00 credit 4:00", (0, 0.5, 0.5)),
        ("second_half", "08:00 12:00", "half_day 4:00 credit 4:00", (0.5, 0.5, 0)),  # the evening is leave
        ("second_half", "08:10 12:00", "half_day 3:50 late 0:10 credit 4:00", (0.5, 0.5, 0)),
    ],
)
def test_half_a_day_of_leave_is_one_of_two_shifts(
    part: LeavePart, text: str, expected: str, shares: tuple[float, float, float]
) -> None:
    computed = compute(text, SPLIT, leaves=[leave("vacation", part)])
    assert (brief(computed), (computed.present, computed.on_leave, computed.absent)) == (expected, shares)


BACK_TO_BACK = """
[versions.shifts.early]
start = "06:00"
end = "14:00"
[versions.shifts.late]
start = "14:00"
end = "22:00"
"""
CONTINUOUS = rules(BACK_TO_BACK, assign='shifts = ["early", "late"]')


@pytest.mark.parametrize(
    ("text", "worked"),
    [
        ("05:58 14:05 14:12 22:00", ["8:07", "7:48"]),  # 5:58 to 14:05; 14:12 to 22:00
        ("05:58 13:40 13:50 22:00", ["7:42", "8:10"]),  # 13:50 is near the start of the late shift
        ("13:55 22:01", ["0:00", "8:06"]),  # the late shift alone: 13:55 is no arrival of the early one
        ("06:00 14:10", ["8:10", "0:00"]),  # the early shift alone: 14:10 ends it
        ("09:00 13:30 14:01 22:00", ["4:30", "7:59"]),
    ],
)
def test_windows_that_overlap(text: str, worked: list[str]) -> None:
    assert [hours(part.worked) for part in compute(text, CONTINUOUS).parts] == worked


def test_windows_that_overlap_with_directions() -> None:
    strict = BACK_TO_BACK.replace('end = "14:00"', 'end = "14:00"\ndirection = "strict"') + 'direction = "strict"\n'
    by = rules(strict, assign='shifts = ["early", "late"]')
    computed = compute("06:00> 13:58> 14:02< 22:00<", by)
    # 13:58 in begins the late shift although the early one is open; so 14:02 out, too, is of the late shift
    assert [hours(part.worked) for part in computed.parts] == ["0:00", "0:04"]
    assert [part.notes for part in computed.parts] == [("missing_out",), ("missing_in",)]
    computed = compute("06:00> 14:02< 14:03> 22:00<", by)
    assert [hours(part.worked) for part in computed.parts] == ["8:02", "7:57"]


def test_a_roster_of_early_late_and_night() -> None:
    shifts = BACK_TO_BACK + NIGHT
    roster = '[rosters.three]\nstart = 2026-03-02\ncycle = [["early"], ["late"], ["night"], []]'
    by = rules(shifts, assign='roster = "three"', more=roster)
    line = punches("06:00 14:00 +1 14:00 +1 22:00 +2 22:00 +3 06:00 +4 06:00 +4 14:00 +8 06:00 +8 14:00")
    days = compute_days(ANN, date(2026, 3, 2), date(2026, 3, 10), line, Planner(by))
    assert [brief(day) for day in days] == [
        "present 8:00", "present 8:00", "present 8:00", "off 0:00",
        "present 8:00", "absent 0:00", "absent 0:00", "off 0:00", "present 8:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20:00 +1 02:00", ["off 6:00", "off 0:00"]),  # over midnight: of the day on which it began
        ("20:00 +1 02:00 +1 02:00:20 +1 09:00 +1 11:00", ["off 6:00 double_punch", "off 2:00"]),
        ("08:00 +1 05:00", ["off 0:00 missing_out", "off 0:00 missing_out"]),  # 21 hours are no pair
        ("20:00 +1 08:30", ["off 0:00 missing_out", "off 0:00 missing_out"]),  # after 8:00 no departure is awaited
    ],
)
def test_work_over_midnight_on_days_off(text: str, expected: list[str]) -> None:
    saturday = date(2026, 3, 7)
    days = compute_days(ANN, saturday, saturday + timedelta(1), punches(text, day=saturday), Planner(rules()))
    assert [brief(day) for day in days] == expected


def test_a_missing_departure_on_sunday_does_not_take_the_arrival_of_monday() -> None:
    sunday = date(2026, 3, 8)
    line = punches("20:00 +1 07:50 +1 17:00", day=sunday)
    days = compute_days(ANN, sunday, sunday + timedelta(1), line, Planner(rules()))
    assert [brief(day) for day in days] == ["off 0:00 missing_out", "present 8:10"]  # 7:50 to 17:00 less 1:00


def test_a_shift_soon_after_midnight_takes_the_arrival_of_the_day_before() -> None:
    dawn = '[versions.shifts.dawn]\nstart = "00:30"\nend = "08:30"'
    by = rules(dawn, assign='shifts = ["dawn"]\nweekly_off = ["sunday"]')
    line = punches("-1 23:45 08:30")
    days = compute_days(ANN, date(2026, 3, 1), date(2026, 3, 2), line, Planner(by))
    assert [brief(day) for day in days] == ["off 0:00", "present 8:45"]  # 23:45 to 8:30
