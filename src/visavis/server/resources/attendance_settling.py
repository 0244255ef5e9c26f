"""What a person settles on the day: faces that doors did not recognize, and late arrivals that are accepted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from visavis.attendance.excuses import excuse_late
from visavis.attendance.kiosk.refused_days import RefusedDay, list_refused, settle_refused
from visavis.attendance.local_time import read_day, read_time, read_zone
from visavis.attendance.reports.source import compute_site_days
from visavis.attendance.types import Excuse
from visavis.gallery.check_text import NAME_LENGTH, TEXT_LENGTH
from visavis.server.problems import ProblemError, responses
from visavis.server.resources import V1
from visavis.server.resources.site_options import Administered, Decided, EmployeeNumber, Whole
from visavis.server.routes import Router
from visavis.server.schema import model_of

router = Router(prefix=f"{V1}/attendance", tags=["attendance"])


class RefusedList(BaseModel):
    """What each device refused on a day."""

    devices: list[model_of(RefusedDay)]  # type: ignore[valid-type]


class Settlement(BaseModel, extra="forbid"):
    """A device, a day, and the time up to which its refused attempts are settled: that of the newest that was shown."""

    device: str = Field(min_length=1, max_length=NAME_LENGTH)
    day: str = Field(max_length=20)
    until: str = Field(max_length=100)


class ExcuseReason(BaseModel, extra="forbid"):
    """Why a late arrival is accepted."""

    reason: str = Field(min_length=1, max_length=TEXT_LENGTH)


@router.get("/refused", response_model=RefusedList, responses=responses(404))
def list_refused_attempts(
    view: Whole, day: Annotated[str | None, Query(max_length=20, description="A day; else today.")] = None
) -> dict[str, Any]:
    """Count what each device refused on a day: unknown faces, attacks and the like, without names or pictures."""
    asked = datetime.now(read_zone(view.site.zone)).date() if day is None else read_day(day)
    return {"devices": [each.to_dict() for each in list_refused(view.site, asked)]}


@router.post("/refused/settle", response_model=model_of(RefusedDay), responses=responses(404))
def settle(view: Administered, order: Settlement) -> dict[str, Any]:
    """Settle the refused attempts of a device and a day: they were visitors. Needs an administrator's key."""
    until = read_time(order.until, view.site.zone)
    return settle_refused(view.site, read_day(order.day), order.device, until=until, actor=view.name).to_dict()


@router.post("/employees/{number:path}/days/{day}/excuse", response_model=model_of(Excuse), responses=responses(404))
def excuse(
    view: Decided, number: EmployeeNumber, day: Annotated[str, Path(max_length=20)], order: ExcuseReason
) -> dict[str, Any]:
    """Accept that an employee came late on a day: a manager of the department, or an administrator.

    The figures of the day stay as they are.
    """
    view.find_employee(number)
    if view.employee is not None and number == view.employee.number:
        raise ProblemError(403, "forbidden", "nothing is decided about oneself: ask another manager.")
    asked = read_day(day)
    (entry,) = compute_site_days(view, view.read_planner(), asked, asked, employees=[number], departments=())
    with view.site.ledger.write(actor=view.name) as writer:
        return excuse_late(writer, number, asked, minutes=entry.days[0].late, reason=order.reason).to_dict()
