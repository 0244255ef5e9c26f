"""The page of the thresholds: the rate at which a gallery is searched, and what another rate would change."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from visavis import defaults
from visavis.server.auth import ServicesOf
from visavis.server.config import ServerConfig
from visavis.server.pages.gallery_choice import choose_gallery
from visavis.server.pages.people_view import round_count
from visavis.server.pages.render import show_page
from visavis.server.pages.settings_sections import list_sections
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import MANAGE
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)
TEXTS = ("scale", "people")
"""First parts of the keys of the texts that its modules use."""


@router.get("/settings/thresholds")
def show_thresholds(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the rate of a gallery, its threshold, and the rates of cameras and of other servers' clients."""
    gallery = choose_gallery(request, services, visitor)
    opened = services.gallery(gallery.name)
    rate = services.search_rates.read(gallery.name)
    is_calibrated = opened.calibration is not None
    page = show_page(
        request,
        "thresholds",
        visitor=visitor,
        module="thresholds.js" if is_calibrated else "local_values.js",
        texts=TEXTS,
        sections=list_sections(visitor),
        gallery=gallery,
        may_manage=visitor.may(MANAGE),
        model=opened.model,
        people=len(opened),
        rate=rate,
        strangers=round_count(1 / rate.fpir),
        default=round(1 / defaults.FPIR),
        threshold=opened.threshold(fpir=rate.fpir) if is_calibrated else None,
        configured=_list_configured(services.config, gallery.name, has_cameras=bool(services.camera_names)),
    )
    gallery.keep(page, request)
    return page


def _list_configured(config: ServerConfig, gallery: str, *, has_cameras: bool) -> list[dict[str, Any]]:
    """Return what searches the gallery at a rate of the configuration: its name in the catalogs, rate and key."""
    rows = [{"name": "compat", "strangers": round_count(1 / config.compat.fpir), "table": "[compat]", "key": "fpir"}]
    if has_cameras and config.video.gallery == gallery:
        fpir = config.video.fpir
        rows.insert(0, {"name": "video", "strangers": round_count(1 / fpir), "table": "[video]", "key": "fpir"})
    return rows
