"""Months of a site are closed with what can be computed of them, and changes are carried over once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from attendance.conftest import ZONE, punch
from visavis.attendance.closings import close_month, read_carried, read_closings, read_figures, reopen_month
from visavis.attendance.reports import closing
from visavis.attendance.reports.carried import carried_report, explain_carried
from visavis.attendance.reports.closing import close_figures
from visavis.attendance.reports.source import compute_site_days
from visavis.attendance.reports.tables import REPORTS
from visavis.attendance.reports.totals import thaw
from visavis.attendance.rights import apply_retention
from visavis.attendance.rules.read import read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Punch
from visavis.errors import AttendanceError, UsageError

RULES = """
[[versions]]
from = 2020-01-01
shifts.day = { start = "08:00", end = "16:00" }
[[assignments]]
shifts = ["day"]
"""
NOW = datetime.now(UTC)
LAST_MONTH = (NOW.replace(day=1) - timedelta(1)).replace(day=1)
OLD = (NOW - timedelta(200)).replace(day=1)


def test_what_retention_removes_is_no_change_of_a_closed_month(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    file_site.ledger.add([punch(hour, "1", f"{OLD:%Y-%m}-02T{hour:02}:00:00+00:00") for hour in (8, 12)], actor="gate")
    old = f"{OLD:%Y-%m}"
    assert close_figures(file_site, old, actor="boss")[1]["1"].worked == 240
    path = file_site.folder / "site.toml"
    settings = path.read_text(encoding="utf-8").replace("punches_days = 0", "punches_days = 100")
    path.write_text(settings, encoding="utf-8")
    with Site(file_site.folder) as kept:
        assert apply_retention(kept, actor="job").records == 2
        last = f"{LAST_MONTH:%Y-%m}"
        close_figures(kept, last, actor="boss")
        with kept.database.read() as conn:
            assert read_carried(conn, last) == {}
        with pytest.raises(UsageError, match="cannot be computed: its punches were erased"):
            close_figures(kept, f"{OLD - timedelta(1):%Y-%m}", actor="boss")
        with pytest.raises(UsageError, match=f"{old} stays closed"), kept.ledger.write(actor="boss") as writer:
            reopen_month(writer, old, reason="a letter")
        with kept.database.read() as conn:
            assert thaw(read_figures(conn, old))["1"].worked == 240
        with kept.ledger.write(actor="boss") as writer:
            assert reopen_month(writer, last, reason="a letter").state == "open"


def test_a_month_that_another_program_has_changed_is_not_closed(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    earlier = (LAST_MONTH - timedelta(40)).replace(day=1)
    for month in (earlier, LAST_MONTH):
        times = [f"{month:%Y-%m}-0{day}T{hour:02}:00:00+00:00" for day in (2, 3) for hour in (8, 12)]
        file_site.ledger.add([punch(100 * month.month + n, "1", at) for n, at in enumerate(times)], actor="gate")
    last = f"{LAST_MONTH:%Y-%m}"
    number = 100 * LAST_MONTH.month
    for change, back in (
        ("SET device = 'x' WHERE punch_id", "SET device = 'gate' WHERE punch_id"),  # of the month
        ("SET at = at - 3600000000 WHERE punch_id", "SET at = at + 3600000000 WHERE punch_id"),
        ("SET number = -number WHERE punch_id", "SET number = -number WHERE punch_id"),  # as if it was removed
    ):
        alter(file_site, f"UPDATE attendance_records {change} = 'p{number + 1}'")
        with pytest.raises(AttendanceError, match=f"{last} is not closed, another program has changed the database: "):
            close_figures(file_site, last, actor="boss")
        alter(file_site, f"UPDATE attendance_records {back} = 'p{number + 1}'")
    alter(file_site, "UPDATE attendance_employees SET department = 'Board' WHERE number = '1'")
    with pytest.raises(AttendanceError, match="row '1' of attendance_employees was changed by another program"):
        close_figures(file_site, last, actor="boss")
    alter(file_site, "UPDATE attendance_employees SET department = 'Sales' WHERE number = '1'")
    alter(file_site, f"UPDATE attendance_records SET device = 'x' WHERE punch_id = 'p{100 * earlier.month}'")
    assert close_figures(file_site, last, actor="boss")[1]["1"].worked == 480  # earlier records are not read
    assert len(file_site.verify()) == 1


def alter(site: Site, statement: str) -> None:
    with site.database.write() as conn:
        assert conn.execute(text(statement)).rowcount == 1


def test_a_month_is_not_over_before_its_last_day_off(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES.replace('shifts = ["day"]', ""), encoding="utf-8")
    with pytest.raises(UsageError, match="is not over: it is closed after its last day"):
        close_figures(file_site, f"{NOW + timedelta(2):%Y-%m}", actor="boss")
    with file_site.database.read() as conn:
        assert read_closings(conn) == []


def test_a_month_before_all_employees_is_not_closed(file_site: Site) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    staff = [replace(employee, joined=date(2024, 2, 1)) for employee in file_site.employees()]
    file_site.put_employees(staff, actor="boss")
    with pytest.raises(UsageError, match="no employee who was employed in 2024-01"):
        close_figures(file_site, "2024-01", actor="boss")
    assert {*close_figures(file_site, "2024-02", actor="boss")[1]} == {"1", "2", "3"}


def test_two_months_that_are_closed_at_once_do_not_carry_the_same(
    file_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_site.rules_path.write_text(RULES, encoding="utf-8")
    compute, last = closing.compute_site_days, f"{LAST_MONTH:%Y-%m}"

    def close_another(*arguments: object) -> object:
        monkeypatch.setattr(closing, "compute_site_days", compute)
        with file_site.ledger.write(actor="eve") as writer:
            close_month(writer, "2020-02", {}, last_record=1)
        return compute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "compute_site_days", close_another)
    with pytest.raises(UsageError, match=f"closed or opened meanwhile: close {last} again"):
        close_figures(file_site, last, actor="boss")
    with file_site.database.read() as conn:
        assert [each.month for each in read_closings(conn)] == ["2020-02"]


def test_days_of_employees_who_were_added_later_are_carried(file_site: Site) -> None:
    """Zoe joined in the middle of a month that was closed before she was entered; Max may have come later."""
    file_site.rules_path.write_text(f'{RULES}weekly_off = ["saturday", "sunday"]', encoding="utf-8")
    close_figures(file_site, "2026-03", actor="boss")
    zoe, max_ = Employee("4", "Zoe", joined=date(2026, 3, 30)), Employee("5", "Max")
    leo = Employee("6", "Leo", joined=date(2026, 4, 1))
    file_site.put_employees([zoe, max_, leo], actor="desk")
    times = [f"2026-03-{day}T{hour:02}:00:00+02:00" for day in (30, 31) for hour in (8, 15)]
    file_site.ledger.add([punch(number, "4", at) for number, at in enumerate(times)], actor="gate")
    close_figures(file_site, "2026-04", actor="boss")
    with file_site.database.read() as conn:
        carried = read_carried(conn, "2026-04")
    # two workdays of 8:00 planned, 7:00 worked on each, and an hour early
    assert carried == {"4": {"2026-03": {"present": 2, "planned": 960, "worked": 840, "early": 120}}}
    rules = read_rules(file_site.rules_path, zone=ZONE)
    expected = {
        ("4", "Zoe", "", "2026-03", date(2026, 3, 30), title, unit, figure)
        for title, unit, figure in (
            ("Present", "days", 2), ("Planned", "minutes", 960), ("Worked", "minutes", 840),
            ("Left early", "minutes", 120),
        )
    }  # fmt: skip
    table = carried_report(file_site, "2026-04", Planner(rules), [zoe, max_, leo])
    assert (table.title, {*table.rows}) == ("Carried into 2026-04", expected)
    assert explain_carried(file_site, date(2026, 3, 30), ["4", "5"]) == {
        "4": [
            "changes after 2026-03 was closed, carried into 2026-04: "
            "left early +2:00, planned +16:00, present +2, worked +14:00"
        ]
    }
    assert explain_carried(file_site, date(2026, 4, 1), ["4"]) == {}
    people = compute_site_days(file_site, Planner(rules), date(2026, 3, 1), date(2026, 3, 31))
    with file_site.database.read() as conn:
        frozen = thaw(read_figures(conn, "2026-03"))
    month = {row["employee"]: row for row in REPORTS["month"](people, rules, frozen).records()}
    assert (month["4"]["2026-03-30"], month["4"]["worked"]) == ("P", 0)  # its hours are April's
    changes = {(row["employee"], row["figure"]) for row in REPORTS["changes"](people, rules, frozen).records()}
    assert changes == {("4", title) for title in ("Present", "Planned", "Worked", "Left early")}
    close_figures(file_site, "2026-05", actor="boss")
    with file_site.database.read() as conn:
        assert read_carried(conn, "2026-05") == {}  # once
    file_site.ledger.add([punch(9, "5", f"2026-04-{day:02}T08:00:00+02:00") for day in (1,)], actor="gate")
    planned = carried_report(file_site, "2026-06", Planner(rules), file_site.employees())
    assert planned.title == "To be carried into 2026-06"
    assert {row[3:5] for row in planned.rows} == {("2026-04", date(2026, 4, 1))}
    close_figures(file_site, "2026-06", actor="boss")
    with file_site.database.read() as conn:
        carried = read_carried(conn, "2026-06")
    assert [*carried] == ["5"]
    assert carried["5"]["2026-04"]["undecided"] == 1
    assert [*carried["5"]] == ["2026-04"]  # in March Max has no punch: nothing says that he was employed


def test_what_is_carried_of_an_employee_is_computed_from_the_punches_of_no_other(
    file_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(site: Site, start: datetime, end: datetime, employees: Collection[str] | None = None) -> list[Punch]:
        wanted.append(employees)
        return read_punches(site, start, end, employees)

    file_site.rules_path.write_text(RULES, encoding="utf-8")
    for month in ("2026-02", "2026-03"):
        close_figures(file_site, month, actor="boss")
    times = [("1", 8), ("1", 16), ("2", 8), ("2", 12)]
    punches = [punch(n, who, f"2026-03-02T{hour:02}:00:00+01:00") for n, (who, hour) in enumerate(times)]
    file_site.ledger.add(punches, actor="gate")
    planner = Planner(read_rules(file_site.rules_path, zone=ZONE))
    everyone = carried_report(file_site, "2026-04", planner, file_site.employees())
    wanted: list[Collection[str] | None] = []
    read_punches = Site.punches_between
    monkeypatch.setattr(Site, "punches_between", read)
    table = carried_report(file_site, "2026-04", planner, [file_site.employee("2")])
    assert (table.rows, wanted) == (tuple(row for row in everyone.rows if row[0] == "2"), [["2"], ["2"]])
    assert ("Worked", "minutes", 240) in [row[-3:] for row in table.rows]
    assert carried_report(file_site, "2026-04", planner, []).rows == ()
    assert len(wanted) == 2
