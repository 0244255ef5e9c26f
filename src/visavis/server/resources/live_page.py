"""The page of the cameras: how each is doing, and who was recognized before them, as it happens."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from visavis.gallery.check_text import NAME_LENGTH
from visavis.server.auth import ServicesOf
from visavis.server.pages.live_view import LiveFilter, list_events, list_strangers
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import ENROLL, MANAGE
from visavis.server.routes import Router
from visavis.server.state.cameras import FINAL
from visavis.videos.types import EventKind

router = Router(tags=["pages"], include_in_schema=False)
TEXTS = ("page", "strangers", "people", "naming")
Time = Annotated[str, Query(max_length=40)]


def read_filter(
    camera: Annotated[str, Query(max_length=200)] = "",
    event: Annotated[str, Query(max_length=50)] = "",
    person: Annotated[str, Query(max_length=NAME_LENGTH)] = "",
    since: Time = "",
    until: Time = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> LiveFilter:
    """Return the filters of the page's address."""
    return LiveFilter(camera, event, person, since, until, before)


@router.get("/live")
def show_live(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    selected: Annotated[LiveFilter, Depends(read_filter)],
    *,
    all_strangers: bool = False,
) -> Response:
    """Show the cameras of the visitor's galleries, the strangers, and the newest events that match the filters."""
    configured = services.config.video.gallery
    gallery = configured if configured in visitor.list_galleries(services) else ""
    return show_page(
        request,
        "live",
        visitor=visitor,
        module="live.js",
        texts=TEXTS,
        cameras=services.cameras.read(names=services.camera_names, galleries=visitor.galleries),
        final_states=FINAL,
        may_manage=visitor.may(MANAGE),
        may_enroll=visitor.may(ENROLL),
        gallery=gallery,
        galleries=visitor.list_galleries(services),
        has_pictures=services.camera_pictures is not None,
        last_number=services.events.last_number(),
        kinds=get_args(EventKind),
        selected=selected,
        **list_events(services, visitor, gallery, selected),
        **list_strangers(services, gallery, show_all=all_strangers),
    )
