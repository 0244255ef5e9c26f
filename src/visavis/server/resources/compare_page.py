"""The page on which two photos are compared."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)


@router.get("/compare")
def show_compare(request: Request, visitor: PageVisitor) -> Response:
    """Show the page."""
    return show_page(request, "compare", visitor=visitor, module="compare.js", texts=("photo", "quality", "scale"))
