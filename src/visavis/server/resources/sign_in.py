"""Sessions of pages: sign in with a key, and out."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from visavis.server.auth import ServicesOf, count_failure
from visavis.server.cookies import check_changing, check_same_origin, delete_cookie, read_token, set_cookie
from visavis.server.pages.render import show_page
from visavis.server.roles import KIOSK
from visavis.server.routes import Router
from visavis.server.services import Services
from visavis.server.state.sessions import LONGEST_KIOSK

router = Router(tags=["pages"], include_in_schema=False)
PAGE = "/sign-in"


@router.get(PAGE, response_class=HTMLResponse)
def show_sign_in(request: Request, services: ServicesOf) -> Response:
    """Show a form for a key; lead to the pages where there is a session."""
    token = read_token(request)
    if token is not None and services.sessions.find(token) is not None:
        return RedirectResponse("/", 303)
    return show_page(request, "sign_in", is_wrong=False)


@router.post(PAGE, response_class=HTMLResponse)
def sign_in(request: Request, services: ServicesOf, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Begin a session with a key; one that the browser had ends."""
    check_same_origin(request)
    stored = services.keys.find(key.strip())
    if stored is None:
        count_failure(request, services)
        return show_page(request, "sign_in", status=401, is_wrong=True)
    answer = RedirectResponse("/", 303)
    lasts = LONGEST_KIOSK if stored.role == KIOSK else None
    keep_session(request, services, answer, services.sessions.begin(stored), lasts=lasts)
    return answer


def keep_session(
    request: Request, services: Services, answer: Response, token: str, *, lasts: timedelta | None = None
) -> None:
    """Let the browser keep the token of a session that has begun, also when it is closed, if it ``lasts`` so long.

    The session that it had ends.
    """
    former = read_token(request)
    if former is not None:
        services.sessions.end(former)
    set_cookie(answer, request, token, lasts=lasts)


@router.post("/sign-out", response_class=RedirectResponse)
def sign_out(
    request: Request, services: ServicesOf, csrf: Annotated[str | None, Form(max_length=200)] = None
) -> RedirectResponse:
    """End the session of the browser, which forgets what the pages kept."""
    token = read_token(request)
    session = None if token is None else services.sessions.find(token)
    if token is not None and session is not None:
        check_changing(request, session, csrf)
        services.sessions.end(token)
    answer = RedirectResponse(PAGE, 303, {"Clear-Site-Data": '"storage"'})
    delete_cookie(answer, request)
    return answer
