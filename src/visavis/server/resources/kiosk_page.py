"""The page of a kiosk at a door."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.content_policy import make_worker_headers
from visavis.server.pages.preferences import TEXT_SIZES
from visavis.server.pages.render import show_page
from visavis.server.pages.static_files import MEDIA_TYPES, make_worker
from visavis.server.pages.visitor import AnyVisitor
from visavis.server.resources.kiosk import describe_kiosk_of
from visavis.server.roles import PUNCH
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)
PAGE = "/kiosk"
STYLES = ("pages.css", "dark.css", "kiosk.css")


@router.get(PAGE)
def show_kiosk(request: Request, services: ServicesOf, visitor: AnyVisitor) -> Response:
    """Show the page."""
    visitor.require(PUNCH)
    description = describe_kiosk_of(services)
    return show_page(
        request, "kiosk", visitor=visitor, module="kiosk.js", kiosk=description.to_dict(), text_sizes=TEXT_SIZES
    )


@router.get(f"{PAGE}/worker.js")
async def read_worker() -> Response:
    """Return the service worker, with which a browser keeps the page; it needs no key, as no file of the pages does."""
    source = make_worker("kiosk_worker.js", page="kiosk.js", styles=STYLES)
    return Response(source, media_type=MEDIA_TYPES["js"], headers=make_worker_headers(PAGE))
