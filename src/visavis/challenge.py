"""CHALLENGE: movements of the head, asked for in random order, that a still photo cannot make. For kiosks.

Needs the five landmarks of the detector ``mtcnn`` alone, no further file. (YuNet moves the nose of bent photos.)
Where the nose lies between eyes and mouth is computed in the axes of the face itself, so moving, turning, tilting and
squeezing a flat photo leaves it where it is: those are affine maps. A head that turns moves its nose, which stands
out, and its eyes come only a little nearer to each other; a photo that is bent moves the nose less, and brings the
eyes much nearer. The order comes from the operating system's generator.

Five points show no eyelids, so no blink is asked for. What it does not stop is in docs/liveness.md: a mask, a screen on
which a person plays the right clip at each request, a face that is swapped in the video itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from random import Random, SystemRandom
from typing import Literal, get_args

import numpy as np

from visavis._checks import check_number, check_whole
from visavis.errors import UsageError
from visavis.plain import Plain
from visavis.types import Face, Floats

Movement = Literal["left", "right", "up"]
Status = Literal["running", "passed", "failed"]

MOVEMENTS = 4
"""Movements of a challenge: 3 ** 4 = 81 orders."""
SECONDS_EACH = 6.0
"""Time for each movement, and for each return to the middle."""
HOLD_CENTER = (0.4, 1.2)
"""Seconds, at random between these, that a face looks straight before a movement is asked for."""
HOLD_FRAMES = 2
"""Successive pictures that have to show a movement."""
GAP = 0.5
"""Longest time without a face, in seconds."""

CENTER_TURN, CENTER_LIFT = 0.12, 0.1
"""Greatest offset of the nose from that of the face at rest while it looks straight."""
LOPSIDED = 0.15
"""Greatest sideward offset of the nose of a face at rest: of 250 photos of LFW half have .1 or less."""
TURN = 0.3
"""Sideward offset of the nose, in distances of the eyes, of a head that is turned by about 35 degrees. Of 264
photographs held flat or bent, at random up to 65 degrees, none within the other limits has more than .26 (MTCNN)."""
LIFT = 0.24
"""Upward offset of the nose, in distances of eyes and mouth, of a head that looks up by about 30 degrees. The same
photographs have .21 at most."""
SQUEEZE = (0.75, 1.4)
"""Least and greatest distance of the eyes over that of eyes and mouth, as a part of the same at rest: the eyes of a
bent photo come nearer to each other."""
MOUTH, SKEW, SHEAR = 0.15, 0.06, 0.2
"""Greatest change of the mouth's width, of its slope towards the eyes, and of the angle of the face's axes. Of 54
turned heads in ORL's photos the greatest are .1, .03 and .09."""
JUMP, JUMP_LIFT = 0.25, 0.15
"""Greatest change of the offsets between two pictures: one photo put in the place of another jumps."""
STRIDE = (0.6, 8.0)
"""Greatest movement of the face between two pictures, in distances of the eyes: at once, and for each second."""
NEAREST = 0.2
"""Greatest distance of the eyes as a part of the picture's width: nearer, perspective moves the nose of a photo."""
SMALLEST = 16.0
"""Least distance of the eyes in pixels: of smaller faces the landmarks are too coarse."""

INSTRUCTIONS: dict[Movement | None, str] = {
    None: "Look straight into the camera.",
    "left": "Turn your head slowly to your left.",
    "right": "Turn your head slowly to your right.",
    "up": "Look up slowly.",
}
TOO_FAR = "Not so far: come back a little."


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, by its five landmarks.

    ``aside`` is the offset of the nose along the line of the eyes, in distances of the eyes, positive towards the right
    of the picture; ``down`` its place between eyes (0) and mouth (1); ``mouth`` the width of the mouth in distances of
    the eyes, ``skew`` its slope. These four do not change where a flat picture is moved, turned, scaled or squeezed.
    ``width`` is the distance of the eyes over that of eyes and mouth, ``shear`` 0 where the two are at right angles.
    """

    aside: float
    down: float
    mouth: float
    skew: float
    width: float
    shear: float


@dataclass(frozen=True, slots=True)
class ChallengeState(Plain):
    """What to show after a picture: ``instruction``; ``done`` of ``total`` movements; why it ``failed``.

    The truth value is whether the challenge is passed.
    """

    status: Status
    instruction: str
    movement: Movement | None
    done: int
    total: int
    reason: str = ""

    def __bool__(self) -> bool:
        return self.status == "passed"


def measure_pose(landmarks: Floats) -> Pose | None:
    """Return the pose of a face by its landmarks ``(5, 2)``; None where they lie on one line."""
    points = np.asarray(landmarks, np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    axes = np.stack([points[1] - points[0], mouth - eyes])
    # The area is positive: of a face in a mirrored order of points there is no pose.
    area = float(axes[0, 0] * axes[1, 1] - axes[0, 1] * axes[1, 0])
    if not np.isfinite(points).all() or area <= 1e-3 * float(np.hypot(*axes[0]) * np.hypot(*axes[1])) or area <= 0:
        return None
    nose = np.linalg.solve(axes.T, points[2] - eyes)
    corner = np.linalg.solve(axes.T, points[4] - points[3])
    width, shear = float(axes[0] @ axes[0]) / area, float(axes[0] @ axes[1]) / area
    return Pose(float(nose[0]), float(nose[1]), float(corner[0]), float(corner[1]), width, shear)


class Challenge:
    """A challenge of one person at one camera: give it each picture's face in turn, show the instruction it returns.

    ``movements`` is how many are asked for, each of three at random; ``seconds_each`` the time for each. ``mirrored``
    says that the camera delivers mirrored pictures. A challenge that has passed or failed stays so: make a new one. At
    least 5 pictures a second are needed. Raises UsageError for options that are not valid.
    """

    def __init__(
        self,
        *,
        movements: int = MOVEMENTS,
        seconds_each: float = SECONDS_EACH,
        mirrored: bool = False,
        random: Random | None = None,
    ) -> None:
        total = check_whole(movements, "the number of movements is a whole number", least=1, most=20)
        self._seconds_each = check_number(seconds_each, "the time of a movement is in seconds", least=1, most=600)
        self._random = random or SystemRandom()
        self._order: list[Movement] = [self._random.choice(get_args(Movement)) for _ in range(total)]
        self._sign = -1 if mirrored else 1
        self._done = 0
        self._asked = False  # whether a movement is asked for; otherwise the middle
        self._rest: Pose | None = None
        self._straight: list[Pose] = []
        self._since: float | None = None  # when what is asked for now was asked for
        self._straight_since: float | None = None
        self._hold = self._random.uniform(*HOLD_CENTER)
        self._last: tuple[float, Face, Pose] | None = None
        self._shown: tuple[Movement | None, int] = (None, 0)
        self._between = self._too_far = False
        self._ended: tuple[Status, str] | None = None

    @property
    def state(self) -> ChallengeState:
        """The state after the last picture."""
        movement = self._order[self._done] if self._asked and not self._ended else None
        status, reason = self._ended or ("running", "")
        instruction = TOO_FAR if self._too_far else INSTRUCTIONS[movement]
        if status != "running":
            instruction = reason or "Done."
        return ChallengeState(status, instruction, movement, self._done, len(self._order), reason)

    def update(self, seconds: float, faces: Sequence[Face], width: int) -> ChallengeState:
        """Take one more picture, of ``width`` pixels, with its faces; ``seconds`` never goes back.

        Raises UsageError for a time before that of the last picture.
        """
        if self._ended:
            return self.state
        self._since = seconds if self._since is None else self._since
        if self._last and seconds < self._last[0]:
            raise UsageError(f"time goes back, from {self._last[0]:g} to {seconds:g} seconds.")
        reason = self._find_fault(seconds, faces, width)
        if reason:
            self._ended = ("failed", reason)
        elif faces:
            self._follow(seconds, faces[0])
        return self.state

    def _find_fault(self, seconds: float, faces: Sequence[Face], width: int) -> str:
        """Return why the challenge fails with this picture; empty where it goes on."""
        if self._since is not None and seconds - self._since > self._seconds_each:
            return f"Too slow: each movement has {self._seconds_each:g} seconds."
        if len(faces) > 1:
            return "There is more than one face."
        if not faces:
            lost = self._last is not None and seconds - self._last[0] > GAP
            return "The face left the picture." if lost else ""
        if self._rest is None:  # there is time to step to the right place
            return ""
        return self._find_wrong_size(faces[0], width) or self._find_exchange(seconds, faces[0])

    @staticmethod
    def _find_wrong_size(face: Face, width: int) -> str:
        apart = math.dist(face.landmarks[0], face.landmarks[1])
        if apart > NEAREST * width:
            return "The face is too near: stand back."
        return "The face is too far away: come nearer." if apart < SMALLEST else ""

    def _find_exchange(self, seconds: float, face: Face) -> str:
        """Return that the face was exchanged for another since the last picture."""
        pose = measure_pose(face.landmarks)
        if self._last is None or pose is None:
            return ""
        before, other, last = self._last
        if seconds - before > GAP:
            return "The face left the picture."
        apart = math.dist(other.landmarks[0], other.landmarks[1])
        moved = math.dist((face.box[:2] + face.box[2:]) / 2, (other.box[:2] + other.box[2:]) / 2)
        if moved > (STRIDE[0] + STRIDE[1] * (seconds - before)) * apart:
            return "The face moved too far at once."
        if abs(pose.aside - last.aside) > JUMP or abs(pose.down - last.down) > JUMP_LIFT:
            return "The head moved too fast: turn slowly."
        return ""

    def _follow(self, seconds: float, face: Face) -> None:
        pose = measure_pose(face.landmarks)
        if pose is None:
            return
        self._last = (seconds, face, pose)
        if self._asked:
            self._follow_movement(seconds, pose)
        else:
            self._follow_center(seconds, pose)

    def _follow_center(self, seconds: float, pose: Pose) -> None:
        """Wait until the face has looked straight for a while, then ask for the next movement."""
        if not self._is_straight(pose):
            self._straight_since = None
            self._straight.clear()
            return
        self._straight_since = seconds if self._straight_since is None else self._straight_since
        self._straight.append(pose)
        if seconds - self._straight_since < self._hold or len(self._straight) < HOLD_FRAMES + 1:
            return
        if self._rest is None:
            columns = zip(*(astuple(pose) for pose in self._straight), strict=True)
            self._rest = Pose(*(float(np.median(column)) for column in columns))
        self._asked, self._between, self._shown = True, False, (None, 0)
        self._since = seconds
        self._straight.clear()

    def _is_straight(self, pose: Pose) -> bool:
        if self._rest is None:
            steady = self._straight[0] if self._straight else pose
            still = abs(pose.aside - steady.aside) < CENTER_TURN / 2 and abs(pose.down - steady.down) < CENTER_LIFT / 2
            return abs(pose.aside) <= LOPSIDED and still
        return abs(pose.aside - self._rest.aside) < CENTER_TURN and abs(pose.down - self._rest.down) < CENTER_LIFT

    def _follow_movement(self, seconds: float, pose: Pose) -> None:
        movement, far = self._recognize(pose)
        self._too_far = movement is None and far >= 1
        self._between |= movement is None and 0.35 < far < 1
        self._shown = (movement, self._shown[1] + 1 if movement == self._shown[0] else 1)
        if movement is None or self._shown[1] < HOLD_FRAMES:
            return
        if movement != self._order[self._done]:
            self._ended = ("failed", "That was another movement than the one asked for.")
        elif not self._between:
            self._ended = ("failed", "The head moved too fast: turn slowly.")
        else:
            self._finish_movement(seconds)

    def _finish_movement(self, seconds: float) -> None:
        self._done += 1
        self._asked, self._straight_since, self._since = False, None, seconds
        self._hold = self._random.uniform(*HOLD_CENTER)
        if self._done == len(self._order):
            self._ended = ("passed", "")

    def _recognize(self, pose: Pose) -> tuple[Movement | None, float]:
        """Return the movement that a pose shows, and how far it goes: 1 at the limit of the movement."""
        rest = self._rest or pose
        aside, up = (pose.aside - rest.aside) / TURN, (rest.down - pose.down) / LIFT
        far = max(abs(aside), up)
        if far < 1 or not _is_rigid(pose, rest):
            return None, far
        if abs(aside) < up:
            return "up", far
        # The person's left is at the right of a picture that is not mirrored.
        return "left" if aside * self._sign > 0 else "right", far


def _is_rigid(pose: Pose, rest: Pose) -> bool:
    """Return whether eyes and mouth moved as those of a head do, not as those on a bent photo."""
    return (
        SQUEEZE[0] <= pose.width / rest.width <= SQUEEZE[1]
        and abs(pose.mouth - rest.mouth) <= MOUTH
        and abs(pose.skew - rest.skew) <= SKEW
        and abs(pose.shear - rest.shear) <= SHEAR
    )


def follow(challenge: Challenge, pictures: Iterable[tuple[float, Sequence[Face], int]]) -> Iterator[ChallengeState]:
    """Yield the state after each picture (seconds, faces, width), until the challenge is passed or failed."""
    for seconds, faces, width in pictures:
        state = challenge.update(seconds, faces, width)
        yield state
        if state.status != "running":
            return
