"""The page of the display: language, colors, and the form of dates and numbers in this browser."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis.server.pages.preferences import FORMATS
from visavis.server.pages.render import show_page
from visavis.server.pages.settings_sections import list_sections
from visavis.server.pages.visitor import AnyVisitor
from visavis.server.routes import Router
from visavis.sql_database import now

router = Router(tags=["pages"], include_in_schema=False)


@router.get("/settings/display")
def show_display(request: Request, visitor: AnyVisitor) -> Response:
    """Show the choices, each as a button that stores it, to every visitor."""
    return show_page(
        request,
        "display",
        visitor=visitor,
        module="local_values.js",
        sections=list_sections(visitor),
        formats=FORMATS,
        now=now(),
    )
