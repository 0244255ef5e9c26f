"""Roles: which rights a key has. A role is a row of this table; a request needs one right."""

from __future__ import annotations

from visavis.errors import UsageError

READ, ENROLL, MANAGE = "read", "enroll", "manage"
"""Rights: to ask about photos and people; to change people; to change the server, its keys and its galleries."""

ROLES = {
    "read": frozenset({READ}),
    "enroll": frozenset({READ, ENROLL}),
    "admin": frozenset({READ, ENROLL, MANAGE}),
}


def check_role(role: str) -> str:
    """Return the role; raise UsageError where there is none of that name."""
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}: the roles are {', '.join(ROLES)}.")
    return role
