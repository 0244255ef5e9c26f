"""Who is in, for an evacuation: a doubt counts as being in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from attendance.conftest import ANN, BEN, EVE, punch
from visavis.attendance.presence import Devices, Present, find_present

NOW = datetime.fromisoformat("2026-03-03T12:00:00+01:00")
DAY = "2026-03-03T"
BEFORE = "2026-03-02T"


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("", None),
        (f"{DAY}08:00", ("in", f"{DAY}08:00")),
        (f"{DAY}08:00 {DAY}11:00", None),
        (f"{DAY}08:00 {DAY}11:00 {DAY}11:30", ("in", f"{DAY}11:30")),
        (f"{DAY}08:00 {DAY}08:00:30", ("in", f"{DAY}08:00")),  # a double punch
        (f"{DAY}08:00 {DAY}08:01:30", ("perhaps", f"{DAY}08:00")),  # went, or a slow double punch
        (f"{DAY}08:00 {DAY}08:14 {DAY}11:00", ("perhaps", f"{DAY}08:00")),  # two of three, or one of two, were arrivals
        (f"{DAY}08:00 {DAY}08:15", None),
        (f"{DAY}08:00 {DAY}08:05 out@{DAY}11:00", None),
        (f"{DAY}08:00 out@{DAY}08:05", None),
        (f"{DAY}13:00", None),  # later than now
        (f"{BEFORE}08:00 {BEFORE}17:00 {DAY}08:00", ("in", f"{DAY}08:00")),
        (f"{BEFORE}22:00 {DAY}06:00", None),  # a night shift that has ended
        (f"{BEFORE}22:00", ("perhaps", f"{BEFORE}22:00")),  # exactly as long as a stay can be
        (f"{BEFORE}22:01", ("in", f"{BEFORE}22:01")),
        (f"{BEFORE}08:00", ("perhaps", f"{BEFORE}08:00")),  # forgot to punch, or is lying somewhere
        (f"{BEFORE}08:00 {DAY}08:00", ("perhaps", f"{DAY}08:00")),  # came again, or went after 24 hours
        (f"in@{BEFORE}08:00 in@{DAY}08:00", ("in", f"{DAY}08:00")),
        (f"in@{DAY}08:00 in@{DAY}09:00", ("in", f"{DAY}09:00")),
        (f"in@{DAY}08:00 out@{DAY}09:00", None),
        (f"out@{DAY}08:00", None),
        (f"out@{DAY}08:00 {DAY}09:00", ("in", f"{DAY}09:00")),
        (f"in@{DAY}08:00 {DAY}09:00", None),
        ("in@2026-02-27T08:00", None),  # longer ago than anything says
    ],
)
def test_states(times: str, expected: tuple[str, str] | None) -> None:
    punches = []
    for number, text in enumerate(times.split()):
        direction, _, at = text.rpartition("@")
        punches.append(punch(number, "1", f"{at}+01:00", direction or "unspecified"))
    present = find_present([ANN, BEN, EVE], reversed(punches), NOW)
    assert [(each.state, each.since.isoformat(timespec="minutes")[:-6]) for each in present] == (
        [expected] if expected else []
    )


DEVICES: Devices = {"gate": "in", "exit": "out"}


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("gate@08:00 exit@11:00", None),
        ("gate@08:00 gate@11:00", ("in", "11:00")),  # alternation would have them gone
        ("exit@08:00 gate@11:00", ("in", "11:00")),  # a night shift that went, and came again
        ("exit@11:00", None),
        ("gate@08:00 exit@08:05", None),  # both devices say it: no doubt
        ("gate@08:00 room@11:00", None),  # of other devices every other punch is an arrival
        ("gate@08:00 exit>11:00", ("perhaps", "11:00")),  # the exit, and the button for coming
        ("gate<08:00", ("perhaps", "08:00")),
        ("gate<08:00 exit<11:00", None),
        ("gate>08:00", ("in", "08:00")),
    ],
)
def test_entrances_and_exits_say_the_direction(times: str, expected: tuple[str, str] | None) -> None:
    punches = []
    for number, text in enumerate(times.split()):
        device, way, at = text[:4], text[4], text[5:]
        direction = {"@": "unspecified", ">": "in", "<": "out"}[way]
        punches.append(replace(punch(number, "1", f"{DAY}{at}+01:00", direction), device=device))
    present = find_present([ANN], punches, NOW, DEVICES)
    assert [(each.state, f"{each.since:%H:%M}") for each in present] == ([expected] if expected else [])


def test_the_list_is_ordered_by_department_and_name() -> None:
    punches = [punch(number, number_of, f"{DAY}08:00+01:00", "in") for number, number_of in enumerate("2139")]
    present = find_present([ANN, BEN, EVE], punches, NOW)
    assert [(each.department, each.name) for each in present] == [("Plant", "Eve"), ("Sales", "Ann"), ("Sales", "Ben")]
    assert present[0] == Present("3", "Eve", "Plant", "in", datetime.fromisoformat(f"{DAY}08:00+01:00"), "gate")
