"""The page that ranks the people of a gallery by how much they look like a face."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.gallery_choice import choose_gallery
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)
TEXTS = ("photo", "quality", "scale")
"""First parts of the keys of the texts that its modules use."""


@router.get("/look-alikes")
def show_lookalikes(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the page."""
    gallery = choose_gallery(request, services, visitor)
    page = show_page(request, "lookalikes", visitor=visitor, module="lookalikes.js", texts=TEXTS, gallery=gallery)
    gallery.keep(page, request)
    return page
