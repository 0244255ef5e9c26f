"""Who asks, and what that may do: a key, the session of a page, or this machine's own user until a key is made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from visavis.server.config import DEFAULT_GALLERY, is_loopback
from visavis.server.cookies import CSRF_HEADER, SAFE_METHODS, check_changing, read_token
from visavis.server.problems import ProblemError
from visavis.server.roles import MANAGE, OF_SITE, ROLES
from visavis.server.services import Services
from visavis.server.types import ApiKey

Dependency = TypeVar("Dependency", bound=Callable[..., Any])
LOCAL = "local user"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers of a proxy: the request may then come from anywhere."""

BEARER = HTTPBearer(auto_error=False, description="A key of visavis keys create.")
HEADER = APIKeyHeader(name="x-api-key", auto_error=False, description="A key of visavis keys create.")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the ``name`` of the key, its rights, and the galleries it may use (None: all).

    ``employee`` is the number of the employee of the key.
    """

    name: str
    rights: frozenset[str]
    galleries: tuple[str, ...] | None = None
    employee: str | None = None

    def require(self, *rights: str) -> None:
        """Raise ProblemError without any of these rights."""
        if self.rights.isdisjoint(rights):
            raise forbid(rights[0])

    def may_use(self, gallery: str) -> bool:
        """Return whether this key is for the gallery."""
        return self.galleries is None or gallery in self.galleries

    def require_gallery(self, gallery: str) -> None:
        """Raise ProblemError for a gallery that this key may not use; the same as for one that does not exist."""
        if not self.may_use(gallery):
            raise ProblemError(404, "unknown_gallery", "there is no gallery of this name on this server.")

    def require_all_galleries(self) -> None:
        """Raise ProblemError for a key of some galleries: it would otherwise make itself a key of all."""
        if self.galleries is not None:
            raise ProblemError(403, "forbidden", "this key is for some galleries: it has no right over the server.")


def forbid(right: str) -> ProblemError:
    """Return the problem of a key without a right."""
    return ProblemError(403, "forbidden", f"this key has no right to {right}: it needs another role.")


def with_annotations(dependency: Dependency) -> Dependency:
    """Decorate a dependency of many requests: its annotations are evaluated once, not by FastAPI for each request."""
    dependency.__signature__ = inspect.signature(dependency, eval_str=True)  # type: ignore[attr-defined]
    return dependency


@with_annotations
def get_services(request: Request) -> Services:
    """Return the services of the worker."""
    services: Services = request.app.state.services
    return services


ServicesOf = Annotated[Services, Depends(get_services)]


def identify_principal(
    request: Request, services: Services, key_text: str | None = None, *, is_use: bool = True
) -> Principal:
    """Return who asks; raises ProblemError without a valid key, unless none was ever made and this machine asks.

    A key comes before a session, whose changing requests need the CSRF token: see :mod:`visavis.server.cookies`. Other
    requests may carry it, so that a page of a session that another tab has replaced learns of that.
    ``key_text`` is a key that the request has elsewhere than in its headers. ``is_use`` is whether the user asks, not
    a stream that goes on.
    """
    identified: Principal | None = request.scope.get("identified")
    if identified is not None and key_text is None and is_use:
        return identified
    text = key_text or _read_key(request)
    if text is not None:
        key = services.keys.find(text)
        if key is None:
            count_failure(request, services)
            raise _unauthorized("this key is wrong or was revoked.")
        return _make_principal(key)
    token = read_token(request)
    session = None if token is None else services.sessions.find(token, is_use=is_use)
    if session is not None:
        sent = request.headers.get(CSRF_HEADER)
        if request.method not in SAFE_METHODS or sent is not None:
            check_changing(request, session, sent)
        return _make_principal(session.key)
    if is_use:
        _refuse_excess(services.keyless.wait_seconds(_address(request)))
    if services.keys.any_made():
        raise _unauthorized("send a key: Authorization: Bearer KEY, or x-api-key: KEY.")
    client = request.client
    is_here = client is None or is_loopback(client.host)
    if not services.config.is_local or not is_here or any(name in request.headers for name in FORWARDED):
        raise _unauthorized("this server has no keys yet, and answers its own machine alone: visavis keys create.")
    return Principal(LOCAL, ROLES["admin"])


def identify_sender(request: Request, *, is_needed: bool) -> str | None:
    """Return the name of who sends a request, before its body is read.

    Where a key ``is_needed``, raises ProblemError as :func:`identify_principal`. Otherwise the body may have it: None
    without a valid key in the headers, of which none is counted as wrong yet.
    """
    services = get_services(request)
    if not is_needed:
        text = _read_key(request)
        key = None if text is None else services.keys.find(text)
        return None if key is None else key.name
    principal = identify_principal(request, services)
    request.scope["identified"] = principal
    return principal.name


def _make_principal(key: ApiKey) -> Principal:
    rights = ROLES[key.role] if key.galleries is None else ROLES[key.role] - OF_SITE
    return Principal(key.name, rights, key.galleries, key.employee)


def requires(*rights: str) -> Callable[..., Principal]:
    """Return the dependency of a request that needs one of some rights; its value is the principal."""

    @with_annotations
    def check(
        request: Request,
        _bearer: Annotated[object, Depends(BEARER)] = None,
        _header: Annotated[object, Depends(HEADER)] = None,
    ) -> Principal:
        return admit(request, get_services(request), *rights)

    return check


@with_annotations
def requires_whole_server(principal: Annotated[Principal, Depends(requires(MANAGE))]) -> Principal:
    """Return the principal of a request that manages the server; raises ProblemError for a key of some galleries."""
    principal.require_all_galleries()
    return principal


def admit(request: Request, services: Services, *rights: str, key_text: str | None = None) -> Principal:
    """Return who asks; raises ProblemError without a valid key, without any of the rights, and for too many requests.

    ``key_text`` is as in :func:`identify_principal`.
    """
    principal = identify_principal(request, services, key_text)
    _refuse_excess(services.rates.wait_seconds(principal.name))
    principal.require(*rights)
    request.scope["principal"] = principal
    return principal


def count_failure(request: Request, services: Services) -> None:
    """Count a wrong key or code of an address; raises ProblemError for too many."""
    _refuse_excess(services.failures.wait_seconds(_address(request)))


def refuse_after_failures(request: Request, services: Services) -> None:
    """Raise ProblemError for an address that has sent too many wrong keys and codes; count nothing."""
    _refuse_excess(services.failures.peek_seconds(_address(request)))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _refuse_excess(seconds: float) -> None:
    if seconds:
        headers = {"Retry-After": str(math.ceil(seconds))}
        raise ProblemError(429, "too_many_requests", "too many requests: wait, and send it again.", headers)


@with_annotations
def gallery_name(gallery: str = DEFAULT_GALLERY) -> str:
    """Return the name of the gallery that a request is about: its query parameter ``gallery``."""
    return gallery


def _read_key(request: Request) -> str | None:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and text:
        return text.strip()
    return request.headers.get("x-api-key")


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError(401, "unauthorized", detail, {"WWW-Authenticate": "Bearer"})
