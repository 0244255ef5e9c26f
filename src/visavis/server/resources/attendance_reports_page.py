"""The page of the reports of attendance: the figures of the commands, by kind, month, department and employee."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from fastapi import Request
from fastapi.responses import Response

from visavis.attendance.closings import read_figures
from visavis.attendance.reports.carried import carried_report
from visavis.attendance.reports.forms import to_text
from visavis.attendance.reports.tables import REPORTS, TOTALS
from visavis.attendance.reports.totals import thaw
from visavis.attendance.reports.types import ColumnKind, ReportTable, ReportValue
from visavis.attendance.types import Employee
from visavis.server.auth import ServicesOf
from visavis.server.pages.attendance_scope import Scope, open_scope
from visavis.server.pages.attendance_view import PageOf, cut_page, find_months, pick_month, share
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import AnyVisitor
from visavis.server.resources.attendance_page import Department, Text
from visavis.server.resources.people_page import PageNumber
from visavis.server.resources.site_options import bounded
from visavis.server.routes import Router
from visavis.server.services import Services

router = Router(tags=["pages"], include_in_schema=False)

KINDS = ("late", "overtime", "departments", "notices", "changes", "carried", "person")
ROWS = 100
"""Rows of a report on a page."""


@router.get("/attendance/reports")
def show_reports(
    request: Request,
    services: ServicesOf,
    visitor: AnyVisitor,
    kind: Text = "",
    month: Text = "",
    department: Department = "",
    employee: Text = "",
    page: PageNumber = 1,
) -> Response:
    """Show what reports there are; a report of a month where one is chosen."""
    scope = open_scope(services, visitor)
    first, last = pick_month(scope, month)
    people = scope.select(department)
    if employee:
        people = tuple(each for each in people if each.number == employee)
    table = _make_table(services, scope, kind, people, (first, last)) if kind in KINDS else None
    rows: PageOf[tuple[ReportValue, ...]] = cut_page(() if table is None else table.rows, page, ROWS)
    before, after = find_months(first)
    return show_page(
        request,
        "attendance_reports",
        module="local_values.js",
        kinds=KINDS,
        kind=kind if kind in KINDS else "",
        columns=() if table is None else table.columns,
        rows=rows,
        lines=[] if table is None else [_make_cells(table, row) for row in rows.items],
        first=first,
        month=f"{first:%Y-%m}",
        before=before,
        after=after,
        employee_number=employee,
        figure_keys={column.title: key for key, column in TOTALS.items()},
        **share(scope, people, department=department),
    )


def _make_table(
    services: Services, scope: Scope, kind: str, people: Collection[Employee], period: tuple[date, date]
) -> ReportTable:
    month = f"{period[0]:%Y-%m}"
    with scope.site.database.read() as conn:
        figures = read_figures(conn, month)
    with bounded(services):
        if kind == "carried":
            table = carried_report(scope.site, month, scope.planner, people)
        else:
            entries = [entry for _, entry in scope.read(people, *period)]
            table = REPORTS[kind](entries, scope.planner.rules, thaw(figures))
    scope.log(f"page report {kind} {month}", people)
    return table


def _make_cells(table: ReportTable, row: tuple[ReportValue, ...]) -> list[tuple[str, ColumnKind, str]]:
    """Return for each value the key and the kind of its column, and its text."""
    return [
        (column.key, column.kind, to_text(value, column.kind)) for column, value in zip(table.columns, row, strict=True)
    ]
