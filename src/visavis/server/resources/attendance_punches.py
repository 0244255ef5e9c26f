"""Punches of employees: recorded, corrected, made void, restored; and months that are closed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Path
from pydantic import BaseModel, Field

from visavis.attendance.closings import read_month, reopen_month
from visavis.attendance.employees import NUMBER_LENGTH
from visavis.attendance.local_time import read_time
from visavis.attendance.reports.closing import close_figures
from visavis.attendance.site import Site
from visavis.attendance.types import ClosedMonth, Direction, Punch
from visavis.errors import UsageError
from visavis.gallery.check_text import NAME_LENGTH, TEXT_LENGTH
from visavis.server.auth import Principal, ServicesOf, requires, with_annotations
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.site_options import Administered, MonthName, Whole, bounded
from visavis.server.roles import ATTENDANCE, PUNCH
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.site_view import require_site

router = Router(prefix=f"{V1}/attendance", tags=["attendance"])
PunchId = Annotated[str, Path(max_length=200, description="Id of a punch.")]


@with_annotations
def require_recorder(principal: Annotated[Principal, Depends(requires(PUNCH))]) -> Principal:
    """Return who may record the punches of all employees; raises ProblemError for others.

    A kiosk has requests of its own, which find out who stands before it.
    """
    principal.require(ATTENDANCE)
    return principal


Recorder = Annotated[Principal, Depends(require_recorder)]


class PunchOrder(BaseModel, extra="forbid"):
    """A punch of an employee, now unless ``at`` is given; a time without an offset is that of the site.

    ``method`` is how the employee was known, if not by an administrator. With ``id`` and ``at`` the same
    punch can be sent again: it is recorded once.
    """

    employee: str = Field(min_length=1, max_length=NUMBER_LENGTH)
    direction: Direction = "unspecified"
    at: str | None = Field(None, max_length=100)
    method: Literal["face", "pin", "badge"] | None = None
    device: str = Field("", max_length=NAME_LENGTH)
    id: str | None = Field(None, min_length=1, max_length=200)
    reason: str = Field("", max_length=TEXT_LENGTH)


class PunchCorrection(BaseModel, extra="forbid"):
    """What is right of a punch, and why."""

    reason: str = Field(min_length=1, max_length=TEXT_LENGTH)
    at: str | None = Field(None, max_length=100)
    direction: Direction | None = None
    employee: str | None = Field(None, min_length=1, max_length=NUMBER_LENGTH)


class Reason(BaseModel, extra="forbid"):
    """Why, for the ledger."""

    reason: str = Field(min_length=1, max_length=TEXT_LENGTH)


class ClosedAnswer(model_of(ClosedMonth)):  # type: ignore[misc]
    """A month that was closed: for how many ``employees``, and how many of their days could not be decided."""

    employees: int
    undecided: int


@router.post("/punches", response_model=model_of(Punch), status_code=201, responses=responses(404))
def record_punch(services: ServicesOf, principal: Recorder, order: PunchOrder) -> dict[str, Any]:
    """Record that an employee comes or goes; it is answered once it is on the disk. Needs an administrator's key."""
    site = require_site(services)
    at = None if order.at is None else read_time(order.at, site.zone)
    try:
        punch = _record(site, order, at, actor=principal.name)
    except UsageError:
        sent = None if at is not None or order.id is None else _find_time(site, order.id)
        if sent is None:
            raise
        punch = _record(site, order, sent, actor=principal.name)  # sent again: of the time of the first
    return punch.to_dict()


def _record(site: Site, order: PunchOrder, at: datetime | None, *, actor: str) -> Punch:
    return site.punch(
        order.employee,
        actor=actor,
        direction=order.direction,
        at=at,
        device=order.device,
        method=order.method or "administrator",
        reason=order.reason,
        punch_id=order.id,
    )


def _find_time(site: Site, punch_id: str) -> datetime | None:
    """Return the time with which a punch was first recorded; None where there is none."""
    records = site.ledger.history(punch_id=punch_id)
    return next((each.punch.at for each in records if each.kind == "punch" and each.punch is not None), None)


@router.post("/punches/{punch_id:path}/correct", response_model=model_of(Punch), responses=responses(404))
def correct_punch(view: Administered, punch_id: PunchId, order: PunchCorrection) -> dict[str, Any]:
    """Correct a punch by a record that is added; needs an administrator's key."""
    ledger = view.site.ledger
    at = None if order.at is None else read_time(order.at, ledger.punch(punch_id).zone)
    return ledger.correct(
        punch_id, reason=order.reason, actor=view.name, at=at, direction=order.direction, employee=order.employee
    ).to_dict()


@router.post("/punches/{punch_id:path}/void", response_model=model_of(Punch), responses=responses(404))
def void_punch(view: Administered, punch_id: PunchId, order: Reason) -> dict[str, Any]:
    """Let a punch not count; needs an administrator's key. What it was is the answer."""
    return view.site.ledger.void(punch_id, reason=order.reason, actor=view.name).to_dict()


@router.post("/punches/{punch_id:path}/restore", response_model=model_of(Punch), responses=responses(404))
def restore_punch(view: Administered, punch_id: PunchId, order: Reason) -> dict[str, Any]:
    """Let a void punch count again; needs an administrator's key."""
    return view.site.ledger.restore(punch_id, reason=order.reason, actor=view.name).to_dict()


@router.post("/months/{month}/close", response_model=ClosedAnswer, responses=responses(404))
def close(services: ServicesOf, view: Whole, month: MonthName) -> dict[str, Any]:
    """Freeze the figures of a month that is over; later corrections go to the next month."""
    read_month(month)
    view.read_planner()  # wrong rules are no fault of the request
    with bounded(services):
        closing, totals = close_figures(view.site, month.strip(), actor=view.name)
    undecided = sum(values.undecided for values in totals.values())
    return {**closing.to_dict(), "employees": len(totals), "undecided": undecided}


@router.post("/months/{month}/reopen", response_model=model_of(ClosedMonth), responses=responses(404))
def reopen(view: Whole, month: MonthName, order: Reason) -> dict[str, Any]:
    """Open a closed month again: its frozen figures are removed."""
    read_month(month)
    with view.site.ledger.write(actor=view.name) as writer:
        return reopen_month(writer, month.strip(), reason=order.reason).to_dict()
