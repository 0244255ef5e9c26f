"""What requests about attendance share: who may ask, the period, and the forms of a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from visavis.attendance.closings import read_month
from visavis.attendance.employees import NUMBER_LENGTH
from visavis.attendance.local_time import read_day
from visavis.attendance.reports import forms
from visavis.attendance.reports.types import ReportColumn, ReportTable
from visavis.errors import BusyError, UsageError
from visavis.server.auth import Principal, ServicesOf, requires, with_annotations
from visavis.server.pages.content_policy import make_report_headers
from visavis.server.roles import APPROVE, ATTENDANCE, MANAGE, OWN_ATTENDANCE
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.site_view import SiteView, open_view

MOST_DAYS = 31
"""Days of a report."""
ReportForm = Literal["json", "csv", "xlsx", "html"]
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report as JSON, or as a file.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
            MEDIA_TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
"""The answers of a report for OpenAPI, beside JSON."""

AnswerForm = Annotated[ReportForm, Query(alias="format", description="json, or a file: csv, xlsx, html.")]
Employees = Annotated[
    list[Annotated[str, Field(max_length=NUMBER_LENGTH)]] | None,
    Query(alias="employee", max_length=1000, description="Only these employees."),
]
Departments = Annotated[
    list[Annotated[str, Field(max_length=300)]] | None,
    Query(alias="department", max_length=1000, description="Only these departments."),
]
EmployeeNumber = Annotated[str, Path(max_length=NUMBER_LENGTH, description="Employee number.")]
MonthName = Annotated[str, Path(max_length=20, description="A month, such as 2026-10.")]
DayText = Annotated[str | None, Query(max_length=20, description="A day, such as 2026-10-31.")]


class ReportAnswer(BaseModel):
    """A report: the columns, a record for each row by the keys of the columns, and what codes mean.

    Minutes are whole numbers, times are in ISO 8601.
    """

    title: str
    columns: list[model_of(ReportColumn)]  # type: ignore[valid-type]
    rows: list[dict[str, Any]]
    legend: list[str]


@with_annotations
def see_site(
    services: ServicesOf, principal: Annotated[Principal, Depends(requires(OWN_ATTENDANCE, ATTENDANCE))]
) -> SiteView:
    """Return what the key may see of the site."""
    return open_view(services, principal)


def _see_site_with(right: str) -> Any:
    """Return the dependency of a request about the site that needs a right beside that to see it."""

    @with_annotations
    def check(request: Request, view: Annotated[SiteView, Depends(see_site)]) -> SiteView:
        principal: Principal = request.scope["principal"]
        principal.require(right)
        return view

    return Depends(check)


VisibleSite = Annotated[SiteView, Depends(see_site)]
"""The site as the key may see it: all, its departments, or the own record."""
Asked = Annotated[SiteView, _see_site_with(OWN_ATTENDANCE)]
"""The site for employees, who ask for corrections, and administrators."""
Decided = Annotated[SiteView, _see_site_with(APPROVE)]
"""The site for managers of departments, and administrators."""
Whole = Annotated[SiteView, _see_site_with(ATTENDANCE)]
"""The site for payroll and administrators, who see all of it."""
Administered = Annotated[SiteView, _see_site_with(MANAGE)]
"""The site for administrators."""


class Period(NamedTuple):
    """Days from ``first`` to ``last``; ``month`` is their month where they are all of one."""

    first: date
    last: date
    month: str | None

    @property
    def name(self) -> str:
        """The month, or the days."""
        if self.month is not None:
            return self.month
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


@with_annotations
def read_period(
    month: Annotated[str | None, Query(max_length=20, description="A month, such as 2026-10.")] = None,
    first: DayText = None,
    last: DayText = None,
    day: DayText = None,
) -> Period:
    """Return the days that a request is about; raises UsageError unless it has a month, a day, or first and last."""
    names = {
        name for name, text in (("month", month), ("first", first), ("last", last), ("day", day)) if text is not None
    }
    if month is not None and names == {"month"}:
        days = read_month(month)
    elif day is not None and names == {"day"}:
        days = (read_day(day), read_day(day))
    elif first is not None and last is not None and names == {"first", "last"}:
        days = (read_day(first), read_day(last))
    else:
        raise UsageError("give month=2026-10, or day=2026-10-31, or first= and last=.")
    if not timedelta(0) <= days[1] - days[0] < timedelta(MOST_DAYS):
        raise UsageError(f"a report is of 1 to {MOST_DAYS} days, got {days[0]} to {days[1]}.")
    name = f"{days[0]:%Y-%m}"
    return Period(*days, name if read_month(name) == days else None)


PeriodOf = Annotated[Period, Depends(read_period)]


@contextmanager
def bounded(services: Services) -> Iterator[None]:
    """Run a report among the few of a worker at a time: the memory of reports is bounded, others are not blocked."""
    if not services.reports.acquire(timeout=services.config.limits.seconds / 2):
        raise BusyError("other reports are being made: ask again.")
    try:
        yield
    finally:
        services.reports.release()


def answer_report(table: ReportTable, form: ReportForm, *, name: str, place: str) -> Any:
    """Return a report as JSON, or as a file whose name begins with ``name``."""
    if form == "json":
        columns = [column.to_dict() for column in table.columns]
        return {
            "title": table.title, "columns": columns, "rows": forms.to_records(table), "legend": list(table.legend)
        }  # fmt: skip
    data = forms.to_bytes(table, form, place=place)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    if form == "html":  # shown by the browser, in a sandbox
        headers = {**make_report_headers(data.decode()), "Content-Disposition": f'inline; filename="{name}.html"'}
    return Response(data, media_type=MEDIA_TYPES[form], headers=headers)
