"""Frames of files are made into pixels only where these are asked for; the others are looked at in a small copy."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import DETECTOR, MODEL, RED
from visavis.pipeline import Recognizer
from visavis.types import RGB
from visavis.videos._picture import DecodedPicture, FrameConverter
from visavis.videos.recognize import VideoRecognizer
from visavis.videos.scenes import differs, shrink_frame
from visavis.videos.source import open_source

from .made_up import draw, write_video
from .made_video import MATRICES, make_video, turn_mp4

pytest.importorskip("av")
pytest.importorskip("scipy")


def draw_waves(number: int, *, width: int = 640, height: int = 360) -> RGB:
    """A picture of slow waves in three colors, which move with the number."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (60 + 20 * color) + number / 4) * np.cos(y / (50 + 9 * color)) for color in range(3)]
    return (128 + 100 * np.stack(waves, axis=2)).astype(np.uint8)


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The widths of the frames that were made into pixels."""
    widths: list[int] = []
    convert = FrameConverter.convert
    monkeypatch.setattr(
        FrameConverter, "convert", lambda self, frame: (widths.append(frame.width), convert(self, frame))[1]
    )
    return widths


def test_only_frames_in_which_faces_are_detected_are_made_into_pixels(tmp_path: Path, converted: list[int]) -> None:
    path = write_video(tmp_path / "a.mp4", [draw((RED, 20 + 3 * n, 40, 60)) for n in range(20)], rate=20)
    tracking = VideoRecognizer(Recognizer(detector=DETECTOR, embedder=MODEL))
    assert len(list(tracking.run(open_source(path)))) == 20
    assert tracking.detections == len(converted) == 7


def test_pixels_are_made_once_and_stay(tmp_path: Path, converted: list[int]) -> None:
    (frame,) = open_source(make_video(tmp_path / "a.mp4", [draw_waves(0)]))
    waiting = frame.picture.nbytes
    assert converted == []
    assert frame.pixels is frame.pixels
    assert replace(frame, seconds=3.0).pixels is frame.pixels
    assert converted == [640]
    assert (waiting < frame.picture.nbytes, frame.picture.nbytes) == (True, 640 * 360 * 3)


def test_a_frame_goes_to_another_process_as_pixels(tmp_path: Path) -> None:
    (frame,) = open_source(make_video(tmp_path / "a.mp4", [draw_waves(0)]))
    copied = pickle.loads(pickle.dumps(frame))
    assert np.array_equal(copied.pixels, frame.pixels)
    assert (copied.seconds, copied.number, copied.source) == (frame.seconds, frame.number, frame.source)
    assert repr(frame).startswith("Frame(picture=<DecodedPicture>, seconds=0")


@pytest.mark.parametrize("degrees", MATRICES)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p"])
def test_the_small_copy_is_that_of_the_pixels(tmp_path: Path, pix_fmt: str, degrees: int) -> None:
    """It is made of other pixels, half a step away."""
    path = make_video(tmp_path / "a.mp4", [draw_waves(n) for n in range(4)], pix_fmt=pix_fmt, options={"crf": "10"})
    frames = list(open_source(turn_mp4(path, MATRICES[degrees])))
    assert frames[0].pixels.shape == ((640, 360, 3) if degrees in {90, 270} else (360, 640, 3))
    for frame in frames:
        assert isinstance(frame.picture, DecodedPicture)
        of_pixels = shrink_frame(frame.pixels)
        assert frame.picture.small.shape == of_pixels.shape == (18, 32)
        assert np.abs(frame.picture.small - of_pixels).mean() < 4
        assert np.corrcoef(frame.picture.small.ravel(), of_pixels.ravel())[0, 1] > 0.99
        assert not differs(frame.picture.small, of_pixels)
