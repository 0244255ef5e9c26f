from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from cli.fakes import Colors, Squares
from visavis.errors import UsageError
from visavis.evaluate.results import PhotoSpeed
from visavis.evaluate.speed import measure, spread
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats

from .tiny_photos import DETECTOR, MIN_FACE, MODEL, album, draw, recognizer, seen

PICTURE, CROP = 0.004, 0.002
"""Seconds that the slow models take at least."""


class SlowSquares(Squares):
    """Much slower at first, as a network is that has to be loaded."""

    calls = 0

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        time.sleep(PICTURE * len(pictures) if self.calls else 1.0)
        self.calls += 1
        return super().detect(pictures, min_face=min_face)


class SlowColors(Colors):
    def embed(self, crops: RGB) -> Floats:
        time.sleep(CROP * len(crops))
        return super().embed(crops)


def test_milliseconds_of_each_stage(tmp_path: Path) -> None:
    """Sleeping is exact from below; the rest is reading, and a busy machine."""
    photos = album(tmp_path, 40)
    speed = measure(photos, Recognizer(detector=SlowSquares(), embedder=SlowColors(), threads=1), min_face=MIN_FACE)
    assert 4 < speed.detect < 60
    assert 2 < speed.embed < 60
    assert (speed.photos, speed.threads) == (40, 1)


def test_one_slow_batch_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of its own: batches take 1.6, 16 and 3.2 seconds for 16 photos, a tenth of that to embed."""
    now = [0.0]
    batches = iter([1000.0, 1.6, 16.0, 3.2])
    photos = [draw(tmp_path / f"{n}.png", 7 * n) for n in range(48)]  # each with a face

    class Timed(Squares):
        def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
            self.took = next(batches)
            now[0] += self.took
            return super().detect(pictures, min_face=min_face)

    class Following(Colors):
        def embed(self, crops: RGB) -> Floats:
            now[0] += detector.took / 10
            return super().embed(crops)

    detector = Timed()
    monkeypatch.setattr("visavis.evaluate.speed.time.perf_counter", lambda: now[0])
    speed = measure(photos, Recognizer(detector=detector, embedder=Following(), threads=2), min_face=MIN_FACE)
    assert speed == PhotoSpeed(pytest.approx(200.0), pytest.approx(20.0), 48, 2)


def test_photos_that_cannot_be_read_or_show_nobody_are_no_work_done(tmp_path: Path) -> None:
    """Of 28 photos 4 show nobody and 2 are missing."""
    photos = [*album(tmp_path, 28), str(tmp_path / "missing.png"), str(tmp_path / "gone.png")]
    seen.clear()
    assert measure(photos, recognizer(), min_face=MIN_FACE).photos == 28
    assert seen.count("detect") == 16 + 28  # the first batch twice
    assert seen.count("embed") == (16 - 2) + (28 - 4)


def test_one_face_a_photo_is_embedded(tmp_path: Path) -> None:
    from cli.fakes import BLUE, RED, photo

    group = str(photo(tmp_path / "group.png", (RED, 0, 0, 90), (BLUE, 130, 90, 60)))
    seen.clear()
    measure([group], recognizer())
    assert seen == ["detect", "embed"] * 2


def test_the_photos_are_spread_over_the_list() -> None:
    assert spread([str(n) for n in range(10)], 4) == ["0", "2", "5", "7"]
    assert spread(["a", "b"], 4) == ["a", "b"]
    many = spread([str(n) for n in range(4992)], 48)
    assert len(set(many)) == 48
    assert {int(b) - int(a) for a, b in pairwise(many)} == {104}


@pytest.mark.parametrize("photos", [[], ["missing.png"], ["empty"]])
def test_nothing_to_measure(tmp_path: Path, photos: list[str]) -> None:
    given = [draw(tmp_path / "3.png", 3) if name == "empty" else name for name in photos]
    with pytest.raises(UsageError, match=rf"no face was found in any of {len(photos)} photos\."):
        measure(given, Recognizer(detector=DETECTOR, embedder=MODEL))


def test_at_least_one_photo() -> None:
    with pytest.raises(UsageError, match="count must be at least 1, got 0"):
        measure(["a.png"], recognizer(), count=0)
