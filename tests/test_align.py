"""From points and boxes to crops: known motions are found exactly, known pictures moved as they should be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis import align
from visavis.types import Face

RNG = np.random.default_rng(11)
POINTS = np.array([(30, 40), (70, 42), (50, 60), (35, 80), (66, 79)], np.float32)
IDENTITY = np.array([[[1, 0, 0], [0, 1, 0]]], np.float32)


def motion(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """Matrix (2, 3) of a turn by ``angle`` (radians), a scaling and a shift."""
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def lstsq(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The same least squares by numpy: unknowns a, b, x, y of [[a, -b, x], [b, a, y]]."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source.astype(float), target.astype(float), strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        right += [u, v]
    a, b, x, y = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    return np.array([[a, -b, x], [b, a, y]])


# --- similarity


@given(
    st.floats(-math.pi, math.pi),
    st.floats(0.05, 20),
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_a_known_motion_is_found(angle: float, scale: float, shift: tuple[float, float]) -> None:
    known = motion(angle, scale, shift)
    (found,) = align.similarity(POINTS[None], apply(known, POINTS).astype(np.float32))
    np.testing.assert_allclose(apply(found, POINTS), apply(known, POINTS), atol=2e-3)
    np.testing.assert_allclose(found[:, :2], known[:, :2], atol=1e-4 * max(scale, 1))


def test_points_that_no_motion_joins_are_met_as_least_squares_says() -> None:
    sources = RNG.normal(50, 30, (40, 5, 2)).astype(np.float32)
    targets = RNG.normal(50, 30, (40, 5, 2)).astype(np.float32)
    found = align.similarity(sources, targets)
    assert found.shape == (40, 2, 3)
    assert found.dtype == np.float32
    for matrix, source, target in zip(found, sources, targets, strict=True):
        np.testing.assert_allclose(matrix, lstsq(source, target), atol=1e-3)


def test_one_target_serves_all_sources() -> None:
    sources = RNG.normal(50, 30, (3, 5, 2)).astype(np.float32)
    np.testing.assert_array_equal(align.similarity(sources, POINTS), align.similarity(sources, np.stack([POINTS] * 3)))


def test_a_mirror_image_is_turned_never_reflected() -> None:
    mirrored = POINTS * [-1, 1] + [100, 0]
    (found,) = align.similarity(POINTS[None], mirrored.astype(np.float32))
    assert np.linalg.det(found[:, :2]) > 0
    np.testing.assert_allclose(found, lstsq(POINTS, mirrored), atol=1e-3)


def test_points_on_a_line_are_as_good_as_any() -> None:
    line = np.stack([np.arange(5), 2 * np.arange(5)], axis=1).astype(np.float32)
    known = motion(0.3, 2, (5, -7))
    (found,) = align.similarity(line[None], apply(known, line).astype(np.float32))
    np.testing.assert_allclose(found, known, atol=1e-4)


def test_points_that_are_one_point_go_to_the_middle_of_the_target() -> None:
    one = np.full((1, 5, 2), 7, np.float32)
    (found,) = align.similarity(one, POINTS)
    np.testing.assert_allclose(apply(found, one[0]), np.tile(POINTS.mean(axis=0), (5, 1)), atol=1e-3)
    assert np.isfinite(found).all()


def test_no_points_no_matrices() -> None:
    assert align.similarity(np.empty((0, 5, 2), np.float32), POINTS).shape == (0, 2, 3)


# --- proportions


UPRIGHT = np.array([(-20, 0), (20, 0), (0, 22), (-16, 40), (16, 40)], np.float32)
"""A face from the front, whose eyes are as far apart as they are from the mouth: log(1 / .91) = .0943 too wide."""
TEMPLATE = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)], np.float32)


@pytest.mark.parametrize(
    ("across", "down", "squeezed"), [(1, 1, 0.0943), (0.5, 1, 0.0943 - math.log(2)), (1, 0.8, 0.0943 + math.log(1.25))]
)
@pytest.mark.parametrize("angle", [0, 0.6, math.pi / 2, math.pi, -2.1])
def test_how_far_a_face_is_from_the_usual_width(across: float, down: float, squeezed: float, angle: float) -> None:
    points = apply(motion(angle, 3, (200, 90)), UPRIGHT * [across, down])
    assert align.squeeze(points[None]) == pytest.approx([squeezed], abs=1e-3)


@pytest.mark.parametrize(("nose", "weight"), [(0, 1), (0.15, 1), (0.275, 0.5), (0.4, 0), (-0.5, 0)])
def test_a_face_turned_to_the_side_is_narrow_in_a_sound_picture(nose: float, weight: float) -> None:
    points = UPRIGHT * [0.5, 1]
    points[2, 0] = nose * 20  # the eyes are 20 apart
    assert align.squeeze(points[None]) == pytest.approx([(0.0943 - math.log(2)) * weight], abs=1e-3)


def test_points_in_one_place_have_no_width() -> None:
    points = np.zeros((1, 5, 2), np.float32)
    assert align.squeeze(points) == pytest.approx([0])
    assert np.isfinite(align.matrices_onto(points, TEMPLATE)).all()
    assert align.squeeze(np.empty((0, 5, 2), np.float32)).shape == (0,)
    assert align.matrices_onto(np.empty((0, 5, 2), np.float32), TEMPLATE).shape == (0, 2, 3)


@pytest.mark.parametrize("across", [0.85, 1, 1.005])
def test_faces_of_natural_width_are_moved_by_a_similarity(across: float) -> None:
    points = apply(motion(0.4, 2, (50, 60)), UPRIGHT * [across, 1])[None].astype(np.float32)
    assert abs(align.squeeze(points)) < align.NATURAL
    np.testing.assert_allclose(align.matrices_onto(points, TEMPLATE), align.similarity(points, TEMPLATE), atol=1e-4)


@pytest.mark.parametrize(("across", "down"), [(0.5, 1), (0.7, 1), (1, 0.6)])
@pytest.mark.parametrize("angle", [0, 0.3, math.pi / 2, math.pi])
def test_a_squeezed_face_is_restored_to_what_faces_may_be_by_nature(across: float, down: float, angle: float) -> None:
    turned = motion(angle, 2, (50, 60))
    points = apply(turned, UPRIGHT * [across, down])[None].astype(np.float32)
    (matrix,) = align.matrices_onto(points, TEMPLATE)
    width = float(align.squeeze(apply(matrix, points[0])[None])[0])
    assert abs(width) == pytest.approx(align.NATURAL, abs=1e-3)
    assert np.sign(width) == np.sign(align.squeeze(points)[0])
    # The same face upright is cut out alike: the turn is undone.
    (upright,) = align.matrices_onto((UPRIGHT * [across, down])[None].astype(np.float32), TEMPLATE)
    np.testing.assert_allclose(matrix[:, :2] @ turned[:, :2], upright[:, :2], atol=1e-4)


def test_a_mirrored_face_is_cut_out_mirrored() -> None:
    level = TEMPLATE.copy()
    level[[0, 3], 1] = level[[1, 4], 1]
    points = (UPRIGHT * [0.6, 1] + RNG.normal(0, 0.5, (5, 2))).astype(np.float32)
    order, flip = [1, 0, 2, 4, 3], np.array([-1, 1], np.float32)
    (matrix,) = align.matrices_onto(points[None], level)
    (mirrored,) = align.matrices_onto((points * flip)[order][None], (level * flip)[order] + [111, 0])
    there = apply(matrix, points)
    back = (apply(mirrored, (points * flip)[order]) * flip + [111, 0])[order]
    np.testing.assert_allclose(there, back, atol=1e-3)


# --- warp


def picture(height: int = 40, width: int = 60, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 256, (height, width, 3), np.uint8)


def test_the_identity_cuts_the_corner_out() -> None:
    source = picture()
    np.testing.assert_array_equal(align.warp(source, IDENTITY, size=32)[0], source[:32, :32])


@pytest.mark.parametrize("shift", [(5, 3), (20, 1), (0, 8)])
def test_a_shift_by_whole_pixels_changes_no_pixel(shift: tuple[int, int]) -> None:
    source = picture()
    x, y = shift
    (crop,) = align.warp(source, motion(0, 1, (-x, -y))[None].astype(np.float32), size=24)
    np.testing.assert_array_equal(crop, source[y : y + 24, x : x + 24])


def test_outside_is_black() -> None:
    source = picture()
    (crop,) = align.warp(source, motion(0, 1, (10, 15))[None].astype(np.float32), size=80)
    np.testing.assert_array_equal(crop[15:55, 10:70], source)
    crop[15:55, 10:70] = 0
    assert not crop.any()


def test_a_quarter_turn() -> None:
    source = picture(32, 32)
    turn = motion(math.pi / 2, 1, (31, 0))[None].astype(np.float32)  # (x, y) -> (31 - y, x)
    (crop,) = align.warp(source, turn, size=32)
    # OpenCV works in 1/32 of a pixel: a rounding error of the matrix may mix a little of the neighbor in.
    assert np.abs(crop.astype(int) - np.rot90(source, -1)).max() <= 8


@pytest.mark.parametrize("reduction", [1.5, 2, 3, 4, 7, 16, 23])
def test_a_ramp_keeps_its_values_where_they_belong(reduction: float) -> None:
    side = int(20 * reduction)
    down, across = np.mgrid[:side, :side]
    source = np.stack([across, down, across + down], axis=-1) * (120 / side)
    matrix = motion(0, 1 / reduction, (0.5 / reduction - 0.5,) * 2)[None].astype(np.float32)
    (crop,) = align.warp(source.astype(np.uint8), matrix, size=20)
    expected = ((np.arange(20) + 0.5) * reduction - 0.5) * (120 / side)
    inner = slice(1, -1)
    np.testing.assert_allclose(crop[inner, inner, 0], np.tile(expected, (20, 1))[inner, inner], atol=1.6)
    np.testing.assert_allclose(crop[inner, inner, 1], np.tile(expected, (20, 1)).T[inner, inner], atol=1.6)


@pytest.mark.parametrize("reduction", [2, 4, 5.3, 8, 12, 16])
def test_a_chessboard_becomes_gray_when_it_is_reduced(reduction: float) -> None:
    side = 640
    board = ((np.add.outer(np.arange(side), np.arange(side)) % 2) * 255).astype(np.uint8)
    matrix = motion(0, 1 / reduction, (0.1, 0.3))[None].astype(np.float32)
    (crop,) = align.warp(np.repeat(board[..., None], 3, 2), matrix, size=32)
    assert np.abs(crop[1:, 1:].astype(int) - 127).max() <= 2


def test_a_matrix_that_shrinks_everything_away_is_no_error() -> None:
    crops = align.warp(picture(3, 500), np.zeros((1, 2, 3), np.float32), size=8)
    assert crops.shape == (1, 8, 8, 3)


def test_crops_of_several_sizes_do_not_disturb_each_other() -> None:
    source = picture(200, 200)
    matrices = np.stack([motion(0.1, s, (3, 2)) for s in (0.1, 1.0, 0.3, 3.0)]).astype(np.float32)
    together = align.warp(source, matrices, size=16)
    for crop, matrix in zip(together, matrices, strict=True):
        np.testing.assert_array_equal(crop, align.warp(source, matrix[None], size=16)[0])


def test_no_matrices_no_crops() -> None:
    assert align.warp(picture(), np.empty((0, 2, 3), np.float32), size=16).shape == (0, 16, 16, 3)


# --- square crops


def face(*box: float) -> Face:
    return Face(np.array(box, np.float32), 0.9, np.zeros((5, 2), np.float32))


def test_a_square_box_of_the_size_is_cut_out_as_it_is() -> None:
    source = picture()
    (crop,) = align.square_crops(source, [face(10, 5, 26, 21)], size=16, margin=0.0)
    np.testing.assert_array_equal(crop, source[5:21, 10:26])


def test_the_margin_is_of_the_side_half_of_it_on_each_edge() -> None:
    source = picture()
    (crop,) = align.square_crops(source, [face(20, 12, 36, 28)], size=24, margin=0.5)
    np.testing.assert_array_equal(crop, source[8:32, 16:40])


def test_a_long_box_becomes_the_square_about_its_center() -> None:
    source = picture()
    (crop,) = align.square_crops(source, [face(20, 8, 28, 24)], size=16, margin=0.0)
    np.testing.assert_array_equal(crop, source[8:24, 16:32])


def test_reduction_by_two_is_the_mean_of_four() -> None:
    source = picture()
    (crop,) = align.square_crops(source, [face(10, 6, 42, 38)], size=16, margin=0.0)
    means = source[6:38, 10:42].reshape(16, 2, 16, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(crop - means).max() <= 1


def test_a_box_over_the_edge_is_filled_with_black() -> None:
    source = picture()
    (crop,) = align.square_crops(source, [face(-8, -4, 8, 12)], size=16, margin=0.0)
    np.testing.assert_array_equal(crop[4:, 8:], source[:12, :8])
    assert not crop[:4].any()
    assert not crop[:, :8].any()


def test_no_faces_and_a_box_without_area() -> None:
    assert align.square_crops(picture(), [], size=8, margin=0.3).shape == (0, 8, 8, 3)
    assert align.square_crops(picture(), [face(5, 5, 5, 5)], size=8, margin=0.3).shape == (1, 8, 8, 3)
