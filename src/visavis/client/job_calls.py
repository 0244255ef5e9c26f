"""Calls about long work and about cameras: jobs, and events as a list and as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from visavis import defaults
from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.errors import ServerError
from visavis.server.types import Job, StoredEvent
from visavis.structured_text import parse_json


class JobCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about jobs and events."""

    def index_folder(self, folder: str, *, exclude: Sequence[str] = (), min_face: float = defaults.MIN_FACE) -> Job:
        """Queue a job that adds the faces of a folder of the server to the gallery: ``ROOT/FOLDER``."""
        order = {"folder": folder, "exclude": [*exclude], "min_face": min_face}
        return parse(Job, self._ask_gallery("POST", "/jobs/index", json=order))

    def jobs(self, *, limit: int = 100) -> list[Job]:
        """Return the newest jobs first, those on the galleries of the key."""
        return [parse(Job, line) for line in self._connection.send("GET", "/jobs", params={"limit": limit})["jobs"]]

    def job(self, job_id: str) -> Job:
        """Return a job; UnknownNameError if there is none of this id."""
        return parse(Job, self._connection.send("GET", f"/jobs/{quote(job_id, safe='')}"))

    def cancel_job(self, job_id: str) -> Job:
        """Stop a job; what it has stored stays."""
        return parse(Job, self._connection.send("POST", f"/jobs/{quote(job_id, safe='')}/cancel"))

    def resume_job(self, job_id: str) -> Job:
        """Queue a canceled or failed job again; it goes on where it stopped."""
        return parse(Job, self._connection.send("POST", f"/jobs/{quote(job_id, safe='')}/resume"))

    def events(
        self,
        *,
        after: int | None = None,
        limit: int = 100,
        camera: str | None = None,
        event: str | None = None,
        person_id: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[StoredEvent]:
        """Return events of the gallery, the oldest first: those of a number above ``after``, without it the newest.

        ``since`` and ``until`` are times with a zone.
        """
        options = {
            "after": after, "limit": limit, "camera": camera, "event": event, "person_id": person_id,
            "since": since and since.isoformat(), "until": until and until.isoformat(),
        }  # fmt: skip
        return [parse(StoredEvent, line) for line in self._ask_gallery("GET", "/events", params=options)["events"]]

    def stream_events(
        self,
        *,
        after: int | None = None,
        camera: str | None = None,
        event: str | None = None,
        person_id: int | None = None,
    ) -> Iterator[StoredEvent]:
        """Yield events of the gallery as they come: those of a number above ``after``, without it only new ones.

        The iterator ends when the server stops, and its close ends the stream. Where the connection breaks off it
        raises ServerError; to go on then, give the number of the last event as ``after``.
        """
        options: dict[str, Any] = {
            "gallery": self.gallery, "after": after, "camera": camera, "event": event, "person_id": person_id
        }  # fmt: skip
        for text in read_data(self._connection.stream_lines("/events/stream", options)):
            yield parse(StoredEvent, parse_data(text))


def parse_data(text: str) -> Any:
    """Return the data of an event as values; raises ServerError."""
    try:
        return parse_json(text)
    except ValueError as error:
        raise ServerError("the server does not send events as a visavis server does.") from error


def read_data(lines: Iterable[str]) -> Iterator[str]:
    """Yield the data of each event of a stream of server-sent events; comments and other fields are left out."""
    data: list[str] = []
    for line in lines:
        if not line and data:
            yield "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
