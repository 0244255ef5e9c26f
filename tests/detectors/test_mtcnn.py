"""MTCNN on drawn faces, whose places are known, and on pictures without any."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pictures
from visavis.detectors import DETECTORS, Detector
from visavis.detectors.mtcnn import read
from visavis.errors import UsageError
from visavis.weights import spec

from .drawn import GROUND, assert_same, box, landmarks, overlap, picture

THREE = ((20, 30, 60), (150, 100, 80), (430, 40, 45))
"""Drawn faces: x, y and side in pixels. On larger drawings the networks see that they are drawings."""
FRAME = 0.86
"""Height of the box of a drawn face over the side of the drawing."""


@pytest.fixture(scope="module")
def three() -> np.ndarray:
    return picture(640, 480, *THREE)


@pytest.fixture(scope="module")
def many() -> list[np.ndarray]:
    """Pictures of many sizes, with none to three faces."""
    return [
        picture(640, 480, *THREE),
        picture(97, 131, (10, 20, 80)),
        pictures.noise(60, 40),
        picture(300, 200),
        picture(211, 333, (60, 100, 75)),
        picture(12, 12),
        picture(640, 480, (100, 200, 40), (300, 100, 70)),
    ]


# --- what is found


def test_drawn_faces_are_found_where_they_were_drawn(mtcnn: Detector, three: np.ndarray) -> None:
    (faces,) = mtcnn.detect([three])
    assert len(faces) == 3
    for drawn in THREE:
        side = drawn[2]
        found = max(faces, key=lambda face: overlap(face.box, box(*drawn)))
        assert overlap(found.box, box(*drawn)) >= 0.8
        assert np.abs(found.landmarks - landmarks(*drawn)).max() <= 0.06 * side


def test_scores_fall_and_are_high(mtcnn: Detector, three: np.ndarray) -> None:
    (faces,) = mtcnn.detect([three])
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)
    assert all(0.9 < score <= 1 for score in scores)


def test_the_least_score_can_be_chosen(mtcnn: Detector) -> None:
    """Faces of .991, .994 and .999, each alone in its picture."""
    drawn = [picture(640, 480, (100, 100, side)) for side in (120, 150, 90)]
    everybody = [face.score for (face,) in mtcnn.detect(drawn)]
    limit = sorted(everybody)[1]
    strict = DETECTORS.create("mtcnn", min_score=limit - 1e-4).detect(drawn)
    expected = [[score] if score >= limit else [] for score in everybody]
    assert [len(faces) for faces in strict] == [len(scores) for scores in expected]
    for faces, scores in zip(strict, expected, strict=True):
        assert [face.score for face in faces] == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("score", [0, 1, -0.5, 1.5, float("nan")])
def test_a_least_score_beyond_0_and_1_is_refused(score: float) -> None:
    with pytest.raises(UsageError, match="min_score is a score above 0 and below 1"):
        DETECTORS.create("mtcnn", min_score=score)


def test_faces_are_float32_in_boxes_that_are_boxes(mtcnn: Detector, three: np.ndarray) -> None:
    for face in mtcnn.detect([three])[0]:
        assert face.box.dtype == face.landmarks.dtype == np.float32
        assert face.width > 0
        assert face.height > 0
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize(
    "empty",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((11, 11, 3), np.uint8),
        np.zeros((12, 12, 3), np.uint8),
        np.full((20, 20, 3), 255, np.uint8),
        np.zeros((1, 900, 3), np.uint8),
        np.zeros((900, 19, 3), np.uint8),
        np.full((300, 400, 3), 128, np.uint8),
        pictures.noise(200, 150),
        pictures.gray_rgb(np.random.default_rng(1).integers(100, 156, (150, 200), np.uint8)),
        pictures.scene(200, 150),
    ],
    ids=lambda each: "x".join(str(n) for n in each.shape[:2]),
)
@pytest.mark.parametrize("min_face", [5, 12, 20])
def test_no_faces_no_answer(mtcnn: Detector, empty: np.ndarray, min_face: float) -> None:
    assert mtcnn.detect([empty], min_face=min_face) == [[]]


def test_no_pictures_no_answers(mtcnn: Detector) -> None:
    assert mtcnn.detect([]) == []


# --- the smallest face looked for


@pytest.mark.parametrize("side", [50, 60, 70, 80])
@pytest.mark.parametrize("share", [0.2, 0.35, 0.5, 0.7, 0.9])
def test_faces_larger_than_the_smallest_are_found(mtcnn: Detector, side: int, share: float) -> None:
    smallest = share * side * FRAME
    (faces,) = mtcnn.detect([picture(400, 300, (70, 50, side))], min_face=smallest)
    assert len(faces) == 1
    assert overlap(faces[0].box, box(70, 50, side)) >= 0.75


@pytest.mark.parametrize("side", [50, 70, 100])
@pytest.mark.parametrize("times", [2, 2.5, 3])
def test_faces_much_smaller_than_the_smallest_are_not(mtcnn: Detector, side: int, times: float) -> None:
    # MTCNN's cells catch faces down to about half of the side they are made for.
    assert mtcnn.detect([picture(400, 300, (70, 50, side))], min_face=times * side * FRAME) == [[]]


@pytest.mark.parametrize("min_face", [7.5, 12, 20, 24, 48, 77.7, 100])
def test_the_smallest_face_is_a_side_in_pixels_of_any_value(
    mtcnn: Detector, three: np.ndarray, min_face: float
) -> None:
    (faces,) = mtcnn.detect([three], min_face=min_face)
    expected = {drawn for drawn in THREE if FRAME * drawn[2] >= min_face}
    found = {max(THREE, key=lambda drawn: overlap(face.box, box(*drawn))) for face in faces}
    assert len(found) == len(faces)
    assert expected <= found
    assert all(max(face.width, face.height) > 0.5 * min_face for face in faces)


@pytest.mark.parametrize("min_face", [0, 0.99, -20, float("nan"), float("inf")])
def test_a_smallest_face_of_no_size_is_refused(mtcnn: Detector, min_face: float) -> None:
    with pytest.raises(UsageError, match="min_face is a side in pixels of at least 1"):
        mtcnn.detect([picture(30, 30)], min_face=min_face)


# --- batches, threads, changes of the picture


def test_a_batch_of_mixed_sizes_is_as_one_by_one(mtcnn: Detector, many: list[np.ndarray]) -> None:
    together = mtcnn.detect(many)
    assert [len(faces) for faces in together] == [3, 1, 0, 0, 1, 0, 2]
    for faces, one in zip(together, many, strict=True):
        assert_same(faces, mtcnn.detect([one])[0])


def test_faces_of_two_photos_at_nearly_one_place_are_not_mixed(mtcnn: Detector) -> None:
    pair = [picture(200, 160, (40, 30, 70)), picture(200, 160, (47, 36, 70))]
    for faces, one in zip(mtcnn.detect(pair), pair, strict=True):
        assert len(faces) == 1
        assert_same(faces, mtcnn.detect([one])[0])


def test_the_order_of_a_batch_does_not_matter(mtcnn: Detector, many: list[np.ndarray]) -> None:
    order = [3, 6, 0, 5, 1, 4, 2]
    shuffled = mtcnn.detect([many[i] for i in order])
    straight = mtcnn.detect(many)
    for i, faces in zip(order, shuffled, strict=True):
        assert_same(faces, straight[i])


def test_the_same_call_gives_the_same_answer(mtcnn: Detector, many: list[np.ndarray]) -> None:
    for one, other in zip(mtcnn.detect(many), mtcnn.detect(many), strict=True):
        assert_same(one, other, within=0)


def test_threads_that_share_a_detector_get_their_own_answers(mtcnn: Detector, many: list[np.ndarray]) -> None:
    alone = [mtcnn.detect([one])[0] for one in many]
    with ThreadPoolExecutor(4) as pool:
        shared = list(pool.map(lambda one: mtcnn.detect([one])[0], many * 4))
    for faces, expected in zip(shared, alone * 4, strict=True):
        assert_same(faces, expected, within=0)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_nothing(mtcnn: Detector, many: list[np.ndarray], threads: int) -> None:
    other = DETECTORS.create("mtcnn", threads=threads)
    for one, two in zip(mtcnn.detect(many), other.detect(many), strict=True):
        assert_same(one, two)


def test_pictures_are_left_as_they_are(mtcnn: Detector, three: np.ndarray) -> None:
    kept = three.copy()
    three.setflags(write=False)
    mtcnn.detect([three])
    np.testing.assert_array_equal(three, kept)


def test_a_picture_may_be_a_view(mtcnn: Detector, three: np.ndarray) -> None:
    wide = np.zeros((480, 1280, 3), np.uint8)
    wide[:, ::2] = three
    assert_same(mtcnn.detect([wide[:, ::2]])[0], mtcnn.detect([three])[0])


@pytest.mark.parametrize("shift", [(16, 0), (0, 16), (33, 7)])
def test_faces_move_with_the_picture(mtcnn: Detector, three: np.ndarray, shift: tuple[int, int]) -> None:
    canvas = np.full((520, 700, 3), GROUND, np.uint8)
    x, y = shift
    canvas[y : y + 480, x : x + 640] = three
    (moved,), (still,) = mtcnn.detect([canvas]), mtcnn.detect([three])
    assert len(moved) == len(still) == 3
    for face in still:
        assert max(overlap(other.box, face.box + np.tile(shift, 2)) for other in moved) >= 0.8


def test_the_mirror_image_has_the_mirrored_faces(mtcnn: Detector, three: np.ndarray) -> None:
    (mirrored,), (straight,) = mtcnn.detect([three[:, ::-1]]), mtcnn.detect([three])
    assert len(mirrored) == len(straight) == 3
    for face in straight:
        expected = np.array([640 - face.box[2], face.box[1], 640 - face.box[0], face.box[3]])
        twin = max(mirrored, key=lambda other: overlap(other.box, expected))
        assert overlap(twin.box, expected) >= 0.8
        points = (face.landmarks * [-1, 1] + [640, 0])[[1, 0, 2, 4, 3]]  # left and right change places
        assert np.abs(twin.landmarks - points).max() <= 0.06 * max(face.width, face.height)


# --- weights


def test_scores_are_logits_of_face_minus_no_face() -> None:
    weights = read(spec.PNET)
    assert weights["heads.kernel"].shape == (5, 32, 1, 1)
    assert weights["heads.bias"].shape == (5,)
    assert read(spec.RNET)["heads.kernel"].shape == (128, 5)
    assert read(spec.ONET)["heads.kernel"].shape == (256, 15)
