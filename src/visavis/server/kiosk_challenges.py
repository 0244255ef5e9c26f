"""Challenges at kiosks that are under way: each is of one kiosk, is used once, and expires; and so does each frame."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from visavis.attendance.kiosk.attempt import Attempt
from visavis.attendance.kiosk.head_challenge import HeadChallenge
from visavis.attendance.kiosk.types import KioskChoice
from visavis.server.problems import ProblemError

MOST = 100
"""Challenges at a time."""
MOST_FRAMES = 20_000
"""Newest frames of which is known that they were used."""


@dataclass(frozen=True, slots=True)
class StartedChallenge:
    """A challenge with the punch that is recorded when it is passed."""

    kiosk: str
    person_id: int
    punch_id: str
    direction: KioskChoice
    attempt: Attempt
    challenge: HeadChallenge


class KioskChallenges:
    """Challenges of one process by their id."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._started: OrderedDict[str, StartedChallenge] = OrderedDict()
        self._used: OrderedDict[bytes, None] = OrderedDict()

    def begin(self, attempt: Attempt, person_id: int, *, kiosk: str, punch_id: str, direction: KioskChoice) -> str:
        """Begin a challenge of a person; return its id. The oldest one ends where there are too many."""
        challenge_id = secrets.token_hex(16)
        challenge = HeadChallenge(person_id, now=monotonic())
        with self._lock:
            self._started[challenge_id] = StartedChallenge(kiosk, person_id, punch_id, direction, attempt, challenge)
            while len(self._started) > MOST:
                self._started.popitem(last=False)
        return challenge_id

    def find(self, challenge_id: str, *, kiosk: str) -> StartedChallenge:
        """Return a challenge of a kiosk; raises ProblemError where it has ended or expired, as for none."""
        with self._lock:
            started = self._started.get(challenge_id)
            if started is not None and started.challenge.is_expired(monotonic()):
                del self._started[challenge_id]
                started = None
        if started is None or started.kiosk != kiosk:
            raise ProblemError(404, "challenge_over", "this challenge is over: begin another one.")
        return started

    def end(self, challenge_id: str) -> bool:
        """End a challenge; return whether it was under way, which is so once."""
        with self._lock:
            return self._started.pop(challenge_id, None) is not None

    def use(self, frames: Sequence[bytes]) -> bool:
        """Return whether all frames are new, and note that they are used."""
        digests = [hashlib.sha256(frame).digest() for frame in frames]
        with self._lock:
            are_new = len({*digests}) == len(digests) and self._used.keys().isdisjoint(digests)
            self._used.update(dict.fromkeys(digests))
            while len(self._used) > MOST_FRAMES:
                self._used.popitem(last=False)
        return are_new
