"""A video from its frames to its events; people are squares of a color."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import visavis
from cli.fakes import BLUE, DETECTOR, MODEL, RED
from visavis.errors import UsageError
from visavis.gallery import Gallery, Template
from visavis.pipeline import Recognizer
from visavis.types import Floats
from visavis.videos.recognize import VideoOptions, VideoRecognizer
from visavis.videos.source import open_source

from .made_up import draw, film, write_video

pytest.importorskip("av")
pytest.importorskip("scipy")


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(detector=DETECTOR, embedder=MODEL)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A red face that goes to the right, for three seconds at 20 frames a second."""
    return write_video(
        tmp_path / "clip.mkv", film(lambda t: draw((RED, 20 + 40 * t, 40, 60)), seconds=3, rate=20), rate=20
    )


def direction(color: tuple[int, int, int]) -> Floats:
    return np.array(color, np.float32) / 255


def test_faces_are_detected_in_every_nth_frame_and_predicted_between(recognizer: Recognizer, clip: Path) -> None:
    tracking = VideoRecognizer(recognizer)
    results = list(tracking.run(open_source(clip)))
    assert [result.frame.number for result in results] == [*range(60)]
    assert [n for n, result in enumerate(results) if result.detected] == [*range(0, 60, 3)]
    assert tracking.detections == 20
    for number, result in enumerate(results[10:], 10):
        (face,) = result.faces
        assert (face.track, face.detected) == (1, number % 3 == 0)
        assert face.face.box[0] == pytest.approx(20 + 2 * number, abs=2.5)
        assert (face.confirmed, face.decided) == (True, False)


def test_an_interrupt_ends_all_tracks_before_it_goes_on(recognizer: Recognizer, clip: Path) -> None:
    results = VideoRecognizer(recognizer).run(open_source(clip))
    for _ in range(30):
        next(results)
    last = results.throw(KeyboardInterrupt())
    assert [(event.event, event.track, event.end) for event in last.events] == [("ended", 1, 1.5)]
    with pytest.raises(KeyboardInterrupt):
        next(results)


def test_one_embedding_batch_and_few_searches_a_track(
    recognizer: Recognizer, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops: list[int] = []
    embed = type(recognizer.embedder).embed
    monkeypatch.setattr(
        type(recognizer.embedder), "embed", lambda self, some: crops.append(len(some)) or embed(self, some)
    )
    with Gallery(tmp_path / "faces.db", recognizer=recognizer) as gallery:
        gallery.add("Red", [Template(direction(RED))])
        events = list(visavis.video(clip, gallery=gallery, threshold=0.1))
    assert [(event.event, event.name) for event in events] == [("recognized", "Red"), ("ended", "Red")]
    assert len({event.id for event in events}) == 2
    assert sum(crops) <= 5


def test_a_person_enrolled_meanwhile_is_recognized(recognizer: Recognizer, clip: Path, tmp_path: Path) -> None:
    with Gallery(tmp_path / "faces.db", recognizer=recognizer) as gallery:
        options = VideoOptions(threshold=0.1)
        events = []
        for result in VideoRecognizer(recognizer, gallery, options=options).run(open_source(clip)):
            events += result.events
            if result.frame.number == 20:
                gallery.add("Red", [Template(direction(RED))])
    assert [(event.event, event.name) for event in events] == [("recognized", "Red"), ("ended", "Red")]


def test_a_cut_to_another_person_begins_another_track(recognizer: Recognizer, tmp_path: Path) -> None:
    """The other face is in the same place, before a wall that is dark on one side."""
    other = draw((BLUE, 100, 60, 80))
    other[:, :90] = 10
    path = write_video(tmp_path / "cut.mkv", [*[draw((RED, 100, 60, 80))] * 10, *[other] * 10])
    ended = [event for event in visavis.video(path, recognizer=recognizer) if event.event == "ended"]
    assert [(event.start, event.end) for event in ended] == [(0.0, 0.9), (1.0, 1.9)]


def test_options_are_checked_before_the_source_is_opened(recognizer: Recognizer) -> None:
    for wrong in ({"min_face": 0}, {"fpir": 2.0}, {"threshold": -1.0}):
        with pytest.raises(UsageError):
            next(visavis.video("missing.mp4", recognizer=recognizer, **wrong))
