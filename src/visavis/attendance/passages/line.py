"""A line across the picture of a camera, and which way the path of a face crosses it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from visavis.attendance.passages.types import PathPoint
from visavis.errors import UsageError
from visavis.videos.camera_door import PicturePoint

MARGIN = 0.5
"""Distance from the line, in sizes of the face, up to which a face is on the line: it may sway there."""


@dataclass(frozen=True, slots=True)
class DoorLine:
    """A line from ``start`` to ``end``; ``inside`` is a point on the side that is inside.

    Points are x and y as parts of the picture's width and height. Raises UsageError where they make no line, or
    ``inside`` lies on it.
    """

    start: PicturePoint
    end: PicturePoint
    inside: PicturePoint

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise UsageError("the line of a camera has two different ends")
        if _turn(self.start, self.end, self.inside) == 0:
            raise UsageError("inside is a point beside the line of the camera, not on it")

    def find_side(self, point: PathPoint) -> int:
        """Return 1 for a face that is inside, -1 for one that is outside, 0 for one that is on the line."""
        start, end, face = (_scale(each, point) for each in (self.start, self.end, (point.x, point.y)))
        distance = _turn(start, end, face) / math.dist(start, end)
        if abs(distance) < MARGIN:
            return 0
        return 1 if (distance > 0) == (_turn(self.start, self.end, self.inside) > 0) else -1

    def is_crossed(self, before: PathPoint, after: PathPoint) -> bool:
        """Return whether the way between points on both sides goes through the line, not past one of its ends."""
        first, second = (before.x, before.y), (after.x, after.y)
        return _turn(first, second, self.start) * _turn(first, second, self.end) <= 0


class LinePath:
    """The path of a track over a line: ``net`` is 1 after it came in, -1 after it went out, 0 where it did neither.

    ``crossed_at`` is when it was last first seen on the other side. ``first`` and ``last`` are points that are not on
    the line.
    """

    def __init__(self, line: DoorLine) -> None:
        self._line = line
        self.first: PathPoint | None = None
        self.last: PathPoint | None = None
        self.net = 0
        self.crossed_at: datetime | None = None

    def add(self, point: PathPoint) -> None:
        """Add the next point."""
        if self._line.find_side(point) == 0:
            return
        if self.last is not None:
            self._cross(self.last, point)
        self.first = self.first or point
        self.last = point

    def follow(self, before: PathPoint) -> None:
        """Take ``before``, the last point of a track, for the point before the first: this path is its rest."""
        if self.first is not None:
            crossed_at = self.crossed_at
            self._cross(before, self.first)
            self.crossed_at = crossed_at or self.crossed_at

    def reset(self) -> None:
        """Count anew: what was crossed so far is a passage."""
        self.net = 0

    def _cross(self, before: PathPoint, after: PathPoint) -> None:
        side = self._line.find_side(after)
        if side != self._line.find_side(before) and self._line.is_crossed(before, after):
            self.net += side
            self.crossed_at = after.at


def _turn(start: PicturePoint, end: PicturePoint, point: PicturePoint) -> float:
    """Return the cross product of the ways from ``start`` to ``end`` and to ``point``."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _scale(point: PicturePoint, face: PathPoint) -> PicturePoint:
    """Return a point in widths and heights of a face."""
    return point[0] / face.width, point[1] / face.height
