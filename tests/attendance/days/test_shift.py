"""Days of a shift from 8:00 to 17:00 with a break from 12:00 to 13:00, computed by hand; 2026-03-02 is a Monday."""

from __future__ import annotations

from datetime import date

import pytest

from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Employee

from .clock import ANN, brief, compute, office, rules

PLAIN = rules()


def day(text: str, by: Rules, expected: str) -> object:
    return pytest.param(text, by, expected, id=f"{text or 'none'} = {expected}")


@pytest.mark.parametrize(
    ("text", "by", "expected"),
    [
        # 8:00 to 17:00 are 9:00, less the break of 1:00
        day("08:00 17:00", PLAIN, "present 8:00"),
        # 7:58 to 12:05 are 4:07, 12:50 to 17:03 are 4:13; of the break 0:05 and 0:10 were worked: 8:20 - 0:15
        day("07:58 12:05 12:50 17:03", PLAIN, "present 8:05"),
        # seconds are cut: 8:00 to 17:00
        day("08:00:59 17:00:59", PLAIN, "present 8:00"),
        # 8:12 to 17:00 are 8:48, less 1:00
        day("08:12 17:00", PLAIN, "present 7:48 late 0:12"),
        # 8:00 to 16:40 are 8:40, less 1:00; 0:20 before the end
        day("08:00 16:40", PLAIN, "present 7:40 early 0:20"),
        # a grace of 10 minutes: 8:10 is not late, 8:11 is, by all 11 minutes
        day("08:10 17:00", rules(office("grace_late = 10")), "present 7:50"),
        day("08:11 17:00", rules(office("grace_late = 10")), "present 7:49 late 0:11"),
        # likewise at the end: 16:50 is not early, 16:49 is
        day("08:00 16:50", rules(office("grace_early = 10")), "present 7:50"),
        day("08:00 16:49", rules(office("grace_early = 10")), "present 7:49 early 0:11"),
        # no punch at all
        day("", PLAIN, "absent 0:00"),
        # 8:00 to 11:00 are 3:00, under the 4:00 of a half day: half a day
        day("08:00 11:00", rules(office('half_day_below = "4:00"')), "half_day 3:00 early 6:00"),
        # exactly 4:00 is a whole day
        day("08:00 12:00", rules(office('half_day_below = "4:00"')), "present 4:00 early 5:00"),
        # 1:59 is under both thresholds: absence is tested first
        day(
            "08:00 09:59",
            rules(office('half_day_below = "4:00"', 'absent_below = "2:00"')),
            "absent 1:59 early 7:01",
        ),
        # exactly 2:00 is half a day
        day(
            "08:00 10:00",
            rules(office('half_day_below = "4:00"', 'absent_below = "2:00"')),
            "half_day 2:00 early 7:00",
        ),
        # a single punch shows that Ann was there: not absent, but nothing can be counted
        day("08:00", PLAIN, "undecided 0:00 missing_out"),
        # the pair 8:00 to 12:00 is 4:00; the arrival at 13:00 has no departure. 4:00 suffice to be present
        day("08:00 12:00 13:00", PLAIN, "present 4:00 missing_out"),
        # the same where 4:00 do not suffice
        day("08:00 12:00 13:00", rules(office('half_day_below = "6:00"')), "undecided 4:00 missing_out"),
        # a window of 60 minutes: 7:00 belongs to the shift, 6:59 does not
        day("07:00 17:00", PLAIN, "present 9:00"),
        day("06:59 08:00 17:00", PLAIN, "present 8:00 outside"),
        # 18:00 belongs to the shift: 10:00 less 1:00; 18:01 does not, and its arrival has no departure
        day("08:00 18:00", PLAIN, "present 9:00"),
        day("08:00 18:01", PLAIN, "undecided 0:00 missing_out outside"),
        # time before the shift does not count: 7:30 to 17:00 are 9:30, less 0:30, less 1:00
        day("07:30 17:00", rules(office("count_before = false")), "present 8:00"),
        # nor after it: 8:00 to 17:45 are 9:45, less 0:45, less 1:00
        day("08:00 17:45", rules(office("count_after = false")), "present 8:00"),
        # a double punch 40 s after the first: 8:00 to 17:00
        day("08:00:10 08:00:50 17:00", PLAIN, "present 8:00 double_punch"),
        # so is one 60 s after it
        day("08:00:10 08:01:10 17:00", PLAIN, "present 8:00 double_punch"),
        # 61 s apart are two punches: a pair of 0:01 and an arrival at 17:00
        day("08:00:10 08:01:11 17:00", PLAIN, "present 0:01 missing_out"),
        # with a cooldown of 300 s they are one
        day("08:00:10 08:01:11 17:00", rules(version="cooldown = 300"), "present 8:00 double_punch"),
        # three within the cooldown of the first; the next after it counts: pair 8:00 to 8:06, then 17:00 is open
        day("08:00 08:04 08:06 17:00", rules(version="cooldown = 300"), "present 0:06 double_punch missing_out"),
        # an automatic check-out at the end: 8:00 to 17:00
        day("08:00", rules(office("auto_checkout = 0")), "present 8:00 automatic_checkout"),
        # half an hour later: 8:00 to 17:30 are 9:30, less 1:00
        day("08:00", rules(office("auto_checkout = 30")), "present 8:30 automatic_checkout"),
        # none for an arrival after it
        day("17:10", rules(office("auto_checkout = 0")), "undecided 0:00 late 9:10 missing_out"),
    ],
)
def test_days_of_a_shift(text: str, by: Rules, expected: str) -> None:
    assert _notes_sorted(brief(compute(text, by))) == _notes_sorted(expected)


def _notes_sorted(text: str) -> str:
    words = text.split()
    return " ".join([word for word in words if "_" not in word[3:]] + sorted(word for word in words if "_" in word[3:]))


def test_a_day_has_the_punches_its_figures_came_from() -> None:
    computed = compute("07:58 12:05 12:50 17:03", PLAIN)
    (part,) = computed.parts
    assert [(each.arrival_id, each.departure_id, each.minutes) for each in part.intervals] == [
        ("p0", "p1", 247), ("p2", "p3", 253),
    ]  # fmt: skip
    assert [(each.reason, each.minutes) for each in part.deductions] == [("break", 15)]
    assert (part.planned, part.worked, computed.code, computed.present) == (480, 485, "P", 1.0)
    assert (str(part.start), str(part.end)) == ("2026-03-02 08:00:00+01:00", "2026-03-02 17:00:00+01:00")
    assert (str(computed.arrival), str(computed.departure)) == (
        "2026-03-02 07:58:00+01:00", "2026-03-02 17:03:00+01:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day_of", "text", "expected"),
    [
        (date(2026, 3, 7), "", "off 0:00"),  # Saturday
        (date(2026, 3, 7), "09:00 12:30", "off 3:30"),  # 9:00 to 12:30
        (date(2026, 3, 7), "09:00", "off 0:00 missing_out"),
        (date(2028, 2, 29), "08:00 17:00", "present 8:00"),  # leap day, a Tuesday: 9:00 - 1:00
        (date(2028, 2, 29), "", "absent 0:00"),
    ],
)
def test_days_off_and_leap_days(day_of: date, text: str, expected: str) -> None:
    assert brief(compute(text, PLAIN, day=day_of)) == expected


@pytest.mark.parametrize(
    ("joined", "left", "expected"),
    [
        (date(2026, 3, 2), None, "absent 0:00"),  # the first day counts
        (date(2026, 3, 3), None, "not_employed 0:00"),
        (None, date(2026, 3, 2), "absent 0:00"),  # so does the last
        (None, date(2026, 3, 1), "not_employed 0:00"),
    ],
)
def test_joiners_and_leavers(joined: date | None, left: date | None, expected: str) -> None:
    employee = Employee(ANN.number, ANN.name, ANN.department, joined=joined, left=left)
    assert brief(compute("", PLAIN, employee=employee)) == expected


def test_punches_after_the_last_day_are_listed() -> None:
    employee = Employee(ANN.number, ANN.name, left=date(2026, 3, 1))
    computed = compute("08:00 17:00", PLAIN, employee=employee)
    assert (brief(computed), computed.outside) == ("not_employed 0:00 outside", ("p0", "p1"))
    assert (computed.present, computed.absent, computed.code) == (0, 0, "")


def test_an_employee_without_a_shift_is_undecided() -> None:
    others = rules(assign='shifts = ["office"]\nemployees = ["other"]')
    assert brief(compute("", others)) == "undecided 0:00 no_shift"
    assert brief(compute("08:00 17:00", others)) == "undecided 9:00 no_shift"  # all of 8:00 to 17:00


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("07:00", "", "pending 0:00"),  # not absent before the shift
        ("10:00", "08:20", "pending 0:00 late 0:20"),  # there, and late; the departure may come
        ("12:30", "08:00 12:00", "present 4:00"),  # at lunch: not early
        ("18:00", "", "pending 0:00"),  # the window ends at 18:00
        ("18:01", "", "absent 0:00"),
        ("18:01", "08:00", "undecided 0:00 missing_out"),
    ],
)
def test_a_day_that_is_not_over_is_pending(now: str, text: str, expected: str) -> None:
    assert brief(compute(text, PLAIN, now=now)) == expected
