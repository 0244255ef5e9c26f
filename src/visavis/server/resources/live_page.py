"""The page of the cameras: how each is doing, and who was recognized before them, as it happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import MANAGE
from visavis.server.state.cameras import FINAL
from visavis.server.state.events import EventFilter
from visavis.server.types import StoredEvent
from visavis.videos.types import EventKind

router = APIRouter(tags=["pages"], include_in_schema=False)
EVENTS = 50
"""Events on the page, the newest."""


@router.get("/live")
def show_live(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    camera: Annotated[str, Query(max_length=200)] = "",
    event: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Show the cameras of the visitor's galleries, and the newest events of all of them or of ``camera``."""
    selected = EventFilter(visitor.galleries, camera or None, event or None)
    events = services.events.latest(selected, limit=EVENTS)
    return show_page(
        request,
        "live",
        visitor=visitor,
        module="live.js",
        texts=("page",),
        cameras=services.cameras.read(names=services.camera_names, galleries=visitor.galleries),
        final_states=FINAL,
        may_manage=visitor.may(MANAGE),
        events=[(stored, *_read_times(stored)) for stored in events],
        newest=events[0].number if events else 0,
        last_number=services.events.last_number(),
        kinds=get_args(EventKind),
        chosen_camera=camera,
        chosen_kind=event,
    )


def _read_times(stored: StoredEvent) -> Sequence[datetime | float | None]:
    """Return when the event was stored, and the track first and last detected: times, or seconds of a file.

    None for what the event does not say: those of a newer server of the same database may be of another form.
    """
    times = (stored.at, stored.content.get("from"), stored.content.get("to"))
    return [
        None if value is None else datetime.fromisoformat(value) if isinstance(value, str) else float(value)
        for value in times
    ]
