"""What the frames of an attempt come to: faces that were made up, figures computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.attendance.kiosk.attempt import FrameView, decide_attempt, find_advice, view_frame
from visavis.attendance.kiosk.settings import make_kiosk_settings
from visavis.attendance.kiosk.types import KioskSettings
from visavis.errors import UsageError
from visavis.liveness import Liveness
from visavis.types import Face, Identification, Photo, PhotoFaces, Quality

GOOD = dict.fromkeys(
    ("score", "size", "sharpness", "clarity", "pose", "exposure", "detection", "visible", "compression", "proportions"),
    1.0,
)
REAL, FAKE = Liveness(real=True, score=0.9), Liveness(real=False, score=0.2)
DOUBTED = Liveness(False, 0.9, ("the face is small.",))


def face(left: float, width: float) -> Face:
    """Return a square face in the middle of the height."""
    box = np.array([left, 100, left + width, 100 + width], np.float32)
    return Face(box, 1.0, np.zeros((5, 2), np.float32))


def frame(*faces: Face, brightness: float = 0.5, **parts: float) -> PhotoFaces:
    """Return a frame of 640 x 480 pixels."""
    pixels = np.zeros((480, 640, 3), np.uint8)
    quality = Quality(**{**GOOD, **parts}, brightness=brightness)
    return PhotoFaces("frame", "ok", Photo(pixels, "frame", "0"), faces, (quality,) * len(faces))


@pytest.mark.parametrize(
    ("photo", "advice"),
    [
        (frame(), "waiting"),
        (frame(face(200, 95)), "nearer"),  # 95 / 640 < .15
        (frame(face(200, 97)), None),
        (frame(face(100, 420)), "farther"),  # 420 / 640 > .65
        (frame(face(200, 200), exposure=0.7, brightness=0.2), "light"),
        (frame(face(200, 200), exposure=0.7, brightness=0.8), "less_light"),
        (frame(face(200, 200), pose=0.4), "look"),
        (frame(face(100, 200), face(400, 101)), "single"),  # .255 of the area
        (frame(face(100, 200), face(400, 99)), None),  # .245: someone behind
    ],
)
def test_advice_for_the_person_in_front(photo: PhotoFaces, advice: str | None) -> None:
    assert find_advice(photo) == advice


def test_the_width_is_of_what_a_tall_frame_shows_of_a_person() -> None:
    tall = PhotoFaces(
        "frame",
        "ok",
        Photo(np.zeros((600, 1200, 3), np.uint8), "frame", "0"),
        (face(0, 130),),
        frame(face(0, 9)).quality,
    )
    assert find_advice(tall) == "nearer"  # 130 / 900


def test_a_view_is_of_the_largest_face() -> None:
    near, far = (Identification(name, number, 0.3, 0.5, 0.99) for name, number in (("Ann", 1), ("Ben", 2)))
    view = view_frame(frame(face(500, 60), face(100, 200)), [far, near], REAL)
    assert view == FrameView(None, 1, 0.3, 0.99, REAL)
    assert view_frame(frame(), [], None) == FrameView("waiting")


ANN = FrameView(None, 1, 0.30, 0.99, REAL)
BEN = FrameView(None, 2, 0.30, 0.99, REAL)
STRANGER = FrameView(None, None, 0.8, None, REAL)


@pytest.mark.parametrize(
    ("views", "state"),
    [
        ([], "waiting"),
        ([ANN], "hold"),
        ([ANN, ANN], "hold"),
        ([ANN, ANN, ANN], "recognized"),
        ([ANN, ANN, BEN], "hold"),
        ([ANN, ANN, STRANGER], "hold"),
        ([STRANGER, STRANGER, STRANGER], "unknown"),
        ([ANN, FrameView("look"), ANN, ANN], "look"),
        ([FrameView("nearer"), ANN, FrameView("light")], "light"),
        ([FrameView(None, 1, 0.3, 0.9, FAKE)] * 3, "attack"),
        ([FrameView(None, None, 0.8, None, FAKE)] * 3, "attack"),
        ([FrameView(None, 1, 0.3, 0.9, DOUBTED)] * 3, "unclear"),
        ([ANN, ANN, FrameView(None, 1, 0.3, 0.9, DOUBTED)], "unclear"),  # two that were judged are too few
        ([FrameView(None, 1, 0.3, 0.9, None)] * 3, "unclear"),  # liveness is required, and was not judged
    ],
)
def test_a_decision_needs_frames_that_agree(views: list[FrameView], state: str) -> None:
    attempt = decide_attempt(views, frames=3, liveness=True, real_from=0.5)
    assert attempt.state == state
    assert (attempt.person_id is not None) == (state == "recognized")


def test_the_figures_are_the_most_cautious_of_the_frames() -> None:
    views = [FrameView(None, 1, distance, p, REAL) for distance, p in ((0.2, 0.99), (0.4, 0.9), (0.3, 0.95))]
    attempt = decide_attempt(views, frames=3, liveness=True, real_from=0.5)
    assert (attempt.distance, attempt.probability, attempt.liveness) == (0.4, 0.9, pytest.approx(0.9))


def test_a_score_of_liveness_is_the_mean() -> None:
    scores = [Liveness(score >= 0.5, score) for score in (0.9, 0.4, 0.1)]  # mean .467
    views = [FrameView(None, 1, 0.3, 0.9, each) for each in scores]
    assert decide_attempt(views, frames=3, liveness=True, real_from=0.5).state == "attack"
    assert decide_attempt(views, frames=3, liveness=True, real_from=0.46).state == "recognized"
    assert decide_attempt(views, frames=3, liveness=False, real_from=0.5).state == "recognized"


def test_settings(tmp_path: Path) -> None:
    assert make_kiosk_settings({}) == KioskSettings(liveness="passive", frames=3)
    assert make_kiosk_settings({"liveness": "off", "frames": 5, "pin": False}).frames == 5
    for table, message in (
        ({"framse": 3}, "has no key 'framse'"),
        ({"liveness": "on"}, "is passive, active or off"),
        ({"frames": 2}, "from 3 to 8"),
        ({"pin": 1}, "pin of a kiosk is true or false"),
        ({"fpir": 2}, "fpir must be between 0 and 1"),
    ):
        with pytest.raises(UsageError, match=message):
            make_kiosk_settings(table)
