"""Who looks at a page: the session of a browser, or the user of this machine until a key is made."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from visavis.server.auth import identify_principal
from visavis.server.cookies import read_token
from visavis.server.problems import ProblemError
from visavis.server.services import Services


@dataclass(frozen=True, slots=True)
class Visitor:
    """The ``name`` of the key of the session, and the token that its changing requests carry.

    Without a token it is this machine's own user.
    """

    name: str
    csrf: str = ""

    @property
    def has_session(self) -> bool:
        """Whether the visitor has signed in."""
        return bool(self.csrf)


def find_visitor(request: Request, services: Services) -> Visitor | None:
    """Return who looks at a page; None where the browser has to sign in first."""
    try:
        principal = identify_principal(request, services)
    except ProblemError as error:
        if error.status == 401:
            return None
        raise
    token = read_token(request)
    session = None if token is None else services.sessions.find(token)
    return Visitor(principal.name, "" if session is None else session.csrf)
