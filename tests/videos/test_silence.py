"""Cameras that fall silent: tracks end by the clock, not at the next frame."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cli.fakes import DETECTOR, MODEL, RED
from visavis.pipeline import Recognizer
from visavis.videos import silence
from visavis.videos.recognize import VideoRecognizer
from visavis.videos.silence import Silence
from visavis.videos.tracker import KEPT_S
from visavis.videos.types import Frame, SourceCounts

from .made_up import draw

pytest.importorskip("scipy")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(silence, "monotonic", made)
    return made


class Camera:
    """Ten frames a second, with pauses: each wait for the next frame takes half a second of the clock."""

    name = "door"
    live = True
    rate: float | None = None
    duration: float | None = None

    def __init__(self, clock: Clock, *pauses: tuple[int, float], frames: int, step: float = 0.1) -> None:
        self._clock, self._pauses, self._frames, self._step = clock, dict(pauses), frames, step
        self._number = 0
        self.closed = False

    @property
    def ended(self) -> bool:
        return self._number == self._frames

    def next_frame(self, timeout: float | None = None) -> Frame | None:
        pause = self._pauses.get(self._number, 0.0)
        if pause > 0:
            self._pauses[self._number] = pause - 0.5
            self._clock.now += 0.5
            return None
        self._clock.now += self._step
        pixels = draw((RED, 50 + self._number / 2, 15, 50), size=(80, 160))
        moment = NOON + timedelta(seconds=self._clock.now)
        self._number += 1
        return Frame(pixels, self._clock.now, self._number - 1, self.name, moment)

    def __iter__(self) -> Iterator[Frame]:
        while not self.ended:
            frame = self.next_frame()
            if frame is not None:
                yield frame

    def counts(self) -> SourceCounts:
        return SourceCounts()

    def close(self) -> None:
        self.closed = True


def run(camera: Camera, clock: Clock) -> list[tuple[float, int, datetime | float]]:
    """The time of the clock at which each track ended, its number, and the end that its event states."""
    tracking = VideoRecognizer(Recognizer(detector=DETECTOR, embedder=MODEL))
    return [
        (clock.now, event.track, event.end)
        for result in tracking.run(camera)
        for event in result.events
        if event.event == "ended"
    ]


def test_a_silent_camera_ends_its_tracks_by_the_clock(clock: Clock) -> None:
    camera = Camera(clock, (20, 60.0), frames=40)
    (first, number, end), (_, other, _) = run(camera, clock)
    assert (number, other) == (1, 2)
    assert first == pytest.approx(2 + KEPT_S, abs=0.6)  # while the silence of a minute goes on
    assert isinstance(end, datetime)
    assert (end - NOON).total_seconds() == pytest.approx(1.9, abs=0.16)
    assert camera.closed


def test_a_camera_of_few_frames_is_not_silent_between_them(clock: Clock) -> None:
    heard = Silence(2.5)
    assert not heard.begins()  # before the first frame
    for number in range(3):
        clock.now = 4.0 * number
        heard.hear(Frame(draw(), clock.now, number, "door"))
        clock.now += 3.9
        assert not heard.begins() or number == 0  # the rate is not known yet
    clock.now = 8 + 12.1
    assert heard.begins()
    assert not heard.begins()  # once
