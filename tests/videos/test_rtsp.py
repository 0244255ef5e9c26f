"""RTSP over TCP: a real connection, on which pictures come between the answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from visavis.types import RGB

from .made_video import draw_frames, number_of
from .rtsp_server import TcpRtspCamera, split_unit
from .test_watchdog import Patience, next_of, open_camera

pytest.importorskip("av")


@pytest.fixture
def camera() -> Iterator[TcpRtspCamera]:
    server = TcpRtspCamera(draw_pictures())
    yield server
    server.stop()


def draw_pictures() -> list[RGB]:
    """Gray pictures, each with noise in a corner: so large that they come in several packets."""
    noise = np.random.default_rng(1).integers(0, 256, (48, 48, 3), np.uint8)
    pictures = draw_frames(20, width=256, height=192)
    for picture in pictures:
        picture[:48, :48] = noise
    return pictures


def shown(pixels: RGB) -> int:
    return number_of(pixels[64:])


def test_large_units_are_split_and_put_together() -> None:
    unit = bytes([0x65]) + bytes(range(256)) * 12
    parts = list(split_unit(unit))
    assert [part[1] >> 6 for part in parts] == [2, 0, 1]
    assert bytes([(parts[0][0] & 0xE0) | (parts[0][1] & 0x1F)]) + b"".join(part[2:] for part in parts) == unit


def test_pictures_come_over_tcp(camera: TcpRtspCamera) -> None:
    source = open_camera(camera.address, Patience(open=60))
    frames = [frame for frame, _ in zip(source, range(8), strict=False)]
    counts = source.counts()
    source.close()
    assert camera.transports[-1].startswith("RTP/AVP/TCP")
    assert {frame.pixels.shape for frame in frames} == {(192, 256, 3)}
    assert len({(shown(frame.pixels) - frame.number) % 20 for frame in frames}) == 1  # each is the one sent
    timed = frames[1:]  # the first one is dated by its arrival
    assert np.diff([frame.seconds for frame in timed]) == pytest.approx(
        np.diff([frame.number for frame in timed]) / 10, abs=0.02
    )
    assert counts.reopened == 0


def test_a_tcp_camera_that_is_silent_is_opened_again(camera: TcpRtspCamera) -> None:
    source = open_camera(camera.address, Patience(open=60, silent=1.5, first_pause=0.1))
    first = next_of(source)
    camera.paused = True
    until = time.monotonic() + 60
    while not source.counts().reopened and time.monotonic() < until:
        source.next_frame(0.2)
    camera.paused = False
    second = next_of(source)
    notes = source.counts().notes
    source.close()
    assert second.seconds > first.seconds + 1
    assert any("sent nothing for 1.5 s" in note for note in notes)
