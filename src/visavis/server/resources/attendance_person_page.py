"""The pages of attendance about an employee: the days of a month, and a day with all that its figures come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Path, Request
from fastapi.responses import Response

from visavis.attendance.accesses import read_accesses
from visavis.attendance.closings import find_closing, read_figures
from visavis.attendance.days.many import EmployeeDays
from visavis.attendance.excuses import read_excuses
from visavis.attendance.ledger.ledger import read_void_punches
from visavis.attendance.local_time import begin_day, read_day
from visavis.attendance.reports.forms import to_text
from visavis.attendance.reports.tables import MONTH_TOTALS, month_report
from visavis.attendance.reports.totals import thaw
from visavis.attendance.requests import read_requests
from visavis.attendance.types import Access
from visavis.server.auth import ServicesOf
from visavis.server.pages.attendance_days import read_person_days
from visavis.server.pages.attendance_scope import open_scope
from visavis.server.pages.attendance_view import find_months, find_neighbors, pick_month, share
from visavis.server.pages.day_bar import classify_punches
from visavis.server.pages.day_reasons import explain_figures, explain_status
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import AnyVisitor
from visavis.server.resources.attendance_page import Text
from visavis.server.resources.attendance_requests_page import describe_requests
from visavis.server.resources.site_options import EmployeeNumber
from visavis.server.roles import APPROVE, ATTENDANCE, MANAGE
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)

REQUESTS = ACCESSES = 20
"""Newest requests of an employee on the own page, and who looked last at the attendance."""


@router.get("/attendance/people/{number}")
def show_person(
    request: Request, services: ServicesOf, visitor: AnyVisitor, number: EmployeeNumber, month: Text = ""
) -> Response:
    """Show the days of a month of an employee, with their bars and totals."""
    scope, number = open_scope(services, visitor), unquote(number)
    employee = scope.find(number)
    first, last = pick_month(scope, month)
    named = f"{first:%Y-%m}"
    person = read_person_days(scope, employee, first, last)
    with scope.site.database.read() as conn:
        closing, figures = find_closing(conn, named), read_figures(conn, named)
    days = [day for day in person.listed() if day.kind != "not_employed" or day.outside]
    table = month_report([EmployeeDays(employee, person.listed())], scope.planner.rules, thaw(figures))
    totals = list(zip(table.columns, table.rows[0], strict=True))[-len(MONTH_TOTALS) :]
    before, after = find_months(first)
    now = scope.now
    may_ask = visitor.employee == number
    with scope.site.database.read() as conn:
        requests = read_requests(conn, employee=number)[::-1][:REQUESTS] if may_ask else []
        looks = [*_list_looks(read_accesses(conn, employee=number), own=visitor.name)][:ACCESSES] if may_ask else []
    scope.log(f"page person {named}", [employee])
    return show_page(
        request,
        "attendance_person",
        module="attendance.js" if may_ask else "local_values.js",
        employee=employee,
        days=[(day, person.bar(day.day, now)) for day in days],
        totals=[(column, to_text(value, column.kind)) for column, value in totals],
        first=first,
        month=named,
        may_ask=may_ask,
        looks=looks,
        requests=describe_requests(scope, requests, {number: employee}),
        leave_kinds=list(scope.planner.rules.leave),
        may_download=visitor.may(ATTENDANCE) or visitor.may(APPROVE),
        before=before,
        after=after,
        is_closed=closing is not None and closing.state == "closed",
        **share(scope, [employee]),
    )


def _list_looks(accesses: Iterable[Access], *, own: str) -> Iterator[Access]:
    """Yield who looked at an employee, without the employee's own key: once for looks that follow each other."""
    before = None
    for each in accesses:
        if each.actor != own and (each.actor, each.action) != before:
            before = each.actor, each.action
            yield each


@router.get("/attendance/people/{number}/{day}")
def show_day(
    request: Request,
    services: ServicesOf,
    visitor: AnyVisitor,
    number: EmployeeNumber,
    day: Annotated[str, Path(max_length=20)],
) -> Response:
    """Show a day of an employee: its bar, its figures with their reasons, and its punches."""
    scope, number = open_scope(services, visitor), unquote(number)
    employee = scope.find(number)
    asked = read_day(day)
    person = read_person_days(scope, employee, asked, asked)
    (computed,) = person.listed()
    plan, now = person.plan(asked), scope.now
    bar = person.bar(asked, now)
    before, after = find_neighbors(asked)
    scope.log(f"page day {asked}", [employee])
    values: dict[str, Any] = {
        "next_bar": person.bar(after, now) if after is not None and bar.goes_on else None,
        "figures": explain_figures(computed, plan, person.punches),
        "status_reasons": explain_status(computed, plan),
        "before": before,
        "after": after,
        "month": f"{asked:%Y-%m}",
    }
    may_ask, may_correct = visitor.employee == number, visitor.may(ATTENDANCE) and visitor.may(MANAGE)
    with scope.site.database.read() as conn:
        midnight = [begin_day(each, scope.zone) for each in (asked, asked + timedelta(1))]
        values["voids"] = read_void_punches(conn, number, *midnight)
        values["excuse"] = read_excuses(conn, asked).get(number)
    own = {*classify_punches([computed])} | {mark.punch_id for mark in bar.marks}
    kinds = classify_punches(person.days.values())
    return show_page(
        request,
        "attendance_day",
        module="attendance.js" if may_ask or may_correct else "local_values.js",
        employee=employee,
        day=computed,
        bar=bar,
        punches=[(punch, kinds.get(punch.id, "open")) for punch in person.punches if punch.id in own],
        may_ask=may_ask,
        may_correct=may_correct,
        **values,
        **share(scope, [employee]),
    )
