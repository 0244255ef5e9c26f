"""Directions, breaks, rounding and flexible hours, computed by hand."""

from __future__ import annotations

import pytest

from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Punch

from .clock import ANN, MONDAY, brief, compute, office, punches, rules

STRICT = rules(office('direction = "strict"'))
DEVICE = rules(office('direction = "device"'), version='devices = { "gate-in" = "in", "gate-out" = "out" }')
SPAN = rules(office('hours = "first_last"'))
STRICT_SPAN = rules(office('hours = "first_last"', 'direction = "strict"'))
NO_BREAK = '[versions.shifts.office]\nstart = "08:00"\nend = "17:00"\n'
LAW = NO_BREAK + 'automatic_breaks = [{ minutes = 30, after = "6:00" }, { minutes = 45, after = "9:00" }]\n'
"""The breaks of German law: 30 minutes after 6 hours, 45 after 9."""


@pytest.mark.parametrize(
    ("text", "by", "expected"),
    [
        ("08:00> 17:00<", STRICT, "present 8:00"),  # 9:00 - 1:00
        # two arrivals: the first has no departure; 13:00 to 17:00 are 4:00
        ("08:00> 13:00> 17:00<", STRICT, "present 4:00 missing_out"),
        # two departures: the second has no arrival; 8:00 to 12:00 are 4:00; when 17:00 began is unknown
        ("08:00> 12:00< 17:00<", STRICT, "present 4:00 missing_in"),
        ("17:00<", STRICT, "undecided 0:00 missing_in"),
        ("08:00> 12:00 17:00<", STRICT, "present 8:00 no_direction"),  # a punch without a direction decides nothing
        ("08:00", STRICT, "undecided 0:00 no_direction"),
        # in and out within the cooldown are no double punch
        ("08:00:00> 08:00:30< 08:01:00> 17:00<", STRICT, "present 7:59"),  # 0:00 + 8:01 to 17:00 - 1:00
        ("08:00> 08:00:30> 17:00<", STRICT, "present 8:00 double_punch"),
        # alternation does not ask for directions
        ("08:00< 17:00>", rules(), "present 8:00"),
        # the device says the direction, and the punch where the device is of neither
        ("08:00@gate-in 17:00@gate-out", DEVICE, "present 8:00"),
        ("08:00>@gate-in 17:00>@gate-out", DEVICE, "present 8:00"),
        ("08:00@gate-in 17:00<@desk", DEVICE, "present 8:00"),
        ("08:00@gate-in 12:00@desk 17:00@gate-out", DEVICE, "present 8:00 no_direction"),
        # first to last: 8:00 to 17:00, whatever lies between
        ("08:00 10:00 11:00 17:00", SPAN, "present 8:00"),
        ("08:00 10:00 17:00", SPAN, "present 8:00"),  # three punches as well
        ("08:00", SPAN, "undecided 0:00 missing_out"),
        ("08:00> 13:00> 17:00<", STRICT_SPAN, "present 8:00"),
        ("07:50< 08:00> 17:00<", STRICT_SPAN, "present 8:00 missing_in"),
        # the last arrival has no departure: 8:00 to 12:00
        ("08:00> 12:00< 13:00>", STRICT_SPAN, "present 4:00 missing_out"),
    ],
)
def test_directions(text: str, by: Rules, expected: str) -> None:
    assert brief(compute(text, by)) == expected


def test_an_arrival_too_late_for_first_to_last_is_listed() -> None:
    """5:00 to 21:30 are more than 16:00 and no pair: 5:00 to 12:00 are 7:00, and 21:30 has no departure."""
    by = rules(office('hours = "first_last"', "window_before = 180", "window_after = 300"))
    assert brief(compute("05:00 12:00 21:30", by)) == "present 7:00 missing_out"


@pytest.mark.parametrize(
    ("text", "shift", "expected"),
    [
        ("08:00 14:00", LAW, "present 6:00 early 3:00"),  # 6:00 is not more than 6:00
        ("08:00 14:30", LAW, "present 6:00 early 2:30"),  # 6:30 - 0:30
        ("08:00 17:00", LAW, "present 8:30"),  # 9:00 is not more than 9:00: 0:30
        ("08:00 17:30", LAW, "present 8:45 over 0:15"),  # 9:30 - 0:45; planned are 9:00 - 0:30 = 8:30
        ("08:00 12:00 12:20 17:00", LAW, "present 8:30"),  # 8:40 - (0:30 - 0:20 taken)
        ("08:00 12:00 12:40 17:00", LAW, "present 8:20"),  # 0:40 were taken: nothing to deduct
        # a punched break of 0:12, of which 0:10 are paid: 9:00 - 0:12 + 0:10
        ("08:00 10:00 10:12 17:00", NO_BREAK + "paid_break = 10", "present 8:58"),
        ("08:00 10:00 10:07 17:00", NO_BREAK + "paid_break = 10", "present 9:00"),
        # two fixed breaks of 0:15: 9:00 - 0:30
        (
            "08:00 17:00",
            NO_BREAK + 'breaks = [{ start = "10:00", end = "10:15" }, { start = "15:00", end = "15:15" }]',
            "present 8:30",
        ),
    ],
)
def test_breaks(text: str, shift: str, expected: str) -> None:
    by = rules(shift, version="[versions.overtime.workday]\nleast = 15")
    assert brief(compute(text, by)) == expected


@pytest.mark.parametrize(
    ("text", "rounding", "expected"),
    [
        # arrival up to 8:15, departure down to 16:45: 8:30 - 1:00; lateness is by the punch
        ("08:07 16:55", 'step = 15, arrival = "up", departure = "down"', "present 7:30 late 0:07 early 0:05"),
        # to the nearest: 8:07 is 8:00, 16:53 is 17:00
        ("08:07 16:53", 'step = 15, arrival = "nearest", departure = "nearest"', "present 8:00 late 0:07 early 0:07"),
        # 8:08 is 8:15: 8:45 - 1:00
        ("08:08 17:00", 'step = 15, arrival = "nearest"', "present 7:45 late 0:08"),
        # only the first arrival and the last departure: 8:00 to 12:00 and 13:04 to 17:00 are 7:56
        ("08:00 12:00 13:04 17:00", 'step = 15, arrival = "up"', "present 7:56"),
        # the sum: 8:56 - 1:00 = 7:56, down to 7:45, up to 8:00
        ("08:00 16:56", 'step = 15, worked = "down"', "present 7:45 early 0:04"),
        ("08:00 16:56", 'step = 15, worked = "up"', "present 8:00 early 0:04"),
        # an arrival that is rounded past the departure leaves nothing
        ("08:01 08:05", 'step = 15, arrival = "up"', "present 0:00 late 0:01 early 8:55"),
    ],
)
def test_rounding(text: str, rounding: str, expected: str) -> None:
    assert brief(compute(text, rules(office(f"rounding = {{ {rounding} }}")))) == expected


def test_rounding_where_the_zone_is_not_of_whole_hours() -> None:
    """Kathmandu is 5:45 ahead: a step of 30 minutes is one of the clock there. 8:10 is 8:30; 9:00 - 0:30 - 1:00."""
    by = rules(office('rounding = { step = 30, arrival = "up" }'), zone="Asia/Kathmandu")
    assert brief(compute("08:10 17:00", by)) == "present 7:30 late 0:10"


FLEXIBLE = """
[versions.shifts.office]
start = "06:00"
end = "20:00"
required = "8:00"
absent_below = "2:00"
"""
CORE = FLEXIBLE + 'core = { start = "10:00", end = "15:00" }\ngrace_late = 5\n'


@pytest.mark.parametrize(
    ("text", "shift", "expected"),
    [
        ("10:30 18:30", FLEXIBLE, "present 8:00"),  # without a core no arrival is late
        ("09:00 18:30", FLEXIBLE, "present 9:30 over 1:30"),  # 9:30 - 8:00
        ("09:00 10:30", FLEXIBLE, "absent 1:30"),
        ("10:05 18:05", CORE, "present 8:00"),  # within the grace
        ("10:20 18:20", CORE, "present 8:00 late 0:20"),
        ("07:00 14:30", CORE, "present 7:30 early 0:30"),
    ],
)
def test_flexible_hours(text: str, shift: str, expected: str) -> None:
    assert brief(compute(text, rules(shift, version="[versions.overtime.workday]\nleast = 0"))) == expected


def test_a_face_that_is_recognized_too_doubtfully_decides_nothing() -> None:
    by = rules(version="least_probability = 0.9")
    first, last = punches("08:00 17:00")
    faces = [
        Punch(punch.id, ANN.number, punch.at, punch.zone, "unspecified", "door", "face", 0.5, probability)
        for punch, probability in ((first, 0.97), (last, 0.6))
    ]
    from visavis.attendance.days.compute import compute_day

    computed = compute_day(ANN, MONDAY, faces, by)
    assert (brief(computed), computed.parts[0].unpaired) == (
        "undecided 0:00 missing_out doubtful_face", ("p0", "p1"),
    )  # fmt: skip
    assert brief(compute_day(ANN, MONDAY, faces, rules())) == "present 8:00"
