"""Who is in, late, not there and undecided at a time of a day that is not over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from attendance.days.clock import OFFICE
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Leave, Outage
from visavis.errors import AttendanceError
from visavis.server.pages.attendance_scope import Scope
from visavis.server.pages.attendance_today import read_present, read_today
from visavis.server.pages.visitor import Visitor
from visavis.server.roles import ROLES
from visavis.server.site_view import SiteView

MONDAY = date(2024, 3, 4)
RULES = f"""
zone = "Europe/Berlin"
[[versions]]
from = 2024-01-01
{OFFICE}grace_late = 5
[[assignments]]
shifts = ["office"]
weekly_off = ["saturday", "sunday"]
"""
NAMES = ("Ann", "Ben", "Cid", "Dan", "Eve", "Fay")
PUNCHES = {"1": "07:58", "2": "08:06", "6": "08:00 08:40"}


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"{MONDAY} {clock}+01:00")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site: Cid has not come, Dan is on leave until noon, Eve left the company, Fay came and went."""
    with Site.create(tmp_path_factory.mktemp("today") / "site", SiteSettings("Berlin", "Europe/Berlin")) as opened:
        opened.rules_path.write_text(RULES)
        people = [Employee(str(number), name, "Office") for number, name in enumerate(NAMES, 1)]
        people[4] = Employee("5", "Eve", "Office", left=date(2024, 3, 1))
        opened.put_employees(people, actor="test")
        opened.add_leave(Leave("half", "4", "vacation", MONDAY, MONDAY, "first_half"), actor="test")
        for employee, times in PUNCHES.items():
            for direction, clock in zip(("in", "out"), times.split(), strict=False):
                opened.punch(employee, actor="test", at=at(clock), direction=direction)  # type: ignore[arg-type]
        yield opened


def scope_at(site: Site, clock: str) -> Scope:
    view, visitor = SiteView(site, "test"), Visitor("test", rights=ROLES["payroll"])
    return Scope(view, visitor, tuple(site.employees()), at(clock))


def marks(site: Site, clock: str) -> dict[str, set[str]]:
    today = read_today(scope_at(site, clock), "", MONDAY)
    assert today.is_today
    return {row.employee.name: set(row.marks) for row in today.rows}


def test_before_the_grace_is_over_no_employee_is_missing(site: Site) -> None:
    assert (marks(site, "08:05")["Cid"], marks(site, "08:06")["Cid"]) == (set(), {"missing"})


def test_during_the_day_who_has_not_come_is_missing(site: Site) -> None:
    assert marks(site, "09:00") == {
        "Ann": {"in"}, "Ben": {"in", "late"}, "Cid": {"missing"}, "Dan": set(), "Fay": set()
    }  # fmt: skip


def test_who_is_on_leave_for_half_of_the_day_is_missing_after_its_middle(site: Site) -> None:
    """The middle of 8:00 to 17:00 is in the break, which ends at 13:00."""
    assert (marks(site, "13:05")["Dan"], marks(site, "13:06")["Dan"]) == (set(), {"missing"})


def test_where_a_device_failed_who_has_not_come_is_undecided(site: Site) -> None:
    outage = Outage("door", at("07:30"), at("08:30"), "no power")
    identity = site.add_outage(outage, actor="test")
    try:
        marked = marks(site, "09:00")
    finally:
        with site.database.write() as conn:
            conn.exec_driver_sql("DELETE FROM attendance_outages WHERE id = ?", (identity,))
    assert (marked["Cid"], marked["Fay"]) == ({"undecided"}, set())


def test_counts_and_lists_are_of_the_same_rows(site: Site) -> None:
    today = read_today(scope_at(site, "09:00"), "Office", MONDAY)
    assert today.counts == {"in": 2, "late": 1, "missing": 1, "unpaired": 0, "undecided": 0}
    assert [row.employee.name for row in today.select("in")] == ["Ben", "Ann"]  # who is late is to be settled
    assert len(today.select("anything else")) == len(today.rows) == 5


def test_another_department_and_no_employee_have_no_rows(site: Site) -> None:
    scope = scope_at(site, "09:00")
    assert read_today(scope, "Plant", MONDAY).rows == ()
    assert read_present(scope, (), scope.now) == []


def test_who_is_in_is_since_the_arrival(site: Site) -> None:
    scope = scope_at(site, "09:00")
    present = read_present(scope, scope.people, scope.now)
    assert [(each.name, f"{each.since:%H:%M}") for each in present] == [("Ann", "07:58"), ("Ben", "08:06")]


def test_who_is_in_is_listed_where_the_rules_cannot_be_read(site: Site) -> None:
    rules = site.rules_path.read_text()
    site.rules_path.write_text("no rules")
    try:
        scope = scope_at(site, "09:00")
        assert scope.view.entrances(scope.now) is None
        assert [each.name for each in read_present(scope, scope.people, scope.now)] == ["Ann", "Ben"]
        with pytest.raises(AttendanceError, match="the rules of the site cannot be used"):
            read_today(scope, "", MONDAY)
    finally:
        site.rules_path.write_text(rules)
