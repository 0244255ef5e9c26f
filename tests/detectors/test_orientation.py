"""Turned faces: the geometry of turned squares by hand, and what detectors give of faces that are not upright."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

import visavis
from visavis import images, quality
from visavis.align import warp
from visavis.detectors import Detector
from visavis.detectors._orientation import UPRIGHT_FACE, Squares, rotations, turn
from visavis.types import Face

from .drawn import GROUND, landmarks, picture
from .published import load

ANGLES = [45, 90, 135, 180, 225, 270, 315]


def turned(pixels: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """The picture turned clockwise by degrees on a canvas that holds all of it, and the matrix (2, 3) to it."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, 1)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = round(height * sin + width * cos), round(height * cos + width * sin)
    matrix[:, 2] += ((wide - width) / 2, (high - height) / 2)
    return cv2.warpAffine(pixels, matrix, (wide, high), borderValue=GROUND), matrix


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def error(face: Face, expected: np.ndarray) -> float:
    """Largest distance of a landmark from its place, in parts of the distance of the eyes."""
    return float(np.hypot(*(face.landmarks - expected).T).max() / np.hypot(*(expected[0] - expected[1])))


# --- geometry


def test_a_quarter_turns_right_to_down() -> None:
    np.testing.assert_allclose(rotations(np.array([math.pi / 2]))[0] @ (1, 0), (0, 1), atol=1e-12)


@pytest.mark.parametrize("degrees", [-170, -60, 0, 30, 90, 179])
def test_the_turn_between_points_is_told(degrees: float) -> None:
    angle = np.array([math.radians(degrees)])
    points = (UPRIGHT_FACE @ rotations(angle)[0].T * 70 + (15, 4))[None]
    assert turn(UPRIGHT_FACE, points)[0] == pytest.approx(angle[0], abs=1e-5)


def test_a_square_that_lies_on_its_side_has_its_top_at_the_right() -> None:
    square = Squares(np.array([[50.0, 40.0]]), np.array([20.0]), np.array([math.pi / 2]))
    corners = np.array([[(0, 0), (1, 0), (1, 1), (0, 1)]], np.float64)
    np.testing.assert_allclose(square.to_picture(corners)[0], [(60, 30), (60, 50), (40, 50), (40, 30)], atol=1e-9)


def test_an_upright_crop_of_a_square_is_its_very_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    squares = Squares(np.full((4, 2), (33.0, 28.0)), np.full(4, 16.0), np.arange(4) * math.pi / 2)
    part = pixels[20:36, 25:41]
    for crop, quarters in zip(warp(pixels, squares.matrices(16), size=16), range(4), strict=True):
        np.testing.assert_allclose(crop.astype(int), np.rot90(part, quarters).astype(int), atol=1)


# --- drawn faces


DRAWN = [(150, 135), (150, 225), (90, 135), (90, 270)]
"""Side and angle of drawn faces that MTCNN finds turned: its own landmarks are off by half a side."""


@pytest.mark.parametrize(("side", "angle"), DRAWN)
def test_a_turned_drawing_has_its_landmarks_in_place(mtcnn: Detector, side: int, angle: int) -> None:
    x, y = (90, 70) if side == 150 else (110, 80)
    pixels, matrix = turned(picture(320, 260, (x, y, side)), angle)
    ((face,),) = mtcnn.detect([pixels])
    assert error(face, moved(landmarks(x, y, side), matrix)) <= 0.12
    center = (face.box[:2] + face.box[2:]) / 2
    assert np.hypot(*(center - face.landmarks.mean(axis=0))) <= 0.2 * face.width
    assert face.score > 0.97


@pytest.mark.parametrize("angle", [0, *ANGLES])
@pytest.mark.parametrize("side", [90, 120, 150])
def test_no_drawing_has_its_landmarks_elsewhere(mtcnn: Detector, side: int, angle: int) -> None:
    """A face is found with its landmarks in place, or not at all."""
    pixels, matrix = turned(picture(320, 260, (100, 70, side)), angle)
    (faces,) = mtcnn.detect([pixels])
    assert all(error(face, moved(landmarks(100, 70, side), matrix)) <= 0.35 for face in faces)
    assert len(faces) == 1 or angle in ANGLES


def test_pictures_of_a_call_are_aligned_each_by_itself(mtcnn: Detector) -> None:
    pixels = [turned(picture(320, 260, (90, 70, 150)), angle)[0] for angle in (135, 0, 225)]
    for alone, together in zip([mtcnn.detect([one])[0] for one in pixels], mtcnn.detect(pixels), strict=True):
        ((face,), (same,)) = alone, together
        np.testing.assert_allclose(face.landmarks, same.landmarks, atol=1e-3)


def test_a_turned_face_has_the_pose_of_an_upright_one(mtcnn: Detector) -> None:
    upright = picture(320, 260, (90, 70, 150))
    on_its_head, _ = turned(upright, 135)
    poses = [quality.pose(faces[0].landmarks) for faces in mtcnn.detect([upright, on_its_head])]
    assert poses[1] == pytest.approx(poses[0], abs=0.05)
    assert min(poses) > 0.8


# --- photographs


def test_two_men_upside_down_are_not_one(data: Path) -> None:
    try:
        answer = visavis.verify(*(data / "faults" / f"upside_{name}.jpg" for name in "ab"))
    except visavis.NoFaceError:
        return
    assert not answer.same
    assert answer.probability is not None
    assert answer.probability < 0.01


PEOPLE = 40


@pytest.fixture(scope="module")
def portraits(data: Path) -> list[np.ndarray]:
    """A photo each of people of LFW view 1."""
    rows = (data / "lfw" / "pairsDevTest.txt").read_text(encoding="utf-8").splitlines()
    names = sorted({row.split()[0] for row in rows[501:]})[:PEOPLE]
    assert len(names) == PEOPLE
    return [images.read(min((data / "lfw" / "images" / name).glob("*.jpg"))).pixels for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mtcnn", "yunet", "scrfd-500m"])
def test_turned_people_have_their_landmarks_in_place(portraits: list[np.ndarray], tmp_path: Path, name: str) -> None:
    """Of the faces found in turned photos, at most one in fourteen has its eyes elsewhere; unaligned most had."""
    detector = load(name, tmp_path)
    upright = [at_center(faces, pixels) for faces, pixels in zip(detector.detect(portraits), portraits, strict=True)]
    assert all(upright)
    found = wrong = 0
    for angle in (45, 135, 180, 270):
        pixels, matrices = zip(*(turned(one, angle) for one in portraits), strict=True)
        for faces, one, face, matrix in zip(detector.detect(pixels), pixels, upright, matrices, strict=True):
            if central := at_center(faces, one):
                found += 1
                wrong += error(central, moved(face.landmarks, matrix)) > 0.5
    assert found >= PEOPLE
    assert wrong <= found / 14


def at_center(faces: list[Face], pixels: np.ndarray) -> Face | None:
    """The largest face over the center of the picture."""
    center = np.array(pixels.shape[1::-1]) / 2
    return max(
        (face for face in faces if (face.box[:2] < center).all() and (face.box[2:] > center).all()),
        key=lambda face: face.area,
        default=None,
    )
