"""Leave, holidays, overtime and failures, computed by hand."""

from __future__ import annotations

from datetime import date

import pytest

from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Leave, LeavePart

from .clock import ANN, MONDAY, brief, compute, leave, office, outage, rules

PLAIN = rules()


@pytest.mark.parametrize(
    ("kind", "part", "text", "expected", "shares"),
    [
        ("vacation", "whole", "", "leave 0:00 credit 8:00", (0, 1, 0)),  # the 8:00 that are planned
        ("unpaid", "whole", "", "leave 0:00", (0, 1, 0)),
        ("home", "whole", "", "home 0:00 credit 8:00", (1, 0, 0)),
        # at work during leave: 9:00 to 12:00 are 3:00, 8:00 - 3:00 are credited, there is no lateness
        ("vacation", "whole", "09:00 12:00", "leave 3:00 credit 5:00 on_leave", (0, 1, 0)),
        # the middle of 8:00 to 17:00 is 12:30: 12:30 to 17:00 are 4:30, less 0:30 of the break; half of 8:00 is leave
        ("vacation", "first_half", "12:30 17:00", "half_day 4:00 credit 4:00", (0.5, 0.5, 0)),
        # 12:40 to 17:00 are 4:20, of which 0:20 are the break, in which no arrival is late
        ("vacation", "first_half", "12:40 17:00", "half_day 4:00 credit 4:00", (0.5, 0.5, 0)),
        ("vacation", "first_half", "13:00 17:00", "half_day 4:00 credit 4:00", (0.5, 0.5, 0)),
        ("vacation", "first_half", "13:10 17:00", "half_day 3:50 late 0:10 credit 4:00", (0.5, 0.5, 0)),
        # until 12:30: 8:00 to 12:30 are 4:30, less 0:30
        ("vacation", "second_half", "08:00 12:30", "half_day 4:00 credit 4:00", (0.5, 0.5, 0)),
        ("vacation", "second_half", "08:00 12:00", "half_day 4:00 credit 4:00", (0.5, 0.5, 0)),
        ("vacation", "second_half", "08:00 11:50", "half_day 3:50 early 0:10 credit 4:00", (0.5, 0.5, 0)),
        # the other half without any punch is half a day of absence
        ("sick", "first_half", "", "half_day 0:00 credit 4:00", (0, 0.5, 0.5)),
        ("home", "first_half", "12:30 17:00", "present 4:00 credit 4:00", (1, 0, 0)),
        ("home", "second_half", "", "half_day 0:00 credit 4:00", (0.5, 0, 0.5)),
        ("vacation", "first_half", "13:00", "undecided 0:00 missing_out", (0, 0, 0)),
    ],
)
def test_leave(kind: str, part: LeavePart, text: str, expected: str, shares: tuple[float, float, float]) -> None:
    computed = compute(text, PLAIN, leaves=[leave(kind, part)])
    assert (brief(computed), (computed.present, computed.on_leave, computed.absent)) == (expected, shares)


@pytest.mark.parametrize(
    ("breaks", "middle", "part", "text", "late", "early"),
    [
        # the middle is that of the rules, 12:00: the break after it belongs to neither half
        (["12:00 13:00"], "12:00", "first_half", "13:05 17:00", 5, 0),
        (["12:00 13:00"], "12:00", "second_half", "08:00 11:55", 0, 5),
        (["11:00 12:00"], "12:00", "first_half", "12:05 17:00", 5, 0),
        (["11:00 12:00"], "12:00", "second_half", "08:00 10:55", 0, 5),
        # two breaks without work between them
        (["12:00 12:30", "12:30 13:00"], "12:30", "first_half", "13:05 17:00", 5, 0),
        (["12:00 12:30", "12:30 13:00"], "12:30", "second_half", "08:00 11:55", 0, 5),
        # no break at the middle
        (["10:00 10:15"], "12:30", "first_half", "12:35 17:00", 5, 0),
        (["10:00 10:15"], "12:30", "second_half", "08:00 12:25", 0, 5),
    ],
)
def test_half_a_day_of_leave_begins_and_ends_at_a_break(
    breaks: list[str], middle: str, part: LeavePart, text: str, late: int, early: int
) -> None:
    tables = ", ".join('{{ start = "{}", end = "{}" }}'.format(*each.split()) for each in breaks)
    shift = f'[versions.shifts.office]\nstart = "08:00"\nend = "17:00"\nmiddle = "{middle}"\nbreaks = [{tables}]\n'
    computed = compute(text, rules(shift), leaves=[leave("vacation", part)])
    assert (computed.late, computed.early) == (late, early)


def test_an_automatic_checkout_ends_before_the_half_that_is_leave() -> None:
    """8:00 to 12:30, the middle, are 4:30, less 0:30 of the break."""
    by = rules(office("auto_checkout = 0"), version="[versions.overtime.workday]\nleast = 0")
    computed = compute("08:00", by, leaves=[leave("vacation", "second_half")])
    assert brief(computed) == "half_day 4:00 credit 4:00 automatic_checkout"
    computed = compute("12:30", by, leaves=[leave("vacation", "first_half")])
    assert brief(computed) == "half_day 4:00 credit 4:00 automatic_checkout"


def test_two_halves_of_leave_are_a_whole_day() -> None:
    halves = [leave("sick", "second_half"), Leave("l2", ANN.number, "vacation", MONDAY, MONDAY, "first_half")]
    computed = compute("", PLAIN, leaves=halves)
    assert (brief(computed), computed.leave, computed.code) == ("leave 0:00 credit 8:00", "vacation", "L")


def test_leave_is_of_its_employee_and_days_alone() -> None:
    before = leave("sick", first=date(2026, 2, 20), last=date(2026, 3, 1))
    other = Leave("l2", "8", "sick", MONDAY, MONDAY)
    assert brief(compute("", PLAIN, leaves=[before, other])) == "absent 0:00"
    assert brief(compute("", PLAIN, day=date(2026, 3, 7), leaves=[leave("sick", last=date(2026, 3, 9))])) == "off 0:00"


def test_leave_of_a_kind_that_the_rules_lack_decides_nothing() -> None:
    computed = compute("", PLAIN, leaves=[leave("parental")])
    assert (brief(computed), computed.leave, computed.absent) == ("undecided 0:00 unknown_leave", "parental", 0)
    declared = rules(more='[leave.parental]\ncode = "PL"\npaid = false')
    computed = compute("", declared, leaves=[leave("parental")])
    assert (brief(computed), computed.code) == ("leave 0:00", "PL")


OVERTIME = rules(
    version="""
[versions.overtime.workday]
least = 30
most = "3:00"
factor = 1.5
[versions.overtime.off]
factor = 2
most = "6:00"
[versions.overtime.holiday]
factor = 3
""",
    shifts=office("window_after = 300"),
    assign='shifts = ["office"]\nweekly_off = ["saturday", "sunday"]\nholidays = ["de"]',
    more='[holidays.de]\n2026-05-01 = "Labor Day"\n2026-03-08 = "on a Sunday"',
)
SATURDAY, HOLIDAY = date(2026, 3, 7), date(2026, 5, 1)


@pytest.mark.parametrize(
    ("day", "text", "expected"),
    [
        (MONDAY, "08:00 17:00", "present 8:00"),
        (MONDAY, "08:00 17:29", "present 8:29"),  # 0:29 are less than 0:30
        (MONDAY, "08:00 17:30", "present 8:30 over 0:30"),
        (MONDAY, "08:00 21:00", "present 12:00 over 3:00"),  # 4:00, of which 3:00 count
        (SATURDAY, "08:00 12:00", "off 4:00 over 4:00"),
        (SATURDAY, "08:00 16:00", "off 8:00 over 6:00"),
        (HOLIDAY, "", "holiday 0:00"),
        (HOLIDAY, "08:00 17:00", "holiday 9:00 over 9:00"),
        (date(2026, 3, 8), "10:00 11:00", "holiday 1:00 over 1:00"),  # a holiday on a day off is a holiday
    ],
)
def test_overtime_by_kind_of_day(day: date, text: str, expected: str) -> None:
    assert brief(compute(text, OVERTIME, day=day)) == expected


def test_overtime_of_half_a_day_of_leave() -> None:
    # 12:30 to 18:00 are 5:30, less 0:30 of the break: 5:00, where 4:00 are planned
    computed = compute("12:30 18:00", OVERTIME, leaves=[leave("vacation", "first_half")])
    assert brief(computed) == "half_day 5:00 over 1:00 credit 4:00"


def test_no_overtime_without_a_rule_for_it() -> None:
    assert compute("08:00 18:00", PLAIN).overtime == 0
    assert compute("08:00 12:00", PLAIN, day=SATURDAY).overtime == 0
    unassigned = rules(assign='shifts = ["office"]\nemployees = ["8"]', version="[versions.overtime.off]\nfactor = 2")
    assert brief(compute("08:00 12:00", unassigned)) == "undecided 4:00 no_shift"


STRICTER = rules(office('half_day_below = "4:00"', 'absent_below = "2:00"', "grace_late = 5"))


@pytest.mark.parametrize(
    ("failed", "text", "expected"),
    [
        (("07:50", "09:00"), "", "undecided 0:00 outage"),  # no punch could be recorded
        (("00:00", "05:00"), "", "absent 0:00"),  # not in the time of the shift
        (("07:00", "18:00"), "08:00 17:00", "present 8:00"),  # who was recorded is present
        (("11:00", "12:00"), "08:00 09:00", "undecided 1:00 outage"),
        (("11:00", "12:00"), "08:00 11:00", "undecided 3:00 outage"),
        # 9:10 may not be when Ann came: not late; 9:10 to 17:00 are 7:50, less 1:00
        (("07:50", "09:00"), "09:10 17:00", "present 6:50 outage"),
        # an outage after the arrival does not excuse it
        (("10:00", "11:00"), "09:10 17:00", "present 6:50 late 1:10"),
        (("16:00", "18:00"), "08:00 15:30", "present 6:30 outage"),  # 7:30 - 1:00; not early
        (("16:00", "18:00"), "08:00", "undecided 0:00 missing_out outage"),
    ],
)
def test_failures_cause_no_absence(failed: tuple[str, str], text: str, expected: str) -> None:
    assert brief(compute(text, STRICTER, outages=[outage(*failed)])) == expected


def test_a_failure_on_a_day_off_or_in_leave_changes_nothing() -> None:
    failed = outage("07:00", "18:00", day=SATURDAY)
    assert brief(compute("", STRICTER, day=SATURDAY, outages=[failed])) == "off 0:00"
    computed = compute("", STRICTER, leaves=[leave("sick")], outages=[outage("07:00", "18:00")])
    assert (computed.status, computed.absent) == ("leave", 0)


def test_rules_of_the_day_apply() -> None:
    text = """
zone = "Europe/Berlin"
[[versions]]
from = 2026-03-03
[versions.shifts.office]
start = "09:00"
end = "17:00"
[[versions]]
from = 2026-01-01
[versions.shifts.office]
start = "08:00"
end = "16:00"
[[assignments]]
shifts = ["office"]
"""
    from visavis.attendance.rules.read import parse_rules

    by: Rules = parse_rules(text)
    # 8:30 to 16:30 are 8:00 on both days; late by 0:30 under the old rules, early by 0:30 under the new ones
    assert brief(compute("08:30 16:30", by)) == "present 8:00 late 0:30"
    assert brief(compute("08:30 16:30", by, day=date(2026, 3, 3))) == "present 8:00 early 0:30"
    assert str(compute("", by, day=date(2026, 3, 3)).rules) == "2026-03-03"
