"""Faces of the next frames of a file are detected while those before are tracked: in order, bounded, equal results."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import BLUE, DETECTOR, MODEL, RED
from visavis.errors import VideoError
from visavis.pipeline import Recognizer
from visavis.types import Face
from visavis.videos._read_ahead import MOST_FRAMES
from visavis.videos.detect_ahead import DetectionTimes, detect_ahead
from visavis.videos.recognize import VideoRecognizer
from visavis.videos.source import open_source
from visavis.videos.types import Frame, SourceCounts

from .made_up import draw, film, write_video
from .test_publish import wait_until

GRAY = np.full((72, 128, 3), 128, np.uint8)
FACE = Face(np.array([0, 0, 9, 9], np.float32), 0.9, np.zeros((5, 2), np.float32))


class Frames:
    """Gray frames, ten a second; counts those that were read, and raises an error in place of frame ``fails``."""

    def __init__(self, count: int, *, fails: int = -1) -> None:
        self.read, self._count, self._fails = 0, count, fails

    def __iter__(self) -> Iterator[Frame]:
        for number in range(self._count):
            if number == self._fails:
                raise VideoError("damaged")
            self.read += 1
            yield Frame(GRAY, number / 10, number, "film")


class Detector:
    """Notes the frames that it is asked for; raises an error for frame ``fails``."""

    def __init__(self, *, fails: int = -1) -> None:
        self.asked: list[int] = []
        self._fails = fails

    def __call__(self, frame: Frame) -> list[Face]:
        self.asked.append(frame.number)
        if frame.number == self._fails:
            raise RuntimeError("out of memory")
        return [FACE]


def test_frames_come_in_order_and_those_that_are_due_have_faces() -> None:
    detector = Detector()
    items = list(detect_ahead(iter(Frames(10)), DetectionTimes(0.3), detector))
    assert [item.frame.number for item in items] == [*range(10)]
    assert [item.frame.number for item in items if item.faces is not None] == detector.asked == [0, 3, 6, 9]
    assert [item.cut for item in items] == [False] * 10


def test_the_next_frame_that_is_due_is_detected_before_the_last_one_is_tracked() -> None:
    detector, frames = Detector(), Frames(50)
    items = detect_ahead(iter(frames), DetectionTimes(0.3), detector)
    assert next(items).frame.number == 0
    wait_until(lambda: detector.asked == [0, 3])
    assert frames.read == 4
    items.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("visavis-detect")]


def test_few_frames_wait_where_none_is_due() -> None:
    frames = Frames(1000)
    items = detect_ahead(iter(frames), DetectionTimes(1e9), Detector())
    assert next(items).frame.number == 0
    assert frames.read == MOST_FRAMES
    items.close()


def test_an_error_of_the_source_comes_after_the_frames_before() -> None:
    numbers: list[int] = []
    items = detect_ahead(iter(Frames(10, fails=5)), DetectionTimes(0.3), Detector())
    with pytest.raises(VideoError, match="damaged"):
        numbers.extend(item.frame.number for item in items)
    assert numbers == [0, 1, 2, 3, 4]


def test_an_error_of_the_detector_is_raised_as_it_is() -> None:
    numbers: list[int] = []
    items = detect_ahead(iter(Frames(10)), DetectionTimes(0.3), Detector(fails=3))
    with pytest.raises(RuntimeError, match="out of memory"):
        numbers.extend(item.frame.number for item in items)
    assert numbers == [0, 1, 2]


def test_a_frame_without_an_answer_is_followed_by_one_that_is_due() -> None:
    times = DetectionTimes(0.3)
    due = []
    for frame in Frames(8):
        due.append(times.look(frame)[1])
        if frame.number == 3:
            times.detect_again()
    assert due == [True, False, False, True, True, False, False, True]


def test_results_are_those_of_one_thread(tmp_path: Path) -> None:
    """Two faces that cross, and a cut."""
    pytest.importorskip("av")
    pytest.importorskip("scipy")
    frames = film(lambda t: draw((BLUE, 240 - 60 * t, 45, 50), (RED, 20 + 60 * t, 40, 60)), seconds=3, rate=20)
    clip = write_video(tmp_path / "clip.mkv", [*frames, *(255 - frame for frame in frames[:20])], rate=20)
    results = []
    for threads in (1, 2):
        recognizer = VideoRecognizer(Recognizer(detector=DETECTOR, embedder=MODEL, threads=threads))
        results.append(
            [
                (
                    result.frame.number,
                    result.detected,
                    [(face.track, face.detected, face.face.box.tolist()) for face in result.faces],
                    [(event.event, event.track, event.end) for event in result.events],
                )
                for result in recognizer.run(open_source(clip))
            ]
        )
    assert results[0] == results[1]
    assert [len(result) for result in results] == [80, 80]
    assert {face[0] for *_, faces, _ in results[0] for face in faces} >= {1, 2}


class LiveSource:
    """A camera of a user, 20 frames of a face that goes to the right; ``sent`` counts those that were taken."""

    name, live, rate, duration = "door", True, 20.0, None

    def __init__(self) -> None:
        self.sent = 0

    def __iter__(self) -> Iterator[Frame]:
        for number in range(20):
            self.sent += 1
            yield Frame(draw((RED, 20 + 2 * number, 40, 60)), number / 20, number, self.name)

    def counts(self) -> SourceCounts:
        return SourceCounts(self.sent)

    def close(self) -> None:
        pass


def test_results_of_a_live_source_wait_for_no_detection_in_a_later_frame() -> None:
    """Each comes with the frame after its own."""
    pytest.importorskip("scipy")
    source = LiveSource()
    tracking = VideoRecognizer(Recognizer(detector=DETECTOR, embedder=MODEL, threads=2))
    sent = {result.frame.number: source.sent for result in tracking.run(source)}
    assert sent == {number: min(number + 2, 20) for number in range(20)}
    assert tracking.detections == 7
