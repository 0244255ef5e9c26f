"""Sessions of pages: sign in with a key, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from visavis.server.auth import ServicesOf, count_failure
from visavis.server.cookies import check_changing, check_same_origin, delete_cookie, read_token, set_cookie
from visavis.server.pages.content_policy import make_headers
from visavis.server.pages.sign_in import read_style, render_sign_in

router = APIRouter(tags=["pages"], include_in_schema=False)
PAGE = "/sign-in"


@router.get(PAGE, response_class=HTMLResponse)
def show_sign_in(request: Request, services: ServicesOf) -> HTMLResponse:
    """Show a form for a key, or whose session this is."""
    token = read_token(request)
    session = None if token is None else services.sessions.find(token)
    page = render_sign_in() if session is None else render_sign_in(name=session.key.name, csrf=session.csrf)
    return HTMLResponse(page, headers=make_headers(read_style()))


@router.post(PAGE, response_class=HTMLResponse)
def sign_in(request: Request, services: ServicesOf, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Begin a session with a key; one that the browser had ends."""
    check_same_origin(request)
    stored = services.keys.find(key.strip())
    if stored is None:
        count_failure(request, services)
        page = render_sign_in(fault="This key is wrong or was revoked.")
        return HTMLResponse(page, 401, headers=make_headers(read_style()))
    former = read_token(request)
    if former is not None:
        services.sessions.end(former)
    answer = RedirectResponse(PAGE, 303)
    set_cookie(answer, request, services.sessions.begin(stored))
    return answer


@router.post("/sign-out", response_class=RedirectResponse)
def sign_out(
    request: Request, services: ServicesOf, csrf: Annotated[str | None, Form(max_length=200)] = None
) -> RedirectResponse:
    """End the session of the browser."""
    token = read_token(request)
    session = None if token is None else services.sessions.find(token)
    if token is not None and session is not None:
        check_changing(request, session, csrf)
        services.sessions.end(token)
    answer = RedirectResponse(PAGE, 303)
    delete_cookie(answer, request)
    return answer
