"""What all pages of attendance share: their sections, their filters, and values as readers want them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from visavis.attendance.closings import read_month
from visavis.attendance.days.explain import format_minutes
from visavis.attendance.local_time import CALENDAR, read_day
from visavis.attendance.types import Employee
from visavis.server.pages.attendance_scope import Scope
from visavis.server.roles import APPROVE, ATTENDANCE, MANAGE

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageOf(Generic[Item]):
    """A page of a list: its items, its number from 1 on, how many pages there are, and how many items in all."""

    items: Sequence[Item]
    number: int
    pages: int
    total: int


def cut_page(items: Sequence[Item], number: int, size: int) -> PageOf[Item]:
    """Return a page of a list; the last for a greater number."""
    pages = max(1, -(-len(items) // size))
    number = min(number, pages)
    return PageOf(items[(number - 1) * size : number * size], number, pages, len(items))


def list_sections(scope: Scope) -> dict[str, str]:
    """Return the pages of attendance that the visitor may see: their names in the catalogs, and addresses."""
    visitor, sections = scope.visitor, {}
    if visitor.may(ATTENDANCE) or visitor.may(APPROVE):
        sections = {
            "today": "/attendance",
            "present": "/attendance/present",
            "month": "/attendance/month",
            "reports": "/attendance/reports",
        }
    if may_decide(scope):
        sections["requests"] = "/attendance/requests"
    if visitor.may(ATTENDANCE):
        sections["payroll"] = "/attendance/payroll"
    if scope.view.employee is not None:
        sections["own"] = make_person_address(scope.view.employee.number)
    return sections


def may_decide(scope: Scope) -> bool:
    """Return whether the visitor decides requests: of the departments that the employee manages, or all."""
    return scope.visitor.may(MANAGE) or (scope.visitor.may(APPROVE) and scope.view.employee is not None)


def share(scope: Scope, people: Collection[Employee], *, department: str = "") -> dict[str, Any]:
    """Return the values that all templates of attendance use; ``people`` are the employees that the page shows."""
    return {
        "visitor": scope.visitor,
        "sections": list_sections(scope),
        "site_name": scope.site.settings.name,
        "zone": scope.zone,
        "departments": scope.departments,
        "department": department,
        "shown_people": len(people),
        "person_address": make_person_address,
        "day_address": make_day_address,
        "minutes": format_minutes,
        "query_of": _make_query,
    }


def make_person_address(number: str) -> str:
    """Return the address of the page of an employee; a number with a slash is still one part of it."""
    return f"/attendance/people/{quote(number.replace('%', '%25').replace('/', '%2F'), safe='')}"


def make_day_address(number: str, day: date) -> str:
    """Return the address of the page of a day of an employee."""
    return f"{make_person_address(number)}/{day}"


def pick_day(scope: Scope, text: str) -> date:
    """Return the day of an address, today where it is empty; UsageError for another text."""
    return read_day(text) if text else scope.now.date()


def pick_month(scope: Scope, text: str) -> tuple[date, date]:
    """Return the first and the last day of the month of an address, of this month where it is empty; UsageError."""
    return read_month(text or f"{scope.now:%Y-%m}")


def find_neighbors(day: date) -> tuple[date | None, date | None]:
    """Return the days before and after a day, None where the calendar ends."""
    before = day - timedelta(1) if day > CALENDAR[0] else None
    return before, day + timedelta(1) if day < CALENDAR[1] else None


def find_months(first: date) -> tuple[str, str]:
    """Return the months before and after that of its first day, as YYYY-MM."""
    return f"{first - timedelta(1):%Y-%m}", f"{first + timedelta(32):%Y-%m}"


def _make_query(values: Mapping[str, object]) -> str:
    """Return the query of an address; empty values are left out."""
    pairs = {name: value for name, value in values.items() if value not in ("", None, 1)}
    return f"?{urlencode(pairs)}" if pairs else ""
