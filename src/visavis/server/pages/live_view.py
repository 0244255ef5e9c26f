"""What the page of the cameras shows: which events, by its filters, and the strangers of its gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from visavis.errors import GalleryError
from visavis.gallery.person_listing import find_matching_ids
from visavis.server.pages.visitor import Visitor
from visavis.server.seen_strangers import read_strangers
from visavis.server.services import Services
from visavis.server.state.events import EventFilter
from visavis.server.types import StoredEvent
from visavis.sql_database import write_time

EVENTS = 30
"""Events on a page, the newest first."""
STRANGERS = 8
"""Strangers on the page, the latest, unless all are asked for."""
MOST_PEOPLE = 500
"""People whose events are looked for at once: more match too short a text."""


@dataclass(frozen=True, slots=True)
class LiveFilter:
    """The filters of the page as its address has them; texts are empty where there are none.

    ``person`` is a part of names, or an id after "#"; ``since`` and ``until`` are times in ISO 8601, in UTC where they
    have no zone; ``before`` is the number of the event below which a page of older events begins.
    """

    camera: str = ""
    event: str = ""
    person: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None

    def address(self, **changes: object) -> str:
        """Return the address of the page with these filters, without those that are empty."""
        texts = {name: getattr(self, name) for name in ("camera", "event", "person", "since", "until")}
        values = {name: value for name, value in {**texts, **changes}.items() if value}
        return f"/live?{urlencode(values)}" if values else "/live"


def list_events(services: Services, visitor: Visitor, gallery: str, selected: LiveFilter) -> dict[str, Any]:
    """Return the values of the page about events.

    ``gallery`` is that of the cameras, whose people are looked for; empty where the visitor may not use it.
    """
    faults = [name for name in ("since", "until") if getattr(selected, name) and _read_time(selected, name) is None]
    times = {name: _read_time(selected, name) for name in ("since", "until")}
    people = _find_people(services, gallery, selected.person)
    where = EventFilter(
        visitor.galleries if people is None else (gallery,),
        selected.camera or None,
        selected.event or None,
        since=None if times["since"] is None else write_time(times["since"]),
        until=None if times["until"] is None else write_time(times["until"]),
        people=people,
    )
    matching = [] if faults else services.events.latest(where, before=selected.before, limit=EVENTS + 1)
    events = matching[:EVENTS]
    return {
        "events": [(stored, *read_times(stored)) for stored in events],
        "newest": events[0].number if events else 0,
        "older": selected.address(before=events[-1].number) if len(matching) > EVENTS else None,
        "newer": selected.address() if selected.before is not None else None,
        "times": times,
        "wrong_time": bool(faults),
        "is_filtered": selected != LiveFilter(),
    }


def list_strangers(services: Services, gallery: str, *, show_all: bool) -> dict[str, Any]:
    """Return the values of the page about strangers: None where they are not remembered, or cannot be read now."""
    if not gallery or services.config.video.strangers is None or services.config.cameras is None:
        return {"strangers": None, "all_strangers": 0, "keeps_crops": False}
    try:
        opened = services.gallery(gallery)
        strangers, keeps_crops = read_strangers(services, opened), opened.keeps_crops
    except GalleryError:
        return {"strangers": None, "all_strangers": 0, "keeps_crops": False}
    shown = strangers if show_all else strangers[:STRANGERS]
    return {"strangers": shown, "all_strangers": len(strangers), "keeps_crops": keeps_crops}


def read_times(stored: StoredEvent) -> Sequence[datetime | float | None]:
    """Return when the event was stored, and the track first and last detected: times, or seconds of a file.

    None for what the event does not say: those of a newer server of the same database may be of another form.
    """
    times = (stored.at, stored.content.get("from"), stored.content.get("to"))
    return [
        None if value is None else datetime.fromisoformat(value) if isinstance(value, str) else float(value)
        for value in times
    ]


def _read_time(selected: LiveFilter, name: str) -> datetime | None:
    """Return a time of the filter in UTC; None where there is none, or no valid one."""
    text: str = getattr(selected, name)
    try:
        time = datetime.fromisoformat(text) if text else None
        return None if time is None else (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _find_people(services: Services, gallery: str, text: str) -> list[int] | None:
    """Return the ids of the people who match a text; None without a text."""
    if not text.strip():
        return None
    return find_matching_ids(services.gallery(gallery).opened, text)[:MOST_PEOPLE] if gallery else []
