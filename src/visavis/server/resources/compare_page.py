"""The page on which two photos are compared."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import find_visitor

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/compare")
def show_compare(request: Request, services: ServicesOf) -> Response:
    """Show the page, or lead to the sign-in."""
    visitor = find_visitor(request, services)
    if visitor is None:
        return RedirectResponse("/", 303)
    return show_page(request, "compare", visitor=visitor, module="compare.js", texts=("photo", "quality", "scale"))
