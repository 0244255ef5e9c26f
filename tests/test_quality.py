"""Quality of a face: every part by hand-made cases, the score by relations that have to hold."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pictures
from faultless import FAULTLESS
from least_time import measure_least
from visavis import quality
from visavis.types import Face

# eyes, nose, corners of the mouth of pictures.drawn_face, in sides of the face from its center
FEATURES = np.array([[-0.18, -0.12], [0.18, -0.12], [0, 0.08], [-0.15, 0.26], [0.15, 0.26]])


def face(side: float = 128, *, center: tuple[float, float] = (127.5, 127.5), score: float = 1.0) -> Face:
    x, y = center
    box = np.array([x - 0.42 * side, y - 0.5 * side, x + 0.42 * side, y + 0.5 * side], np.float32)
    return Face(box, score, (FEATURES * side + center).astype(np.float32))


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
    # the box is edges and not centers of pixels: its mirror is about width, not width - 1
    return Face(np.array([width - x2, y1, width - x1, y2], np.float32), where.score, points)


# ------------------------------------------------------------------------------------------- the score


def test_no_face_no_figure() -> None:
    assert quality.qualities(PICTURE, []) == ()


def test_a_good_face_is_near_one_and_the_parts_say_so() -> None:
    one = quality.measure(PICTURE, face())
    assert 0.85 < GOOD == one.score < 1
    assert min(one.size, one.clarity, one.exposure, one.detection) > 0.99
    assert min(one.sharpness, one.pose) > 0.85
    assert one.brightness == pytest.approx(quality.gray_crop(PICTURE, face().box).mean() / 255)


def test_faults_multiply_but_of_size_and_sharpness_the_lower_counts() -> None:
    blurred = cv2.GaussianBlur(PICTURE, (0, 0), 4)
    rest = replace(quality.measure(blurred, face(score=0.9)), score=0)
    product = math.prod(getattr(rest, name) for name in quality.PARTS[2:])
    assert rest.sharpness < rest.size
    assert figure(blurred, face(score=0.9)) == pytest.approx(rest.sharpness * product)
    small = face(side=16)
    one = quality.measure(pictures.drawn_face(16), small)
    assert one.size < one.sharpness
    product = math.prod(getattr(one, name) for name in quality.PARTS if name != "sharpness")
    assert one.score == pytest.approx(product)


@pytest.mark.parametrize("wrong", [{"pose": 1.1}, {"score": -0.1}, {"size": math.nan}])
def test_a_quality_beyond_0_to_1_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"must be in 0..1, got .*{next(iter(wrong))}"):
        replace(FAULTLESS, **wrong)


@pytest.mark.parametrize("sigma", [1, 1.5, 2])
def test_blurred_is_lower_and_more_blurred_lower_still(sigma: float) -> None:
    less = cv2.GaussianBlur(PICTURE, (0, 0), sigma)
    more = cv2.GaussianBlur(PICTURE, (0, 0), 2 * sigma)
    assert figure(more, face()) < figure(less, face()) < GOOD


def shrunk(side: int) -> Face:
    """Find the face of PICTURE, 256 pixels wide, again where it was made ``2 * side`` wide."""
    return face(side, center=(side - 0.5, side - 0.5))


def test_smaller_is_lower() -> None:
    sides = (128, 64, 32, 24, 16, 12)
    figures = [figure(cv2.resize(PICTURE, (2 * n, 2 * n), interpolation=cv2.INTER_AREA), shrunk(n)) for n in sides]
    assert figures == sorted(figures, reverse=True)
    assert figures[2] > 0.75 * figures[0]  # 11 pixels between the eyes will do
    assert figures[-1] < 0.3 * figures[0]


def test_a_small_face_grown_does_not_gain_what_it_has_lost() -> None:
    grown = cv2.resize(cv2.resize(PICTURE, (16, 16), interpolation=cv2.INTER_AREA), (256, 256))
    assert figure(grown, face()) < 0.7 * GOOD


@pytest.mark.parametrize("lengths", [(13, 21, 41)])
@pytest.mark.parametrize("turn", [0, 1])
def test_shaken_is_lower_whichever_way(lengths: tuple[int, ...], turn: int) -> None:
    shakes = [np.rot90(np.full((1, n), 1 / n), turn) for n in lengths]
    figures = [figure(cv2.filter2D(PICTURE, -1, shake), face()) for shake in shakes]
    assert [GOOD, *figures] == sorted([GOOD, *figures], reverse=True)
    assert figures[-1] < 0.8 * GOOD  # a drawing has harder edges than a face


def noisy(picture: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_noise_is_not_taken_for_sharpness() -> None:
    figures = [figure(noisy(PICTURE, sigma), face()) for sigma in (0, 10, 20, 40, 80)]
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] < 0.05 * GOOD
    blurred = cv2.GaussianBlur(PICTURE, (0, 0), 6)
    for sigma in (5, 10, 20, 40):
        assert figure(noisy(blurred, sigma), face()) < figure(blurred, face())
    assert figure(pictures.noise(256, 256), face()) < 0.01


@pytest.mark.parametrize("fault", ["dark", "pale", "bright"])
def test_bad_light_is_lower_and_worse_light_lower_still(fault: str) -> None:
    def lit(amount: float) -> np.ndarray:
        kept = PICTURE * (1 - amount)
        picture = {"dark": kept, "pale": kept + 128 * amount, "bright": PICTURE + 255.0 * amount}[fault]
        return np.clip(picture, 0, 255).astype(np.uint8)

    amounts = (0, 0.4, 0.5, 0.6, 0.7) if fault == "bright" else (0, 0.9, 0.95, 0.97, 1)
    figures = [figure(lit(amount), face()) for amount in amounts]
    assert figures == sorted(figures, reverse=True)
    assert figures[1] < GOOD - 0.001
    assert figures[-1] < 0.1


def test_a_darker_skin_is_no_fault() -> None:
    assert figure((PICTURE * 0.4).astype(np.uint8), face()) == pytest.approx(GOOD, abs=0.01)


def test_an_unsure_detector_lowers_it() -> None:
    assert figure(PICTURE, face(score=0.9)) == pytest.approx(GOOD / 2)
    assert figure(PICTURE, face(score=0.99)) == pytest.approx(GOOD / 1.1)
    assert figure(PICTURE, face(score=1.7)) == GOOD


@pytest.mark.parametrize("by", [(0, 0), (31, 0), (0, -17), (-40, 23)])
def test_a_shift_changes_nothing(by: tuple[int, int]) -> None:
    moved = np.roll(PICTURE, by[::-1], axis=(0, 1))
    assert figure(moved, face(center=(127.5 + by[0], 127.5 + by[1]))) == pytest.approx(GOOD, abs=1e-6)


@pytest.mark.parametrize("side", [30, 100, 128, 230])
def test_a_mirror_changes_nothing(side: int) -> None:
    center = (120.3, 131.8)
    picture = pictures.drawn_face(side, center=center)
    picture = np.clip(picture + pictures.noise(256, 256).astype(int) // 8, 0, 255).astype(np.uint8)
    where = face(side, center=center)
    assert figure(picture[:, ::-1], mirrored(where, 256)) == pytest.approx(figure(picture, where), abs=0.005)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_on_its_side_or_head_is_no_worse(quarters: int) -> None:
    """Detail is measured across and down the face, not across and down the picture."""
    # drawn faces have as much detail across as down: shaken across, this one has more down, as photographs have
    shaken = cv2.GaussianBlur(PICTURE, (0, 0), sigmaX=6, sigmaY=3)
    upright, side = face(), shaken.shape[0]
    points, box = upright.landmarks, upright.box.reshape(2, 2)
    for _ in range(quarters):  # np.rot90 takes (x, y) to (y, side - x), in edges of pixels
        points, box = points[:, ::-1] * (1, -1) + (0, side - 1), box[:, ::-1] * (1, -1) + (0, side)
    corners = np.concatenate([box.min(axis=0), box.max(axis=0)]).astype(np.float32)
    picture = np.ascontiguousarray(np.rot90(shaken, quarters))
    one = quality.measure(picture, replace(upright, box=corners, landmarks=points.astype(np.float32)))
    expected = quality.measure(shaken, upright)
    assert 0.2 < expected.sharpness < 0.9
    for part in (*quality.PARTS, "score", "brightness"):
        assert getattr(one, part) == pytest.approx(getattr(expected, part), abs=0.01)


def test_faces_of_one_picture_do_not_mix() -> None:
    two = np.hstack([PICTURE, cv2.GaussianBlur(PICTURE, (0, 0), 4)])
    first, second = face(), face(center=(127.5 + 256, 127.5))
    alone = quality.qualities(two, [first]) + quality.qualities(two, [second])
    assert quality.qualities(two, [first, second]) == alone
    assert alone[0].score == pytest.approx(GOOD)
    assert alone[0].score > alone[1].score


@pytest.mark.parametrize(
    "box",
    [
        (-40, -40, 160, 160),
        (120, 120, 400, 400),
        (300, 300, 400, 400),
        (-9, -9, -1, -1),
        (5, 5, 5, 5),
        (9, 9, 3, 3),
    ],
)
def test_boxes_over_the_edge_or_nowhere(box: tuple[float, ...]) -> None:
    where = Face(np.array(box, np.float32), 0.9, face().landmarks)
    inside = box[0] < 256 and box[2] > max(box[0], 0)
    assert (figure(PICTURE, where) > 0) == inside


def test_quick_enough() -> None:
    """By the time of the processor, of all threads; the bar leaves room for a slower one."""
    big = cv2.resize(PICTURE, (3000, 3000))
    for picture, where in ((PICTURE, face()), (big, face(1500, center=(1500, 1500)))):
        measure = partial(quality.qualities, picture, [where])
        assert measure_least(measure, bar=0.002, clock=time.process_time) < 0.002


# ------------------------------------------------------------------------------------------- the parts


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.floats(0.5, 6))
def test_curves_stay_within_0_and_1_and_mirror_each_other(value: float, half: float, steep: float) -> None:
    assert 0 <= quality.keeps(value, half, steep) <= 1
    assert 0 <= quality.keeps_below(value, half, steep) <= 1
    if 1e-3 < value < 1e3:
        other = quality.keeps(half * half / value, half, steep)
        assert quality.keeps_below(value, half, steep) == pytest.approx(other, abs=1e-9)


def test_curves_by_hand() -> None:
    assert [quality.keeps(x, 10, 2) for x in (-1, 0, 5, 10, 20)] == pytest.approx([0, 0, 0.2, 0.5, 0.8])
    assert [quality.keeps_below(x, 10, 2) for x in (-1, 0, 5, 10, 20)] == pytest.approx([1, 1, 0.8, 0.5, 0.2])


@pytest.mark.parametrize(("apart", "expected"), [(5.3, 0.5), (10.6, 1 / (1 + 2**-5)), (60, 1), (0.53, 0)])
def test_size_by_the_distance_of_the_eyes(apart: float, expected: float) -> None:
    points = np.array([[0, 0], [apart, 0], [apart / 2, 0.1], [0, 0.2], [apart, 0.2]], np.float32)
    assert quality.size(points) == pytest.approx(expected, abs=1e-4)


def test_size_of_a_turned_head_is_that_of_its_height() -> None:
    points = np.array([[0, 0], [5, 0], [2, 20], [0, 40.7], [5, 40.7]], np.float32)
    assert quality.eye_distance(points) == pytest.approx(35.2)


def turned(nose_x: float, nose_y: float) -> np.ndarray:
    """Eyes 100 apart, mouth 100 below them, the nose at a share of each."""
    return np.array([[0, 0], [100, 0], [50 + 100 * nose_x, 100 * nose_y], [20, 100], [80, 100]], np.float32)


@pytest.mark.parametrize(
    ("nose_x", "nose_y", "expected"),
    [
        (0, 0.65, 1),
        (0.8, 0.65, 0.5),
        (-0.8, 0.65, 0.5),
        (0.4, 0.65, 1 / (1 + 0.5**4)),
        (0, 0.05, 0.5),
        (0, 1.25, 0.5),
        (0, 0.35, 1 / (1 + 0.5**2.5)),
        (0.8, 0.05, 0.25),
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
    points[2, 0] += 0.6 * 128 * 0.36
    profile = Face(face().box, 1.0, points)
    assert figure(PICTURE, profile) < 0.8 * GOOD


def test_sharpness_and_clarity_are_the_same_at_any_contrast() -> None:
    crop = quality.gray_crop(noisy(cv2.GaussianBlur(PICTURE, (0, 0), 4), 20), face().box)
    faint = (crop // 2 + 60).astype(np.uint8)
    sharp, clear = quality.detail(crop)
    assert quality.detail(faint) == pytest.approx((sharp, clear), abs=0.02)  # halves are rounded
    assert 0.1 < sharp < 0.95
    assert 0.1 < clear < 0.95


def waves(steps: int, coarse: float, fine: float) -> np.ndarray:
    """Cosines along both sides that the mirrored edge goes on with: 2 half waves, and ``steps`` of them."""
    along = np.arange(96) * math.pi / 95
    line = coarse * np.cos(2 * along) + fine * np.cos(steps * along)
    return np.round(128 + line[:, None] + line[None]).astype(np.uint8)


def test_detail_by_hand() -> None:
    """A Gaussian of s leaves exp(-(w s)^2 / 2) of a wave of angular frequency w, a difference 2 sin(w / 2) of that."""
    coarse, fine, steps = 40.0, 6.0, 24

    def left(frequency: float, sigma: float) -> float:
        return math.exp(-((frequency * sigma) ** 2) / 2)

    def energy(amplitude: float, n: int) -> float:
        frequency = n * math.pi / 95
        band = left(frequency, 1.5) - left(frequency, 3.0)
        return (amplitude * band * 2 * math.sin(frequency / 2)) ** 2 / 2

    detail = energy(coarse, 2) + energy(fine, steps)
    shape = 2 * (coarse * left(2 * math.pi / 95, 3.0)) ** 2 / 2
    expected = quality.keeps(detail / math.sqrt(quality.UPRIGHT) / shape, *quality.SHARPNESS)
    sharp, clear = quality.detail(waves(steps, coarse, fine))
    assert 0.3 < sharp < 0.9
    assert sharp == pytest.approx(expected, abs=0.02)
    assert clear > 0.999


def test_a_slope_has_no_detail_and_nothing_is_not_called_blurred() -> None:
    assert quality.detail(np.full((96, 96), 77, np.uint8)) == (1, 1)
    assert quality.detail(noisy(np.full((96, 96), 77), 5))[1] < 0.01
    slope = np.tile(np.linspace(0, 255, 96), (96, 1)).astype(np.uint8)
    assert quality.detail(slope)[0] < 0.001


@pytest.mark.parametrize("sigma", [3, 10, 25])
def test_the_noise_is_found_beside_slopes_and_edges(sigma: float) -> None:
    clean = np.tile(np.linspace(80, 120, 96), (96, 1))
    clean[40:] += 40
    crop = noisy(clean, sigma)
    assert quality.noise_level(crop) == pytest.approx(sigma, rel=0.07)
    assert quality.noise_level(waves(24, 40, 6)) < 0.5


@pytest.mark.parametrize("mean", [60, 128, 190])
@pytest.mark.parametrize(("spread", "expected"), [(0, 0), (2, 1 / (1 + 0.8**2.6)), (6, 0.969), (40, 1)])
def test_exposure_by_the_spread_whatever_the_mean(mean: int, spread: int, expected: float) -> None:
    crop = np.full((96, 96), mean - spread, np.uint8)
    crop[:48] = mean + spread
    assert quality.exposure(crop) == pytest.approx(expected, abs=0.002)


def test_exposure_by_the_share_that_is_blown_out() -> None:
    crop = np.full((96, 96), 255, np.uint8)
    crop[:24] = 100
    assert quality.exposure(crop) == pytest.approx(0.5 * (1 + 0.25**2.2), abs=1e-4)


def test_the_crop_is_the_box() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[50:146, 100:196] = 255
    inside = np.array([100, 50, 196, 146], np.float32)
    assert quality.gray_crop(picture, inside).min() == 255
    assert quality.gray_crop(picture, inside).shape == (96, 96)
    assert quality.gray_crop(picture, inside + 96).max() == 0


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((10, 10, 50, 60), 1.0),
        ((0, 0, 100, 80), 1.0),
        ((-20, 10, 20, 50), 0.5),
        ((80, 60, 120, 100), 0.25),
        ((-10, -10, 110, 90), 0.8 * 100 / 120),
        ((100, 10, 140, 50), 0.0),
        ((-60, -60, -20, -20), 0.0),
        ((30, 30, 30, 40), 0.0),
    ],
)
def test_share_of_a_box_inside_the_picture(box: tuple[float, ...], share: float) -> None:
    picture = np.zeros((80, 100, 3), np.uint8)
    assert quality.fraction_inside(picture, np.array(box, np.float32)) == pytest.approx(share, abs=1e-6)
    scored = quality.visible(picture, np.array(box, np.float32))
    assert scored == pytest.approx((1 + 0.57**8) / (1 + (0.57 / share) ** 8) if share else 0, abs=1e-6)


@pytest.mark.parametrize(("axis", "reverse"), [(0, False), (0, True), (1, False), (1, True)])
def test_a_face_cut_deeper_is_worse(axis: int, reverse: bool) -> None:
    """At each of the four edges."""
    (x1, y1, x2, y2), height, width = face().box, *PICTURE.shape[:2]
    scores = []
    for depth in (0.0, 0.15, 0.3, 0.45, 0.6):
        top = left = 0
        bottom, right = height, width
        if axis == 0:
            top, bottom = (0, round(y2 - depth * (y2 - y1))) if reverse else (round(y1 + depth * (y2 - y1)), height)
        else:
            left, right = (0, round(x2 - depth * (x2 - x1))) if reverse else (round(x1 + depth * (x2 - x1)), width)
        shift = np.array((left, top), np.float32)
        moved = replace(face(), box=face().box - np.tile(shift, 2), landmarks=face().landmarks - shift)
        scores.append(quality.measure(PICTURE[top:bottom, left:right], moved).visible)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.99
    assert 0.95 < scores[1] < 1
    assert scores[-1] < 0.1


# ----------------------------------------------------------------------------------------- the reasons


SMALL = face(side=40)  # 14.4 pixels between the eyes


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"size": 0.4}, ("small: 14 pixels between the eyes",)),
        ({"sharpness": 0.4}, ("blurred",)),
        ({"clarity": 0.4}, ("grainy",)),
        ({"pose": 0.4}, ("turned away",)),
        ({"detection": 0.4}, ("not surely a face",)),
        ({"visible": 0.4}, ("cut off by the edge of the photo",)),
        ({"exposure": 0.4, "brightness": 0.1}, ("too dark",)),
        ({"exposure": 0.4, "brightness": 0.9}, ("too bright",)),
        ({"exposure": 0.4}, ("without contrast",)),
        ({"size": 0.5, "sharpness": 0.4}, ("blurred", "small: 14 pixels between the eyes")),
        ({"pose": 0.5, "clarity": 0.4, "sharpness": 0.95}, ("grainy", "turned away")),
        ({"sharpness": 0, "pose": 0.1}, ("blurred",)),
        ({}, ()),
    ],
)
def test_reasons_name_what_costs_most(faults: dict[str, float], said: tuple[str, ...]) -> None:
    parts = {**dict.fromkeys(quality.PARTS, 1.0), **faults}
    score = min(parts["size"], parts["sharpness"]) * math.prod(parts[name] for name in quality.PARTS[2:])
    assert quality.reasons(replace(FAULTLESS, **{**parts, "score": score}), SMALL) == said


@pytest.mark.parametrize(
    ("picture", "where", "said"),
    [
        (cv2.GaussianBlur(PICTURE, (0, 0), 6), face(), "blurred"),
        (noisy(PICTURE, 100), face(), "grainy"),
        ((PICTURE * 0.03).astype(np.uint8), face(), "too dark"),
        (np.clip(PICTURE + 230.0, 0, 255).astype(np.uint8), face(), "too bright"),
        (PICTURE, face(score=0.7), "not surely a face"),
        (cv2.resize(PICTURE, (26, 26), interpolation=cv2.INTER_AREA), shrunk(13), "small: 5 pixels between the eyes"),
    ],
)
def test_reasons_of_pictures(picture: np.ndarray, where: Face, said: str) -> None:
    one = quality.measure(picture, where)
    assert one.score < quality.POOR
    assert quality.reasons(one, where)[0] == said


# -------------------------------------------------------------------- the scale of the detector's score


@pytest.mark.parametrize(("score", "certain"), [(0.904, 0.904), (0.95, 0.904), (1.0, 1.0)])
def test_from_the_certain_score_on_the_detector_has_no_doubt(score: float, certain: float) -> None:
    assert quality.measure(PICTURE, face(score=score), certain=certain).detection == 1


def test_what_a_score_lacks_counts_alike_on_every_scale() -> None:
    """Half of the matches are lost .1 below the certain score, a tenth of them .0111 below."""
    for certain in (1.0, 0.904):
        assert quality.measure(PICTURE, face(score=certain - 0.1), certain=certain).detection == pytest.approx(0.5)
        parts = quality.qualities(PICTURE, [face(score=certain - 0.1 / 9)], certain=certain)
        assert parts[0].detection == pytest.approx(0.9)
    assert quality.measure(PICTURE, face(score=0.9)) == quality.measure(PICTURE, face(score=0.9), certain=1)
