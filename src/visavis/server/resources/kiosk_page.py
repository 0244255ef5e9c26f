"""The page of a kiosk at a door."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import AnyVisitor
from visavis.server.resources.kiosk import describe_kiosk_of
from visavis.server.roles import PUNCH

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/kiosk")
def show_kiosk(request: Request, services: ServicesOf, visitor: AnyVisitor) -> Response:
    """Show the page."""
    visitor.require(PUNCH)
    description = describe_kiosk_of(services)
    return show_page(request, "kiosk", visitor=visitor, module="kiosk.js", kiosk=description.to_dict())
