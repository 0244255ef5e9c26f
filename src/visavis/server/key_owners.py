"""Employees that keys are for: those of the site of attendance."""

from __future__ import annotations

from visavis.attendance.site import Site
from visavis.errors import UsageError
from visavis.server.state.keys import check_reach
from visavis.server.types import KeyOwner


def find_owner(site: Site | None, role: str, employee: str | None) -> KeyOwner | None:
    """Return the owner of a key that is to be made; None for a role whose keys belong to no employee.

    Raises UsageError where the role needs an employee, or has none, and without a site; UnknownNameError for a number
    that no employee of the site has.
    """
    check_reach(role, None, employee)
    if employee is None:
        return None
    if site is None:
        raise UsageError(
            f"a key of the role {role} belongs to an employee of the site: write attendance_site in [server] of the "
            "server's configuration."
        )
    site.employee(employee)
    return KeyOwner(employee, site.ledger.oldest(employee))
