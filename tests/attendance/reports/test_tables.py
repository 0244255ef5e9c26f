"""Reports of days computed by hand, and the same figures in every form."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import load_workbook

from attendance.days.clock import ANN, compute, leave, office, punches, rules
from visavis.attendance.days.many import EmployeeDays, Recorded, compute_many
from visavis.attendance.reports import forms
from visavis.attendance.reports.tables import REPORTS, TOTALS, day_report
from visavis.attendance.reports.totals import Totals, freeze
from visavis.attendance.reports.types import ReportTable
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.types import Employee
from visavis.errors import UsageError

BEN = Employee("8", "=Ben", "Stock")
RULES = rules(
    office("grace_late = 5", 'half_day_below = "4:00"', "window_after = 300"),
    version='[versions.overtime]\nmost_a_month = "3:00"\nworkday = { least = 15, factor = 1.5 }\noff = { factor = 2 }',
    assign='shifts = ["office"]\nweekly_off = ["saturday", "sunday"]\nholidays = ["de"]',
    more='[holidays.de]\n2026-03-06 = "Town day"',
)
WEEK = date(2026, 3, 2), date(2026, 3, 8)
LINE = "08:00 17:00 +1 08:20 +1 19:00 +2 08:00 +2 10:00 +3 08:00 +5 09:00 +5 11:00"


def week() -> list[EmployeeDays]:
    """Ann: Monday 8:00 to 17:00 (8:00); Tuesday 8:20 to 19:00 (10:40 - 1:00 = 9:40, late 0:20, overtime 1:40);
    Wednesday 8:00 to 10:00 (2:00, half a day, 7:00 early); Thursday one punch; Friday is a holiday; Saturday 9:00 to
    11:00 (2:00). Ben: leave until Wednesday, absent on Thursday.
    """
    away = replace(leave("vacation", last=date(2026, 3, 4)), employee="8")
    recorded = Recorded((ANN, BEN), tuple(punches(LINE)), (away,))
    return list(compute_many(recorded, Planner(RULES), *WEEK))


def test_the_month_has_a_code_for_each_day_and_totals() -> None:
    table = REPORTS["month"](week(), RULES, {})
    assert [column.title for column in table.columns[3:10]] == ["2", "3", "4", "5", "6", "7", "8"]
    ann, ben = (list(row) for row in table.rows)
    # present 1 + 1 + 0.5; worked 8:00 + 9:40 + 2:00 + 2:00 = 21:40; overtime 1:40 + 2:00
    assert ann == ["7", "Ann", "Sales", "P", "P", "HD", "?", "H", "WO", "WO", 2.5, 0, 0.5, 1, 1300, 0, 1, 20, 220]
    # credited 3 * 8:00
    assert ben == ["8", "=Ben", "Stock", "L", "L", "L", "A", "H", "WO", "WO", 0, 3, 1, 0, 0, 1440, 0, 0, 0]


def test_overtime_is_bounded_by_the_month_and_multiplied() -> None:
    """1:40 at 1.5 and 2:00 on a day off at 2 are 390 minutes; of 3:40 count 3:00: 390 * 180 / 220 = 319."""
    (row,) = REPORTS["overtime"](week(), RULES, {}).rows
    assert row == ("7", "Ann", "Sales", 100, 120, 0, 220, 180, 319)


def test_late_arrivals_notices_and_departments() -> None:
    people = week()
    (late,) = REPORTS["late"](people, RULES, {}).records()
    assert (late["employee"], str(late["day"]), late["shift"], late["late"]) == ("7", "2026-03-03", "office", 20)
    assert str(late["begins"]) == "2026-03-03 08:00:00+01:00"
    (notice,) = REPORTS["notices"](people, RULES, {}).records()
    assert (str(notice["day"]), notice["status"], notice["notes"]) == ("2026-03-05", "undecided", "missing_out")
    assert REPORTS["notices"](people, RULES, {}).legend == (
        "missing_out: An arrival has no departure: a punch is missing.",
    )
    sales, stock = REPORTS["departments"](people, RULES, {}).records()
    assert (sales["department"], sales["employees"], sales["worked"], sales["missing"]) == ("Sales", 1, 1300, 1)
    assert (stock["department"], stock["on_leave"], stock["absent"], stock["planned"]) == ("Stock", 3, 1, 1920)


def test_the_report_of_a_day() -> None:
    tuesday = [EmployeeDays(entry.employee, entry.days[1:2]) for entry in week()]
    ann, ben = day_report(tuesday, date(2026, 3, 3)).records()
    assert (ann["code"], ann["shift"], ann["worked"], ann["late"], ann["overtime"]) == ("P", "office", 580, 20, 100)
    assert (ben["code"], ben["arrival"], ben["credited"]) == ("L", None, 480)


def test_the_report_of_people_has_a_row_for_each_day() -> None:
    rows = REPORTS["person"](week(), RULES, {}).records()
    assert len(rows) == 14
    assert [row["worked"] for row in rows[:7]] == [480, 580, 120, 0, 0, 120, 0]


def test_each_total_has_a_column() -> None:
    assert set(TOTALS) == set(Totals.__dataclass_fields__)


def test_a_closed_month_keeps_its_totals_and_lists_what_changes_later() -> None:
    people = week()
    frozen = freeze(people, RULES)
    assert REPORTS["month"](people, RULES, frozen) == REPORTS["month"](people, RULES, {})
    assert REPORTS["changes"](people, RULES, frozen).rows == ()
    # Thursday's departure at 17:00 is added: 8:00 to 17:00 less 1:00 are 8:00, and the day is present
    corrected = Recorded((ANN,), tuple(punches(LINE.replace("+3 08:00", "+3 08:00 +3 17:00"))))
    later = list(compute_many(corrected, Planner(RULES), *WEEK))
    assert REPORTS["month"](later, RULES, frozen).rows[0][-9:] == REPORTS["month"](people, RULES, {}).rows[0][-9:]
    assert [row[3:] for row in REPORTS["changes"](later, RULES, frozen).rows] == [
        ("Present", "days", 2.5, 3.5, 1.0), ("Undecided", "days", 1, 0, -1), ("Missing punches", "days", 1, 0, -1),
        ("Worked", "minutes", 1300, 1780, 480),
    ]  # fmt: skip


def test_a_month_that_is_not_over_is_not_closed() -> None:
    pending = EmployeeDays(ANN, [compute("", RULES, now="10:00")])
    with pytest.raises(UsageError, match="2026-03-02 is not over: a month is closed after its last shift"):
        freeze([pending], RULES)
    assert freeze([EmployeeDays(ANN, [compute("", RULES, employee=replace(ANN, left=date(2026, 1, 1)))])], RULES) == {}


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)


def _parse(text: str, kind: str) -> object:
    """Read a value of CSV or of the page back."""
    if text == "":
        return None if kind != "text" else ""
    if kind == "minutes":
        return _minutes(text)
    return float(text) if kind == "number" else text


def _comparable(table: ReportTable) -> list[list[object]]:
    return [[value.isoformat() if isinstance(value, date) else value for value in row] for row in table.rows]


@pytest.mark.parametrize("kind", REPORTS)
def test_all_forms_have_the_same_figures(kind: str) -> None:
    table = REPORTS[kind](week(), RULES, {})
    expected = _comparable(table)
    kinds = [column.kind for column in table.columns]
    assert [list(record.values()) for record in json.loads(json.dumps(forms.to_records(table)))] == expected
    head, *rows = csv.reader(io.StringIO(forms.to_csv(table)))
    assert head == [column.key for column in table.columns]
    unescaped = [[cell.removeprefix("'") for cell in row] for row in rows]
    assert [[_parse(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in unescaped] == expected
    sheet = load_workbook(io.BytesIO(forms.to_xlsx(table))).active
    assert sheet is not None
    cells = list(sheet.iter_rows(min_row=2, max_row=1 + len(expected), values_only=True))
    assert [[_of_sheet(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in cells] == [
        [_short(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in expected
    ]
    page = re.findall(r"<tr>(<td.*?)</tr>", forms.to_page(table))
    texts = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in page]
    assert texts == list(forms.to_cells(table))
    read = [[_parse(text, kind) for text, kind in zip(row, kinds, strict=True)] for row in texts]
    assert [[value for value, kind in zip(row, kinds, strict=True) if kind != "time"] for row in read] == [
        [value for value, kind in zip(row, kinds, strict=True) if kind != "time"] for row in expected
    ]


def _of_sheet(value: object, kind: str) -> object:
    if kind == "minutes":
        if isinstance(value, time):
            return 60 * value.hour + value.minute
        return None if value is None else round(value.total_seconds() / 60) if isinstance(value, timedelta) else value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d") if kind == "date" else value.strftime("%Y-%m-%dT%H:%M:%S")
    return "" if value is None and kind == "text" else value


def _short(value: object, kind: str) -> object:
    """Return a time without its offset, which a sheet does not have."""
    return value[:19] if kind == "time" and isinstance(value, str) else value


def test_a_name_that_begins_like_a_formula_is_text_everywhere() -> None:
    table = REPORTS["month"](week(), RULES, {})
    assert "'=Ben" in forms.to_csv(table)
    sheet = load_workbook(io.BytesIO(forms.to_xlsx(table))).active
    assert sheet is not None
    assert (sheet["B3"].value, sheet["B3"].data_type) == ("=Ben", "s")


def test_durations_of_more_than_a_day_are_durations_in_the_sheet() -> None:
    table = REPORTS["departments"](week(), RULES, {})
    sheet = load_workbook(io.BytesIO(forms.to_xlsx(table))).active
    assert sheet is not None
    column = [key.key for key in table.columns].index("planned") + 1
    assert sheet.cell(3, column).value == timedelta(hours=32)
    assert sheet.cell(3, column).number_format == "[h]:mm"


def test_foreign_text_in_a_page_is_escaped() -> None:
    eve = Employee("9", "<b>Eve\x1b</b>", "Sales")
    table = REPORTS["month"]([EmployeeDays(eve, [compute("", RULES)])], RULES, {})
    page = forms.to_page(table, place="A & B")
    assert "&lt;b&gt;Eve\\x1b&lt;/b&gt;" in page
    assert "A &amp; B" in page
    assert "<b>" not in page
