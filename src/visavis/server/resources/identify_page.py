"""The page on which the people of photos are named."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.gallery_choice import choose_gallery
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import ENROLL
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)
TEXTS = ("photo", "quality", "scale", "why", "fault", "better", "rejection", "naming", "batch")
"""First parts of the keys of the texts that its modules use."""


@router.get("/identify")
def show_identify(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the page."""
    gallery = choose_gallery(request, services, visitor)
    page = show_page(
        request,
        "identify",
        visitor=visitor,
        module="identify.js",
        texts=TEXTS,
        gallery=gallery,
        may_enroll=visitor.may(ENROLL),
    )
    gallery.keep(page, request)
    return page
