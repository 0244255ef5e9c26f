"""The cookie of a session, and the checks of requests that it authorizes.

A browser sends a cookie with each request, also with those that another site's page makes it send. So a changing
request that a cookie authorizes carries the session's CSRF token, and comes from a page of this very origin.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from visavis.server.problems import ProblemError
from visavis.server.state.sessions import PageSession

PLAIN_NAME = "visavis"
TLS_NAME = "__Host-visavis"
"""Browsers take a cookie of this beginning over TLS alone, from this host alone, for all its paths."""
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def read_token(request: Request) -> str | None:
    """Return the token of the request's cookie; over TLS that of the cookie for TLS alone.

    None where there are several: another program of the same host, at another port, can have planted one of them.
    """
    pairs = [pair.strip().partition("=") for line in request.headers.getlist("cookie") for pair in line.split(";")]
    tokens = {value for name, _, value in pairs if name == _name_cookie(request)}
    return tokens.pop() if len(tokens) == 1 else None


def set_cookie(response: Response, request: Request, token: str, *, lasts: timedelta | None = None) -> None:
    """Let the browser keep a token, out of the reach of scripts and of other sites: until it is closed, or so long."""
    secure, age = is_tls(request), None if lasts is None else round(lasts.total_seconds())
    response.set_cookie(
        _name_cookie(request), token, max_age=age, path="/", secure=secure, httponly=True, samesite="strict"
    )


def delete_cookie(response: Response, request: Request) -> None:
    """Let the browser forget the token."""
    secure = is_tls(request)
    response.delete_cookie(_name_cookie(request), path="/", secure=secure, httponly=True, samesite="strict")


def check_changing(request: Request, session: PageSession, token: str | None) -> None:
    """Raise ProblemError for a changing request without the session's CSRF ``token``, or from another origin."""
    check_same_origin(request)
    if token is None or not hmac.compare_digest(token.encode(), session.csrf.encode()):
        raise ProblemError(
            403, "wrong_csrf_token", f"send the token of the page as {CSRF_HEADER}: load the page again."
        )


def check_same_origin(request: Request) -> None:
    """Raise ProblemError where a browser says that a page of another origin made the request.

    Another port is another origin, although browsers send it the same cookies.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:
        origin = request.headers.get("origin")
        is_same = origin is None or _netloc_of(origin) == request.headers.get("host", "").lower()
    else:
        is_same = site in {"same-origin", "none"}
    if not is_same:
        raise ProblemError(403, "wrong_origin", "requests from pages of other sites are refused.")


def _netloc_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def is_tls(request: Request) -> bool:
    """Return whether the browser speaks TLS, to this server or to the proxy before it.

    What a proxy says is not checked: a client that says so without TLS harms its own cookie alone.
    """
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "").lower()}


def _name_cookie(request: Request) -> str:
    return TLS_NAME if is_tls(request) else PLAIN_NAME
