"""What the frames of an attempt at a kiosk show: advice for the person in front of it, or a decision.

All frames have to be good enough, to show one person alone, and to agree. Each doubt is advice or "hold", never a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from visavis.attendance.kiosk.types import KioskAnswer
from visavis.liveness import Liveness, TrackLiveness
from visavis.plain import Plain
from visavis.types import Identification, PhotoFaces, Quality

Advice = Literal["waiting", "nearer", "farther", "light", "less_light", "look", "single"]
AttemptState = Literal[
    "waiting",
    "nearer",
    "farther",
    "light",
    "less_light",
    "look",
    "single",
    "hold",
    "unclear",
    "recognized",
    "unknown",
    "attack",
]

SMALLEST, LARGEST = 0.15, 0.65
"""Least and greatest width of a face, as a part of the frame: of a taller frame than 2:3, of two thirds its height."""
LARGEST_ACTIVE = 0.45
"""Greatest width of a face before a challenge: of nearer faces perspective moves the nose of a photo."""
SECOND = 0.25
"""Area of a second face, of that of the largest, from which on it counts: who is meant is then not certain."""
LIT = 0.75
"""Least exposure of a face: see :class:`visavis.types.Quality`."""
DARK = 0.5
"""Mean gray below which a badly exposed face is called dark."""
FRONTAL = 0.5
"""Least quality of the pose."""


@dataclass(frozen=True, slots=True)
class FrameView:
    """What a frame shows of its largest face: ``advice``, or who it is (``person_id`` None: a stranger)."""

    advice: Advice | None = None
    person_id: int | None = None
    distance: float | None = None
    probability: float | None = None
    liveness: Liveness | None = None


@dataclass(frozen=True, slots=True)
class Attempt(Plain):
    """What the frames of an attempt come to.

    ``distance`` is the greatest of the frames, ``probability`` the least, ``liveness`` the score of all together. They
    and ``person_id`` are None unless the state is "recognized".
    """

    state: AttemptState
    person_id: int | None = None
    distance: float | None = None
    probability: float | None = None
    liveness: float | None = None

    def describe(self) -> KioskAnswer:
        """Return the answer where no employee is named: "unknown" also for a person who was recognized."""
        return KioskAnswer("unknown" if self.state == "recognized" else self.state)


def find_advice(photo: PhotoFaces, *, largest: float = LARGEST) -> Advice | None:
    """Return what keeps the largest face of a frame from being recognized surely; None: nothing does.

    ``largest`` is the greatest width of a face, as a part of the frame.
    """
    if photo.photo is None or not photo.faces:
        return "waiting"
    face, quality = photo.faces[photo.largest], photo.quality[photo.largest]
    if sum(other.area > SECOND * face.area for other in photo.faces) > 1:
        return "single"
    height, width = photo.photo.pixels.shape[:2]
    return _advise(float(face.box[2] - face.box[0]) / min(width, height * 1.5), quality, largest)


def _advise(share: float, quality: Quality, largest: float) -> Advice | None:
    if share < SMALLEST:
        return "nearer"
    if share > largest:
        return "farther"
    if quality.exposure < LIT:
        return "light" if quality.brightness < DARK else "less_light"
    return "look" if quality.pose < FRONTAL else None


def view_frame(
    photo: PhotoFaces, answers: Sequence[Identification], liveness: Liveness | None, *, largest: float = LARGEST
) -> FrameView:
    """Return what a frame shows; ``answers`` has a row for each of its faces, ``liveness`` is that of the largest face.

    ``largest`` is as in :func:`find_advice`.
    """
    advice = find_advice(photo, largest=largest)
    if advice is not None:
        return FrameView(advice)
    answer = answers[photo.largest]
    return FrameView(None, answer.person_id, answer.distance, answer.probability, liveness)


def decide_attempt(views: Sequence[FrameView], *, frames: int, liveness: bool, real_from: float) -> Attempt:
    """Return what the frames of an attempt come to, in the order in which they were taken.

    ``frames`` have to agree; with ``liveness`` they have to show a real face, of a mean score of ``real_from`` or more.
    """
    advice = [view.advice for view in views if view.advice is not None]
    if advice or not views:
        return Attempt(advice[-1] if advice else "waiting")
    if len(views) < frames:
        return Attempt("hold")
    result = _judge_track(views, real_from)
    if liveness and not result:
        return Attempt("attack" if result.certain else "unclear")
    return _agree(views, result.score if liveness else None)


def _judge_track(views: Sequence[FrameView], real_from: float) -> Liveness:
    track = TrackLiveness(threshold=real_from)
    for view in views:
        if view.liveness is not None:
            track.add(view.liveness)
    return track.result()


def _agree(views: Sequence[FrameView], score: float | None) -> Attempt:
    """Return who all views show."""
    person_id = views[0].person_id
    if any(view.person_id != person_id for view in views):
        return Attempt("hold")
    if person_id is None:
        return Attempt("unknown")
    distance = max((view.distance for view in views if view.distance is not None), default=None)
    probabilities = [view.probability for view in views]
    probability = None if None in probabilities else min(value for value in probabilities if value is not None)
    return Attempt("recognized", person_id, distance, probability, score)
