"""Drawn faces on a plain ground: pictures in which it is known where the faces are and how large."""

from __future__ import annotations

import numpy as np

from golden import chips
from visavis.types import Face

GROUND = (170, 170, 175)
LANDMARKS = np.array([(350, 470), (674, 470), (512, 660), (375, 812), (649, 812)]) / chips.UNIT
"""Where eyes, nose and corners of the mouth are painted, in parts of the side."""
BOX = np.array([180, 110, 844, 1000]) / chips.UNIT
"""What a detector frames of the drawing: forehead to chin, in parts of the side."""


def picture(width: int, height: int, *faces: tuple[int, int, int]) -> np.ndarray:
    """RGB picture with drawn faces of (x, y, side)."""
    canvas = np.full((height, width, 3), GROUND, np.uint8)
    for x, y, side in faces:
        canvas[y : y + side, x : x + side] = chips.face(side, back=GROUND)
    return canvas


def box(x: int, y: int, side: int) -> np.ndarray:
    return np.tile((x, y), 2) + BOX * side


def landmarks(x: int, y: int, side: int) -> np.ndarray:
    return np.array((x, y)) + LANDMARKS * side


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes, by the book."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))


def assert_same(some: list[Face], others: list[Face], *, within: float = 1e-3) -> None:
    """The same faces in the same order, to so many pixels."""
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one.box, other.box, atol=within)
        np.testing.assert_allclose(one.landmarks, other.landmarks, atol=within)
        assert abs(one.score - other.score) <= 1e-4
