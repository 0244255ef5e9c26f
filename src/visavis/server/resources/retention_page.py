"""The page of the retention: how long the server keeps what it stores, and what the next run removes."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis import defaults
from visavis.server.auth import ServicesOf
from visavis.server.pages.render import show_page
from visavis.server.pages.settings_sections import list_sections, may_manage_server, refuse
from visavis.server.pages.visitor import PageVisitor
from visavis.server.routes import Router
from visavis.server.state.expiry import Expiry

router = Router(tags=["pages"], include_in_schema=False)


@router.get("/settings/retention")
def show_retention(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show what is kept for how long, how much there is, and a button that removes what is due."""
    if not may_manage_server(visitor):
        return refuse(request, visitor)
    return show_page(
        request,
        "retention",
        visitor=visitor,
        module="retention.js",
        sections=list_sections(visitor),
        kinds=Expiry(services.database, services.config.kept_days).describe(),
        rejection_days=defaults.REJECTION_DAYS,
        stranger_days=services.config.video.strangers,
    )
