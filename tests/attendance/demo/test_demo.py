"""The sample site has all that goes wrong at real sites; its figures are golden."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from visavis.attendance.days.many import EmployeeDays, Recorded, compute_many, replay
from visavis.attendance.days.types import Day
from visavis.attendance.demo.people import FIRST, LAST, RULES, make_employees, make_leaves
from visavis.attendance.demo.punches import make_outages, make_punches
from visavis.attendance.reports.tables import REPORTS
from visavis.attendance.rules.read import parse_rules
from visavis.attendance.rules.schedule import Planner

BY = parse_rules(RULES)
PAGE = Path(__file__).parents[3] / "docs" / "commands" / "attendance-days.md"


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
        ("1001", date(2024, 4, 10), "holiday", 240, 240, ()),  # 10:00 to 14:00
        ("1007", date(2024, 2, 20), "present", 255, 0, ()),  # clock set back: 7:45 to 8:00, 12:30 to 16:30
        ("1008", date(2024, 2, 21), "present", 483, 0, ("outside",)),  # 7:58 to 16:31 less 0:30; 20:15 is of no shift
        ("1009", date(2024, 3, 5), "undecided", 0, 0, ("missing_out",)),
        ("1010", date(2024, 3, 6), "half_day", 89, 0, ()),  # 8:01 to 9:30
        ("1011", date(2024, 3, 7), "half_day", 181, 0, ()),  # 7:59 to 11:00
        ("1012", date(2024, 3, 8), "not_employed", 0, 0, ("outside",)),
        ("1024", date(2024, 2, 19), "not_employed", 0, 0, ("outside",)),
        ("1002", date(2024, 2, 12), "leave", 0, 0, ()),
        ("1003", date(2024, 3, 4), "home", 0, 0, ()),
        ("1006", date(2024, 4, 10), "holiday", 0, 0, ()),  # parental leave does not count on a holiday
        ("1006", date(2024, 4, 2), "leave", 0, 0, ()),
        ("1028", date(2024, 2, 29), "present", 480, 0, ()),  # 21:58 to 6:03 in quarters inward: 22:00 to 6:00
        ("1028", date(2024, 3, 9), "present", 540, 0, ()),  # 22:00 to 6:00 with the hour that comes twice: 9:00
        ("1029", date(2024, 3, 9), "present", 540, 0, ()),  # so too; both 2:30 lie between first and last
        ("1025", date(2024, 4, 13), "present", 420, 0, ()),  # 22:00 to 6:00 without an hour: 7:00
        ("1026", date(2024, 4, 13), "present", 390, 0, ()),  # 22:20 counts from 22:30: to 6:00 without an hour 6:30
        # 8:00 to 12:30 and 13:10 to 19:05: 4:30 + 5:55, 2:25 more than planned, of which 2:00 at most count
        ("1010", date(2024, 4, 2), "present", 625, 120, ()),
        ("1010", date(2024, 4, 3), "present", 565, 85, ()),  # 8:00 to 13:20 and 14:55 to 19:00: 5:20 + 4:05
        ("1010", date(2024, 4, 4), "undecided", 240, 0, ("missing_out",)),  # 15:00 to 19:00
        ("1010", date(2024, 4, 5), "half_day", 240, 0, ()),  # 8:00 to 12:00
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


def test_nights_in_which_clocks_change(people: dict[str, EmployeeDays]) -> None:
    """Set forward on 2024-04-14 at 2:00, set back on 2024-03-10 at 3:00."""
    for number in ("1025", "1026", "1027"):
        planned = [day(people, number, date(2024, 4, each)).planned for each in (13, 14, 15, 16)]
        assert planned == [420, 480, 480, 480]
    for number in ("1028", "1029", "1030"):
        planned = [day(people, number, date(2024, 3, each)).planned for each in (8, 9, 10, 11)]
        assert planned == [480, 540, 480, 480]


def test_two_punches_show_the_same_time_where_clocks_are_set_back(recorded: Recorded) -> None:
    first, second = (
        punch.at for punch in recorded.punches if punch.employee == "1029" and f"{punch.at:%d %H:%M}" == "10 02:30"
    )
    assert second.timestamp() - first.timestamp() == 3600


def test_what_the_page_lists_is_there(people: dict[str, EmployeeDays]) -> None:
    """The table of the page on commands: what is where, with status, hours worked and notes."""
    rows = re.findall(r"^\|.*\| (\d{4}) \| (\d{4}-\d\d-\d\d) \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {(number, at): tuple(cell.strip() for cell in rest.split("|")) for number, at, rest in rows}
    days = {(number, at): day(people, number, date.fromisoformat(at)) for number, at in listed}
    assert listed == {
        key: (each.status, f"{each.worked // 60}:{each.worked % 60:02}", " ".join(each.notes))
        for key, each in days.items()
    }
    assert len(rows) == len(listed) == 23


def test_all_that_goes_wrong_is_there(people: dict[str, EmployeeDays]) -> None:
    days = [day for entry in people.values() for day in entry.days]
    assert Counter(day.status for day in days) == {
        "present": 1548, "off": 860, "not_employed": 113, "holiday": 46, "absent": 44, "undecided": 41, "leave": 38,
        "home": 5, "half_day": 5,
    }  # fmt: skip
    assert Counter(note for day in days for note in day.notes) == {
        "double_punch": 53, "missing_out": 47, "outage": 26, "automatic_checkout": 17, "outside": 3,
    }  # fmt: skip


GOLDEN = {
    (date(2024, 2, 1), date(2024, 2, 29)): [
        ("Office", 12, 220.5, 5.5, 4.0, 1, 2, 110880, 107134, 2640, 20, 645, 1420),
        ("Production", 12, 233.0, 0.0, 9.0, 1, 1, 113190, 110614, 0, 50, 601, 1448),
        ("Security", 6, 76.0, 8.0, 1.0, 2, 2, 41760, 36465, 3840, 21, 130, 345),
    ],
    (date(2024, 3, 1), date(2024, 3, 31)): [
        ("Office", 12, 227.0, 0.0, 5.0, 14, 17, 118080, 107477, 2400, 13, 626, 1431),
        ("Production", 12, 206.5, 3.5, 8.0, 13, 13, 107580, 98264, 1350, 40, 535, 1989),
        ("Security", 6, 91.0, 0.0, 0.0, 2, 2, 44820, 43755, 0, 17, 136, 225),
    ],
    (date(2024, 4, 1), date(2024, 4, 30)): [
        ("Office", 12, 205.5, 22.0, 8.5, 4, 6, 115200, 101061, 960, 7, 205, 1584),
        ("Production", 12, 211.0, 0.0, 9.0, 0, 0, 101640, 99547, 0, 14, 468, 1422),
        ("Security", 6, 85.0, 0.0, 1.0, 4, 4, 43020, 40470, 0, 9, 285, 315),
    ],
}
"""Department, employees, days present, on leave, absent, undecided, with a missing punch; minutes planned, worked,
credited; late days and minutes, overtime that counts.

Planned of the office in February: eleven people times 21 days of 480. Of Security in March: 93 nights of 480, and an
hour more for three people in the night in which clocks are set back; in April: 90 nights, and an hour less for three.
"""


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
