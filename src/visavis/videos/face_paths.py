"""Where the face of each track may be at any time: at its detections, between them, and before and after them.

Positions between two detections are interpolated; before the first and after the last they are extrapolated with the
velocity there. The box grows with the time from the nearest detection, because the face may move otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from visavis.types import Floats
from visavis.videos.blur import grow, widen
from visavis.videos.types import TrackedFace

BEFORE_S = AFTER_S = 0.75
"""Seconds before the first and after the last detection of a track in which its face may be visible."""
DEVIATIONS = 2.0
"""Standard deviations of a predicted center by which its box is widened."""
GROWTH = 0.5
"""Sides of the box by which each side of it moves outwards in a second without a detection."""
MOST_S = 0.75
"""Seconds without a detection after which the box no longer moves and grows."""
MOST_WIDENED, FARTHEST = 0.5, 2.0
"""Sides of the box by which it is widened for its uncertainty, and moved by its velocity, at most."""


@dataclass(slots=True)
class FacePath:
    """The detections of one track that are still needed, and what was last said of the track."""

    latest: TrackedFace
    detections: deque[tuple[float, Floats]] = field(default_factory=deque)
    predictions: dict[float, Floats] = field(default_factory=dict)
    """Boxes that the tracker predicted, by the seconds of their frame."""

    def add(self, seconds: float, face: TrackedFace) -> None:
        """Add the face of a frame, later than those before it."""
        self.latest = face
        if face.detected:
            self.detections.append((seconds, face.face.box))
        else:
            self.predictions[seconds] = widen(
                face.face.box, min(DEVIATIONS * face.uncertainty, MOST_WIDENED * _side(face.face.box))
            )

    def forget_before(self, seconds: float) -> None:
        """Drop what positions from ``seconds`` on do not depend on: two detections before it are kept."""
        while len(self.detections) > 2 and self.detections[2][0] <= seconds:
            self.detections.popleft()
        for passed in [time for time in self.predictions if time < seconds]:
            del self.predictions[passed]

    @property
    def last(self) -> float:
        """Seconds of the last detection or prediction."""
        return max([seconds for seconds, _ in self.detections] + list(self.predictions), default=-np.inf)

    def boxes(self, seconds: float) -> Iterator[Floats]:
        """Yield the boxes ``(4,)`` in which the face may be in the frame at ``seconds``; none long before and after."""
        if (predicted := self.predictions.get(seconds)) is not None:
            yield predicted
        before = [item for item in self.detections if item[0] <= seconds]
        after = [item for item in self.detections if item[0] > seconds]
        if before and after:
            yield _interpolate(before[-1], after[0], seconds)
        elif before and seconds - before[-1][0] <= AFTER_S:
            yield _extrapolate(before[-1], before[-2] if len(before) > 1 else None, seconds)
        elif after and after[0][0] - seconds <= BEFORE_S:
            yield _extrapolate(after[0], after[1] if len(after) > 1 else None, seconds)


class FacePaths:
    """The paths of all tracks, from the faces of each frame in order of time."""

    def __init__(self) -> None:
        self._paths: dict[int, FacePath] = {}

    def add(self, seconds: float, faces: tuple[TrackedFace, ...]) -> None:
        """Add the faces of the tracks in the frame at ``seconds``."""
        for face in faces:
            self._paths.setdefault(face.track, FacePath(face)).add(seconds, face)

    def at(self, seconds: float) -> list[tuple[TrackedFace, Floats]]:
        """Return each track that may be visible, as it was last described, with a box ``(4,)`` for each place."""
        return [(path.latest, box) for path in self._paths.values() for box in path.boxes(seconds)]

    def forget_before(self, seconds: float) -> None:
        """Drop tracks that ended long before ``seconds``, and detections that are no longer needed."""
        for path in self._paths.values():
            path.forget_before(seconds)
        self._paths = {track: path for track, path in self._paths.items() if path.last >= seconds - AFTER_S}


def _interpolate(before: tuple[float, Floats], after: tuple[float, Floats], seconds: float) -> Floats:
    part = (seconds - before[0]) / (after[0] - before[0])
    box: Floats = ((1 - part) * before[1] + part * after[1]).astype(np.float32)
    return grow(box, GROWTH * min(seconds - before[0], after[0] - seconds, MOST_S))


def _extrapolate(nearest: tuple[float, Floats], other: tuple[float, Floats] | None, seconds: float) -> Floats:
    """Return a box around the nearest detection and the place to which the velocity leads from there."""
    start, box = nearest
    away = float(np.clip(seconds - start, -MOST_S, MOST_S))
    moved = box
    if other is not None and other[0] != start:
        velocity = (_center(other[1]) - _center(box)) / np.float32(other[0] - start)
        step = np.clip(velocity * np.float32(away), -FARTHEST * _side(box), FARTHEST * _side(box))
        moved = (box + np.tile(step, 2)).astype(np.float32)
    both = np.concatenate([np.minimum(box[:2], moved[:2]), np.maximum(box[2:], moved[2:])]).astype(np.float32)
    return widen(both, GROWTH * abs(away) * _side(box))


def _side(box: Floats) -> float:
    return float(max(box[2] - box[0], box[3] - box[1]))


def _center(box: Floats) -> Floats:
    center: Floats = ((box[:2] + box[2:]) / 2).astype(np.float32)
    return center
