"""evaluate camera: size, blur and reach of made-up recordings of known size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli.conftest import Run
from cli.fakes import DETECTOR, RED
from example_counts import examples
from videos.made_up import draw, film, write_video
from visavis import images
from visavis.errors import UsageError
from visavis.evaluate.camera import EYES_M, NEEDED, SHRINKS, examine_camera, measure_resolution
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats
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


PLACE = Face(np.array([20, 20, 180, 180], np.float32), 1.0, np.zeros((5, 2), np.float32))


def draw_patches(seed: int) -> Floats:
    """A picture ``(200, 200)`` of patches with sharp edges."""
    rng = np.random.default_rng(seed)
    picture = np.full((200, 200), 128, np.float32)
    for _ in range(60):
        left, top, width, height = *rng.integers(0, 180, 2), *rng.integers(8, 50, 2)
        picture[top : top + height, left : left + width] = rng.integers(30, 226)
    return picture


def blur_gray(picture: Floats, sigma: float) -> Floats:
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def add_noise(picture: Floats, sigma: float, seed: int = 0) -> Floats:
    return np.asarray(picture + np.random.default_rng(seed).normal(0, sigma, picture.shape), np.float32)


def resolution_of(picture: Floats) -> float:
    gray = np.round(picture).clip(0, 255).astype(np.uint8)
    return measure_resolution(np.repeat(gray[:, :, None], 3, axis=2), PLACE)


def test_blur_lowers_the_resolution() -> None:
    sharp = draw_patches(0)
    shares = [resolution_of(sharp), *(resolution_of(blur_gray(sharp, sigma)) for sigma in (1, 2, 4))]
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert shares[3] <= 0.25


@settings(max_examples=examples(50))
@given(
    seed=st.integers(0, 999),
    blur=st.floats(1, 5),
    noise=st.floats(2, 40),
    brightness=st.floats(-60, 60),
)
def test_noise_never_makes_a_blurred_face_seem_sharper(seed: int, blur: float, noise: float, brightness: float) -> None:
    blurred = blur_gray(draw_patches(seed), blur) + np.float32(brightness)
    assert resolution_of(add_noise(blurred.clip(0, 255), noise, seed)) <= resolution_of(blurred)


@settings(max_examples=examples(50))
@example(seed=487, blur=1.0, noise=0.5)
@given(seed=st.integers(0, 999), blur=st.floats(1, 5), noise=st.floats(0.5, 2))
def test_less_noise_moves_a_face_between_two_sizes_to_the_larger_at_most(seed: int, blur: float, noise: float) -> None:
    """The edges that noise adds by chance are more than those subtracted as a margin."""
    blurred = blur_gray(draw_patches(seed), blur)
    sizes = [*SHRINKS, 1.0]
    assert sizes.index(resolution_of(add_noise(blurred, noise, seed))) <= sizes.index(resolution_of(blurred)) + 1


def test_noise_of_a_sharp_picture_does_not_hide_that_it_is_sharp() -> None:
    assert resolution_of(add_noise(draw_patches(1), 5)) == 1


@pytest.mark.parametrize("noise", [2, 5, 10, 20])
def test_noise_never_lengthens_the_reach_of_a_camera(data: Path, noise: int) -> None:
    import cv2

    recognizer = Recognizer(threads=1)
    pixels = images.read(data / "photos" / "presidents" / "obama.jpg").pixels
    small = cv2.resize(pixels, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    blurred = np.asarray(cv2.GaussianBlur(small, (0, 0), 3), np.uint8)
    noisy = np.round(add_noise(blurred.astype(np.float32), noise)).clip(0, 255).astype(np.uint8)
    reaches = [examine_camera(Frames(picture), recognizer).reach or 0.0 for picture in (blurred, noisy)]
    assert 0 < reaches[1] <= reaches[0] * (1 + 1e-6)


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
