"""Two real videos whose faces are labeled by hand: tracks keep to one person."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.evaluate.video import VideoResult
from visavis.evaluate.watched_video import measure_watched, watch
from visavis.pipeline import Recognizer

from .video_labels import HAMILTON, PEDESTRIANS, Labels

pytest.importorskip("av")
pytest.importorskip("scipy")


def measure(data: Path, labels: Labels, min_face: float) -> VideoResult:
    from visavis.videos.recognize import VideoOptions, VideoRecognizer
    from visavis.videos.source import open_source

    tracking = VideoRecognizer(Recognizer(threads=1), options=VideoOptions(min_face=min_face))
    watched = watch(tracking.run(open_source(str(data / "videos" / labels.file))))
    return measure_watched(watched, labels.presences(), enrolled=())


@pytest.mark.slow(seconds=14)
@pytest.mark.parametrize(
    ("labels", "min_face", "switches"), [(HAMILTON, 20, 1), (PEDESTRIANS, 40, 0)], ids=["hamilton", "pedestrians"]
)
def test_tracks_keep_to_one_person(data: Path, labels: Labels, min_face: float, switches: int) -> None:
    """A new track may begin where the scene is cut to the pianist from the side."""
    result = measure(data, labels, min_face)
    assert result.mixed == 0
    assert result.switches <= switches
    assert result.coverage.rate is not None
    assert result.coverage.rate > 0.8
