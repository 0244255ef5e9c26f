"""The pages of attendance about many employees: a day, who is in, and the matrix of a month."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from visavis.attendance.closings import find_closing, read_figures
from visavis.attendance.days.types import CODES
from visavis.attendance.employees import NUMBER_LENGTH
from visavis.attendance.kiosk.refused_days import list_refused
from visavis.attendance.reports.forms import to_text
from visavis.attendance.reports.tables import MONTH_TOTALS, PERSON, month_report
from visavis.attendance.reports.totals import thaw
from visavis.errors import AttendanceError
from visavis.gallery.check_text import NAME_LENGTH
from visavis.server.auth import ServicesOf
from visavis.server.pages.attendance_proposals import list_proposals
from visavis.server.pages.attendance_scope import open_scope
from visavis.server.pages.attendance_state import LOOK_AGAIN, STATE_HEADER, find_state
from visavis.server.pages.attendance_today import MARKS, list_departments, read_present, read_today
from visavis.server.pages.attendance_view import (
    cut_page,
    find_months,
    find_neighbors,
    list_sections,
    pick_day,
    pick_month,
    share,
)
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import REFRESH_HEADER, AnyVisitor
from visavis.server.resources.people_page import PageNumber
from visavis.server.roles import ATTENDANCE, ENROLL, MANAGE, READ
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)

Department = Annotated[str, Query(max_length=NAME_LENGTH)]
Text = Annotated[str, Query(max_length=NUMBER_LENGTH)]
REFUSED = "refused"
"""What is shown of a day in place of employees: attempts that the doors refused."""
ROWS, PEOPLE = 50, 20
"""Employees on a page of a day, and of a month."""


@router.get("/attendance")
def show_today(
    request: Request,
    services: ServicesOf,
    visitor: AnyVisitor,
    day: Text = "",
    department: Department = "",
    show: Text = "",
    page: PageNumber = 1,
) -> Response:
    """Show who is in, late, missing, without a punch and undecided on a day; lead employees to their own page."""
    scope = open_scope(services, visitor)
    sections = list_sections(scope)
    if "today" not in sections and "own" in sections:
        return RedirectResponse(sections["own"], 303)
    people, asked, state = scope.select(department), pick_day(scope, day), find_state(scope)
    if request.headers.get(STATE_HEADER) == state:
        return Response(status_code=204)
    today = read_today(scope, department, asked)
    before, after = find_neighbors(today.day)
    mark = show if show in MARKS else ""
    rows = cut_page(today.select(mark), page, ROWS)
    scope.log(f"page day {today.day}", people, again_after=LOOK_AGAIN if REFRESH_HEADER in request.headers else None)
    is_whole = visitor.may(ATTENDANCE)
    return show_page(
        request,
        "attendance",
        module="attendance_today.js",
        texts=("attendance_today",),
        today=today,
        rows=rows,
        proposals=list_proposals(scope, rows.items, today.day),
        refused=list_refused(scope.site, today.day) if is_whole else None,
        may_settle=visitor.may(MANAGE) and is_whole,
        may_enroll=visitor.may(ENROLL),
        has_cameras=visitor.may(READ) and bool(services.camera_names),
        state=state,
        shows_refused=is_whole and show == REFUSED,
        mark=REFUSED if is_whole and show == REFUSED else mark,
        address_day="" if today.is_today else today.day,
        before=before,
        after=after,
        **share(scope, people, department=department),
    )


@router.get("/attendance/present")
def show_present(request: Request, services: ServicesOf, visitor: AnyVisitor, department: Department = "") -> Response:
    """Show who is in now, to be printed and read aloud after an evacuation."""
    scope = open_scope(services, visitor)
    people = scope.select(department)
    now = scope.now
    present = read_present(scope, people, now)
    answer = show_page(
        request,
        "attendance_present",
        module="print_page.js",
        at=now,
        present=list(list_departments(present)),
        count=len(present),
        has_rules=scope.view.entrances(now) is not None,
        perhaps=sum(each.state == "perhaps" for each in present),
        **share(scope, people, department=department),
    )
    with suppress(AttendanceError):  # the list is needed while the database cannot be written, too
        scope.log("page who is in", people)
    return answer


@router.get("/attendance/month")
def show_month(
    request: Request,
    services: ServicesOf,
    visitor: AnyVisitor,
    month: Text = "",
    department: Department = "",
    page: PageNumber = 1,
) -> Response:
    """Show a code for each day of a month, and totals, of a number of employees at a time."""
    scope = open_scope(services, visitor)
    first, last = pick_month(scope, month)
    people = cut_page(scope.select(department), page, PEOPLE)
    named = f"{first:%Y-%m}"
    with scope.site.database.read() as conn:
        closing, figures = find_closing(conn, named), read_figures(conn, named)
    entries = [entry for _, entry in scope.read(people.items, first, last)]
    table = month_report(entries, scope.planner.rules, thaw(figures))
    lines = []
    for row, entry in zip(table.rows, entries, strict=True):
        codes, totals = row[len(PERSON) : -len(MONTH_TOTALS)], row[-len(MONTH_TOTALS) :]
        cells = [
            to_text(value, column.kind) for value, column in zip(totals, table.columns[-len(totals) :], strict=True)
        ]
        lines.append((*row[: len(PERSON)], codes, [day.status for day in entry.days], cells))
    before, after = find_months(first)
    scope.log(f"page month {named}", people.items)
    return show_page(
        request,
        "attendance_month",
        module="local_values.js",
        table=table,
        lines=lines,
        people=people,
        dates=[first + timedelta(number) for number in range((last - first).days + 1)],
        totals=table.columns[-len(MONTH_TOTALS) :],
        codes_of=CODES | {"leave": "L"},
        first=first,
        month=named,
        before=before,
        after=after,
        is_closed=closing is not None and closing.state == "closed",
        **share(scope, people.items, department=department),
    )
