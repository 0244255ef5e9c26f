"""evaluate camera: size, blur and reach of made-up recordings of known size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Run
from cli.fakes import DETECTOR, RED
from videos.made_up import draw, film, write_video
from visavis.errors import UsageError
from visavis.evaluate.camera import EYES_M, NEEDED, examine_camera, measure_resolution
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face
from visavis.videos.types import Frame, SourceCounts

pytest.importorskip("av")


class Frames:
    """A source of these pictures, ten a second."""

    name, live, rate, duration = "made up", False, 10.0, None

    def __init__(self, *pictures: RGB) -> None:
        self._pictures, self.closed = pictures, False

    def __iter__(self) -> Iterator[Frame]:
        for number, pixels in enumerate(self._pictures):
            yield Frame(pixels, number / 10, number, self.name)

    def counts(self) -> SourceCounts:
        return SourceCounts()

    def close(self) -> None:
        self.closed = True


RECOGNIZER = Recognizer(detector=DETECTOR)
FACE = draw((RED, 100, 80, 60))
"""A square of 60 pixels, whose eyes are 24 apart."""


def test_distances_by_hand() -> None:
    source = Frames(*[FACE] * 21)
    result = examine_camera(source, RECOGNIZER, distance=1.5)
    assert source.closed
    assert (result.frames, result.examined, result.faces) == (21, 11, 11)
    assert (result.seconds, result.rate) == pytest.approx((2, 10))
    assert result.eyes == pytest.approx(24, abs=0.5)
    assert (result.distance, result.angle) == (1.5, None)
    assert result.resolution is not None
    assert result.reach == pytest.approx(1.5 * 24 * result.resolution / NEEDED, rel=0.03)
    assumed = examine_camera(Frames(FACE), RECOGNIZER, angle=90)
    assert assumed.distance == pytest.approx(320 / 2 / math.tan(math.radians(45)) * EYES_M / 24, rel=0.03)


def test_no_more_than_the_time_is_examined() -> None:
    assert examine_camera(Frames(*[FACE] * 50), RECOGNIZER, seconds=1).frames == 11


def test_without_a_face_and_without_a_picture() -> None:
    result = examine_camera(Frames(draw()), RECOGNIZER)
    assert (result.faces, result.eyes, result.reach) == (0, None, None)
    with pytest.raises(UsageError, match="made up delivered no picture"):
        examine_camera(Frames(), RECOGNIZER)


@pytest.mark.parametrize("options", [{"distance": 1, "angle": 60}, {"angle": 0}, {"distance": -1}, {"seconds": 0}])
def test_options(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        examine_camera(Frames(FACE), RECOGNIZER, **options)


def test_blur_lowers_the_resolution() -> None:
    import cv2

    rng = np.random.default_rng(0)
    sharp = np.asarray(rng.integers(0, 256, (200, 200, 3)), np.uint8)
    place = Face(np.array([20, 20, 180, 180], np.float32), 1.0, np.zeros((5, 2), np.float32))
    shares = [measure_resolution(sharp, place)]
    for sigma in (1, 2, 4):
        blurred = cv2.GaussianBlur(sharp.astype(np.float32), (0, 0), sigma)
        contrast = 128 + 50 * (blurred - blurred.mean()) / blurred.std()  # else the rounding is noise
        shares.append(measure_resolution(contrast.clip(0, 255).astype(np.uint8), place))
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert shares[3] <= 0.4


def test_the_command(run: Run, tmp_path: Path) -> None:
    path = write_video(tmp_path / "door.mkv", film(lambda t: FACE, seconds=1))
    done = run("evaluate", "camera", path.name, "--distance", 2, "--detector", DETECTOR, "--json")
    assert (done.code, done.line["camera"], done.line["faces"], done.line["distance"]) == (0, "door.mkv", 5, 2)
    table = run("evaluate", "camera", path.name, "--detector", DETECTOR)
    assert "identifies up to" in table.out
    assert "for a camera of 65 degrees" in table.err
    empty = write_video(tmp_path / "empty.mkv", [draw()])
    done = run("evaluate", "camera", empty.name, "--detector", DETECTOR)
    assert done.code == 1
    assert "no face was found" in done.err
