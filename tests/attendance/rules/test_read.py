"""Rules are read whole, and each fault is named with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from visavis.attendance.rules.read import LEAVE, parse_rules, read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.rules.types import (
    AutomaticBreak,
    Counting,
    FixedBreak,
    FreeDay,
    LeaveKind,
    OvertimeRule,
    OvertimeRules,
    PunchRounding,
    Shift,
)
from visavis.attendance.types import Employee
from visavis.errors import UsageError

FULL = """
zone = "Europe/Berlin"

[[versions]]
from = 2026-01-01
cooldown = 120
least_probability = 0.5
devices = { gate = "in" }

[versions.shifts.night]
start = "22:00"
end = "06:00"
window_before = "1:30"
window_after = 45
grace_late = 5
grace_early = 6
half_day_below = "4:00"
absent_below = "2:00"
middle = "02:00"
breaks = [{ start = "23:45", end = "00:15" }, { start = "03:00", end = "03:30" }]
automatic_breaks = [{ minutes = 30, after = "6:00" }]
auto_checkout = 15
count_before = false
count_after = false
direction = "strict"
hours = "first_last"
longest = "12:00"
paid_break = 10
rounding = { step = 5, arrival = "up", departure = "down", worked = "nearest" }

[versions.shifts.flexible]
start = "06:00"
end = "24:00"
required = "7:30"
core = { start = "10:00", end = "14:00" }

[versions.overtime]
most_a_month = "40:00"
workday = { least = 15, most = "2:00", factor = 1.5 }
holiday = { factor = 3 }

[versions.free_day]
window_after = "5:00"
direction = "strict"

[[assignments]]
shifts = ["night"]
weekly_off = ["Sunday"]
holidays = ["de"]

[[assignments]]
first = 2026-02-01
last = 2026-02-28
departments = ["Sales"]
roster = "weekly"

[[assignments]]
employees = ["7"]
shifts = []

[rosters.weekly]
start = 2026-02-02
cycle = [["flexible"], [], ["night", "flexible"]]

[holidays.de]
2026-05-01 = "Labor Day"

[leave.parental]
code = "PL"
paid = false
"""


def test_all_keys_are_read() -> None:
    rules = parse_rules(FULL)
    (version,) = rules.versions
    assert (version.cooldown, version.least_probability, version.devices) == (120, 0.5, {"gate": "in"})
    counting = Counting(
        "strict", "first_last", 720, 10, (AutomaticBreak(30, 360),), PunchRounding(5, "up", "down", "nearest")
    )
    assert version.shifts["night"] == Shift(
        "night", 1320, 1800, 90, 45, 5, 6, 240, 120, None, None, 1560,
        (FixedBreak(1425, 1455), FixedBreak(1620, 1650)), 15, False, False, counting,
    )  # fmt: skip
    flexible = version.shifts["flexible"]
    assert (flexible.end, flexible.required, flexible.core) == (1440, 450, (600, 840))
    assert version.overtime == OvertimeRules(OvertimeRule(15, 120, 1.5), None, OvertimeRule(factor=3), 2400)
    assert version.free_day == FreeDay(300, Counting("strict"))
    assert rules.leave == {**LEAVE, "parental": LeaveKind("parental", "PL", False, False)}
    assert rules.holidays == {"de": {date(2026, 5, 1): "Labor Day"}}


@pytest.mark.parametrize(
    ("employee", "day", "kind", "shifts"),
    [
        (Employee("1", "Eve"), date(2026, 1, 5), "workday", ["night"]),
        (Employee("1", "Eve"), date(2026, 1, 4), "off", [""]),  # Sunday
        (Employee("1", "Eve"), date(2026, 5, 1), "holiday", [""]),
        (Employee("1", "Eve", "Sales"), date(2026, 1, 31), "workday", ["night"]),  # before the roster
        (Employee("1", "Eve", "Sales"), date(2026, 2, 1), "workday", ["flexible", "night"]),  # the day before its start
        (Employee("1", "Eve", "Sales"), date(2026, 2, 2), "workday", ["flexible"]),
        (Employee("1", "Eve", "Sales"), date(2026, 2, 3), "off", [""]),
        (Employee("1", "Eve", "Sales"), date(2026, 3, 2), "workday", ["night"]),  # after it
        (Employee("7", "Ann", "Sales"), date(2026, 2, 2), "off", [""]),  # the employee comes before the department
    ],
)
def test_the_most_specific_assignment_applies(employee: Employee, day: date, kind: str, shifts: list[str]) -> None:
    plan = Planner(parse_rules(FULL)).plan(employee, day)
    assert (plan.kind, [time.shift.name if time.shift else "" for time in plan.times]) == (kind, shifts)


def test_precedence_does_not_depend_on_the_order_in_the_file() -> None:
    head, *assignments = FULL.replace("[rosters", '[[assignments]]\nshifts = ["night"]\n\n[rosters').split(
        "[[assignments]]"
    )
    planner = Planner(parse_rules("[[assignments]]".join([head, *assignments])))
    kinds = [planner.plan(Employee("7", "Ann", "Sales"), date(2026, 2, day)).kind for day in (2, 4)]
    assert kinds == ["off", "off"]  # the assignment of everyone that comes last does not apply


def test_the_last_of_equal_assignments_applies() -> None:
    text = FULL + '\n[[assignments]]\nfirst = 2026-01-05\nlast = 2026-01-05\nshifts = ["flexible"]\n'
    with pytest.raises(UsageError, match="this is not TOML"):
        parse_rules(FULL + "\n[[versions]]\n[zone]")
    text = FULL.replace("[[assignments]]\nfirst", text[len(FULL) :] + "\n[[assignments]]\nfirst")
    planner = Planner(parse_rules(text))
    names = [planner.plan(Employee("1", "Eve"), date(2026, 1, day)).times[0].shift for day in (5, 6)]
    assert [shift and shift.name for shift in names] == ["flexible", "night"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('zone = "Europe/Berlin"', "", 'write zone = "Europe/Berlin"'),
        ('"Europe/Berlin"', '"Berlin"', "there is no time zone 'Berlin'"),
        ('"Europe/Berlin"', '"../../etc/passwd"', "there is no time zone"),
        ("from = 2026-01-01", "", "versions needs from"),
        ("cooldown = 120", "cooldwn = 120", "versions from 2026-01-01 has no key 'cooldwn': the keys are from, shifts"),
        ("cooldown = 120", "cooldown = -1", "cooldown is a whole number of seconds from 0"),
        ('gate = "in"', 'gate = "door"', "devices is in or out, got 'door'"),
        ('start = "22:00"', 'start = "25:00"', "shifts.night: start is a time of day such as \"08:30\", got '25:00'"),
        ('start = "22:00"', "start = 22", "start is a time of day"),
        ('"1:30"', '"1:75"', "window_before is a number of minutes"),
        ("window_after = 45", "window_after = true", "window_after is a number of minutes"),
        ('direction = "strict"\nhours', 'direction = "both"\nhours', "direction is alternate, device or strict"),
        ("step = 5", "step = 7", "divides an hour"),
        ('half_day_below = "4:00"', 'half_day_below = "1:00"', "absent_below is greater than half_day_below"),
        ('end = "00:15"', 'end = "07:15"', "a break lies within the shift"),
        ('{ start = "03:00"', '{ start = "00:00"', "breaks overlap"),
        ('required = "7:30"', "", "core belongs to flexible hours"),
        ('middle = "02:00"', 'middle = "07:00"', "middle lies within the shift"),
        ('shifts = ["night"]', 'shifts = ["day"]', "no shift in the version from 2026-01-01 called 'day'"),
        ('["night", "flexible"]', '["nihgt"]', "no shift in the version from 2026-01-01 called 'nihgt'"),
        ('roster = "weekly"', 'roster = "daily"', "no roster called 'daily'; there are: weekly"),
        ('holidays = ["de"]', 'holidays = ["fr"]', "no list of holidays called 'fr'"),
        ('["Sunday"]', '["sonntag"]', "weekly_off is monday, tuesday"),
        ("last = 2026-02-28", "last = 2026-01-28", "last is 2026-01-28, before first"),
        ('roster = "weekly"', 'roster = "weekly"\nshifts = ["night"]', "leave out the others"),
        ("2026-05-01 =", "labor =", "is a date such as 2026-01-31, got 'labor'"),
        ("cycle = [[", 'cycle = "x" #', "cycle is a list"),
    ],
)
def test_faults_are_named(old: str, new: str, message: str) -> None:
    assert FULL.count(old) >= 1
    with pytest.raises(UsageError) as caught:
        parse_rules(FULL.replace(old, new, 1))
    assert message in str(caught.value)


def test_two_versions_of_one_day_are_refused() -> None:
    version = "[[versions]]\nfrom = 2026-01-01\nshifts = {}\n"
    with pytest.raises(UsageError, match="the file: versions two begin on 2026-01-01"):
        parse_rules(version * 2, zone="Europe/Berlin")


def test_a_day_before_all_rules_is_refused() -> None:
    with pytest.raises(UsageError, match="no rules apply to 2025-12-31: the first version begins on 2026-01-01"):
        Planner(parse_rules(FULL)).plan(Employee("1", "Eve"), date(2025, 12, 31))


def test_the_file_is_named_in_errors(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("zone = 3", encoding="utf-8")
    with pytest.raises(UsageError, match=r"rules.toml.*the file: zone is text, got 3"):
        read_rules(file)
    with pytest.raises(UsageError, match=r"missing.toml' cannot be read"):
        read_rules(tmp_path / "missing.toml")
