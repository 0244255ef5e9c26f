"""The door of a camera: tracks with their places and identities in, passages out.

An entrance and an exit have a passage for each track. At a line a track has one if it is on the other side in the end,
so a person who crosses it back and forth has none. A person who stays in the picture after going in is not waited for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from visavis.attendance.passages.line import DoorLine, LinePath
from visavis.attendance.passages.types import DoorMode, Passage, PassageDirection, PathPoint, TrackIdentity

SETTLED = timedelta(seconds=10)
"""Time after an entry, or a crossing, after which a person who stays in the picture has passed."""
BROKEN = timedelta(seconds=5)
"""Longest gap between two tracks of a person that are one path over the line."""
FORGOTTEN = timedelta(minutes=1)
"""Time after the last detection after which a track that had no end is forgotten: it was no face."""


@dataclass(slots=True, eq=False)
class _Track:
    first: datetime
    last: datetime
    path: LinePath | None
    identity: TrackIdentity | None = None
    passed: set[int | None] = field(default_factory=set)
    passages: int = 0


@dataclass(frozen=True, slots=True)
class _Ended:
    person_id: int
    at: datetime
    last: PathPoint | None


class CameraDoor:
    """The passages of one camera. ``line`` belongs to the mode "line"."""

    def __init__(self, camera: str, mode: DoorMode, line: DoorLine | None = None) -> None:
        self.camera, self.mode = camera, mode
        self._line = line
        self._tracks: dict[int, _Track] = {}
        self._ended: list[_Ended] = []

    def see(self, track: int, point: PathPoint) -> None:
        """Note where the face of a track is detected."""
        state = self._tracks.get(track)
        if state is None:
            path = None if self._line is None else LinePath(self._line)
            state = self._tracks[track] = _Track(point.at, point.at, path)
        state.last = point.at
        if state.path is not None:
            state.path.add(point)

    def identify(self, track: int, identity: TrackIdentity) -> None:
        """Note who a track is."""
        if track in self._tracks:
            self._tracks[track].identity = identity

    def settle(self, now: datetime) -> list[Passage]:
        """Return the passages of people who are recognized, and have stayed in the picture since; forget old tracks."""
        self._ended = [ended for ended in self._ended if now - ended.at <= FORGOTTEN]
        self._tracks = {number: track for number, track in self._tracks.items() if now - track.last <= FORGOTTEN}
        passages: list[Passage] = []
        for number, track in self._tracks.items():
            if track.identity is not None and track.identity.person_id is not None:
                moment = track.first if track.path is None else track.path.crossed_at
                if self.mode != "exit" and moment is not None and now - moment >= SETTLED:
                    passages += self._pass(number, track)
        return passages

    def end(self, track: int, identity: TrackIdentity) -> list[Passage]:
        """Return the passage of a track that has ended, if it has one, and forget the track."""
        state = self._tracks.pop(track, None)
        if state is None:
            return []
        state.identity = identity
        if state.path is not None and identity.person_id is not None:
            if before := self._find_broken(identity.person_id, state.first):
                state.path.follow(before)
            self._ended.append(_Ended(identity.person_id, state.last, state.path.last))
        return [*self._pass(track, state)]

    def _find_broken(self, person_id: int, first: datetime) -> PathPoint | None:
        """Return the last point of the track of a person that broke off just before a time; None without one.

        A track that is in the same frame is of another face.
        """
        points = [
            (ended.at, ended.last)
            for ended in self._ended
            if ended.person_id == person_id and ended.last is not None and timedelta() < first - ended.at <= BROKEN
        ]
        return max(points)[1] if points else None

    def _pass(self, number: int, track: _Track) -> Iterator[Passage]:
        """Yield the passage of a track that was not yielded before."""
        identity = track.identity or TrackIdentity()
        moment = self._find_moment(track)
        if moment is None:
            return
        direction, at = moment
        if track.path is not None:
            track.path.reset()
        elif track.passed & {identity.person_id} or (track.passed and identity.person_id is None):
            return
        track.passed.add(identity.person_id)
        track.passages += 1
        yield Passage(
            self._make_id(number, track), self.camera, at, direction,
            identity.person_id, identity.distance, identity.probability, identity.liveness,
        )  # fmt: skip

    def _find_moment(self, track: _Track) -> tuple[PassageDirection, datetime] | None:
        if track.path is None:
            return ("out", track.last) if self.mode == "exit" else ("in", track.first)
        if track.path.net == 0 or track.path.crossed_at is None:
            return None
        return ("in" if track.path.net > 0 else "out"), track.path.crossed_at

    def _make_id(self, number: int, track: _Track) -> str:
        text = json.dumps([self.camera, number, track.first.isoformat(), track.passages])
        return hashlib.sha256(text.encode()).hexdigest()[:32]
