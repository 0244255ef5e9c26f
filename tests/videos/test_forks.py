"""Processes that fork while a video is read: the child gets pixels or an error, and waits for no missing thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.fakes import RED
from test_forking import needs_fork, run

from .made_up import draw, write_video

pytest.importorskip("av")

pytestmark = needs_fork

PICTURE = """
import time
from contextlib import closing
from visavis import forking
from visavis.videos.source import open_source

with closing(open_source(PATH)) as source:
    picture = next(iter(source)).picture
converter, begun, end = picture._converter, threading.Event(), threading.Event()
whole = converter._whole

class Slow:
    def reformat(self, frame, **options):
        begun.set()
        wait()
        return whole.reformat(frame, **options)

def convert():
    converter._whole = whole
    return picture.pixels.shape == SHAPE

converter._whole = Slow()
thread = threading.Thread(target=lambda: picture.pixels)
"""


@pytest.fixture
def opening(tmp_path: Path) -> str:
    """Code that opens a video and prepares a thread that makes a frame into pixels, slowly."""
    pixels = draw((RED, 20, 40, 60))
    path = write_video(tmp_path / "a.mkv", [pixels], rate=20)
    return f"PATH, SHAPE = {str(path)!r}, {pixels.shape}\n{PICTURE}"


def test_a_fork_waits_for_a_frame_that_is_made_into_pixels(opening: str) -> None:
    code = """
wait = lambda: time.sleep(0.5)
thread.start()
begun.wait()
status = fork(lambda: os._exit(0 if picture._pixels is not None and convert() else 3))  # as those of multiprocessing
thread.join()
print(status)
"""
    assert run(opening + code) == ["0"]


def test_a_frame_that_another_thread_makes_into_pixels_for_long_has_pixels_in_the_child(opening: str) -> None:
    code = """
forking.PATIENCE_SECONDS = 0.1
wait = end.wait
thread.start()
begun.wait()
status = fork(convert)
end.set()
thread.join()
print(status, picture.pixels.shape == SHAPE)
"""
    assert run(opening + code) == ["0 True"]


DETECTION = """
from visavis.errors import VideoError
from visavis.videos._read_ahead import ReadAhead
from visavis.videos.detect_ahead import DetectionTimes, detect_ahead
from visavis.videos.types import Frame

GRAY = np.full((72, 128, 3), 128, np.uint8)
begun, end = threading.Event(), threading.Event()

def frames():
    for number in range(40):
        yield Frame(GRAY, number / 10, number, "film")

def is_refused(items):
    try:
        return not list(items)
    except VideoError as error:
        return str(error) == "a video cannot be read on in a forked process: open it there."
"""


def test_a_child_is_refused_the_faces_that_are_detected_ahead() -> None:
    code = """
def detect(frame):
    if frame.number == 3:
        begun.set()
        end.wait()
    return []

items = detect_ahead(frames(), DetectionTimes(0.3), detect)
next(items)
begun.wait()
status = fork(lambda: is_refused(items))
end.set()
print(status, len(list(items)))
"""
    assert run(DETECTION + code) == ["0 39"]


def test_a_child_is_refused_the_faces_of_a_file_whose_last_frames_were_detected() -> None:
    code = """
items = detect_ahead(frames(), DetectionTimes(0.3), lambda frame: [])
while next(items).frame.number < 38:
    pass
print(fork(lambda: is_refused(items)), len(list(items)))
"""
    assert run(DETECTION + code) == ["0 1"]


def test_a_child_is_refused_frames_whose_reader_held_its_lock() -> None:
    code = """
ahead = ReadAhead(frames())
next(iter(ahead))

def hold():
    with ahead._changed:
        begun.set()
        end.wait()

thread = threading.Thread(target=hold)
thread.start()
begun.wait()
status = fork(lambda: is_refused(ahead) and ahead.close() is None)
end.set()
thread.join()
print(status, len(list(ahead)))
"""
    assert run(DETECTION + code) == ["0 39"]
