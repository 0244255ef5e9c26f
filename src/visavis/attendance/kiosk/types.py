"""What a kiosk gets: its settings, and the answer to an attempt or a punch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from visavis.attendance.types import Direction
from visavis.plain import Plain

UNDO_SECONDS = 10
"""For so long a kiosk offers to undo a punch."""

KioskChoice = Literal["in", "out"] | None
"""The direction that a person has chosen; None: it follows from the last punch."""
KioskLiveness = Literal["passive", "active", "off"]
KioskState = Literal[
    "waiting", "nearer", "farther", "light", "less_light", "look", "single", "hold", "unclear", "unknown", "attack",
    "recorded", "already", "undecided", "straight", "left", "right", "up", "challenge_failed",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class KioskSettings(Plain):
    """How kiosks recognize people, and what they offer beside it.

    ``frames`` have to show the same person; with ``liveness`` passive they have to show a real face; with active the
    person also has to move the head as asked. ``fpir`` is the
    rate at which a stranger is named by a search, None: that of the gallery. ``pin`` and ``badge`` say whether
    employees may use these. A punch that waited without a connection is taken up to ``queue_days`` after it; frames
    wait only with ``offline_frames``.
    """

    liveness: KioskLiveness = "passive"
    frames: int = 3
    fpir: float | None = None
    pin: bool = True
    badge: bool = True
    sound: bool = True
    queue_days: int = 7
    offline_frames: bool = False


@dataclass(frozen=True, slots=True)
class KioskDescription(Plain):
    """What a kiosk shows and offers; ``now`` is the time of the server, ``recognizes`` whether faces are recognized."""

    site: str
    zone: str
    now: datetime
    recognizes: bool
    settings: KioskSettings
    undo_seconds: int = UNDO_SECONDS


@dataclass(frozen=True, slots=True)
class KioskAnswer(Plain):
    """Advice for the person at a kiosk, or what became of the punch.

    Only a punch that is "recorded", or was "already", has a name and the rest. "undecided" are frames that waited
    without a connection, and name no employee who may punch by face. ``challenge`` is the id of a challenge that is
    under way, whose state says what to do.
    """

    state: KioskState
    punch_id: str | None = None
    name: str | None = None
    at: datetime | None = None
    direction: Direction | None = None
    challenge: str | None = None
