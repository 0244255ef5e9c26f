"""LIVENESS: whether the face in front of the camera is a person, or a photo or a screen that is held up.

Two networks look at each face and its surroundings (``spoof_networks``). The answer is a score, the probability that
the face is real, and a flag. It is never an exception: a face that cannot be judged is not real, and says why. A
picture on which the networks are known to fail (gray, blurred, a tiny face, a face that fills it) has ``doubts``.

The networks know attacks by the edge of a paper, the frame and the pattern of a screen, the colors of a print. What
shows none of these passes: docs/liveness.md has what was measured, and what it does not stop.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from visavis._checks import check_number
from visavis.defaults import REAL_FROM
from visavis.plain import Plain
from visavis.quality import POOR, eye_distance, fraction_inside, measure, reasons
from visavis.types import RGB, Face, Quality

if TYPE_CHECKING:
    from visavis.spoof_networks import SpoofNetworks

FEWEST_VIEWS = 3
"""Faces of a track that have to be judged before the track can be real."""
WINDOW = 15
"""Newest judged faces of a track that its score is the mean of: a photo held up behind a real face is not outvoted."""
SMALL = 13.0
"""Pixels between the eyes below which the crops are enlarged: 80 pixels, 2.7 times the box."""
FRAMED = 1.5
"""Least side of a crop over that of the box. Of 79 faces of LFW with 1.5 to 2 the networks take .91 for real, of 83
tightly cropped ones of celebrities, with about 1, only .52."""
COLORFUL = 0.03
"""Mean difference of the color channels, over the mean brightness, below which a picture is gray. Of 60 gray photos of
real people (ORL) the networks take none for real."""
ROLLED = 45.0
"""Degrees by which a face may be turned in the picture."""


@dataclass(frozen=True, slots=True)
class Liveness(Plain):
    """Answer to "is this face real?".

    ``score`` is the probability of a real face, 0 where nothing could be judged, and ``real`` whether it reaches the
    threshold. ``doubts`` say why the answer is uncertain; ``views`` is the number of judged faces, more than 1 for a
    track. ``box`` is the place of the face.
    The truth value is whether the face is real without a doubt.
    """

    real: bool
    score: float
    doubts: tuple[str, ...] = ()
    views: int = 1
    box: tuple[float, float, float, float] | None = None

    @property
    def certain(self) -> bool:
        """Whether nothing makes the answer uncertain."""
        return not self.doubts

    def __bool__(self) -> bool:
        return self.real and self.certain


class LivenessCheck:
    """Judges faces in pictures; both networks are loaded at once. Usable from several threads.

    ``threshold`` is the score in 0..1 from which a face is real. Raises MissingWeightsError where a file is missing.
    """

    def __init__(
        self, *, threshold: float = REAL_FROM, threads: int | None = None, networks: SpoofNetworks | None = None
    ) -> None:
        self._threshold = check_threshold(threshold)
        if networks is None:
            from visavis.spoof_networks import SpoofNetworks

            networks = SpoofNetworks(threads=threads)
        self._networks = networks

    def judge(
        self, picture: RGB, faces: Sequence[Face], qualities: Sequence[Quality] | None = None
    ) -> tuple[Liveness, ...]:
        """Judge each face of an RGB picture; ``qualities`` are measured where they are not given."""
        judged = [_lies_inside(picture, face) for face in faces]
        selected = [face for face, inside in zip(faces, judged, strict=True) if inside]
        probabilities = iter(self._networks.probabilities(picture, selected) if selected else ())
        answers = []
        for row, (face, inside) in enumerate(zip(faces, judged, strict=True)):
            if not inside:
                answers.append(Liveness(False, 0.0, ("the face lies outside the picture.",), box=_box(face)))
                continue
            quality = measure(picture, face) if qualities is None else qualities[row]
            score = float(next(probabilities)[1])
            answers.append(
                Liveness(score >= self._threshold, score, find_doubts(picture, face, quality), box=_box(face))
            )
        return tuple(answers)

    def track(self) -> TrackLiveness:
        """Return an average for the faces of one track, with the same threshold."""
        return TrackLiveness(threshold=self._threshold)


@dataclass(slots=True)
class TrackLiveness:
    """The average over the faces of one track, of bounded size.

    Faces with doubts do not count. The score is the mean of the newest :data:`WINDOW` faces, so that a track that began
    with a real face does not stay real when a photo takes its place.
    """

    threshold: float = REAL_FROM
    _scores: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _views: int = 0
    _doubt: str = "no face of the track was judged."

    def add(self, answer: Liveness) -> None:
        """Count one more face of the track."""
        if answer.certain:
            self._scores.append(answer.score)
            self._views += 1
        else:
            self._doubt = answer.doubts[0]

    def extend(self, later: TrackLiveness) -> None:
        """Count the faces of a later track of the same face."""
        self._scores.extend(later._scores)
        self._views += later._views
        self._doubt = later._doubt

    def result(self) -> Liveness:
        """Return the answer for the track: with doubts, and not real, before enough of its faces are judged."""
        if not self._scores:
            return Liveness(False, 0.0, (self._doubt,), views=0)
        score = sum(self._scores) / len(self._scores)
        if self._views < FEWEST_VIEWS:
            few = f"too few faces of the track are judged: {self._views}, of at least {FEWEST_VIEWS}."
            return Liveness(False, score, (few,), views=self._views)
        return Liveness(score >= self.threshold, score, views=self._views)


def check_threshold(threshold: object) -> float:
    """Return a threshold of the score; UsageError unless it is a number in 0..1."""
    return check_number(threshold, "the threshold of liveness is a probability", least=0, most=1)


def find_doubts(picture: RGB, face: Face, quality: Quality) -> tuple[str, ...]:
    """Return sentences on what makes the networks unreliable for a face; empty where nothing does."""
    from visavis.spoof_networks import FAR, limited_scale

    height, width = picture.shape[:2]
    doubts = []
    if (apart := eye_distance(face.landmarks)) < SMALL:
        doubts.append(f"the face is small: {apart:.0f} pixels between the eyes, of at least {SMALL:.0f}.")
    if (scale := limited_scale(width, height, face.box, FAR)) < FRAMED:
        doubts.append(f"the face fills the picture, which is {scale:.1f} times its size: stand back.")
    if fraction_inside(picture, face.box) < 1 - 1 / 8:
        doubts.append("the face is cut off by the edge of the picture.")
    if (turned := abs(roll(face))) > ROLLED:
        doubts.append(f"the face is turned by {turned:.0f} degrees in the picture.")
    if is_gray(picture, face):
        doubts.append("the picture is gray: the networks know colored ones only.")
    if quality.score < POOR:
        doubts.append(f"the picture is poor: {', '.join(reasons(quality, face)) or 'its quality'}.")
    return tuple(doubts)


def roll(face: Face) -> float:
    """Return by how many degrees the face is turned in the picture, from -180 to 180; 0 is upright."""
    right, down = face.landmarks[3:].mean(axis=0) - face.landmarks[:2].mean(axis=0)
    return math.degrees(math.atan2(float(right), float(down)))


def is_gray(picture: RGB, face: Face) -> bool:
    """Return whether the box of a face has no color: a photo in black and white, or an infrared camera's."""
    left, top, right, bottom = _cut(picture, face)
    step = max(min(right - left, bottom - top) // 64, 1)
    pixels = picture[top:bottom:step, left:right:step].reshape(-1, 3).astype(np.int16)
    if not pixels.size:
        return False
    spread = float((pixels.max(axis=1) - pixels.min(axis=1)).mean())
    return spread < COLORFUL * max(float(pixels.mean()), 1.0)


def _cut(picture: RGB, face: Face) -> tuple[int, int, int, int]:
    box = face.clipped(picture.shape[1], picture.shape[0]).box
    return int(box[0]), int(box[1]), math.ceil(box[2]), math.ceil(box[3])


def _lies_inside(picture: RGB, face: Face) -> bool:
    """Return whether a part of the box lies in the picture."""
    return (
        bool(np.isfinite(face.box).all() and np.isfinite(face.landmarks).all())
        and fraction_inside(picture, face.box) > 0
    )


def _box(face: Face) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in face.box)
    return left, top, right, bottom
