"""The site of attendance as the one who asks may see it: all of it, the managed departments, or the own record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from visavis.attendance.accesses import read_recent
from visavis.attendance.local_time import read_zone
from visavis.attendance.presence import Devices
from visavis.attendance.reports.presence import read_devices
from visavis.attendance.rules.read import read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.site import Site
from visavis.attendance.types import Employee, Leave, Outage, Punch
from visavis.errors import AttendanceError, UnknownNameError, UsageError, VisavisError
from visavis.images import shown
from visavis.server.auth import forbid
from visavis.server.problems import ProblemError
from visavis.server.roles import APPROVE, ATTENDANCE, OWN_ATTENDANCE
from visavis.server.services import Services


class Viewer(Protocol):
    """Who asks: the principal of a request, or the visitor of a page."""

    @property
    def name(self) -> str:
        """The name of the key."""

    @property
    def rights(self) -> frozenset[str]:
        """The rights of the key."""

    @property
    def employee(self) -> str | None:
        """The number of the employee of the key."""


@dataclass(frozen=True, slots=True)
class SiteView:
    """The records of a site that a key may see, for reports and for requests about one employee.

    ``numbers`` are the employee numbers that may be seen; None: all. ``employee`` is that of the key,
    ``name`` that of the key.
    """

    site: Site
    name: str
    numbers: frozenset[str] | None = None
    employee: Employee | None = None

    @property
    def manager(self) -> str | None:
        """The number of the employee who decides requests by this key; None for an administrator of the site."""
        return None if self.numbers is None else self.require_employee()

    def require_employee(self) -> str:
        """Return the number of the employee of the key; raises ProblemError where there is none."""
        if self.employee is None:
            raise ProblemError(404, "no_employee", "this key belongs to no employee: name one.")
        return self.employee.number

    def sees(self, number: str) -> bool:
        """Return whether the key may see an employee."""
        return self.numbers is None or number in self.numbers

    def find_employee(self, number: str) -> Employee:
        """Return an employee; raises UnknownNameError, the same for one who may not be seen as for none."""
        if not self.sees(number):
            raise unknown_employee(number)
        try:
            return self.site.employee(number)
        except UnknownNameError as error:
            raise unknown_employee(number) from error

    def log(
        self,
        action: str,
        looked_at: Collection[str],
        *,
        is_all: bool = False,
        again_after: timedelta | None = None,
    ) -> None:
        """Log that the key looks at employees; ``is_all``: at all that it may see, which are these.

        A page that is open goes on to look: with ``again_after`` that is logged only where no such look at all of these
        was logged within that time.
        """
        is_whole = is_all and self.numbers is None
        if not is_whole and not looked_at:
            return
        numbers: Collection[str] = () if is_whole else looked_at
        if again_after is None or not self._has_logged(action, numbers, again_after):
            self.site.record_access(action, actor=self.name, employees=numbers)

    def _has_logged(self, action: str, numbers: Collection[str], within: timedelta) -> bool:
        with self.site.database.read() as conn:
            since = self.site.database.read_clock(conn) - within
            return set(numbers or ("",)) <= read_recent(conn, since, actor=self.name, action=action)

    # What reports are computed from: see visavis.attendance.reports.source.Records

    def employees(self) -> list[Employee]:
        """Return the employees that the key may see, by number."""
        return [employee for employee in self.site.employees() if self.sees(employee.number)]

    def punches_between(self, start: datetime, end: datetime, employees: Collection[str] | None = None) -> list[Punch]:
        """Return their punches from ``start`` to before ``end``."""
        return self.site.punches_between(start, end, self._limit(employees))

    def leaves(
        self, first: date | None = None, last: date | None = None, employees: Collection[str] | None = None
    ) -> list[Leave]:
        """Return their leave."""
        return self.site.leaves(first, last, self._limit(employees))

    def outages(self, first: date | None = None, last: date | None = None) -> list[Outage]:
        """Return the times in which devices failed."""
        return self.site.outages(first, last)

    def erased_before(self) -> datetime | None:
        """Return the time before which punches were erased."""
        return self.site.erased_before()

    def entrances(self, at: datetime) -> Devices | None:
        """Return the devices that the rules of a time call entrances and exits, with their directions.

        None where the rules cannot be read: who is in has to be listed all the same.
        """
        try:
            return read_devices(self.site, at)
        except VisavisError:
            return None

    def read_planner(self) -> Planner:
        """Return what the rules of the site plan; AttendanceError for rules that are wrong."""
        try:
            return Planner(read_rules(self.site.rules_path, zone=self.site.zone))
        except UsageError as error:  # names the path
            raise AttendanceError(f"the rules of the site cannot be used: {error}") from error

    def _limit(self, employees: Collection[str] | None) -> Collection[str] | None:
        if self.numbers is None:
            return employees
        return self.numbers if employees is None else self.numbers.intersection(employees)


def require_site(services: Services) -> Site:
    """Return the site of the server; raises ProblemError where it has none."""
    site = services.attendance_site
    if site is None:
        raise ProblemError(
            404,
            "no_attendance",
            "this server has no site of attendance: write attendance_site in [server] of its configuration.",
        )
    return site


def open_view(services: Services, viewer: Viewer) -> SiteView:
    """Return what a key may see of the site.

    Raises ProblemError without a site, without a right to see anything, and for the key of an employee who is not
    employed any more: the last day is over, or the employee was erased, also where the number was given again.
    """
    if not viewer.rights & {OWN_ATTENDANCE, ATTENDANCE}:
        raise forbid(OWN_ATTENDANCE)
    site = require_site(services)
    if ATTENDANCE in viewer.rights:
        return SiteView(site, viewer.name)
    employee = _find_owner(services, site, viewer.name)
    numbers = {employee.number}
    if APPROVE in viewer.rights:
        numbers |= {each.number for each in site.employees() if each.department and each.department in employee.manages}
    return SiteView(site, viewer.name, frozenset(numbers), employee)


def _find_owner(services: Services, site: Site, key: str) -> Employee:
    """Return the employee of a key; raises ProblemError for one who is not employed any more."""
    owner = services.keys.find_owner(key)
    try:
        employee = None if owner is None else site.employee(owner.employee)
    except UnknownNameError:
        employee = None
    if (
        owner is None
        or employee is None
        or site.ledger.oldest(employee.number) != owner.first_record
        or _has_left(employee, site.zone)
    ):
        raise ProblemError(403, "not_employed", "the employee of this key is not employed any more.")
    return employee


def _has_left(employee: Employee, zone: str) -> bool:
    return employee.left is not None and employee.left < datetime.now(UTC).astimezone(read_zone(zone)).date()


def unknown_employee(number: str) -> UnknownNameError:
    """Return the error for an employee who does not exist, or may not be seen."""
    return UnknownNameError(f"there is no employee {shown(number)} at the site.")
