"""Cameras on bad days: silent, frozen, gone and back; reader processes that are killed, and parents that are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from free_port import free_port
from visavis.errors import VideoError
from visavis.videos._local_camera import LocalCamera
from visavis.videos.reader_process import ReaderOrder
from visavis.videos.source import open_source
from visavis.videos.types import Frame
from visavis.videos.watchdog import CameraSource, Patience

from .camera_servers import MjpegCamera, RtspCamera
from .made_video import draw_frames, make_video, number_of

SHORT = Patience(open=60, silent=0.6, frozen=1.5, first_pause=0.05, longest_pause=0.3)
LONG = Patience(open=60, silent=60, first_pause=0.05, longest_pause=0.3)
"""For cameras that play: on a busy machine they are silent for a second, too."""
SECONDS = 60.0
"""Time for what takes a second on a quiet machine."""
PROC = Path("/proc/self/fd")


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    server = MjpegCamera()
    yield server
    server.stop()


def open_camera(address: str, patience: Patience = LONG, *, every: int = 1) -> CameraSource:
    return CameraSource(ReaderOrder(None, address, "'yard'", every), name="yard", patience=patience)


def await_that(find: Callable[[], Any]) -> Any:
    """Return what ``find`` finds, once it does."""
    until = time.monotonic() + SECONDS
    while not (value := find()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return value


def no_camera_is_read() -> bool:
    """Return whether the threads that read cameras have ended: the last of each ends soon after it was closed."""
    return "visavis-camera" not in {thread.name for thread in threading.enumerate()}


def is_gone(pid: int) -> bool:
    """Return whether there is no such process; a zombie has not ended."""
    return not Path(f"/proc/{pid}").exists()


def next_of(source: CameraSource) -> Frame:
    """Return the next frame."""
    frame = source.next_frame(SECONDS)
    assert frame is not None
    return frame


def test_frames_are_the_newest_and_late_ones_are_counted(camera: MjpegCamera) -> None:
    source = open_camera(camera.address)
    assert source.live
    frames = []
    for frame in source:
        frames.append(frame)
        if len(frames) >= 6 and frame.number >= 15:
            break
        time.sleep(0.2)  # five frames of the camera, on a quiet machine
    counts = source.counts()
    source.close()
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    assert counts.dropped > 0
    assert counts.read >= numbers[-1] + 1
    assert counts.dropped == numbers[-1] + 1 - len(frames)
    assert len({(number_of(frame.pixels) - frame.number) % 25 for frame in frames}) == 1
    for earlier, later in pairwise(frames):
        assert earlier.captured is not None
        assert later.captured is not None
        assert later.seconds - earlier.seconds == pytest.approx(
            (later.captured - earlier.captured).total_seconds(), abs=0.02
        )
    assert frames[0].captured is not None
    assert frames[0].captured.tzinfo is UTC
    assert datetime.now(UTC) - frames[-1].captured < timedelta(seconds=5)  # type: ignore[operator]
    assert {frame.source for frame in frames} == {"yard"}


def test_every_fifth_frame(camera: MjpegCamera) -> None:
    source = open_camera(camera.address, every=5)
    numbers = [frame.number for frame, _ in zip(source, range(4), strict=False)]
    source.close()
    assert {number % 5 for number in numbers} == {0}


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("silent", "'yard' sent nothing for 0.6 s"),
        ("end", "'yard' ended its stream"),
        ("frozen", "'yard' showed the very same picture for "),
        ("garbage", "'yard' "),
    ],
)
def test_a_bad_stream_is_opened_again(camera: MjpegCamera, mode: str, reason: str) -> None:
    source = open_camera(camera.address, SHORT if mode in {"silent", "garbage"} else replace(SHORT, silent=60))
    before = next_of(source)
    camera.mode = mode
    deadline = time.monotonic() + SECONDS
    while not (source.counts().reopened and any(note.startswith(reason) for note in source.counts().notes)):
        source.next_frame(0.2)
        assert time.monotonic() < deadline
    camera.mode = "play"
    while (after := source.next_frame(0.5)) is None or after.pixels.mean() < 5:
        assert time.monotonic() < deadline
    source.close()
    assert after.number > before.number
    assert after.seconds > before.seconds


def test_a_server_that_is_killed_and_back(camera: MjpegCamera) -> None:
    source = open_camera(camera.address)
    before = next_of(source)
    camera.stop()
    await_that(lambda: [note for note in source.counts().notes if "connection refused" in note])
    while source.next_frame(0.2) is not None:
        pass
    camera.start()
    after = next_of(source)
    counts = source.counts()
    source.close()
    assert after.captured is not None
    assert before.captured is not None
    assert after.seconds - before.seconds == pytest.approx((after.captured - before.captured).total_seconds(), abs=0.3)
    assert counts.reopened >= 1


def test_a_killed_reader_process_is_replaced_and_leaves_nothing(camera: MjpegCamera) -> None:
    files = len(list(PROC.iterdir())) if PROC.exists() else 0
    source = open_camera(camera.address)
    next_of(source)
    first = source._run.reader.pid  # type: ignore[union-attr]
    os.kill(first, signal.SIGKILL)
    while source.counts().reopened == 0:
        source.next_frame(0.1)
    next_of(source)
    second = source._run.reader.pid  # type: ignore[union-attr]
    assert any("(SIGKILL)" in note for note in source.counts().notes)
    source.close()
    source.close()
    assert first != second
    assert source.next_frame(1) is None
    if PROC.exists():
        assert is_gone(first)
        assert is_gone(second)
        camera.stop()
        await_that(lambda: len(list(PROC.iterdir())) <= files)  # the threads of the camera close its connections
    await_that(no_camera_is_read)


WITHOUT_GUARD = """
import sys, time
from visavis.videos.source import open_source
source = open_source(sys.argv[1])
for frame in source:
    print(source._run.reader.pid, flush=True)
    if sys.argv[2] == "leave":
        break
"""


@pytest.mark.skipif(not PROC.exists(), reason="processes are looked up in /proc")
def test_a_killed_parent_takes_its_reader_with_it(camera: MjpegCamera) -> None:
    parent = subprocess.Popen([sys.executable, "-c", WITHOUT_GUARD, camera.address, "stay"], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    reader = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await_that(lambda: is_gone(reader))


def test_a_script_without_guard_ends_in_peace(camera: MjpegCamera, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(WITHOUT_GUARD)
    done = subprocess.run(
        [sys.executable, str(script), camera.address, "leave"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stderr, done.returncode) == ("", 0)
    if PROC.exists():
        await_that(lambda: is_gone(int(done.stdout)))


@pytest.mark.skipif(not PROC.exists(), reason="processes are looked up in /proc")
def test_passwords_are_in_no_command_line_name_or_message(camera: MjpegCamera) -> None:
    address = camera.address.replace("http://", "http://ann:secret@")
    source = open_source(address)
    frames = iter(source)
    next(frames)
    pid = source._run.reader.pid  # type: ignore[attr-defined]
    told = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    source.close()
    assert b"secret" not in told
    assert "secret" not in source.name
    assert "***@127.0.0.1" in source.name
    with pytest.raises(VideoError) as raised:
        open_source(f"rtsp://ann:secret@127.0.0.1:{free_port()}/x?password=hidden")
    assert "secret" not in str(raised.value)
    assert "hidden" not in str(raised.value)
    assert str(raised.value).endswith("cannot be opened: connection refused.")


@pytest.mark.parametrize("device", [97, "97", "/dev/video97"])
def test_a_camera_index_that_is_not_there(device: int | str) -> None:
    with pytest.raises(VideoError, match=r"^there is no camera 97.*\.$"):
        open_source(device)


@pytest.mark.skipif(any(Path("/dev").glob("video[0-9]*")) or sys.platform != "linux", reason="there is a camera")
@pytest.mark.parametrize("device", [0, "0", "/dev/video0"])
def test_a_machine_without_a_camera(device: int | str) -> None:
    with pytest.raises(VideoError) as raised:
        open_source(device)
    assert str(raised.value) == "there is no camera 0: this machine has none."


@pytest.mark.skipif(sys.platform != "linux", reason="devices are files")
def test_a_camera_of_another_user_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is there, and cannot be opened."""
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [self / "video0", self / "video2"])
    with pytest.raises(VideoError) as raised:
        LocalCamera(2)
    assert str(raised.value) == (
        "camera 2 cannot be opened: another program uses it, or this user may not (group video)."
    )
    with pytest.raises(VideoError, match=r"^there is no camera 1: there are 0, 2\.$"):
        LocalCamera(1)


def test_a_file_at_an_address_delivers_all_its_frames(tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", draw_frames(20))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = open_source(f"http://127.0.0.1:{server.server_port}/a.mp4")
    frames = list(source)
    assert not source.live
    assert [number_of(frame.pixels) for frame in frames] == list(range(20))
    assert [frame.seconds for frame in frames] == pytest.approx([number / 25 for number in range(20)], abs=0.001)
    assert source.counts().dropped == 0
    with pytest.raises(VideoError, match="404"):
        open_source(f"http://127.0.0.1:{server.server_port}/none.mp4")
    server.shutdown()
    server.server_close()


def test_an_rtsp_server_that_hangs_is_killed_and_comes_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:  # VLC runs as another user; processes of tests have a folder more each
        parent.chmod(0o755)
    video = make_video(
        tmp_path / "a.mp4", draw_frames(25, width=128, height=96) * 4, options={"g": "10", "tune": "zerolatency"}
    )
    server = RtspCamera(video)
    request.addfinalizer(server.stop)
    patience = Patience(open=60, silent=5, frozen=60, first_pause=1, longest_pause=2)  # VLC begins slowly
    source = open_camera(server.address, patience)
    try:
        first = next_of(source)
        assert first.pixels.shape == (96, 128, 3)
        server.pause(True)
        await_that(lambda: [note for note in source.counts().notes if "sent nothing for 5 s" in note])
        server.stop()
        while source.next_frame(0.3) is not None:
            pass
        server.start()
        assert next_of(source).seconds > first.seconds
    finally:
        source.close()
        server.stop()
