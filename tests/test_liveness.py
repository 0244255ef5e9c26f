"""Liveness: crops as the authors make them, the sample photos, faces that cannot be judged, averages over tracks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from visavis import spoof_networks
from visavis.errors import UsageError
from visavis.liveness import WINDOW, Liveness, LivenessCheck, TrackLiveness, is_gray, roll
from visavis.photo_liveness import check_liveness
from visavis.pipeline import Recognizer
from visavis.spoof_networks import crop_box, crops
from visavis.types import RGB, Face, Floats


def face(x1: float, y1: float, x2: float, y2: float, *, turned: bool = False) -> Face:
    places = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    if turned:
        places = np.stack([1 - places[:, 1], places[:, 0]], axis=1)
    landmarks = np.array([x1, y1], np.float32) + places * np.array([x2 - x1, y2 - y1], np.float32)
    return Face(np.array([x1, y1, x2, y2], np.float32), 0.99, landmarks)


def authors_box(src_w: int, src_h: int, x: int, y: int, box_w: int, box_h: int, scale: float) -> tuple[int, ...]:
    """The arithmetic of the authors' ``generate_patches.py``, step by step."""
    scale = min((src_h - 1) / box_h, (src_w - 1) / box_w, scale)
    wide, high = box_w * scale, box_h * scale
    middle_x, middle_y = box_w / 2 + x, box_h / 2 + y
    ends = [middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2]
    for axis, most in ((0, src_w - 1), (1, src_h - 1)):
        if ends[axis] < 0:
            ends[axis + 2] -= ends[axis]
            ends[axis] = 0
        if ends[axis + 2] > most:
            ends[axis] -= ends[axis + 2] - most
            ends[axis + 2] = most
    return tuple(int(end) for end in ends)


@pytest.mark.parametrize(
    ("box", "scale", "expected"),
    [
        ((300, 200, 400, 300), 2.0, (250, 150, 450, 350)),  # 100 pixels about (350, 250), twice as large
        ((10, 200, 110, 300), 2.0, (0, 150, 200, 350)),  # shifted right by 40, not cut off
        ((560, 400, 620, 460), 2.0, (519, 359, 639, 479)),  # shifted into the corner of 640 x 480
        ((100, 100, 400, 400), 4.0, (10, 0, 489, 479)),  # 479 / 300 times as large, no more than the picture
    ],
)
def test_the_larger_box_by_hand(box: tuple[int, ...], scale: float, expected: tuple[int, ...]) -> None:
    assert crop_box(640, 480, np.array(box, np.float32), scale) == expected


def test_crops_are_those_of_the_authors_for_boxes_of_whole_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        wide, high = (int(value) for value in rng.integers(40, 900, 2))
        x, y = (int(value) for value in (rng.integers(-30, wide), rng.integers(-30, high)))
        box_w, box_h = (int(value) for value in rng.integers(5, 500, 2))
        box = np.array([x, y, x + box_w, y + box_h], np.float32)
        for scale in (2.7, 4.0):
            expected = authors_box(wide, high, x, y, box_w, box_h, scale)
            computed = crop_box(wide, high, box, scale)
            assert all(value >= 0 for value in computed)
            assert computed == tuple(max(value, 0) for value in expected)


def test_a_crop_is_stretched_to_the_square_and_stays_rgb() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[..., 0] = 200
    (crop,) = crops(picture, [face(100, 50, 140, 120)], scale=2.7)
    assert crop.shape == (80, 80, 3)
    assert crop.reshape(-1, 3).min(axis=0).tolist() == [200, 0, 0]


def test_a_box_without_width_has_no_crop() -> None:
    with pytest.raises(ValueError, match="a width and a height"):
        crop_box(100, 100, np.array([20, 20, 20, 40], np.float32), 2.7)


class Scores:
    """Networks that give each face the next of these scores."""

    def __init__(self, *scores: float) -> None:
        self._scores = list(scores)

    def probabilities(self, picture: RGB, faces: Sequence[Face]) -> Floats:
        scores = [self._scores.pop(0) for _ in faces]
        return np.array([[(1 - score) / 2, score, (1 - score) / 2] for score in scores], np.float32).reshape(-1, 3)


def noise(height: int = 480, width: int = 640) -> RGB:
    """A picture with color, contrast and detail."""
    import cv2

    coarse = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def check(*scores: float, threshold: float = 0.5) -> LivenessCheck:
    return LivenessCheck(threshold=threshold, networks=Scores(*scores))  # type: ignore[arg-type]


def test_the_flag_is_whether_the_score_reaches_the_threshold() -> None:
    faces = [face(300, 200, 380, 300)] * 3
    answers = check(0.49, 0.5, 0.9).judge(noise(), faces)
    assert [answer.real for answer in answers] == [False, True, True]
    assert [answer.score for answer in answers] == pytest.approx([0.49, 0.5, 0.9])
    assert [answer.real for answer in check(0.49, 0.5, 0.9, threshold=0.8).judge(noise(), faces)] == [
        False,
        False,
        True,
    ]
    assert answers[0].box == (300, 200, 380, 300)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "x", None])
def test_a_threshold_is_a_probability(threshold: object) -> None:
    with pytest.raises(UsageError, match="the threshold of liveness is a probability from 0 to 1"):
        LivenessCheck(threshold=threshold, networks=Scores())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("box", "doubt"),
    [
        ((300, 200, 320, 225), "the face is small: 9 pixels between the eyes"),
        ((60, 20, 500, 470), "the face fills the picture"),
        ((-60, 200, 100, 380), "the face is cut off by the edge"),
    ],
)
def test_doubts(box: tuple[float, ...], doubt: str) -> None:
    (answer,) = check(0.99).judge(noise(), [face(*box)])
    assert answer.real
    assert not answer
    assert not answer.certain
    assert [text for text in answer.doubts if text.startswith(doubt)]


def test_turned_and_gray_pictures_are_doubtful() -> None:
    picture = noise()
    gray = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    place = face(300, 200, 380, 300)
    assert is_gray(gray, place)
    assert not is_gray(picture, place)
    assert "the picture is gray: the networks know colored ones only." in check(0.9).judge(gray, [place])[0].doubts
    turned = face(300, 200, 380, 300, turned=True)
    assert abs(roll(turned)) == pytest.approx(90, abs=1)
    assert "the face is turned by 90 degrees in the picture." in check(0.9).judge(picture, [turned])[0].doubts


@pytest.mark.parametrize(
    "box", [(-200, 10, -100, 90), (700, 10, 800, 90), (50, 50, 50, 90), (np.nan, 0, 10, 10), (90, 90, 50, 50)]
)
def test_a_face_that_cannot_be_judged_is_not_real(box: tuple[float, ...]) -> None:
    with np.errstate(invalid="ignore"):
        answers = check(0.9).judge(noise(), [face(*box), face(300, 200, 380, 300)])
    assert answers[0].real is False
    assert answers[0].score == 0
    assert answers[0].doubts == ("the face lies outside the picture.",)
    assert answers[1].real is True


def test_no_faces_no_answers() -> None:
    assert check().judge(noise(), []) == ()


def sure(score: float) -> Liveness:
    return Liveness(score >= 0.5, score)


def test_a_track_is_the_mean_of_its_faces() -> None:
    track = TrackLiveness()
    assert (track.result().real, track.result().views) == (False, 0)
    for score in (0.9, 0.3):
        track.add(sure(score))
    few = track.result()
    assert (few.real, few.score, few.views) == (False, pytest.approx(0.6), 2)
    assert few.doubts == ("too few faces of the track are judged: 2, of at least 3.",)
    track.add(sure(0.6))
    assert track.result() == Liveness(True, pytest.approx(0.6), views=3)


def test_faces_with_doubts_do_not_count() -> None:
    track = TrackLiveness()
    for _ in range(10):
        track.add(Liveness(True, 0.99, ("the face is small.",)))
    assert track.result() == Liveness(False, 0.0, ("the face is small.",), views=0)


def test_a_photo_that_takes_the_place_of_a_real_face_is_not_outvoted() -> None:
    track = TrackLiveness()
    for _ in range(1000):
        track.add(sure(1.0))
    assert track.result().real
    for _ in range(WINDOW):
        track.add(sure(0.1))
    assert track.result() == Liveness(False, pytest.approx(0.1), views=1000 + WINDOW)


@pytest.fixture
def published(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(data.parent / "weights"))
    return data


def test_the_authors_samples(published: Path) -> None:
    scores = {}
    for name in ("image_T1", "image_F1", "image_F2"):
        (answer,) = check_liveness(published / "photos" / "spoof" / f"{name}.jpg")
        assert answer.certain
        assert answer.real is (name == "image_T1")
        scores[name] = answer.score
    assert scores == {
        "image_T1": pytest.approx(1.0, abs=0.01),
        "image_F1": pytest.approx(0.229, abs=0.02),
        "image_F2": pytest.approx(0.007, abs=0.01),
    }


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photo_is_doubtful(published: Path, quarters: int) -> None:
    import visavis

    pixels = np.rot90(visavis.read(published / "photos" / "spoof" / "image_F1.jpg").pixels, quarters).copy()
    (answer,) = check_liveness(visavis.read(pixels, name="turned"), detector="mtcnn@any-orientation")
    assert not answer
    assert any("is turned by" in doubt for doubt in answer.doubts)


@pytest.mark.parametrize("factor", [0.05, 0.2])
def test_a_poor_photo_is_no_sure_real_face(published: Path, factor: float) -> None:
    """Too small, or blurred as by that small picture."""
    import cv2

    import visavis

    pixels = visavis.read(published / "photos" / "spoof" / "image_T1.jpg").pixels
    (seen,) = Recognizer().detect([published / "photos" / "spoof" / "image_T1.jpg"])
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    blurred = np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    (answer,) = LivenessCheck().judge(blurred, seen.faces)
    assert answer.certain is (factor > 0.1)


def test_the_score_is_the_mean_of_both_networks(published: Path) -> None:
    import visavis

    photo = visavis.read(published / "photos" / "spoof" / "image_F1.jpg")
    place = [face(187, 106, 370, 353)]
    alone = []
    for recipe in (spoof_networks.V2, spoof_networks.V1SE):
        (logits,) = recipe.session(threads=1).run(recipe.crops(photo.pixels, place))
        alone.append(spoof_networks.softmax(logits)[0])
    (mean,) = spoof_networks.SpoofNetworks(threads=1).probabilities(photo.pixels, place)
    assert abs(alone[0] - alone[1]).max() > 0.05
    np.testing.assert_allclose(mean, (alone[0] + alone[1]) / 2, atol=1e-6)


def test_a_track_counts_the_faces_of_its_rest() -> None:
    track, rest = TrackLiveness(), TrackLiveness()
    for _ in range(4):
        track.add(sure(0.8))
        rest.add(sure(0.1))
    rest.add(Liveness(False, 0.3, ("the face is small.",)))
    track.extend(rest)
    assert (track.result().score, track.result().views, track.result().real) == (pytest.approx(0.45), 8, False)
    for _ in range(WINDOW):
        rest.add(sure(0.1))
    track.extend(rest)
    assert track.result().score == pytest.approx(0.1)  # the newest faces count
