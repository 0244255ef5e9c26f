"""The few objects of dlib's that ``face_recognition`` hands out: rectangles, points, detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Css = tuple[int, int, int, int]
"""``(top, right, bottom, left)`` in whole pixels."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A face's box in whole pixels; its sides are asked for by calls, as dlib's."""

    css: Css

    def top(self) -> int:
        """Row of the upper edge."""
        return self.css[0]

    def right(self) -> int:
        """Column of the right edge."""
        return self.css[1]

    def bottom(self) -> int:
        """Row of the lower edge."""
        return self.css[2]

    def left(self) -> int:
        """Column of the left edge."""
        return self.css[3]

    def width(self) -> int:
        """Columns, both edges counted."""
        return self.right() - self.left() + 1

    def height(self) -> int:
        """Rows, both edges counted."""
        return self.bottom() - self.top() + 1


@dataclass(frozen=True, slots=True)
class Detection:
    """What dlib's second detector ("cnn") gives: a rectangle and its score."""

    rect: Rectangle
    confidence: float


@dataclass(frozen=True, slots=True)
class Point:
    """A landmark in whole pixels."""

    x: int
    y: int


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Points ``(k, 2)`` of one face, and the box they were looked for in."""

    rect: Rectangle
    points: NDArray[np.int64]

    @property
    def num_parts(self) -> int:
        """How many points there are: 5 or 68."""
        return len(self.points)

    def part(self, number: int) -> Point:
        """Return one point."""
        x, y = self.points[number].tolist()
        return Point(x, y)

    def parts(self) -> list[Point]:
        """Return all points."""
        return [self.part(number) for number in range(self.num_parts)]
