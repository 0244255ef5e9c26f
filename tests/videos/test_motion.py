"""Motion of a box between detections."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.types import Face
from visavis.videos import motion

BOX = np.array([100, 50, 160, 130], np.float32)


def test_a_box_seen_once_stays_and_becomes_uncertain() -> None:
    still = motion.start(BOX, 0.0)
    later = motion.predict(still, 0.5)
    assert later.box == pytest.approx(BOX, abs=1e-3)
    assert still.uncertainty == pytest.approx(70 * motion.JITTER)
    assert later.uncertainty > 10 * still.uncertainty
    assert motion.predict(later, 0.4) is later


def test_constant_velocity_is_learned_and_goes_on() -> None:
    """30 pixels in each 0.1 s to the right, growing by 1 % each time."""
    moving = motion.start(BOX, 0.0)
    for step in range(1, 8):
        middle, half = np.array([130 + 30 * step, 90]), np.array([30, 40]) * 1.01**step
        moving = motion.correct(motion.predict(moving, step / 10), np.concatenate([middle - half, middle + half]))
    ahead = motion.predict(moving, 0.75)
    assert ahead.position[0] == pytest.approx(130 + 30 * 7.5, abs=3)
    assert ahead.position[1] == pytest.approx(90, abs=0.5)
    assert moving.velocity[0] == pytest.approx(300, rel=0.1)


def test_velocity_fades_without_detections() -> None:
    moving = motion.start(BOX, 0.0)
    for step in range(1, 8):
        moving = motion.correct(motion.predict(moving, step / 10), BOX + np.array([30, 0, 30, 0]) * step)
    gone = motion.predict(moving, 30.0).position[0] - moving.position[0]
    assert gone == pytest.approx(motion.FADING_S * moving.velocity[0], rel=1e-3)


def test_landmarks_move_with_the_box() -> None:
    landmarks = np.array([[115, 80], [145, 80], [130, 95], [118, 115], [142, 115]], np.float32)
    moved = motion.move_face(Face(BOX, 0.9, landmarks), np.array([200, 100, 320, 260], np.float32))
    assert moved.landmarks[2] == pytest.approx([260, 190])  # the middle of the box, at 9/16 of its height
    assert moved.score == 0.9


def test_an_empty_box_has_a_side_of_a_pixel() -> None:
    assert motion.start(np.array([5, 5, 5, 5], np.float32), 0).side == pytest.approx(1.0)
