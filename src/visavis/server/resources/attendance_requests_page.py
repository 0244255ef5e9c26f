"""The pages on which requests are decided, and months are closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from visavis.attendance.closings import read_closings
from visavis.attendance.integrations.push import read_states
from visavis.attendance.local_time import read_zone
from visavis.attendance.requests import read_requests
from visavis.attendance.types import Employee, StaffRequest
from visavis.errors import UnknownNameError, UsageError
from visavis.server.auth import ServicesOf, forbid
from visavis.server.pages.attendance_scope import Scope, open_scope
from visavis.server.pages.attendance_view import cut_page, may_decide, share
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import AnyVisitor
from visavis.server.push_job import PUSH
from visavis.server.resources.people_page import PageNumber
from visavis.server.roles import APPROVE, ATTENDANCE
from visavis.server.routes import Router
from visavis.server.services import Services
from visavis.server.types import Job

router = Router(tags=["pages"], include_in_schema=False)

REQUESTS = 20
"""Requests on a page."""
MONTHS = 24
"""Months on the page of the payroll, the newest."""


@router.get("/attendance/requests")
def show_requests(
    request: Request, services: ServicesOf, visitor: AnyVisitor, page: PageNumber = 1, *, decided: bool = False
) -> Response:
    """Show the requests that the visitor decides: those that wait, or those that were decided, the newest first."""
    scope = open_scope(services, visitor)
    if not may_decide(scope):
        raise forbid(APPROVE)
    with scope.site.database.read() as conn:
        listed = read_requests(conn, pending=not decided, manager=scope.view.manager)
    if decided:
        listed = [each for each in listed if each.decided is not None][::-1]
    requests = cut_page(listed, page, REQUESTS)
    people = {employee.number: employee for employee in scope.people}
    scope.log("page requests", [people[each.employee] for each in requests.items if each.employee in people])
    return show_page(
        request,
        "attendance_requests",
        module="attendance.js" if decided else "attendance_requests.js",
        texts=("attendance_requests", "groups", "people"),
        requests=requests,
        items=describe_requests(scope, requests.items, people),
        is_decided=decided,
        **share(scope, scope.people),
    )


@router.get("/attendance/payroll")
def show_payroll(request: Request, services: ServicesOf, visitor: AnyVisitor) -> Response:
    """Show which months are closed, and forms that close a month, or open it again with a reason."""
    scope = open_scope(services, visitor)
    visitor.require(ATTENDANCE)
    with scope.site.database.read() as conn:
        closings = read_closings(conn)[::-1][:MONTHS]
    states = read_states(scope.site)
    people = {employee.number: employee for employee in scope.people}
    refused = {record.employee for state in states for record in state.refused}
    scope.log("page deliveries", [people[number] for number in refused if number in people])
    return show_page(
        request,
        "attendance_payroll",
        module="attendance_payroll.js",
        closings=closings,
        targets=[(state, _find_push(services, state.target)) for state in states],
        people=people,
        month=f"{scope.now.replace(day=1) - timedelta(1):%Y-%m}",
        **share(scope, scope.people),
    )


def _find_push(services: Services, target: str) -> Job | None:
    """Return the newest job that sends to a target; None where there is none."""
    return next((job for job in services.jobs.list(kinds=[PUSH]) if job.order["target"] == target), None)


def describe_requests(
    scope: Scope, requests: Sequence[StaffRequest], people: Mapping[str, Employee]
) -> list[dict[str, Any]]:
    """Return what the pages show of requests: the employee, the day that they are about, and what is asked for.

    Of a punch that is to change, ``before`` says what the ledger has now.
    """
    zone = read_zone(scope.zone)
    punches = {}
    for punch_id in {each.content["punch_id"] for each in requests if each.content.get("punch_id")}:
        with suppress(UnknownNameError, UsageError):  # it does not count any more
            punches[punch_id] = scope.site.ledger.punch(punch_id)
    items = []
    for each in requests:
        at, before = each.content.get("at"), punches.get(each.content.get("punch_id", ""))
        time = datetime.fromisoformat(at).astimezone(zone) if at else None
        moment = time or (None if before is None else before.at)
        items.append(
            {
                "request": each,
                "employee": people.get(each.employee),
                "at": time,
                "before": before,
                "day": each.content["first"] if each.kind == "leave" else None if moment is None else moment.date(),
            }
        )
    return items
