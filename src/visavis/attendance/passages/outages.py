"""Outages of cameras at doors: recorded while they last, so that no absence follows from a camera that failed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from visavis.attendance.types import Outage

AHEAD = timedelta(hours=1)
"""An outage is recorded up to so long after now, until its end is known."""
RENEWED = timedelta(minutes=15)
"""Time before the recorded end at which the outage is recorded anew."""
NOTED = timedelta(seconds=20)
"""Least time between two notes that a camera sends frames."""
LONGEST_UNWATCHED = timedelta(days=7)
"""Time without a server that watches a door after which no outage follows from it: a longer one is no failure."""
REASON = "the camera has sent no frames"


@dataclass(frozen=True, slots=True)
class DoorState:
    """When a camera at a door last sent frames, and up to when an outage is recorded (None: none is)."""

    last_frame: datetime
    until: datetime | None = None

    @property
    def watched(self) -> datetime:
        """When a server certainly watched this door: when a frame came, or an outage was recorded."""
        return self.last_frame if self.until is None else self.until - AHEAD


def follow_door(
    camera: str, state: DoorState | None, now: datetime, *, sends: bool, patience: timedelta
) -> tuple[DoorState, Outage | None]:
    """Return the next state of a door, and the outage to record: it replaces the one of the same start.

    ``sends`` is whether the camera sends frames now. It has failed where it sent none for ``patience``; so has one that
    was not watched for so long, as while the server did not run, but for no more than ``LONGEST_UNWATCHED``.
    Where the clock was set back to before the last frame, an outage ends when it was recorded last.
    """
    if state is None or now - state.watched > LONGEST_UNWATCHED:
        return DoorState(now), None
    if now <= state.last_frame:
        ended = None if state.until is None else Outage(camera, state.last_frame, state.watched, REASON)
        return DoorState(now), ended
    has_failed = now - state.last_frame > patience
    if sends:
        outage = Outage(camera, state.last_frame, now, REASON) if has_failed or state.until is not None else None
        return (state if outage is None and now - state.last_frame < NOTED else DoorState(now)), outage
    if has_failed and (state.until is None or state.until - now < RENEWED):
        return DoorState(state.last_frame, now + AHEAD), Outage(camera, state.last_frame, now + AHEAD, REASON)
    return state, None


def make_outage_id(outage: Outage) -> str:
    """Return the id of an outage, which follows from its camera and its start."""
    return hashlib.sha256(f"{outage.device} {outage.start.isoformat()}".encode()).hexdigest()[:12]
