"""The reports of a site: each makes a table of computed days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from visavis.attendance.days.explain import NOTES
from visavis.attendance.days.many import EmployeeDays
from visavis.attendance.days.types import Day
from visavis.attendance.reports.totals import MISSING, Totals, add_up_whole, find_differences, find_frozen
from visavis.attendance.reports.types import ReportColumn, ReportTable, ReportValue
from visavis.attendance.rules.types import Rules

PERSON = (
    ReportColumn("employee", "Number"),
    ReportColumn("name", "Name"),
    ReportColumn("department", "Department"),
)
DAY = (
    ReportColumn("status", "Status"),
    ReportColumn("code", "Code"),
    ReportColumn("shift", "Shift"),
    ReportColumn("arrival", "Arrival", "time"),
    ReportColumn("departure", "Departure", "time"),
    ReportColumn("planned", "Planned", "minutes"),
    ReportColumn("worked", "Worked", "minutes"),
    ReportColumn("credited", "Credited", "minutes"),
    ReportColumn("late", "Late", "minutes"),
    ReportColumn("early", "Left early", "minutes"),
    ReportColumn("overtime", "Overtime", "minutes"),
    ReportColumn("notes", "Notes"),
)
TOTALS: Mapping[str, ReportColumn] = {
    column.key: column
    for column in (
        ReportColumn("present", "Present", "number"),
        ReportColumn("on_leave", "Leave", "number"),
        ReportColumn("absent", "Absent", "number"),
        ReportColumn("undecided", "Undecided", "number"),
        ReportColumn("missing", "Missing punches", "number"),
        ReportColumn("planned", "Planned", "minutes"),
        ReportColumn("worked", "Worked", "minutes"),
        ReportColumn("credited", "Credited", "minutes"),
        ReportColumn("late_days", "Late days", "number"),
        ReportColumn("late", "Late", "minutes"),
        ReportColumn("early", "Left early", "minutes"),
        ReportColumn("overtime", "Overtime", "minutes"),
        ReportColumn("overtime_workday", "On workdays", "minutes"),
        ReportColumn("overtime_off", "On days off", "minutes"),
        ReportColumn("overtime_holiday", "On holidays", "minutes"),
        ReportColumn("overtime_counted", "Counted", "minutes"),
        ReportColumn("overtime_weighted", "With factors", "minutes"),
    )
}
MONTH_TOTALS = ("present", "on_leave", "absent", "undecided", "worked", "credited", "late_days", "late", "overtime")
OVERTIME = (
    "overtime_workday", "overtime_off", "overtime_holiday", "overtime", "overtime_counted", "overtime_weighted",
)  # fmt: skip
DEPARTMENT_TOTALS = (
    "present", "on_leave", "absent", "undecided", "missing", "planned", "worked", "credited", "late_days", "late",
    "overtime_counted",
)  # fmt: skip
Frozen = Mapping[str, Totals]
"""Totals of a closed month by employee number; empty for one that is not closed."""
CODES = "P present, HD half a day, A absent, WFH works elsewhere, L leave, H holiday, WO day off, ? undecided"
ERASED = "E erased: the site keeps the punches of this day no longer, so that neither it nor a total can be computed"


def day_report(people: Iterable[EmployeeDays], day: date) -> ReportTable:
    """Return the employees on a day; those who are not employed on it are left out."""
    rows = [(*_person(entry), *_day_values(entry.days[0])) for entry in people if entry.days[0].kind != "not_employed"]
    return ReportTable(f"Attendance on {day}", PERSON + DAY, tuple(rows), (CODES, *_legend(rows)))


def month_report(people: Iterable[EmployeeDays], rules: Rules, frozen: Frozen) -> ReportTable:
    """Return the matrix of a month: a code for each day, and totals."""
    listed = list(people)
    dates = [day.day for day in listed[0].days] if listed else []
    columns = [ReportColumn(day.isoformat(), str(day.day)) for day in dates]
    rows = [
        (
            *_person(entry),
            *(day.code for day in entry.days),
            *_total_values(_add_up(entry, rules, frozen), MONTH_TOTALS),
        )
        for entry in listed
    ]
    columns += [TOTALS[name] for name in MONTH_TOTALS]
    legend = (CODES, ERASED) if any(day.status == "erased" for entry in listed for day in entry.days) else (CODES,)
    return ReportTable(f"Attendance{_period(dates)}", (*PERSON, *columns), tuple(rows), legend)


def person_report(people: Iterable[EmployeeDays], _rules: Rules, _frozen: Frozen) -> ReportTable:
    """Return each day of each employee."""
    listed = list(people)
    columns = (*PERSON, ReportColumn("day", "Day", "date"), *DAY)
    rows = [
        (*_person(entry), day.day, *_day_values(day))
        for entry in listed
        for day in entry.days
        if day.kind != "not_employed" or day.outside
    ]
    return ReportTable(f"Days{_period_of(listed)}", columns, tuple(rows), (CODES, *_legend(rows)))


def late_report(people: Iterable[EmployeeDays], _rules: Rules, _frozen: Frozen) -> ReportTable:
    """Return the late arrivals, by day and employee; each names its shift and its punch."""
    listed = list(people)
    columns = (
        ReportColumn("day", "Day", "date"), *PERSON, ReportColumn("shift", "Shift"),
        ReportColumn("begins", "Begins", "time"), ReportColumn("late", "Late", "minutes"),
    )  # fmt: skip
    rows = [
        (day.day, *_person(entry), part.shift, part.start, part.late)
        for entry in listed
        for day in entry.days
        if day.late
        for part in day.parts
        if part.late
    ]
    rows.sort(key=lambda row: (str(row[0]), str(row[1])))
    return ReportTable(f"Late arrivals{_period_of(listed)}", columns, tuple(rows))


def overtime_report(people: Iterable[EmployeeDays], rules: Rules, frozen: Frozen) -> ReportTable:
    """Return the overtime of each employee by kind of day, with the maximum of the month and the factors."""
    listed = list(people)
    totals = [(entry, _add_up(entry, rules, frozen)) for entry in listed]
    rows = [
        (*_person(entry), *_total_values(total, OVERTIME)) for entry, total in totals if total is None or total.overtime
    ]
    columns = (*PERSON, *(TOTALS[name] for name in OVERTIME))
    legend = "Counted: at most the maximum of a month. With factors: multiplied as the rules say, in whole minutes."
    return ReportTable(f"Overtime{_period_of(listed)}", columns, tuple(rows), (legend,))


def department_report(people: Iterable[EmployeeDays], rules: Rules, frozen: Frozen) -> ReportTable:
    """Return the totals of each department, by name."""
    listed = list(people)
    grouped: dict[str, list[Totals | None]] = defaultdict(list)
    for entry in listed:
        grouped[entry.employee.department].append(_add_up(entry, rules, frozen))
    columns = (
        ReportColumn("department", "Department"), ReportColumn("employees", "Employees", "number"),
        *(TOTALS[name] for name in DEPARTMENT_TOTALS),
    )  # fmt: skip
    rows = [(name, len(totals), *_sum_totals(totals, DEPARTMENT_TOTALS)) for name, totals in sorted(grouped.items())]
    return ReportTable(f"Departments{_period_of(listed)}", columns, tuple(rows))


def notice_report(people: Iterable[EmployeeDays], _rules: Rules, _frozen: Frozen) -> ReportTable:
    """Return the days that are undecided, and those on which a punch is missing or belongs to no shift."""
    listed = list(people)
    columns = (ReportColumn("day", "Day", "date"), *PERSON, *DAY)
    rows = [
        (day.day, *_person(entry), *_day_values(day))
        for entry in listed
        for day in entry.days
        if day.status == "undecided" or day.outside or not MISSING.isdisjoint(day.notes)
    ]
    rows.sort(key=lambda row: (str(row[0]), str(row[1])))
    return ReportTable(f"Days to look at{_period_of(listed)}", columns, tuple(rows), _legend(rows))


def change_report(people: Iterable[EmployeeDays], rules: Rules, frozen: Frozen) -> ReportTable:
    """Return what differs in a closed month from its frozen figures: it belongs to the next month."""
    listed = list(people)
    columns = (
        *PERSON, ReportColumn("figure", "Figure"), ReportColumn("unit", "Unit"),
        ReportColumn("frozen", "Frozen", "number"), ReportColumn("now", "Now", "number"),
        ReportColumn("difference", "Difference", "number"),
    )  # fmt: skip
    rows = []
    for entry in listed:
        before, now = find_frozen(entry, frozen) if frozen else None, add_up_whole(entry.days, rules)
        for name, grown in find_differences(before, now).items() if before is not None and now is not None else ():
            column = TOTALS[name]
            unit = "minutes" if column.kind == "minutes" else "days"
            rows.append((*_person(entry), column.title, unit, getattr(before, name), getattr(now, name), grown))
    return ReportTable(f"Changes after closing{_period_of(listed)}", columns, tuple(rows))


MonthReport = Callable[[Iterable[EmployeeDays], Rules, Frozen], ReportTable]
REPORTS: Mapping[str, MonthReport] = {
    "month": month_report,
    "person": person_report,
    "late": late_report,
    "overtime": overtime_report,
    "departments": department_report,
    "notices": notice_report,
    "changes": change_report,
}
"""The reports of a month by name."""


def _person(entry: EmployeeDays) -> tuple[str, str, str]:
    return entry.employee.number, entry.employee.name, entry.employee.department


def _add_up(entry: EmployeeDays, rules: Rules, frozen: Frozen) -> Totals | None:
    """Return frozen totals, else those of the days; None where punches of a day were erased.

    Employees who were added after the month was closed have none in it: theirs are carried to the next one.
    """
    return frozen.get(entry.employee.number, Totals()) if frozen else add_up_whole(entry.days, rules)


def _day_values(day: Day) -> tuple[ReportValue, ...]:
    shifts = ", ".join(part.shift for part in day.parts if part.shift)
    figures = day.planned, day.worked, day.credited, day.late, day.early, day.overtime
    return day.status, day.code, shifts, day.arrival, day.departure, *figures, " ".join(day.notes)


def _total_values(totals: Totals | None, names: Sequence[str]) -> tuple[ReportValue, ...]:
    return tuple(None if totals is None else getattr(totals, name) for name in names)


def _sum_totals(totals: Sequence[Totals | None], names: Sequence[str]) -> tuple[ReportValue, ...]:
    """Return the sums; nothing where any of the totals cannot be computed."""
    computed = [total for total in totals if total is not None]
    if len(computed) < len(totals):
        return (None,) * len(names)
    return tuple(sum(getattr(total, name) for total in computed) for name in names)


def _legend(rows: Iterable[Sequence[ReportValue]]) -> tuple[str, ...]:
    """Return the meaning of each note that occurs in the last cell of a row."""
    noted = {note for row in rows for note in str(row[-1]).split()}
    return tuple(f"{note}: {meaning}" for note, meaning in NOTES.items() if note in noted)


def _period(dates: Sequence[date]) -> str:
    return f" from {dates[0]} to {dates[-1]}" if dates else ""


def _period_of(people: Sequence[EmployeeDays]) -> str:
    return _period([day.day for day in people[0].days]) if people else ""
