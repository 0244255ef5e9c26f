"""Motion of a face between detections: a Kalman filter of constant velocity, for center and size of the box.

Lengths are in sides of the face (the mean of width and height), so that near and far faces move alike. Velocities fade
while a face is not detected: a box that is no longer confirmed comes to rest instead of leaving the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from visavis.types import Doubles, Face, Floats

JITTER = 0.04
"""Standard deviation of a detected center, in sides, and of the logarithm of a detected side."""
SPEED, GROWTH = 1.5, 0.3
"""Standard deviations of the velocity of a new track: sides per second, and logarithm of the side per second."""
ACCELERATION, STRETCH = 4.0, 0.5
"""Standard deviations of the change of both velocities within a second."""
FADING_S = 0.5
"""Seconds after which the velocity of a face that is not detected has fallen to 37 %."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Where a face is and how it moves at ``seconds``.

    ``position (4,)`` is center x and y in pixels, and the logarithms of width and height; ``velocity (4,)`` their
    change per second. ``place`` and ``size`` are the covariances ``(2, 2)`` of a coordinate and its velocity: of the
    center, in sides, and of the logarithms.
    """

    seconds: float
    position: Doubles
    velocity: Doubles
    place: Doubles
    size: Doubles

    @property
    def box(self) -> Floats:
        """The box ``(4,)`` x1, y1, x2, y2."""
        half = np.exp(self.position[2:]) / 2
        box: Floats = np.concatenate([self.position[:2] - half, self.position[:2] + half]).astype(np.float32)
        return box

    @property
    def side(self) -> float:
        """Mean of width and height in pixels."""
        return float(np.exp(self.position[2:]).mean())

    @property
    def uncertainty(self) -> float:
        """Standard deviation of the center in each direction, in pixels."""
        return self.side * math.sqrt(float(self.place[0, 0]))


def start(box: Floats, seconds: float) -> Motion:
    """Return the motion of a face that was detected once: at rest, as far as is known."""
    place, size = np.diag([JITTER**2, SPEED**2]), np.diag([JITTER**2, GROWTH**2])
    return Motion(seconds, _measure(box), np.zeros(4), place, size)


def predict(motion: Motion, seconds: float) -> Motion:
    """Return the motion at a later time; the same motion for a time that is not later."""
    gap = seconds - motion.seconds
    if gap <= 0:
        return motion
    faded = math.exp(-gap / FADING_S)
    way = FADING_S * (1 - faded)
    move = np.array([[1, way], [0, faded]])
    noise = np.array([[gap**3 / 3, gap**2 / 2], [gap**2 / 2, gap]])
    return Motion(
        seconds,
        motion.position + way * motion.velocity,
        faded * motion.velocity,
        move @ motion.place @ move.T + ACCELERATION**2 * noise,
        move @ motion.size @ move.T + STRETCH**2 * noise,
    )


def correct(motion: Motion, box: Floats) -> Motion:
    """Return the motion after a detection at its time."""
    change = _measure(box) - motion.position
    gains, covariances = [], []
    for covariance in (motion.place, motion.size):
        gain = covariance[:, 0] / (covariance[0, 0] + JITTER**2)
        gains.append(gain)
        covariances.append(covariance - np.outer(gain, covariance[0]))
    gain = np.repeat(np.array(gains), 2, axis=0)  # (4, 2): for position and velocity of each coordinate
    return replace(
        motion,
        position=motion.position + gain[:, 0] * change,
        velocity=motion.velocity + gain[:, 1] * change,
        place=covariances[0],
        size=covariances[1],
    )


def move_face(face: Face, box: Floats) -> Face:
    """Return the face with its landmarks moved as its box is moved to ``box (4,)``."""
    sides = np.maximum(face.box[2:] - face.box[:2], 1e-6)
    landmarks = box[:2] + (face.landmarks - face.box[:2]) / sides * (box[2:] - box[:2])
    return Face(box.astype(np.float32), face.score, landmarks.astype(np.float32))


def _measure(box: Floats) -> Doubles:
    """Return center and logarithms of the sides of a box ``(4,)``."""
    corners = box.astype(np.float64)
    sides = np.maximum(corners[2:] - corners[:2], 1.0)
    return np.concatenate([(corners[:2] + corners[2:]) / 2, np.log(sides)])
