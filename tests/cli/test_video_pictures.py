"""visavis video --out, --blur and --live; people are squares of a color."""

from __future__ import annotations

import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from free_port import free_port
from videos.films import film, pictures_of
from videos.made_up import draw
from videos.test_publish import Receiver
from visavis.types import RGB

from .conftest import Photos, Run
from .fakes import BLUE, RED

pytest.importorskip("av")
pytest.importorskip("scipy")

NEAR = ("--threshold", "0.1")
GALLERY = ("--gallery", "faces.db", *NEAR)


def scenes(number: int = 50) -> list[RGB]:
    """A red face that moves, and a blue one from 0.5 s on, at 25 frames a second."""
    return [draw((RED, 20 + 1.6 * n, 40, 60), *([(BLUE, 220, 100, 60)] if n >= 13 else [])) for n in range(number)]


@pytest.fixture
def clip(tmp_path: Path, know: Run, photos: Photos) -> str:
    """A film with sound that keeps the colors exactly; Red is in the gallery."""
    know("enroll", "Red", photos.red)
    return film(tmp_path / "clip.mkv", scenes(), sound="aac", codec="ffv1").name


def share(pictures: Sequence[RGB], color: tuple[int, int, int]) -> list[float]:
    """Share of each picture that has about this color."""
    return [float((np.abs(picture.astype(int) - color).max(axis=2) < 40).mean()) for picture in pictures]


FACE = 60 * 60 / (320 * 240)


def test_the_video_has_boxes_names_times_and_sound(look: Run, clip: str) -> None:
    done = look("video", clip, *GALLERY, "--out", "out.mp4")
    assert done.code == 0
    before, seconds = pictures_of(Path(clip))
    pictures, kept = pictures_of(Path("out.mp4"))
    assert kept == pytest.approx(seconds, abs=1e-3)
    changed = [
        bool((np.abs(new.astype(int) - old).max(axis=2) > 60).any()) for new, old in zip(pictures, before, strict=True)
    ]
    assert changed[12:] == [True] * 38
    assert min(share(pictures, RED)) > FACE / 2
    assert stat.S_IMODE(Path("out.mp4").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "red", "blue"),
    [(["all"], False, False), (["unknown"], True, False), (["Red"], False, True), (["Red", "unknown"], False, False)],
)
def test_faces_are_blurred_in_every_frame(look: Run, clip: str, words: list[str], red: bool, blue: bool) -> None:
    options = [part for word in words for part in ("--blur", word)]
    done = look("video", clip, *GALLERY, "--out", "out.mp4", *options)
    assert done.code == 0
    pictures, _ = pictures_of(Path("out.mp4"))
    assert len(pictures) == 50
    shown = {name: [part > 0.01 for part in share(pictures, color)] for name, color in (("red", RED), ("blue", BLUE))}
    if not red:
        assert shown["red"] == [False] * 50
    if not blue:
        assert shown["blue"] == [False] * 50
    assert any(shown["red"]) is red
    assert any(shown["blue"]) is blue


def test_who_is_blurred_has_to_be_clear(look: Run, clip: str) -> None:
    done = look("video", clip, *GALLERY, "--out", "out.mp4", "--blur", "Rod")
    assert done.code == 2
    assert "Rod" in done.err
    assert "Red" in done.err
    done = look("video", clip, *GALLERY, "--blur", "all")
    assert done.code == 2
    assert "add --out FILE.mp4 or --live" in done.err
    Path("faces.db").unlink()
    for word in ("Red", "unknown"):
        done = look("video", clip, "--out", "out.mp4", "--blur", word)
        assert done.code == 2
        assert f"--blur {word}: people are recognized by a gallery. Add --gallery URL, or blur all." in done.err
    assert not Path("out.mp4").exists()
    assert not list(Path().glob("*unfinished*"))


def test_the_input_is_not_replaced(look: Run, tmp_path: Path) -> None:
    film(tmp_path / "in.mp4", scenes(5))
    before = Path("in.mp4").read_bytes()
    done = look("video", "in.mp4", "--out", str(tmp_path / "in.mp4"))
    assert done.code == 2
    assert "is the video that is read: give another file for the output" in done.err
    assert Path("in.mp4").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--events", "x", "--out", "./x"], "--out: x is the file of --events too"),
        (["--events", "x.mp4", "--faces", "X.mp4"], "--faces: X.mp4 is the file of --events too"),
        (["--post", "http://127.0.0.1:9", "--outbox", "e", "--events", "e"], "--outbox: e is the file of --events too"),
        (["--events", "link.mkv"], "--events: link.mkv is the video that is read"),
        (["--out", "hard.mp4", "--blur", "all"], "--out: hard.mp4 is the video that is read"),
        (["--outbox", "faces.db", "--mqtt", "mqtt://127.0.0.1:9"], "--outbox: faces.db is the gallery"),
        (["--find", "red.png", "--resume", "red.png"], "--resume: red.png is the photo of --find"),
        (["--find", "red.png", "--resume", "r", "--clips", "r"], "--resume: r is the file of --clips too"),
    ],
)
def test_outputs_that_are_one_file_are_refused_before_anything_is_written(
    look: Run, clip: str, options: list[str], message: str
) -> None:
    Path("link.mkv").symlink_to(clip)
    Path("hard.mp4").hardlink_to(clip)
    before = {path.name: path.stat().st_mtime_ns for path in Path().iterdir()}
    done = look("video", clip, "--gallery", "faces.db", *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert {path.name: path.stat().st_mtime_ns for path in Path().iterdir()} == before


COMMAND = """
import sys
sys.path.insert(0, {tests!r})
import cli.fakes
from visavis.__main__ import main
main()
"""


TESTS = str(Path(__file__).resolve().parents[1])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_the_file_properly(tmp_path: Path, number: signal.Signals, code: int) -> None:
    source = film(tmp_path / "long.mkv", scenes(400), codec="ffv1")
    events = tmp_path / "events.jsonl"
    line = [sys.executable, "-c", COMMAND.format(tests=TESTS), "video", str(source)]
    line += ["--detector", "test-squares", "--out", str(tmp_path / "out.mp4"), "--events", str(events), "--blur", "all"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    part = tmp_path / "out.unfinished.mp4"
    while process.poll() is None and not (part.exists() and part.stat().st_size):
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert not part.exists()
    pictures, _ = pictures_of(tmp_path / "out.mp4")
    assert 10 < len(pictures) < 400
    assert max(share(pictures, RED)) < 0.01
    assert events.read_text().count('"ended"') >= 1


LIVE = """
import sys
sys.path.insert(0, {tests!r})
import cli.fakes
from visavis.videos import window
show = window.PreviewWindow.show
shown = 0
def count(self, pixels):
    global shown
    shown += 1
    show(self, pixels)
    if shown == 20:
        self._root.focus_force()
        self._root.event_generate("<Escape>")
        self._root.update()
window.PreviewWindow.show = count
from visavis.__main__ import main
try:
    main()
finally:
    print(shown, file=sys.stderr)
"""


def test_the_window_shows_the_frames_and_its_end_is_the_end(tmp_path: Path) -> None:
    if shutil.which("xvfb-run") is None:
        pytest.skip("Debian's xvfb is not installed")
    source = film(tmp_path / "clip.mkv", scenes(), codec="ffv1")
    line = ["xvfb-run", "-a", sys.executable, "-c", LIVE.format(tests=TESTS)]
    line += ["video", str(source), "--detector", "test-squares", "--live", "--out", "out.mp4", "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "21", done.stderr
    assert done.returncode == 1
    assert done.stdout.count('"ended"') == 1
    assert len(pictures_of(tmp_path / "out.mp4")[0]) == 21


def test_events_are_posted_and_wait_for_a_server_that_is_away(look: Run, clip: str) -> None:
    port = free_port()
    done = look("video", clip, *GALLERY, "--post", f"http://ann:secret@127.0.0.1:{port}/hook", "--json")
    assert done.code == 0
    assert "3 events are not delivered; they wait in the outbox for the next run" in done.err
    assert "secret" not in done.err
    server = Receiver(port)
    again = look("video", clip, *GALLERY, "--post", f"http://ann:secret@127.0.0.1:{port}/hook", "--json")
    server.stop()
    assert [body["id"] for body in server.bodies] == [line["id"] for line in done.lines + again.lines]
    assert server.bodies[0]["name"] == "Red"


def test_without_a_display_live_is_one_sentence(look: Run, clip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    done = look("video", clip, *GALLERY, "--live")
    assert done.code in {2, 3}
    assert "write a video with --out" in done.err
