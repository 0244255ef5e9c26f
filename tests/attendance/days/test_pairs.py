"""Pairs that are taken two by two are those that are taken one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.attendance.days.pairs import PairWalk, PunchLine, PunchPair, walk
from visavis.attendance.rules.types import Counting, RuleVersion
from visavis.attendance.types import Direction, Method, Punch

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
VERSION = RuleVersion(START.date(), {}, cooldown=60, devices={"gate": "in", "exit": "out"})
STRICT, DEVICE = Counting(direction="strict"), Counting(direction="device", longest=120)
TURNS: tuple[Direction, Direction] = ("in", "out")
DIRECTIONS: tuple[Direction, ...] = (*TURNS, "unspecified")
PLAIN: tuple[tuple[Method, float | None], ...] = (("pin", None),)
FACES: tuple[tuple[Method, float | None], ...] = (("face", 0.9), ("face", 0.4), ("face", None))
RESULTS = ("open", "kept", "pairs", "missing_out", "missing_in", "doubles", "undirected", "doubtful")


@st.composite
def days(draw: st.DrawFn) -> list[Punch]:
    """Draw arrivals and departures by turns, at times with another direction, a double, or a doubtful face."""
    at, punches = START, []
    for number in range(draw(st.integers(0, 9))):
        at += timedelta(seconds=draw(st.sampled_from([0, 59, 60, 61, 3600, 7199, 7200, 7260, 50_400, 57_660])))
        direction = draw(st.sampled_from((TURNS[number % 2],) * 8 + DIRECTIONS))
        device = draw(st.sampled_from(["door"] * 4 + ["gate", "exit"]))
        method, probability = draw(st.sampled_from(PLAIN * 4 + FACES))
        punches.append(Punch(f"p{number}", "7", at, "UTC", direction, device, method, probability=probability))
    return punches


@settings(max_examples=examples(150), deadline=None)
@given(days(), st.sampled_from([Counting(), STRICT, DEVICE]), st.sampled_from([0.0, 0.5]))
def test_a_walk_takes_each_punch(punches: list[Punch], counting: Counting, least: float) -> None:
    """What follows is a double, or a departure, after both too."""
    line, version = PunchLine(punches), RuleVersion(VERSION.start, {}, 60, least, VERSION.devices)
    one_by_one = PairWalk(line, counting, version)
    for number in range(len(punches) + 1):
        quick = walk(line, 0, number, counting, version)
        assert [getattr(quick, name) for name in RESULTS] == [getattr(one_by_one, name) for name in RESULTS]
        if number < len(punches):
            assert quick.repeats(number) == one_by_one.repeats(number)
            assert quick.closes(number) == one_by_one.closes(number)
            one_by_one.take(number)


@pytest.mark.parametrize("counting", [Counting(), STRICT])
def test_pairs_are_taken_two_by_two(counting: Counting) -> None:
    times = (START + timedelta(hours=hours) for hours in (0, 4, 5, 9, 9.01, 12))
    directions: list[Direction] = ["in", "out", "in", "out", "in", "out"]
    line = PunchLine([Punch(str(at), "7", at, "UTC", way) for at, way in zip(times, directions, strict=True)])
    pairs = PairWalk(line, counting, VERSION)
    assert pairs.take_pairs(0, 6) == 4  # the fifth comes 36 seconds after the fourth
    assert pairs.pairs == [PunchPair(0, 1), PunchPair(2, 3)]


def test_a_line_is_in_the_order_of_time_then_of_id() -> None:
    later, first, second = (
        Punch(name, "7", START + timedelta(minutes=minutes), "UTC") for name, minutes in (("a", 1), ("b", 0), ("c", 0))
    )
    for given_punches in ([later, second, first], [second, first, later], [first, second, later]):
        line = PunchLine(given_punches)
        assert [punch.id for punch in line.punches] == ["b", "c", "a"]
        assert [minute - line.minutes[0] for minute in line.minutes] == [0, 0, 1]
        assert line.seconds == [punch.at.timestamp() for punch in line.punches]
