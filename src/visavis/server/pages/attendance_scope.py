"""The attendance site for pages: the employees that the visitor may see, and their days under the rules of the site."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from visavis.attendance.days.many import EmployeeDays, Recorded, compute_many
from visavis.attendance.local_time import read_zone
from visavis.attendance.reports.source import read_records
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.server.pages.visitor import Visitor
from visavis.server.services import Services
from visavis.server.site_view import SiteView, open_view, unknown_employee


@dataclass(frozen=True)
class Scope:
    """A site as a visitor sees it: ``people`` are the employees that the visitor may see, by number.

    ``now`` is the time at the place.
    """

    view: SiteView
    visitor: Visitor
    people: tuple[Employee, ...]
    now: datetime

    @cached_property
    def planner(self) -> Planner:
        """What the rules of the site plan; AttendanceError for rules that are wrong."""
        return self.view.read_planner()

    @property
    def site(self) -> Site:
        """The site itself."""
        return self.view.site

    @property
    def zone(self) -> str:
        """The IANA name of the time zone of the site."""
        return self.site.zone

    @property
    def departments(self) -> list[str]:
        """The names of the departments of these employees."""
        return sorted({employee.department for employee in self.people if employee.department})

    def select(self, department: str = "") -> tuple[Employee, ...]:
        """Return the employees of a department, all where its name is empty."""
        return tuple(each for each in self.people if not department or each.department == department)

    def find(self, number: str) -> Employee:
        """Return an employee; UnknownNameError for a number that is not there, or that the visitor may not see."""
        for employee in self.people:
            if employee.number == number:
                return employee
        raise unknown_employee(number)

    def read(self, people: Collection[Employee], first: date, last: date) -> Iterator[tuple[Recorded, EmployeeDays]]:
        """Yield the days of employees as of now, with what they are computed from."""
        if not people:  # of no employees: read_records would take it for all
            return
        numbers = frozenset(employee.number for employee in people)
        for recorded in read_records(self.view, [self.planner], first, last, employees=numbers, now=self.now):
            for entry in compute_many(recorded, self.planner, first, last):
                yield recorded, entry

    def log(self, action: str, people: Collection[Employee], *, again_after: timedelta | None = None) -> None:
        """Log that the visitor looks at these employees; with ``again_after`` unless that was logged so short ago."""
        numbers = [employee.number for employee in people]
        self.view.log(action, numbers, is_all=len(people) == len(self.people), again_after=again_after)


def open_scope(services: Services, visitor: Visitor) -> Scope:
    """Return what a visitor may see of the site; raises as :func:`visavis.server.site_view.open_view`."""
    view = open_view(services, visitor)
    return Scope(view, visitor, tuple(view.employees()), datetime.now(read_zone(view.site.zone)))
