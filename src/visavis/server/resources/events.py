"""Events of the cameras: a list, and a stream of server-sent events that goes on where a client stopped."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from threading import Semaphore
from time import monotonic
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel
from starlette.types import Receive, Scope, Send

from visavis.errors import BusyError
from visavis.server.auth import ServicesOf, identify_principal
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Reader
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import MOST_STREAMS, Services
from visavis.server.state.events import EventFilter
from visavis.server.types import StoredEvent

router = Router(prefix=f"{V1}/events", tags=["events"])
POLL_SECONDS = 0.5
BEAT_SECONDS = 15.0
"""Time without an event after which a comment is sent, so that proxies keep the connection."""
PAGE = 100
STREAM = "text/event-stream"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Makes nginx pass each event at once."""
NUMBER = re.compile(r"[0-9]{1,18}")

AfterEvent = Annotated[int | None, Query(ge=0, le=2**62, description="Number of the last event that was received.")]


class EventList(BaseModel):
    """Events, the oldest first; ``next`` is the ``after`` of the next page, null where there is none yet."""

    events: list[model_of(StoredEvent)]  # type: ignore[valid-type]
    next: int | None


def make_filter(
    principal: Reader,
    gallery: Annotated[str | None, Query(max_length=200)] = None,
    camera: Annotated[str | None, Query(max_length=200)] = None,
    event: Annotated[str | None, Query(max_length=50, description="The kind of event.")] = None,
    person_id: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> EventFilter:
    """Return the filter of a request; events of galleries that the key may not use are left out."""
    if gallery is not None:
        principal.require_gallery(gallery)
    return EventFilter(
        principal.galleries if gallery is None else (gallery,), camera, event, person_id, _utc(since), _utc(until)
    )


Filter = Annotated[EventFilter, Depends(make_filter)]


@router.get("", response_model=EventList, responses=responses(404))
def list_events(
    services: ServicesOf,
    selected: Filter,
    after: AfterEvent = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
) -> dict[str, Any]:
    """List the events, the oldest first; without ``after`` the newest ones."""
    if after is None:
        events = services.events.latest(selected, limit=limit)[::-1]
    else:
        events = services.events.read(selected, after=after, limit=limit)
    return {"events": [event.to_dict() for event in events], "next": events[-1].number if events else after}


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {STREAM: {"schema": {"type": "string"}}}}, **responses(404)},
)
def stream_events(
    request: Request,
    services: ServicesOf,
    selected: Filter,
    after: AfterEvent = None,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """Send events as they come (server-sent events): those after ``after`` or Last-Event-ID, else only new ones."""
    number = int(last_event_id) if last_event_id is not None and NUMBER.fullmatch(last_event_id) else after
    start = services.events.last_number() if number is None else number
    if not services.streams.acquire(blocking=False):
        raise BusyError(f"there are {MOST_STREAMS} streams of events already: close one.")
    return EventStream(_stream(request, services, selected, start), services.streams)


class EventStream(StreamingResponse):
    """A stream that has one of the ``places`` of the worker, taken before it is made, until it ends."""

    def __init__(self, content: AsyncIterator[bytes], places: Semaphore) -> None:
        super().__init__(content, media_type=STREAM, headers=UNBUFFERED)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the stream ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places.release()


async def _stream(request: Request, services: Services, selected: EventFilter, number: int) -> AsyncIterator[bytes]:
    """Yield events until the client leaves, its key is revoked, or the server stops."""
    beat = monotonic()
    yield b": events\n\n"
    while not services.stopping.is_set():
        events = await to_thread.run_sync(partial(services.events.read, selected, after=number, limit=PAGE))
        for event in events:
            number = event.number
            yield _format(event)
        if monotonic() - beat > BEAT_SECONDS:
            beat = monotonic()
            check = partial(identify_principal, request, services, is_use=False)  # raises where the key was revoked
            await to_thread.run_sync(check)
            yield b": alive\n\n"
        await anyio.sleep(POLL_SECONDS)


def _format(event: StoredEvent) -> bytes:
    return f"id: {event.number}\nevent: {event.content['event']}\ndata: {json.dumps(event.to_dict())}\n\n".encode()


def _utc(time: datetime | None) -> str | None:
    """Return a time as the database stores it, so that it can be compared as text."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="microseconds")
