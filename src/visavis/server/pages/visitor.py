"""Who looks at a page: the session of a browser, or the user of this machine until a key is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from visavis.server.auth import ServicesOf, forbid, identify_principal, with_annotations
from visavis.server.cookies import read_token
from visavis.server.problems import ProblemError
from visavis.server.roles import APPROVE, ATTENDANCE, OWN_ATTENDANCE, READ
from visavis.server.services import Services

REFRESH_HEADER = "x-refresh"
"""Marks requests that a page makes by itself."""
OF_ATTENDANCE = (OWN_ATTENDANCE, APPROVE, ATTENDANCE)
"""Rights to see attendance: the own, that of departments, or all."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The ``name`` of the key of the session, and the token that its changing requests carry.

    Without a token it is this machine's own user. ``rights``, ``galleries`` and ``employee`` are those of the key, as
    in :class:`visavis.server.auth.Principal`.
    """

    name: str
    csrf: str = ""
    rights: frozenset[str] = frozenset()
    galleries: tuple[str, ...] | None = None
    employee: str | None = None

    @property
    def has_session(self) -> bool:
        """Whether the visitor has signed in."""
        return bool(self.csrf)

    def may(self, right: str) -> bool:
        """Return whether the visitor has a right."""
        return right in self.rights

    def require(self, right: str) -> None:
        """Raise ProblemError without a right."""
        if right not in self.rights:
            raise forbid(right)

    def may_see_attendance(self, services: Services) -> bool:
        """Return whether the server has an attendance site, of which the visitor may see something."""
        return services.config.attendance_site is not None and not self.rights.isdisjoint(OF_ATTENDANCE)

    def list_galleries(self, services: Services) -> list[str]:
        """Return the names of the galleries that the visitor may use, in the order of the configuration."""
        return [name for name in services.config.galleries if self.galleries is None or name in self.galleries]


@with_annotations
def require_visitor(request: Request, services: ServicesOf) -> Visitor:
    """Return who looks at a page; raises ProblemError of status 401 where the browser has to sign in first.

    A page that takes its parts again by itself, without its user, keeps no session alive.
    """
    is_use = REFRESH_HEADER not in request.headers
    token = read_token(request)
    session = None if token is None else services.sessions.find(token, is_use=is_use)
    principal = identify_principal(request, services, is_use=is_use or session is None)
    csrf = "" if session is None else session.csrf
    return Visitor(principal.name, csrf, principal.rights, principal.galleries, principal.employee)


AnyVisitor = Annotated[Visitor, Depends(require_visitor)]
"""Who looks at a page, whatever the rights: the page itself says which it needs.

A browser without a session is led to the sign-in by :mod:`visavis.server.pages.errors`.
"""


@with_annotations
def require_reader(visitor: AnyVisitor) -> Visitor:
    """Return who looks at a page about photos or people; raises ProblemError without the right to ask about them."""
    visitor.require(READ)
    return visitor


PageVisitor = Annotated[Visitor, Depends(require_reader)]
"""Who looks at a page for keys that may ask about photos and people, as most pages are."""


def find_visitor(request: Request, services: Services) -> Visitor | None:
    """Return who looks at a page that is there without a session too; None where the browser has not signed in."""
    try:
        return require_visitor(request, services)
    except ProblemError as error:
        if error.status == 401:
            return None
        raise
