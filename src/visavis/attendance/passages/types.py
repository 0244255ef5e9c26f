"""What the passages of a door are made of: where a face is, who it is, and the passage itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from visavis.plain import Plain

DoorMode = Literal["entrance", "exit", "line"]
PassageDirection = Literal["in", "out"]
PassageOutcome = Literal["recorded", "already", "stranger", "no_consent", "not_employed", "refused"]
"""What became of a passage: a punch, one that repeats another punch, or why there is none."""


class PathPoint(NamedTuple):
    """A detected face of a track: when (UTC), its center, and its size, as parts of the picture's width and height."""

    at: datetime
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class TrackIdentity:
    """Who a track is, as the search of its template says; ``person_id`` None: unknown."""

    person_id: int | None = None
    distance: float | None = None
    probability: float | None = None
    liveness: float | None = None


@dataclass(frozen=True, slots=True)
class Passage(Plain):
    """A person who went in or out before a camera.

    ``id`` follows from the camera and the track, and is 32 hexadecimal digits. ``at`` is the time of a frame, in UTC.
    """

    id: str
    camera: str
    at: datetime
    direction: PassageDirection
    person_id: int | None = None
    distance: float | None = None
    probability: float | None = None
    liveness: float | None = None
