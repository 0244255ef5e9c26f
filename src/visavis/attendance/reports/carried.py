"""What a month takes over from earlier ones, which were closed before it was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from visavis.attendance.closings import Carried, find_closed, read_carried, read_closings, read_month
from visavis.attendance.reports.closing import collect_carried
from visavis.attendance.reports.forms import to_text
from visavis.attendance.reports.tables import PERSON, TOTALS
from visavis.attendance.reports.types import ReportColumn, ReportTable
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.site import Site
from visavis.attendance.tables import LEAVES
from visavis.attendance.types import Employee, LedgerRecord

COLUMNS = (
    *PERSON, ReportColumn("month", "From month"), ReportColumn("first_day", "First day", "date"),
    ReportColumn("figure", "Figure"), ReportColumn("unit", "Unit"), ReportColumn("difference", "Difference", "number"),
)  # fmt: skip


def carried_report(site: Site, month: str, planner: Planner, employees: Iterable[Employee]) -> ReportTable:
    """Return what a closed month has taken over from earlier ones, or what it would if it were closed now."""
    with site.database.read() as conn:
        closings = {closing.month: closing for closing in read_closings(conn)}
        closed_with = read_carried(conn, month)
    is_closed = month in closings and closings[month].state == "closed"
    listed = {employee.number: employee for employee in employees}
    carried: Mapping[str, Carried] = closed_with
    if not is_closed:
        carried = collect_carried(site, month, planner, employees=listed.keys()) if listed else {}
    rows = []
    for employee in listed.values():
        for earlier, differences in sorted(carried.get(employee.number, {}).items()):
            after = closings[earlier].last_record if earlier in closings else 0
            first = _find_first_day(site, employee, read_month(earlier), after, planner.rules.zone)
            for name, difference in differences.items():
                unit = "minutes" if TOTALS[name].kind == "minutes" else "days"
                person = employee.number, employee.name, employee.department
                rows.append((*person, earlier, first, TOTALS[name].title, unit, difference))
    state = "Carried into" if is_closed else "To be carried into"
    legend = "First day: the first on which a punch or leave was recorded or changed after its month was closed."
    return ReportTable(f"{state} {month}", COLUMNS, tuple(rows), (legend,))


def explain_carried(site: Site, day: date, employees: Iterable[str]) -> dict[str, list[str]]:
    """Return by employee, where there is something, where changes of the closed month of a day were carried to."""
    month = f"{day:%Y-%m}"
    lines: dict[str, list[str]] = {}
    with site.database.read() as conn:
        if find_closed(conn, day) is None:
            return lines
        for closing in read_closings(conn):
            carried = read_carried(conn, closing.month)
            for number in employees:
                if differences := carried.get(number, {}).get(month):
                    lines.setdefault(number, []).append(
                        f"changes after {month} was closed, carried into {closing.month}: {_describe(differences)}"
                    )
    return lines


def _describe(differences: Mapping[str, float]) -> str:
    figures = []
    for name, difference in differences.items():
        text = to_text(difference, TOTALS[name].kind)
        figures.append(f"{TOTALS[name].title.lower()} {text if text.startswith('-') else f'+{text}'}")
    return ", ".join(figures)


def _find_first_day(
    site: Site, employee: Employee, bounds: tuple[date, date], after: int, zone: ZoneInfo
) -> date | None:
    """Return the first day of a month that records after a number are about; None where they were erased."""
    first, last = bounds
    later = site.ledger.history(employee=employee.number, after=after)
    touched = {record.punch.id for record in later if record.punch is not None}
    days = [
        record.punch.at.astimezone(zone).date()
        for punch_id in sorted(touched)
        for record in site.ledger.history(employee=employee.number, punch_id=punch_id)
        if record.punch is not None
    ]
    for record in later:
        if (leave := _read_leave(record)) is not None and leave[1] >= first:
            days.append(max(leave[0], first))
    return min((day for day in days if first <= day <= last), default=None)


def _read_leave(record: LedgerRecord) -> tuple[date, date] | None:
    """Return the first and the last day of leave that a record has added."""
    detail = record.detail or {}
    row = detail.get("row") if detail.get("table") == LEAVES.name else None
    return None if not row else (date.fromisoformat(row["first"]), date.fromisoformat(row["last"]))
