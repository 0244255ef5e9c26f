"""The first address of the pages, and the preferences of a browser."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse

from visavis.server.auth import ServicesOf
from visavis.server.cookies import check_same_origin
from visavis.server.pages.preferences import set_preference
from visavis.server.pages.visitor import find_visitor
from visavis.server.roles import PUNCH, READ
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)


@router.get("/")
def go_home(request: Request, services: ServicesOf) -> RedirectResponse:
    """Lead to the pages, to the sign-in, or, until there is a key, to the first start."""
    if services.keys.has_setup_code():
        return RedirectResponse("/start", 303)
    visitor = find_visitor(request, services)
    if visitor is None:
        return RedirectResponse("/sign-in", 303)
    if not visitor.may(READ) and visitor.may_see_attendance(services):
        return RedirectResponse("/attendance", 303)
    if visitor.may(PUNCH) and not visitor.may(READ):
        return RedirectResponse("/kiosk", 303)
    visitor.require(READ)
    return RedirectResponse("/compare", 303)


@router.post("/preferences")
def set_preferences(
    request: Request,
    language: Annotated[str, Form(max_length=20)] = "",
    theme: Annotated[str, Form(max_length=20)] = "",
    number_format: Annotated[str, Form(max_length=20, alias="format")] = "",
    text: Annotated[str, Form(max_length=20)] = "",
    page: Annotated[str, Form(max_length=2000)] = "/",
) -> RedirectResponse:
    """Keep language, theme, format or size of text in cookies, and return to the page."""
    check_same_origin(request)
    is_here = page.startswith("/") and not page.startswith(("//", "/\\"))
    answer = RedirectResponse(page if is_here else "/", 303)
    set_preference(answer, request, "language", language)
    set_preference(answer, request, "theme", theme)
    set_preference(answer, request, "format", number_format)
    set_preference(answer, request, "text", text)
    return answer
