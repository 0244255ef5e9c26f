"""The site of attendance: its departments and employees, who is in, the own record, and whether the ledger is whole."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import BackgroundTasks, Query
from pydantic import BaseModel

from visavis.attendance.closings import read_closings
from visavis.attendance.ledger.verify import LedgerFault
from visavis.attendance.local_time import MICROSECOND, read_time, read_zone
from visavis.attendance.presence import LOOK_BACK, Devices, find_present
from visavis.attendance.reports.presence import presence_report, read_devices
from visavis.attendance.rights import EmployeeExport, export_employee
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, LedgerRecord
from visavis.errors import VisavisError
from visavis.printable import make_printable
from visavis.server.auth import ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.site_options import (
    FILES,
    Administered,
    AnswerForm,
    EmployeeNumber,
    ReportAnswer,
    VisibleSite,
    answer_report,
    bounded,
)
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.site_view import SiteView
from visavis.server.types import SiteSummary

log = logging.getLogger("visavis.server")
router = Router(prefix=f"{V1}/attendance", tags=["attendance"])


class EmployeeList(BaseModel):
    """Employees in the order of their numbers, also those who left."""

    employees: list[model_of(Employee)]  # type: ignore[valid-type]


class History(BaseModel):
    """Records of the ledger, the oldest first."""

    records: list[model_of(LedgerRecord)]  # type: ignore[valid-type]


class LedgerVerification(BaseModel):
    """Whether the ledger of ``records`` records is whole, and what is wrong with it."""

    whole: bool
    records: int
    faults: list[model_of(LedgerFault)]  # type: ignore[valid-type]


@router.get("", response_model=model_of(SiteSummary), responses=responses(404))
def describe_site(view: VisibleSite) -> dict[str, Any]:
    """Describe the site, as far as the key may see it."""
    with view.site.database.read() as conn:
        months = read_closings(conn)
    if view.numbers is not None:  # the reason may name employees that the key does not see
        months = [replace(month, reason="") for month in months]
    departments = {employee.department for employee in view.employees() if employee.department}
    number = None if view.employee is None else view.employee.number
    return SiteSummary(
        view.site.settings.name, view.site.zone, tuple(sorted(departments)), tuple(months), number
    ).to_dict()


@router.get("/employees", response_model=EmployeeList, responses=responses(404))
def list_employees(view: VisibleSite) -> dict[str, Any]:
    """List the employees that the key may see."""
    employees = view.employees()
    view.log("employees", [employee.number for employee in employees], is_all=True)
    return {"employees": [employee.to_dict() for employee in employees]}


@router.get("/who-is-in", response_model=ReportAnswer, responses={**FILES, **responses(404)})
def list_present(
    view: VisibleSite,
    afterwards: BackgroundTasks,
    at: Annotated[str | None, Query(max_length=100, description="A time, such as 2026-11-30T07:42; else now.")] = None,
    form: AnswerForm = "json",
) -> Any:
    """List who is in, by department; "perhaps" where a punch may have been forgotten, or given twice.

    A time without an offset is that of the site.
    """
    site = view.site
    moment = datetime.now(UTC).astimezone(read_zone(site.zone)) if at is None else read_time(at, site.zone)
    numbers = None if view.numbers is None else sorted(view.numbers)
    punches = site.ledger.punches(moment - LOOK_BACK, moment + MICROSECOND, numbers)
    present = find_present(view.employees(), punches, moment, _find_devices(site, moment))
    table = presence_report(present, moment)
    # After the list is sent: it may be needed while the database cannot be written.
    afterwards.add_task(_log_presence, view, numbers or ())
    return answer_report(table, form, name="who-is-in", place=site.settings.name)


def _log_presence(view: SiteView, numbers: Collection[str]) -> None:
    try:
        view.log("who is in", numbers, is_all=True)
    except VisavisError as error:
        log.warning("a look at who is in is not logged: %s", make_printable(str(error)))


def _find_devices(site: Site, moment: datetime) -> Devices:
    """Return the entrances and exits of the rules; none where they cannot be read: the list must come."""
    try:
        return read_devices(site, moment)
    except VisavisError as error:
        log.warning("entrances and exits are not known: %s", make_printable(str(error)))
        return {}


@router.get("/me", response_model=model_of(EmployeeExport), responses=responses(404))
def read_own_record(services: ServicesOf, view: VisibleSite) -> dict[str, Any]:
    """Return all that is stored about the employee of the key, with the log of who looked at it."""
    number = view.require_employee()
    view.log("export of a person", [number])
    with bounded(services):
        return export_employee(view.site, number).to_dict()


@router.get("/employees/{number:path}/history", response_model=History, responses=responses(404))
def read_history(
    view: VisibleSite,
    number: EmployeeNumber,
    punch: Annotated[str | None, Query(max_length=200, description="Only the records of this punch.")] = None,
) -> dict[str, Any]:
    """Return the records of the ledger about an employee: what was written by which key, when and why."""
    view.find_employee(number)
    view.log("history", [number])
    return {"records": [record.to_dict() for record in view.site.ledger.history(employee=number, punch_id=punch)]}


@router.get("/verify", response_model=LedgerVerification, responses=responses(404))
def verify(services: ServicesOf, view: Administered) -> dict[str, Any]:
    """Find what other programs changed, removed or inserted in the database; needs an administrator's key."""
    with bounded(services):
        records, faults = view.site.ledger.newest(), view.site.verify()
    return {"whole": not faults, "records": records, "faults": [fault.to_dict() for fault in faults]}
