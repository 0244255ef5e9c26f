"""Roles: which rights a key has. A role is a row of this table; a request needs one right."""

from __future__ import annotations

from visavis.errors import UsageError

READ, ENROLL, MANAGE = "read", "enroll", "manage"
"""Rights: to ask about photos and people; to change people; to change the server, its keys and its galleries."""
OWN_ATTENDANCE, APPROVE, ATTENDANCE, PUNCH = "see own attendance", "approve requests", "see attendance", "punch"
"""Rights over the site of the server: see the own attendance and ask for corrections and leave; decide the requests of
the departments that one manages, and see their days; all reports and exports, and closing of months; record punches."""
OF_SITE = frozenset({OWN_ATTENDANCE, APPROVE, ATTENDANCE, PUNCH})
"""The rights over the site, which has the people of all galleries: a key of some galleries has none of them."""
KIOSK = "kiosk"
"""The role of a page at a door, whose session lasts."""

ROLES = {
    "read": frozenset({READ}),
    "enroll": frozenset({READ, ENROLL}),
    "admin": frozenset({READ, ENROLL, MANAGE, *OF_SITE}),
    "employee": frozenset({OWN_ATTENDANCE}),
    "manager": frozenset({OWN_ATTENDANCE, APPROVE}),
    "payroll": frozenset({ATTENDANCE}),
    KIOSK: frozenset({PUNCH}),
}
OF_EMPLOYEES = ("employee", "manager")
"""Roles whose keys belong to an employee."""


def check_role(role: str) -> str:
    """Return the role; raise UsageError where there is none of that name."""
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}: the roles are {', '.join(ROLES)}.")
    return role


def uses_galleries(role: str) -> bool:
    """Return whether a role has rights over galleries."""
    return not ROLES[role] <= OF_SITE
