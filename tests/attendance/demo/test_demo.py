"""The sample site has all that goes wrong at real sites; its figures are golden."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from visavis.attendance.days.many import EmployeeDays, Recorded, compute_many, replay
from visavis.attendance.days.types import Day
from visavis.attendance.demo.people import FIRST, LAST, RULES, make_employees, make_leaves
from visavis.attendance.demo.punches import make_outages, make_punches
from visavis.attendance.reports.tables import REPORTS
from visavis.attendance.rules.read import parse_rules
from visavis.attendance.rules.schedule import Planner

BY = parse_rules(RULES)


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded(tuple(make_employees()), tuple(make_punches(BY)), tuple(make_leaves()), tuple(make_outages()))


@pytest.fixture(scope="module")
def people(recorded: Recorded) -> dict[str, EmployeeDays]:
    return {entry.employee.number: entry for entry in compute_many(recorded, Planner(BY), FIRST, LAST)}


def day(people: dict[str, EmployeeDays], number: str, at: date) -> Day:
    return people[number].days[(at - FIRST).days]


@pytest.mark.parametrize(
    ("number", "at", "status", "worked", "overtime", "notes"),
    [
        ("1001", date(2024, 2, 10), "off", 210, 210, ()),  # Saturday, 9:00 to 12:30
        ("1001", date(2024, 3, 29), "holiday", 240, 240, ()),  # 10:00 to 14:00
        ("1007", date(2024, 2, 20), "present", 255, 0, ()),  # clock set back: 7:45 to 8:00, 12:30 to 16:30
        ("1008", date(2024, 2, 21), "present", 483, 0, ("outside",)),  # 7:58 to 16:31 less 0:30; 20:15 is of no shift
        ("1009", date(2024, 3, 5), "undecided", 0, 0, ("missing_out",)),
        ("1010", date(2024, 3, 6), "half_day", 89, 0, ()),  # 8:01 to 9:30
        ("1011", date(2024, 3, 7), "half_day", 181, 0, ()),  # 7:59 to 11:00
        ("1012", date(2024, 3, 8), "not_employed", 0, 0, ("outside",)),
        ("1024", date(2024, 2, 19), "not_employed", 0, 0, ("outside",)),
        ("1002", date(2024, 2, 12), "leave", 0, 0, ()),
        ("1003", date(2024, 3, 4), "home", 0, 0, ()),
        ("1006", date(2024, 4, 1), "holiday", 0, 0, ()),  # parental leave does not count on a holiday
        ("1006", date(2024, 4, 2), "leave", 0, 0, ()),
    ],
)
def test_odd_days(
    people: dict[str, EmployeeDays],
    number: str,
    at: date,
    status: str,
    worked: int,
    overtime: int,
    notes: tuple[str, ...],
) -> None:
    computed = day(people, number, at)
    assert (computed.status, computed.worked, computed.overtime, computed.notes) == (status, worked, overtime, notes)


def test_the_failed_entrance_causes_no_absence_and_no_lateness(people: dict[str, EmployeeDays]) -> None:
    failed = [day(people, str(number), date(2024, 3, 13)) for number in range(1001, 1025)]
    assert not {computed.status for computed in failed} & {"absent", "half_day"}
    assert all(computed.late == 0 for computed in failed)
    assert sum(computed.status == "undecided" for computed in failed) > 10


def test_the_night_in_which_clocks_change_has_seven_hours(people: dict[str, EmployeeDays]) -> None:
    for number in ("1025", "1026", "1027"):
        assert day(people, number, date(2024, 3, 30)).planned == 420
        assert day(people, number, date(2024, 3, 29)).planned == 480


def test_all_that_goes_wrong_is_there(people: dict[str, EmployeeDays]) -> None:
    days = [day for entry in people.values() for day in entry.days]
    assert Counter(day.status for day in days) == {
        "present": 1551, "off": 860, "not_employed": 113, "holiday": 46, "absent": 43, "leave": 40, "undecided": 38,
        "home": 5, "half_day": 4,
    }  # fmt: skip
    assert Counter(note for day in days for note in day.notes) == {
        "double_punch": 56, "missing_out": 44, "outage": 26, "automatic_checkout": 17, "outside": 3,
    }  # fmt: skip


GOLDEN = {
    (date(2024, 2, 1), date(2024, 2, 29)): [
        ("Office", 12, 220.5, 5.5, 4.0, 1, 2, 110880, 107134, 2640, 20, 645, 1420),
        ("Production", 12, 233.0, 0.0, 9.0, 1, 1, 113190, 110614, 0, 50, 601, 1448),
        ("Security", 6, 76.0, 8.0, 1.0, 2, 2, 41760, 36450, 3840, 22, 134, 345),
    ],
    (date(2024, 3, 1), date(2024, 3, 31)): [
        ("Office", 12, 215.0, 0.0, 5.0, 14, 17, 112320, 101804, 2400, 12, 607, 1525),
        ("Production", 12, 195.5, 3.5, 8.0, 13, 13, 102300, 92923, 1350, 40, 535, 1974),
        ("Security", 6, 91.0, 0.0, 0.0, 2, 2, 44460, 43395, 0, 17, 136, 225),
    ],
    (date(2024, 4, 1), date(2024, 4, 30)): [
        ("Office", 12, 219.0, 24.0, 8.0, 1, 3, 120960, 106465, 1440, 7, 210, 1282),
        ("Production", 12, 223.0, 0.0, 8.0, 0, 0, 107250, 105680, 0, 12, 384, 1343),
        ("Security", 6, 85.0, 0.0, 1.0, 4, 4, 43200, 40665, 0, 8, 265, 315),
    ],
}
"""Department, employees, days present, on leave, absent, undecided, with a missing punch; minutes planned (in February
eleven people of the office times 21 days of 480), worked, credited; late days and minutes, overtime that counts."""


@pytest.mark.parametrize("month", GOLDEN)
def test_figures_of_the_departments(recorded: Recorded, month: tuple[date, date]) -> None:
    days = list(compute_many(recorded, Planner(BY), *month))
    assert list(REPORTS["departments"](days, BY, {}).rows) == GOLDEN[month]
    planned = sum(day.kind == "workday" for entry in days for day in entry.days)
    assert planned == sum(sum(row[2:6]) for row in GOLDEN[month])  # each workday is present, leave, absent or undecided


def test_less_grace_makes_more_arrivals_late(recorded: Recorded) -> None:
    stricter = parse_rules(RULES.replace("grace_late = 5", "grace_late = 3"))
    changes = list(replay(recorded, Planner(BY), Planner(stricter), FIRST, LAST))
    assert (len(changes), {change.fields for change in changes}) == (40, {("late",)})
    assert {change.after.late for change in changes} == {4}
    assert all(change.day < date(2024, 4, 1) for change in changes)  # the version from April has another grace
