"""Whole processes of visavis video: Ctrl-C on a file and on a camera, and what a camera prints as it happens."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from videos.camera_servers import MjpegCamera
from videos.films import pictures_of
from videos.made_up import draw, film
from videos.made_video import make_video
from visavis.gallery import Gallery
from visavis.pipeline import Recognizer

from .fakes import DETECTOR, MODEL, RED, photo
from .terminal import read_terminal
from .test_process import command, environment

pytest.importorskip("av")
pytest.importorskip("scipy")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

WATCH = ("--detector", DETECTOR, "--threshold", "0.1", "--gallery", "faces.db")


def draw_red(number: int) -> bytes:
    """A red face as JPEG; its corners lie on those of blocks, so it has one color."""
    from PIL import Image

    file = BytesIO()
    shade = 120 + number % 16  # a picture like no other
    picture = draw((RED, 96, 64, 64))
    picture[:16, :16] = shade
    Image.fromarray(picture).save(file, "JPEG", quality=100, subsampling=0)
    return file.getvalue()


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    server = MjpegCamera(rate=10)
    server.picture = draw_red
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a gallery of the person Red."""
    recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
    with Gallery(f"sqlite:///{tmp_path / 'faces.db'}", recognizer=recognizer) as gallery:
        gallery.enroll("Red", photo(tmp_path / "red.png", (RED, 40, 50, 60)))
    return tmp_path


def watch(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("video", *arguments, *WATCH),
        cwd=folder, env=environment(PYTHONUNBUFFERED="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def interrupt_after_line(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """Interrupt a process after its first line, and return all its lines and its standard error."""
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    return [first.rstrip("\n"), *out.splitlines()], error


def test_ctrl_c_on_a_file_completes_the_video_and_ends_the_tracks(folder: Path) -> None:
    frames = film(lambda t: draw((RED, 20 + 30 * (t % 6), 40, 60)), seconds=6, rate=25) * 20  # two minutes
    make_video(
        folder / "clip.mkv", frames, codec="libx264rgb", pix_fmt="rgb24", options={"crf": "0", "preset": "ultrafast"}
    )
    process = watch(folder, "clip.mkv", "--json", "--out", "named.mp4", "--events", "events.jsonl")
    lines, error = interrupt_after_line(process)
    events = [json.loads(line) for line in lines]
    assert process.returncode == 130
    assert [(event["event"], event["name"]) for event in events] == [("recognized", "Red"), ("ended", "Red")]
    assert events == [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    pictures, seconds = pictures_of(folder / "named.mp4")
    assert 5 < len(pictures) < len(frames)
    assert seconds[-1] >= events[-1]["to"]
    assert not list(folder.glob("*unfinished*"))
    assert "Traceback" not in error


def test_the_summary_does_not_share_a_line_with_the_progress_bar(folder: Path) -> None:
    import pty

    make_video(folder / "clip.mkv", [draw((RED, 20, 40, 60))] * 25, codec="ffv1", pix_fmt="bgr0")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("video", "clip.mkv", *WATCH),
        cwd=folder, env=environment(TERM="xterm", COLUMNS="80"), stdout=subprocess.PIPE, stderr=theirs,
    ) as running:  # fmt: skip
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):
            shown += chunk
        os.close(ours)
        running.communicate(timeout=60)
    assert b"x real time" in shown.partition(b"visavis: 25 frames")[0]
    assert re.search(rb"(\n|\r|\x1b\[2K)visavis: 25 frames in ", shown)


def test_ctrl_c_on_a_camera(folder: Path, camera: MjpegCamera) -> None:
    process = watch(folder, camera.address, "--json", "--out", "named.mp4")
    lines, error = interrupt_after_line(process)
    events = [json.loads(line) for line in lines]
    assert process.returncode == 130
    assert [(event["event"], event["name"]) for event in events] == [("recognized", "Red"), ("ended", "Red")]
    assert len(pictures_of(folder / "named.mp4")[0]) >= 3
    assert "Traceback" not in error


def test_a_camera_prints_each_event_as_it_comes_and_ends_tracks_by_the_clock(folder: Path, camera: MjpegCamera) -> None:
    process = watch(folder, camera.address)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert re.search(f"  {re.escape(camera.address)}  recognized  Red  [(]track [0-9]+, distance 0[.]0", first)
    camera.mode = "silent"  # no frame comes any more
    second = process.stdout.readline()
    assert re.search(f"  {re.escape(camera.address)}  ended  Red  [(]track [0-9]+, since ", second)
    process.send_signal(signal.SIGINT)
    rest, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert rest == ""
    assert "Traceback" not in error
