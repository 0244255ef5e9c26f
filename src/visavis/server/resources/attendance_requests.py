"""Requests of employees for corrections and leave: asked for, decided by the managers of departments, withdrawn."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

from visavis.attendance.employees import NUMBER_LENGTH
from visavis.attendance.local_time import read_day, read_time
from visavis.attendance.requests import find_request, read_requests, withdraw_request
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, LeavePart, RequestKind, StaffRequest
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery.check_text import NAME_LENGTH, TEXT_LENGTH
from visavis.images import shown
from visavis.server.problems import ProblemError, responses
from visavis.server.resources import V1
from visavis.server.resources.site_options import Asked, Decided, VisibleSite
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.site_view import SiteView

router = Router(prefix=f"{V1}/attendance/requests", tags=["attendance"])
RequestId = Annotated[str, Path(max_length=40)]
FIELDS: dict[RequestKind, tuple[set[str], set[str]]] = {
    "punch": ({"at"}, {"direction"}),
    "correction": ({"punch_id"}, {"at", "direction"}),
    "void": ({"punch_id"}, set()),
    "leave": ({"leave", "first"}, {"last", "part"}),
}
"""Fields that each kind of request needs, and those that it may have."""


class AttendanceRequest(BaseModel, extra="forbid"):
    """What an employee asks for; without ``employee``, that of the key.

    The kind "punch" takes ``at`` and perhaps ``direction`` of a missing punch; "correction" takes ``punch_id`` and the
    right ``at`` or ``direction``; "void" takes ``punch_id``; "leave" takes ``leave`` (such as vacation), ``first``, and
    perhaps ``last`` and ``part``. A time without an offset is that of the site.
    """

    kind: RequestKind
    reason: str = Field(min_length=1, max_length=TEXT_LENGTH)
    employee: str | None = Field(None, min_length=1, max_length=NUMBER_LENGTH)
    at: str | None = Field(None, max_length=100)
    direction: Direction | None = None
    punch_id: str | None = Field(None, min_length=1, max_length=200)
    leave: str | None = Field(None, min_length=1, max_length=NAME_LENGTH)
    first: str | None = Field(None, max_length=20)
    last: str | None = Field(None, max_length=20)
    part: LeavePart | None = None


class Decision(BaseModel, extra="forbid"):
    """Why a request is approved or declined."""

    reason: str = Field("", max_length=TEXT_LENGTH)


class RequestList(BaseModel):
    """Requests, the oldest first."""

    requests: list[model_of(StaffRequest)]  # type: ignore[valid-type]


@router.get("", response_model=RequestList, responses=responses(404))
def list_requests(
    view: VisibleSite,
    state: Annotated[Literal["pending", "all"], Query(description="Those that wait, or all.")] = "pending",
    employee: Annotated[str | None, Query(max_length=NUMBER_LENGTH, description="Only those of an employee.")] = None,
) -> dict[str, Any]:
    """List requests of the employees that the key may see."""
    if employee is not None:
        view.find_employee(employee)
    with view.site.database.read() as conn:
        rows = read_requests(conn, pending=state == "pending", employee=employee)
    listed = [request for request in rows if view.sees(request.employee)]
    view.log("requests", {request.employee for request in listed})
    return {"requests": [request.to_dict() for request in listed]}


@router.post("", response_model=model_of(StaffRequest), status_code=201, responses=responses(404))
def ask(view: Asked, order: AttendanceRequest) -> dict[str, Any]:
    """Ask for a correction or leave: an employee for the own record, an administrator for anyone's."""
    number = order.employee or view.require_employee()
    if view.employee is not None and number != view.employee.number:
        view.find_employee(number)
        raise ProblemError(403, "forbidden", "this key asks for its own employee alone.")
    view.find_employee(number)
    content = _make_content(view.site, number, order)
    return view.site.request(number, order.kind, content, reason=order.reason, actor=view.name).to_dict()


@router.post("/{request_id}/approve", response_model=model_of(StaffRequest), responses=responses(404))
def approve(view: Decided, request_id: RequestId, decision: Decision) -> dict[str, Any]:
    """Approve a request of a department that the employee of the key manages; it is done at once."""
    return _decide(view, request_id, decision, is_approved=True)


@router.post("/{request_id}/decline", response_model=model_of(StaffRequest), responses=responses(404))
def decline(view: Decided, request_id: RequestId, decision: Decision) -> dict[str, Any]:
    """Decline a request of a department that the employee of the key manages."""
    return _decide(view, request_id, decision, is_approved=False)


@router.post("/{request_id}/withdraw", response_model=model_of(StaffRequest), responses=responses(404))
def withdraw(view: Asked, request_id: RequestId) -> dict[str, Any]:
    """Withdraw a request that waits: the employee who asked, or an administrator."""
    request = _find(view, request_id)
    if view.employee is not None and request.employee != view.employee.number:
        raise ProblemError(403, "forbidden", "employees withdraw their own requests; decline this one.")
    with view.site.ledger.write(actor=view.name) as writer:
        return withdraw_request(writer, request_id).to_dict()


def _decide(view: SiteView, request_id: str, decision: Decision, *, is_approved: bool) -> dict[str, Any]:
    _find(view, request_id)
    decided = view.site.decide(
        request_id, approve=is_approved, actor=view.name, manager=view.manager, reason=decision.reason
    )
    return decided.to_dict()


def _find(view: SiteView, request_id: str) -> StaffRequest:
    """Return a request; UnknownNameError, the same for one of an employee who may not be seen as for none."""
    try:
        with view.site.database.read() as conn:
            request = find_request(conn, request_id)
    except UnknownNameError:
        request = None
    if request is None or not view.sees(request.employee):
        raise UnknownNameError(f"there is no request {shown(request_id)}.")
    return request


def _make_content(site: Site, employee: str, order: AttendanceRequest) -> dict[str, Any]:
    """Return the content of a request; raises UsageError for fields that its kind lacks or does not have."""
    needed, optional = FIELDS[order.kind]
    every = {name for fields in FIELDS.values() for part in fields for name in part}
    given = {name for name in every if getattr(order, name) is not None}
    if not needed <= given <= needed | optional or (order.kind == "correction" and given == needed):
        names = [*sorted(needed), *(f"perhaps {name}" for name in sorted(optional))]
        raise UsageError(f"a request of the kind {order.kind} has the fields {', '.join(names)}.")
    if order.kind == "leave":
        first = read_day(str(order.first))
        last = first if order.last is None else read_day(order.last)
        return {
            "kind": order.leave, "first": first.isoformat(), "last": last.isoformat(), "part": order.part or "whole"
        }  # fmt: skip
    zone = site.zone if order.punch_id is None else _find_zone(site, employee, order.punch_id)
    at = None if order.at is None else read_time(order.at, zone).astimezone(UTC).isoformat()
    if order.kind == "punch":
        return {"at": at, "direction": order.direction or "unspecified"}
    return {"punch_id": order.punch_id, "at": at, "direction": order.direction}


def _find_zone(site: Site, employee: str, punch_id: str) -> str:
    """Return the zone of a punch of an employee; UnknownNameError, the same for a punch of another as for none."""
    records = site.ledger.history(punch_id=punch_id)
    newest = next((record.punch for record in reversed(records) if record.punch is not None), None)
    if newest is None or newest.employee != employee:
        raise UnknownNameError(f"there is no punch {shown(punch_id)} of the employee.")
    return newest.zone
