"""The few objects of dlib that ``face_recognition`` returns: rectangles, points, detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Css = tuple[int, int, int, int]
"""``(top, right, bottom, left)`` in whole pixels."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The box of a face in whole pixels; its sides are methods, as in dlib."""

    css: Css

    def top(self) -> int:
        """Return the row of the upper edge."""
        return self.css[0]

    def right(self) -> int:
        """Return the column of the right edge."""
        return self.css[1]

    def bottom(self) -> int:
        """Return the row of the lower edge."""
        return self.css[2]

    def left(self) -> int:
        """Return the column of the left edge."""
        return self.css[3]

    def width(self) -> int:
        """Return the number of columns, both edges included."""
        return self.right() - self.left() + 1

    def height(self) -> int:
        """Return the number of rows, both edges included."""
        return self.bottom() - self.top() + 1


@dataclass(frozen=True, slots=True)
class Detection:
    """A result of dlib's second detector ("cnn"): a rectangle and its score."""

    rect: Rectangle
    confidence: float


@dataclass(frozen=True, slots=True)
class Point:
    """A landmark in whole pixels."""

    x: int
    y: int


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The points ``(k, 2)`` of a face, and the box that they were predicted from."""

    rect: Rectangle
    points: NDArray[np.int64]

    @property
    def num_parts(self) -> int:
        """Return the number of points: 5 or 68."""
        return len(self.points)

    def part(self, number: int) -> Point:
        """Return one point."""
        x, y = self.points[number].tolist()
        return Point(x, y)

    def parts(self) -> list[Point]:
        """Return all points."""
        return [self.part(number) for number in range(self.num_parts)]
