"""Geometry of landmarks: what moves, turns or scales a face changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.train.classifier_landmarks import DIMENSION, LEFT_EYE, PLACES, RIGHT_EYE, measure_geometry


def points(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = rng.uniform(0, 100, (1, 68, 2)).astype(np.float32)
    shape[:, LEFT_EYE] = [30, 40]
    shape[:, RIGHT_EYE] = [70, 40]
    return shape


def test_coordinates_and_distances_are_in_distances_of_the_eyes() -> None:
    shape = points()
    (features,) = measure_geometry(shape)
    assert features.shape == (DIMENSION,) == (367,)
    coordinates = features[:136].reshape(68, 2)
    np.testing.assert_allclose(coordinates, (shape[0] - shape[0].mean(axis=0)) / 40, atol=1e-5)
    np.testing.assert_allclose(coordinates.mean(axis=0), 0, atol=1e-5)
    first, second = shape[0][[PLACES[0], PLACES[1]]]
    assert features[136] == pytest.approx(np.linalg.norm(first - second) / 40, abs=1e-5)


@pytest.mark.parametrize("angle", [-1.0, 0.3, 2.0])
def test_shift_turn_and_scale_change_nothing(angle: float) -> None:
    shape = points(1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = (2.5 * shape @ turn + [300, -20]).astype(np.float32)
    np.testing.assert_allclose(measure_geometry(moved), measure_geometry(shape), atol=1e-4)


def test_a_mirrored_face_is_another_one() -> None:
    shape = points(2)
    mirrored = shape * [-1, 1]
    mirrored[:, LEFT_EYE], mirrored[:, RIGHT_EYE] = mirrored[:, RIGHT_EYE].copy(), mirrored[:, LEFT_EYE].copy()
    assert np.abs(measure_geometry(mirrored.astype(np.float32)) - measure_geometry(shape)).max() > 0.1


def test_eyes_in_one_place_are_no_division_by_zero() -> None:
    assert np.isfinite(measure_geometry(np.zeros((1, 68, 2), np.float32))).all()
    assert measure_geometry(np.zeros((0, 68, 2), np.float32)).shape == (0, DIMENSION)
