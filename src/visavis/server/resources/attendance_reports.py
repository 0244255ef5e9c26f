"""Reports of attendance, and days of an employee: the figures of the commands, for what the key may see."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel

from visavis.attendance.closings import read_figures
from visavis.attendance.days.explain import explain
from visavis.attendance.days.many import EmployeeDays
from visavis.attendance.days.types import Day
from visavis.attendance.local_time import read_day
from visavis.attendance.reports.carried import carried_report, explain_carried
from visavis.attendance.reports.source import compute_site_days
from visavis.attendance.reports.tables import REPORTS, Frozen, day_report
from visavis.attendance.reports.totals import thaw
from visavis.attendance.reports.types import ReportTable
from visavis.attendance.rules.schedule import Planner
from visavis.errors import UsageError
from visavis.server.auth import ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.site_options import (
    FILES,
    AnswerForm,
    Departments,
    EmployeeNumber,
    Employees,
    Period,
    PeriodOf,
    ReportAnswer,
    VisibleSite,
    answer_report,
    bounded,
)
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.site_view import SiteView

router = Router(prefix=f"{V1}/attendance", tags=["attendance"])
ReportKind = Annotated[
    Literal["day", "month", "person", "late", "overtime", "departments", "notices", "changes", "carried"],
    Path(description="What the report shows."),
]
OF_MONTHS = ("changes", "carried")
"""Reports about closed months."""
Why = Annotated[bool, Query(description="Say where each figure comes from: punches and rules.")]


class DayAnswer(model_of(Day)):  # type: ignore[misc]
    """A day of an employee; ``why`` are lines that say where each figure comes from, null unless they are asked for."""

    why: list[str] | None = None


class DayList(BaseModel):
    """Days of an employee, in their order."""

    days: list[DayAnswer]


@router.get("/reports/{kind}", response_model=ReportAnswer, responses={**FILES, **responses(404)})
def make_report(
    services: ServicesOf,
    view: VisibleSite,
    period: PeriodOf,
    kind: ReportKind,
    employee: Employees = None,
    department: Departments = None,
    form: AnswerForm = "json",
) -> Any:
    """Make a report of a month, or of at most 31 days; the kind "day" of a day, "changes" and "carried" of a month.

    The totals of a closed month are the frozen ones; those of other periods are computed.
    """
    with bounded(services):
        table = _make_table(view, kind, period, employee or (), department or ())
        name = f"attendance-{kind}-{period.name.replace(' ', '-')}"
        return answer_report(table, form, name=name, place=view.site.settings.name)


@router.get("/employees/{number:path}/days", response_model=DayList, responses=responses(404))
def list_days(
    services: ServicesOf, view: VisibleSite, period: PeriodOf, number: EmployeeNumber, why: Why = False
) -> dict[str, Any]:
    """Return the days of an employee in a month, or in at most 31 days."""
    view.find_employee(number)
    with bounded(services):
        (entry,), _ = _compute(view, period, f"person {period.name}", [number])
    return {"days": [_describe(view, day, why=why) for day in entry.days]}


@router.get("/employees/{number:path}/days/{day}", response_model=DayAnswer, responses=responses(404))
def read_one_day(
    view: VisibleSite, number: EmployeeNumber, day: Annotated[str, Path(max_length=20)], why: Why = False
) -> dict[str, Any]:
    """Return a day of an employee."""
    view.find_employee(number)
    asked = read_day(day)
    (entry,), _ = _compute(view, Period(asked, asked, None), f"day {asked}", [number])
    return _describe(view, entry.days[0], why=why)


def _describe(view: SiteView, day: Day, *, why: bool) -> dict[str, Any]:
    lines = None
    if why:
        number = day.employee
        lines = [*explain(day), *explain_carried(view.site, day.day, [number]).get(number, ())]
    return {**day.to_dict(), "why": lines}


def _make_table(
    view: SiteView, kind: str, period: Period, employees: list[str] | tuple[()], departments: list[str] | tuple[()]
) -> ReportTable:
    if kind == "day":
        if period.first != period.last:
            raise UsageError("the report of a day takes day=2026-10-31.")
        people, _ = _compute(view, period, f"day {period.first}", employees, departments)
        return day_report(people, period.first)
    if kind in OF_MONTHS and period.month is None:
        raise UsageError(f"the report {kind} is of a month: give month=2026-10.")
    people, planner = _compute(view, period, f"report {kind} {period.name}", employees, departments)
    if kind == "carried":
        return carried_report(view.site, str(period.month), planner, [entry.employee for entry in people])
    return REPORTS[kind](people, planner.rules, _read_frozen(view, period.month))


def _compute(
    view: SiteView,
    period: Period,
    action: str,
    employees: list[str] | tuple[()] = (),
    departments: list[str] | tuple[()] = (),
) -> tuple[list[EmployeeDays], Planner]:
    """Return the days of employees that the key may see, and log that it looks at them."""
    planner = view.read_planner()
    people = compute_site_days(view, planner, period.first, period.last, employees=employees, departments=departments)
    looked_at = [entry.employee.number for entry in people]
    view.log(action, looked_at, is_all=not (employees or departments))
    return people, planner


def _read_frozen(view: SiteView, month: str | None) -> Frozen:
    if month is None:
        return {}
    with view.site.database.read() as conn:
        return thaw(read_figures(conn, month))
