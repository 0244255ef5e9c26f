"""Cuts of files and of cameras: who walks past a plain wall is followed, and a camera that is switched has a cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from cli.fakes import BLUE, DETECTOR, MODEL, RED
from visavis.pipeline import Recognizer
from visavis.types import RGB
from visavis.videos.recognize import VideoRecognizer
from visavis.videos.scenes import CORRELATION, SceneChanges, shrink_frame
from visavis.videos.types import Frame, VideoEvent

from .made_up import draw

pytest.importorskip("scipy")

RATE = 5
BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
STRIPE, STEP = 28, 28
"""Width of a stripe of the clothes, and the way between two frames: light comes to be where dark was."""


def draw_walker(number: int) -> RGB:
    """A red face over clothes with stripes, before a plain wall, that goes to the right."""
    left = 40 + STEP * number
    picture = draw(size=(480, 640))
    for row in range(8):
        picture[260:, left + STRIPE * row : left + STRIPE * (row + 1)] = 20 if row % 2 else 250
    picture[140:260, left + 52 : left + 172] = RED
    return picture


def film_camera(pictures: list[RGB], *, is_live: bool) -> list[Frame]:
    """Return pictures as frames of a camera, or of a file."""
    return [
        Frame(picture, row / RATE, row, "door", BEGIN + timedelta(seconds=row / RATE) if is_live else None)
        for row, picture in enumerate(pictures)
    ]


def find_cuts(frames: list[Frame]) -> list[int]:
    scenes = SceneChanges()
    return [frame.number for frame in frames if scenes.is_cut(frame)]


def follow(frames: list[Frame]) -> list[VideoEvent]:
    recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
    tracks, events = VideoRecognizer(recognizer), []
    for frame in frames:
        (faces,) = recognizer.detector.detect([frame.pixels])
        events += tracks.follow(frame, faces if tracks.is_due(frame) else None).events
        last = frame
    return [*events, *tracks.finish(tracks.follow(last, None)).events]


def test_a_person_who_walks_past_a_plain_wall_is_followed() -> None:
    """Few frames a second do not correlate, as those of another scene; each as a cut, no face would be a track."""
    pictures = [draw_walker(number) for number in range(12)]
    small = [shrink_frame(picture).ravel() for picture in pictures]
    assert all(np.corrcoef(*pair)[0, 1] < CORRELATION for pair in pairwise(small))
    frames = film_camera(pictures, is_live=True)
    assert find_cuts(frames) == []
    ended = [event for event in follow(frames) if event.event == "ended"]
    assert [(event.start, event.end) for event in ended] == [(frames[0].captured, frames[-1].captured)]


def test_frames_of_an_edited_file_that_do_not_correlate_are_cuts() -> None:
    assert find_cuts(film_camera([draw_walker(number) for number in range(4)], is_live=False)) == [1, 2, 3]


def test_a_camera_that_is_switched_to_another_view_has_a_cut() -> None:
    """The face of another person at the same place begins another track; a change of the light alone is no cut."""
    first = draw((RED, 200, 140, 120), size=(480, 640))
    brighter = np.minimum(first.astype(np.int16) + 30, 255).astype(np.uint8)
    second = draw(size=(480, 640))
    second[:, 320:], second[:, :320] = 230, 20
    second[140:260, 200:320] = BLUE
    frames = film_camera([*[first] * 5, *[second] * 5], is_live=True)
    assert find_cuts(frames) == [5]
    ended = [event for event in follow(frames) if event.event == "ended"]
    assert [event.start for event in ended] == [frames[0].captured, frames[5].captured]
    assert find_cuts(film_camera([first, brighter, first], is_live=True)) == []
