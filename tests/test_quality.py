"""Quality of a face: every part by hand-made cases, the figure by relations that have to hold."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pictures
from visavis import quality
from visavis.types import Face

# eyes, nose, corners of the mouth of pictures.drawn_face, in sides of the face from its centre
FEATURES = np.array([[-0.18, -0.12], [0.18, -0.12], [0, 0.08], [-0.15, 0.26], [0.15, 0.26]])


def face(side: float = 128, *, centre: tuple[float, float] = (127.5, 127.5), score: float = 1.0) -> Face:
    x, y = centre
    box = np.array([x - 0.42 * side, y - 0.5 * side, x + 0.42 * side, y + 0.5 * side], np.float32)
    return Face(box, score, (FEATURES * side + centre).astype(np.float32))


def figure(picture: np.ndarray, where: Face) -> float:
    (found,) = quality.qualities(picture, [where])
    return found.score


# a drawing has harder edges than any lens: this is about as sharp as the photos that the scale was made on
PICTURE = cv2.GaussianBlur(pictures.drawn_face(), (0, 0), 1.5)
GOOD = figure(PICTURE, face())


def mirrored(where: Face, width: int) -> Face:
    x1, y1, x2, y2 = where.box
    points = where.landmarks[[1, 0, 2, 4, 3]].copy()
    points[:, 0] = width - 1 - points[:, 0]
    # the box is edges and not centres of pixels: its mirror is about width, not width - 1
    return Face(np.array([width - x2, y1, width - x1, y2], np.float32), where.score, points)


# ------------------------------------------------------------------------------------------ the figure


def test_no_face_no_figure() -> None:
    assert quality.qualities(PICTURE, []) == ()


def test_a_good_face_is_near_one_and_the_parts_say_so() -> None:
    parts = quality.measure(PICTURE, face())
    assert parts.pose == 1
    assert parts.exposure == 1
    assert parts.detection == 1
    assert 0.8 < GOOD <= 1
    assert parts.score == pytest.approx(GOOD)


def test_weights_make_a_mean() -> None:
    assert sum(quality.WEIGHTS.values()) == pytest.approx(1)
    assert quality.score(dict.fromkeys(quality.WEIGHTS, 0.5)) == pytest.approx(0.5)
    assert quality.score({**dict.fromkeys(quality.WEIGHTS, 1.0), "size": 0.25}) == pytest.approx(0.25**0.3)
    assert quality.score({**dict.fromkeys(quality.WEIGHTS, 1.0), "pose": 0.0}) == 0


@pytest.mark.parametrize("sigma", [1, 1.5, 2])
def test_blurred_is_lower_and_more_blurred_lower_still(sigma: float) -> None:
    less = cv2.GaussianBlur(PICTURE, (0, 0), sigma)
    more = cv2.GaussianBlur(PICTURE, (0, 0), 2 * sigma)
    assert figure(more, face()) < figure(less, face()) < GOOD


def test_smaller_is_lower() -> None:
    figures = [figure(pictures.drawn_face(side), face(side)) for side in (200, 128, 90, 60, 40)]
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] < 0.75 * figures[0]


def test_a_small_face_grown_does_not_gain_what_it_has_lost() -> None:
    grown = cv2.resize(cv2.resize(PICTURE, (48, 48), interpolation=cv2.INTER_AREA), (256, 256))
    assert figure(grown, face()) < GOOD - 0.05


@pytest.mark.parametrize("light", [0.25, 0.1, 0.0])
def test_dark_is_lower(light: float) -> None:
    assert figure((PICTURE * light).astype(np.uint8), face()) < GOOD


def test_blown_out_and_flat_are_lower() -> None:
    assert figure(np.minimum(PICTURE.astype(int) + 150, 255).astype(np.uint8), face()) < GOOD
    assert figure(np.full_like(PICTURE, 128), face()) == 0


def test_an_unsure_detector_lowers_it() -> None:
    assert figure(PICTURE, face(score=0.5)) == pytest.approx(GOOD * 0.5**0.1)
    assert figure(PICTURE, face(score=1.7)) == pytest.approx(GOOD)
    assert figure(PICTURE, face(score=-1.0)) == 0


@pytest.mark.parametrize("by", [(0, 0), (31, 0), (0, -17), (-40, 23)])
def test_a_shift_changes_nothing(by: tuple[int, int]) -> None:
    moved = np.roll(PICTURE, by[::-1], axis=(0, 1))
    assert figure(moved, face(centre=(127.5 + by[0], 127.5 + by[1]))) == pytest.approx(GOOD, abs=1e-6)


@pytest.mark.parametrize("side", [30, 100, 128, 230])
def test_a_mirror_changes_nothing(side: int) -> None:
    centre = (120.3, 131.8)
    picture = pictures.drawn_face(side, centre=centre)
    picture = np.clip(picture + pictures.noise(256, 256).astype(int) // 8, 0, 255).astype(np.uint8)
    where = face(side, centre=centre)
    assert figure(picture[:, ::-1], mirrored(where, 256)) == pytest.approx(figure(picture, where), abs=0.005)


def test_faces_of_one_picture_do_not_mix() -> None:
    two = np.hstack([PICTURE, cv2.GaussianBlur(PICTURE, (0, 0), 4)])
    first, second = face(), face(centre=(127.5 + 256, 127.5))
    alone = quality.qualities(two, [first]) + quality.qualities(two, [second])
    assert quality.qualities(two, [first, second]) == alone
    assert alone[0].score == pytest.approx(GOOD)
    assert alone[0].score > alone[1].score


@pytest.mark.parametrize(
    "box",
    [
        (-40, -40, 60, 60),
        (200, 200, 400, 400),
        (300, 300, 400, 400),
        (-9, -9, -1, -1),
        (5, 5, 5, 5),
        (9, 9, 3, 3),
    ],
)
def test_boxes_over_the_edge_or_nowhere(box: tuple[float, ...]) -> None:
    where = Face(np.array(box, np.float32), 0.9, face().landmarks)
    inside = box[0] < 256 and box[2] > max(box[0], 0)
    assert (figure(pictures.noise(256, 256), where) > 0) == inside


def test_quick_enough() -> None:
    big = cv2.resize(PICTURE, (3000, 3000))
    for picture, where in ((PICTURE, face()), (big, face(1500, centre=(1500, 1500)))):
        times = []
        for _ in range(30):
            start = time.perf_counter()
            quality.qualities(picture, [where])
            times.append(time.perf_counter() - start)
        assert min(times) < 0.002  # measured .2 and .5 ms; the bound leaves room for a slower machine


# ------------------------------------------------------------------------------------------- the parts


@given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_ramp_stays_within_its_ends(value: float, nought: float, one: float) -> None:
    if abs(nought - one) < 1e-3:
        return
    assert 0 <= quality.ramp(value, nought, one) <= 1
    assert quality.ramp(nought, nought, one) == 0
    assert quality.ramp(one, nought, one) == 1
    assert quality.ramp((nought + one) / 2, nought, one) == pytest.approx(0.5)


def test_log_ramp() -> None:
    assert quality.log_ramp(10, 1, 100) == pytest.approx(0.5)
    assert quality.log_ramp(0, 1, 100) == 0
    assert quality.log_ramp(-3, 1, 100) == 0


@pytest.mark.parametrize(("apart", "expected"), [(10, 0), (60, 1), (600, 1), (1, 0), (600**0.5, 0.5)])
def test_size_by_the_distance_of_the_eyes(apart: float, expected: float) -> None:
    points = np.array([[0, 0], [apart, 0], [apart / 2, 0.1], [0, 0.2], [apart, 0.2]], np.float32)
    assert quality.size(points) == pytest.approx(expected, abs=1e-6)


def test_size_of_a_turned_head_is_that_of_its_height() -> None:
    points = np.array([[0, 0], [5, 0], [2, 20], [0, 40.7], [5, 40.7]], np.float32)
    assert quality.size(points) == pytest.approx(quality.log_ramp(35.2, 10, 60), abs=1e-4)


def turned(nose_x: float, nose_y: float) -> np.ndarray:
    """Eyes 100 apart, mouth 100 below them, the nose at a share of each."""
    return np.array([[0, 0], [100, 0], [50 + 100 * nose_x, 100 * nose_y], [20, 100], [80, 100]], np.float32)


@pytest.mark.parametrize(
    ("nose_x", "nose_y", "expected"),
    [
        (0, 0.52, 1),
        (0.1, 0.52, 1),
        (-0.1, 0.6, 1),
        (0.275, 0.52, 0.5),
        (-0.275, 0.52, 0.5),
        (0.45, 0.52, 0),
        (0.9, 0.52, 0),
        (0, 0.745, 0.5),
        (0, 0.295, 0.5),
        (0, 0.1, 0),
        (0, 1.1, 0),
        (0.275, 0.745, 0.25),
    ],
)
def test_pose_by_the_nose(nose_x: float, nose_y: float, expected: float) -> None:
    assert quality.pose(turned(nose_x, nose_y)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("degrees", [15, 90, -120])
def test_pose_does_not_mind_a_roll(degrees: float) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert quality.pose((turned(0.2, 0.6) @ turn).astype(np.float32)) == pytest.approx(
        quality.pose(turned(0.2, 0.6)), abs=1e-4
    )


def test_pose_of_points_on_top_of_each_other() -> None:
    assert quality.pose(np.zeros((5, 2), np.float32)) == 0
    assert quality.size(np.zeros((5, 2), np.float32)) == 0


def test_profile_landmarks_are_lower() -> None:
    points = face().landmarks.copy()
    points[2, 0] += 0.3 * 128 * 0.36
    profile = Face(face().box, 1.0, points)
    assert figure(PICTURE, profile) < 0.95 * GOOD


def test_sharpness_is_the_same_at_any_contrast() -> None:
    crop = quality.grey_crop(cv2.GaussianBlur(PICTURE, (0, 0), 2), face().box)
    faint = (crop // 2 + 60).astype(np.uint8)
    assert quality.sharpness(faint) == pytest.approx(quality.sharpness(crop), abs=0.06)  # halves are rounded
    assert 0.1 < quality.sharpness(crop) < 0.95


def test_sharpness_by_hand() -> None:
    crop = np.zeros((96, 96), np.uint8)
    crop[::2, ::2] = crop[1::2, 1::2] = 200  # Laplacian +-800, grey +-100: ratio 64
    assert quality.sharpness(crop) == 1
    assert quality.sharpness(np.full((96, 96), 77, np.uint8)) == 0
    slope = np.tile(np.linspace(0, 255, 96), (96, 1)).astype(np.uint8)
    assert quality.sharpness(slope) == 0


@pytest.mark.parametrize(
    ("mean", "spread", "expected"),
    [
        (128, 40, 1),
        (40, 40, 1),
        (220, 35, 1),
        (24, 20, 0.5),
        (128, 12, 0.5),
        (235, 20, 0.5),
        (8, 8, 0),
        (128, 3, 0),
    ],
)
def test_exposure_by_mean_and_spread(mean: int, spread: int, expected: float) -> None:
    crop = np.full((96, 96), mean - spread, np.uint8)
    crop[:48] = mean + spread
    assert quality.exposure(crop) == pytest.approx(expected, abs=0.01)


def test_the_crop_is_the_box() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[50:146, 100:196] = 255
    inside = np.array([100, 50, 196, 146], np.float32)
    assert quality.grey_crop(picture, inside).min() == 255
    assert quality.grey_crop(picture, inside).shape == (96, 96)
    assert quality.grey_crop(picture, inside + 96).max() == 0
