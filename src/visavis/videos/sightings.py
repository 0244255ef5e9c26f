"""Sightings: a person seen by several cameras, one after the other or at once, is one sighting with several views."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from visavis.videos.types import VideoEvent


@dataclass(slots=True)
class Sighting:
    """The presence of a person, or of a stranger: ``views`` are the cameras and tracks, with the last event of each."""

    id: str
    start: float | datetime
    end: float | datetime
    views: dict[tuple[str, int], VideoEvent] = field(default_factory=dict)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras, in the order of their first views."""
        return tuple(dict.fromkeys(camera for camera, _ in self.views))


class SightingLog:
    """Gives the events of one person in any camera the same sighting, if they are at most ``seconds`` apart.

    A stranger with a number is a person too. Only the latest sighting of each person is kept, and none that ended long
    ago.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._latest: dict[tuple[str, int], Sighting] = {}

    @property
    def latest(self) -> tuple[Sighting, ...]:
        """The latest sighting of each person, unless it ended long ago."""
        return tuple(self._latest.values())

    def add(self, event: VideoEvent) -> VideoEvent:
        """Return the event with the id of its sighting; unchanged for people who are unknown."""
        who = _identity(event)
        if who is None:
            return event
        sighting = self._latest.get(who)
        if sighting is None or not self._is_near(sighting, event):
            sighting = Sighting(uuid4().hex, event.start, event.end)
            self._forget(event)
            self._latest[who] = sighting
        sighting.start, sighting.end = _earlier(sighting.start, event.start), _later(sighting.end, event.end)
        event = replace(event, sighting=sighting.id)
        sighting.views[event.camera, event.track] = event
        return event

    def _is_near(self, sighting: Sighting, event: VideoEvent) -> bool:
        """Return whether an event belongs to a sighting; its own track always does."""
        if (event.camera, event.track) in sighting.views:
            return True
        gap = max(seconds_between(event.start, sighting.end), seconds_between(sighting.start, event.end))
        return gap <= self._seconds

    def _forget(self, event: VideoEvent) -> None:
        """Remove sightings that no event can belong to any more: ended longer ago than an hour beyond the limit."""
        kept = self._seconds + 3600
        self._latest = {
            who: sighting
            for who, sighting in self._latest.items()
            if not kept < seconds_between(event.start, sighting.end) < float("inf")
        }


def _identity(event: VideoEvent) -> tuple[str, int] | None:
    """Return who the event is of; None for an unknown person without a number."""
    if event.person_id is not None:
        return "person", event.person_id
    return None if event.stranger is None else ("stranger", event.stranger)


def seconds_between(later: float | datetime, earlier: float | datetime) -> float:
    """Return the seconds between two moments of one kind; infinity for seconds of a file and the time of a camera."""
    if isinstance(later, datetime) and isinstance(earlier, datetime):
        return (later - earlier) / timedelta(seconds=1)
    if isinstance(later, datetime) or isinstance(earlier, datetime):
        return float("inf")
    return later - earlier


def _earlier(first: float | datetime, second: float | datetime) -> float | datetime:
    return second if seconds_between(first, second) > 0 and seconds_between(first, second) != float("inf") else first


def _later(first: float | datetime, second: float | datetime) -> float | datetime:
    return second if seconds_between(second, first) > 0 and seconds_between(second, first) != float("inf") else first
