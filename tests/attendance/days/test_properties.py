"""What never changes a day, drawn at random: order, neighbors, the week, foreign punches; and sums that must agree."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.attendance.days.compute import compute_day, compute_days
from visavis.attendance.days.needed import find_needed
from visavis.attendance.days.types import Day
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Direction, Leave, Outage, Punch

from .clock import ANN, NIGHT, OFFICE, rules
from .test_night import BACK_TO_BACK, TWO

FIRST = date(2026, 3, 2)
ROSTER = (
    '[rosters.mixed]\nstart = 2026-03-02\ncycle = [["early", "late"], ["night"], [], ["early"], ["night"], ["late"]]'
)
LONG = BACK_TO_BACK.replace('end = "22:00"', 'end = "22:00"\nwindow_after = 240\ndirection = "strict"')
SITES = (
    rules(OFFICE),
    rules(NIGHT, assign='shifts = ["night"]\nweekly_off = ["sunday"]', version="cooldown = 300"),
    rules(TWO + 'rounding = { step = 15, arrival = "up" }', assign='shifts = ["morning", "evening"]'),
    rules(LONG + NIGHT + 'hours = "first_last"\nauto_checkout = 10', assign='roster = "mixed"', more=ROSTER),
    rules(OFFICE + 'direction = "strict"\npaid_break = 10\nautomatic_breaks = [{ minutes = 30, after = 360 }]'),
)
OVERLAPPING = (
    rules(OFFICE + "window_before = 600\nwindow_after = 700"),
    rules(NIGHT + "window_before = 1200\nwindow_after = 1200", assign='shifts = ["night"]\nweekly_off = ["sunday"]'),
    rules(LONG + NIGHT + "window_before = 900", assign='roster = "mixed"', more=ROSTER),
)
DIRECTIONS: tuple[Direction, ...] = ("in", "out", "unspecified")


@st.composite
def lines(draw: st.DrawFn) -> list[Punch]:
    """Draw punches of nine days; times are near the ends of shifts more often than elsewhere."""
    start = datetime(2026, 2, 28, tzinfo=UTC)
    near = st.sampled_from([5, 7, 8, 11, 12, 13, 14, 16, 17, 20, 21, 22, 23]).map(lambda hour: hour * 3600)
    seconds = st.one_of(
        st.integers(0, 86_399), st.builds(lambda at, off: (at + off) % 86_400, near, st.integers(-900, 900))
    )
    count = draw(st.integers(0, 28))
    punches = []
    for number in range(count):
        at = start + timedelta(days=draw(st.integers(0, 8)), seconds=draw(seconds))
        direction = draw(st.sampled_from(DIRECTIONS))
        punches.append(Punch(f"p{number:02}", ANN.number, at.astimezone(ZoneInfo("Europe/Berlin")), "", direction))
    return punches


def days_of(by: Rules, punches: list[Punch], first: date = FIRST, count: int = 6) -> list[Day]:
    return compute_days(ANN, first, first + timedelta(count - 1), punches, Planner(by))


@settings(max_examples=examples(30), deadline=None)
@given(lines(), st.sampled_from(SITES), st.randoms(use_true_random=False))
def test_the_order_of_arrival_never_changes_a_day(punches: list[Punch], by: Rules, chance: random.Random) -> None:
    shuffled = punches[:]
    chance.shuffle(shuffled)
    assert days_of(by, shuffled) == days_of(by, punches)


@settings(max_examples=examples(30), deadline=None)
@given(lines(), st.sampled_from(SITES))
def test_a_day_is_the_same_alone_and_with_others(punches: list[Punch], by: Rules) -> None:
    together = days_of(by, punches)
    assert [compute_day(ANN, FIRST + timedelta(number), punches, by) for number in range(6)] == together
    assert days_of(by, punches, FIRST + timedelta(2), 2) == together[2:4]


@settings(max_examples=examples(60), deadline=None)
@given(lines(), st.sampled_from((*SITES, *OVERLAPPING)), st.integers(0, 5), st.integers(1, 3))
def test_punches_that_are_not_needed_change_no_day(punches: list[Punch], by: Rules, number: int, count: int) -> None:
    first = FIRST + timedelta(number)
    start, end = find_needed([ANN], Planner(by), first, first + timedelta(count - 1))
    needed = [punch for punch in punches if start <= punch.at < end]
    assert days_of(by, needed, first, count) == days_of(by, punches, first, count)


@pytest.mark.parametrize(
    ("by", "day", "start", "end"),
    [
        # Tuesday: the shift before closed on Monday
        (rules(OFFICE), date(2026, 3, 3), "2026-03-03T00:00+01:00", "2026-03-04T00:00+01:00"),
    ],
)
def test_a_day_needs_the_punches_near_it(by: Rules, day: date, start: str, end: str) -> None:
    needed = find_needed([ANN], Planner(by), day, day)
    assert needed[0] == datetime.fromisoformat(start)
    assert timedelta() < needed[1] - datetime.fromisoformat(end) < timedelta(minutes=5)


@settings(max_examples=examples(30), deadline=None)
@given(lines(), st.sampled_from(SITES[:3] + SITES[4:]))
def test_a_week_later_all_is_the_same(punches: list[Punch], by: Rules) -> None:
    """Neither week has a clock change, and the roster with a cycle of six days is left out."""
    week = timedelta(7)
    later = [replace(punch, at=punch.at + week) for punch in punches]
    for before, after in zip(days_of(by, punches), days_of(by, later, FIRST + week), strict=True):
        assert _without_dates(after) == _without_dates(before)


def _without_dates(day: Day) -> list[object]:
    parts = [(part.shift, part.status, part.worked, part.late, part.early, part.unpaired) for part in day.parts]
    return [day.status, day.worked, day.late, day.early, day.outside, day.notes, parts]


@settings(max_examples=examples(30), deadline=None)
@given(lines(), st.sampled_from(SITES), st.integers(0, 27))
def test_a_repeated_punch_or_one_of_another_employee_changes_no_figure(
    punches: list[Punch], by: Rules, number: int
) -> None:
    other = [replace(punch, id=f"x{punch.id}", employee="8") for punch in punches]
    plain = days_of(by, punches)
    assert days_of(by, punches + other) == plain
    if punches:  # the same moment again: a double punch
        repeated = replace(punches[number % len(punches)], id="zz")
        for before, after in zip(plain, days_of(by, [*punches, repeated]), strict=True):
            assert (after.status, after.worked, after.late) == (before.status, before.worked, before.late)


@settings(max_examples=examples(30), deadline=None)
@given(lines(), st.sampled_from(SITES))
def test_each_punch_is_used_once_and_each_figure_is_a_sum(punches: list[Punch], by: Rules) -> None:
    days = days_of(by, punches, FIRST - timedelta(4), 13)
    used: list[str] = []
    for day in days:
        for part in day.parts:
            deducted = sum(deduction.minutes for deduction in part.deductions)
            assert part.worked == sum(interval.minutes for interval in part.intervals) - deducted
            assert part.worked >= 0
            assert min(part.late, part.early) >= 0
            if part.status in {"absent", "half_day"}:
                assert not part.unpaired
            used += [name for each in part.intervals for name in (each.arrival_id, each.departure_id) if name]
            used += [*part.unpaired, *part.doubles]
        used += day.outside
        assert day.worked == sum(part.worked for part in day.parts)
        decided = day.kind == "workday" and day.status not in {"undecided", "pending"}
        assert day.present + day.on_leave + day.absent == (1 if decided else 0)
    assert len(used) == len(set(used))
    between = {part.shift for day in days for part in day.parts} & {
        "night"
    }  # first to last leaves out what lies between
    assert set(used) == {punch.id for punch in punches} or between


@settings(max_examples=examples(20), deadline=None)
@given(lines(), st.sampled_from(SITES))
def test_there_is_no_absence_while_all_fails(punches: list[Punch], by: Rules) -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)
    failed = [Outage("", start, start + timedelta(60))]
    for day in compute_days(ANN, FIRST, FIRST + timedelta(5), punches, Planner(by), outages=failed):
        assert (day.absent, day.late) == (0, 0)
        assert day.status not in {"absent", "half_day"} or len(day.parts) > 1


@pytest.mark.parametrize("by", SITES)
def test_leave_of_a_whole_month_leaves_no_absence(by: Rules) -> None:
    away = [Leave("l", ANN.number, "vacation", date(2026, 2, 1), date(2026, 4, 1))]
    days = compute_days(ANN, FIRST, FIRST + timedelta(9), [], Planner(by), away)
    assert {day.status for day in days} <= {"leave", "off"}
    assert all(day.credited == day.planned for day in days)
