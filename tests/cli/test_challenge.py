"""liveness --challenge: made-up heads that turn as they are asked to, or not, and a photo that is waved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest

from test_challenge import HEAD, RATE, Person, seen, turned
from videos.made_up import write_video
from videos.made_video import make_video
from visavis import challenge, images
from visavis.detectors import DETECTORS
from visavis.types import RGB, Face

from .conftest import Run

pytest.importorskip("av")

HEADS = "test-heads"
SIZE = (120, 320)


class Heads:
    """Finds one head, whose yaw and pitch in degrees are the brightness of two fields less 128; 0 is no face."""

    name = HEADS

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        return [self._faces(picture) for picture in pictures]

    @staticmethod
    def _faces(picture: RGB) -> list[Face]:
        yaw, pitch = (float(picture[10, column, 0]) - 128 for column in (10, 30))
        if yaw == -128:
            return []
        face = seen(turned(HEAD, yaw, pitch))
        return [Face(face.box / 2, face.score, face.landmarks / 2)]


@DETECTORS.register(HEADS)
def heads(*, threads: int | None = None) -> Heads:
    return Heads()


def draw_head(yaw: float, pitch: float) -> RGB:
    picture = np.full((*SIZE, 3), 60, np.uint8)
    picture[:20, :20], picture[:20, 20:40] = round(128 + yaw), round(128 + pitch)
    return picture


def record(path: Path, seed: int) -> str:
    """Record a person who does what the challenge of this seed asks for."""
    asked, person, frames = challenge.Challenge(random=Random(seed)), Person(), []
    state = asked.state
    while state.status == "running":
        person.face(state.movement)
        frames.append(draw_head(*person._at))
        (faces,) = Heads().detect([frames[-1]])
        state = asked.update(len(frames) / RATE, faces, SIZE[1])
    assert state
    write_video(path, frames, rate=RATE)
    return str(path)


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that challenges ask for is that of seed 1."""
    monkeypatch.setattr(challenge, "SystemRandom", lambda: Random(1))


@pytest.mark.usefixtures("order")
def test_who_moves_as_asked_passes(run: Run, tmp_path: Path) -> None:
    path = record(tmp_path / "asked.mkv", 1)
    done = run("liveness", "--challenge", path, "--detector", HEADS, "--json")
    assert done.code == 0
    lines = done.lines
    assert [line["status"] for line in lines] == ["running"] * (len(lines) - 1) + ["passed"]
    assert (lines[-1]["done"], lines[-1]["total"], lines[-1]["source"]) == (4, 4, path)
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)
    movements = [line["movement"] for line in lines if line["movement"]]
    rng = Random(1)
    assert movements == [rng.choice(["left", "right", "up"]) for _ in range(4)]


@pytest.mark.usefixtures("order")
def test_instructions_are_printed_and_a_recording_of_another_order_fails(run: Run, tmp_path: Path) -> None:
    path = record(tmp_path / "other.mkv", 5)
    done = run("liveness", "--challenge", path, "--detector", HEADS)
    assert done.code == 1
    assert "visavis: 0 of 4: Look straight into the camera." in done.err
    assert "Turn your head slowly to your " in done.err or "Look up slowly." in done.err
    assert "failed" in done.out
    assert "That was another movement than the one asked for." in done.out


@pytest.mark.usefixtures("order")
def test_pictures_that_end_too_early_and_sources_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "short.mkv", [draw_head(0, 0)] * RATE, rate=RATE)
    done = run("liveness", "--challenge", "short.mkv", "--detector", HEADS, "--json")
    assert done.code == 1
    assert done.lines[-1]["reason"] == "The pictures ended before the challenge did."
    missing = run("liveness", "--challenge", "none.mkv", "--detector", HEADS)
    assert (missing.code, missing.out) == (2, "")
    assert "there is no file 'none.mkv'" in missing.err
    two = run("liveness", "--challenge", "short.mkv", "short.mkv", "--detector", HEADS)
    assert (two.code, "give one SOURCE" in " ".join(two.err.split())) == (2, True)
    assert run("liveness", "--challenge", "short.mkv", "--threshold", 0.7).code == 2


def test_a_photo_that_is_waved_fails(run: Run, data: Path, tmp_path: Path) -> None:
    """It is moved, tilted and squeezed as if turned, by warping it; seen by the default detector."""
    import cv2

    pixels = images.read(data / "photos" / "presidents" / "obama.jpg").pixels
    photo = cv2.resize(pixels, (228, 182), interpolation=cv2.INTER_AREA)
    frames = []
    for number in range(70):
        swing = np.sin(number / 5)
        across, tilt = 1 - 0.4 * abs(swing), 0.15 * swing
        matrix = np.array([[across, tilt, 50 + 20 * swing], [tilt / 2, 1, 20]], np.float32)
        frames.append(np.asarray(cv2.warpAffine(photo, matrix, (320, 240), borderValue=(90, 90, 90)), np.uint8))
    make_video(tmp_path / "waved.mp4", frames, rate=8)
    done = run("liveness", "--challenge", "waved.mp4", "--json")
    assert done.code == 1
    assert done.lines[-1]["status"] == "failed"
    assert done.lines[-1]["done"] == 0
