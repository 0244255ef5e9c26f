"""A challenge at a kiosk: who was recognized moves the head as asked, and is the same person all the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import Literal

from visavis.challenge import LIFT, SECONDS_EACH, TURN, Challenge, Pose, measure_pose
from visavis.types import Face

MOVEMENTS = 3
"""Movements of a challenge: 27 orders."""
LASTS = 60.0
"""Seconds after which a challenge has expired."""
SLACK = 1.0
"""Seconds by which the times of frames may be ahead of the time that has passed."""

ON_THE_WAY = 0.5
"""Part of a movement from which on a frame has to name the person once: with less the head looks straight."""

HeadState = Literal["straight", "left", "right", "up", "passed", "challenge_failed"]


@dataclass(frozen=True, slots=True)
class ChallengeFrame:
    """A frame: ``seconds`` since the challenge began, its faces, its ``width`` in pixels, and who the largest is.

    ``person_id`` is None for a stranger, and for a face that cannot be recognized, as one that is turned away.
    ``is_straight`` says that nothing keeps the face from being recognized surely.
    """

    seconds: float
    faces: Sequence[Face]
    width: int
    person_id: int | None
    is_straight: bool


class HeadChallenge:
    """A challenge of the person ``person_id``, which began at the monotonic time ``now``.

    It fails as :class:`visavis.challenge.Challenge` does; with a frame that names another person; where no frame of a
    movement, or of a straight look before, between and after movements, names this one; and with frames that are later
    than the time that has passed. What has passed or failed stays so.
    """

    def __init__(self, person_id: int, *, now: float, random: Random | None = None) -> None:
        self.lock = Lock()
        self._person_id, self._began = person_id, now
        self._challenge = Challenge(movements=MOVEMENTS, random=random)
        self._is_named = False
        self._pose: Pose | None = None  # of the last straight look
        self._moved: float | None = None  # when all movements were made
        self._ended: HeadState | None = None

    def is_expired(self, now: float) -> bool:
        """Return whether it is too late for further frames."""
        return now - self._began > LASTS

    @property
    def state(self) -> HeadState:
        """What to do now, or what became of it."""
        return self._ended or self._challenge.state.movement or "straight"

    def add(self, frames: Sequence[ChallengeFrame], *, now: float) -> HeadState:
        """Take further frames, in the order in which they were taken; return the state."""
        for frame in frames:
            if self._ended is None:
                self._ended = self._follow(frame, now)
        return self.state

    def _follow(self, frame: ChallengeFrame, now: float) -> HeadState | None:
        if frame.seconds > now - self._began + SLACK or self.is_expired(now):
            return "challenge_failed"
        if frame.person_id not in (None, self._person_id):
            return "challenge_failed"
        is_this = frame.person_id == self._person_id and len(frame.faces) == 1
        if self._moved is not None:
            return self._look_again(frame, self._moved, is_this=is_this)
        before = self._challenge.state
        after = self._challenge.update(frame.seconds, frame.faces, frame.width)
        if after.status == "failed":
            return "challenge_failed"
        pose = measure_pose(frame.faces[0].landmarks) if is_this else None
        if pose is not None and (before.movement is None or self._has_moved(pose)):
            self._is_named = True
            self._pose = pose if before.movement is None else self._pose
        if (after.movement, after.done) != (before.movement, before.done):
            if not self._is_named:
                return "challenge_failed"
            self._is_named = False
        if after.status == "passed":
            self._moved = frame.seconds
        return None

    def _has_moved(self, pose: Pose) -> bool:
        """Return whether the head has gone a part of the way from where it last looked straight."""
        if self._pose is None:
            return False
        aside, up = abs(pose.aside - self._pose.aside) / TURN, (self._pose.down - pose.down) / LIFT
        return max(aside, up) >= ON_THE_WAY

    @staticmethod
    def _look_again(frame: ChallengeFrame, moved: float, *, is_this: bool) -> HeadState | None:
        """Return what a frame after the last movement comes to."""
        if frame.seconds - moved > SECONDS_EACH or len(frame.faces) > 1:
            return "challenge_failed"
        return "passed" if is_this and frame.is_straight else None
