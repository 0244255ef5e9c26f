"""index: what it prints, and how it ends. What it does is tested in tests/bulk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bulk.conftest import album, faces_of_album, plugin

from .conftest import Photos, Run
from .fakes import DETECTOR, MODEL, RED, photo
from .terminal import read_terminal

__all__ = ["plugin"]  # a fixture of theirs: the fakes as a package that worker processes know

FAKES = ("--detector", DETECTOR, "--model", MODEL, "--workers", "1")


@pytest.fixture
def index(run: Run) -> Run:
    return lambda *arguments: run("index", *FAKES, *arguments)


def test_a_line_a_photo_and_a_summary(index: Run, run: Run, photos: Photos, tmp_path: Path) -> None:
    done = index(".", "nobody.png", "--json")
    assert done.code == 0
    by_name = {Path(line["photo"]).name: line for line in done.lines}
    assert by_name == {
        "red.png": {"photo": "./red.png", "status": "ok", "faces": 1},
        "dark.png": {"photo": "./dark.png", "status": "ok", "faces": 1},
        "blue.png": {"photo": "./blue.png", "status": "ok", "faces": 1},
        "both.png": {"photo": "./both.png", "status": "ok", "faces": 2},
        "empty.png": {"photo": "./empty.png", "status": "no_face", "faces": 0},
        "broken.png": {
            "photo": "./broken.png",
            "status": "unreadable",
            "faces": None,
            "message": by_name["broken.png"]["message"],
        },
        "nobody.png": {
            "photo": "nobody.png",
            "status": "missing",
            "faces": None,
            "message": "'nobody.png' does not exist.",
        },
    }
    *failed, summary = done.err.splitlines()
    assert sorted(failed) == [
        "visavis: missing: 'nobody.png' does not exist.",
        f"visavis: unreadable: {by_name['broken.png']['message']}",
    ]
    assert summary.startswith("visavis: 7 photos in ")
    assert summary.endswith(" a second): 5 indexed with 5 faces (1 without), 0 there already, 1 missing, 1 unreadable.")
    assert run("gallery", "stats", "--json").line["unnamed"] == 5
    again = index("red.png", "both.png", "--json")
    assert again.code == 0
    assert again.lines == [
        {"photo": "red.png", "status": "known", "faces": None},
        {"photo": "both.png", "status": "known", "faces": None},
    ]


def test_the_table_lists_what_could_not_be_used(index: Run, photos: Photos) -> None:
    done = index(".")
    assert done.code == 0
    (row,) = [line for line in done.out.splitlines() if line.strip().startswith(".")]
    assert row.split()[:2] == ["./broken.png", "unreadable"]
    assert "red.png" not in done.out
    assert index("red.png").out == ""


def test_nothing_that_can_be_used_is_no_success(index: Run, photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "hollow").mkdir()
    assert index("broken.png", "--json").code == 2
    done = index("hollow", "--json")
    assert (done.code, done.line["status"]) == (2, "missing")
    assert done.line["message"] == "the folder 'hollow' holds no photo."
    assert index("red.png").code == 0


def test_wrong_names_make_no_gallery(run: Run, photos: Photos, tmp_path: Path) -> None:
    done = run("index", "red.png", "--model", "dlib-resnet9", "--json")
    assert done.code == 2
    assert "no model is called 'dlib-resnet9'; did you mean dlib-resnet" in done.err
    done = run("index", "red.png", "--detector", "nobody", "--json")
    assert (done.code, done.out) == (2, "")
    assert run("index", "red.png", "--ray-address", "auto").code == 2
    assert not (tmp_path / "faces.db").exists()


def test_a_gallery_keeps_its_model(index: Run, run: Run, photos: Photos) -> None:
    assert index("red.png").code == 0
    done = run("index", "--detector", DETECTOR, "--workers", "1", "blue.png", "--json")
    assert done.line["status"] == "ok"
    done = run("index", "--model", "dlib-resnet", "blue.png")
    assert done.code == 3
    assert f"holds embeddings of {MODEL}" in done.err


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
def test_progress_tells_photos_faces_rate_and_time_left(tmp_path: Path) -> None:
    import pty

    album(tmp_path / "photos", 30)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "visavis", "index", "photos", *FAKES],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as running:
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):  # all the time: a program waits where a terminal is full
            shown += chunk
        os.close(ours)
        out, _ = running.communicate(timeout=120)
    assert (running.returncode, out) == (0, "")
    assert b"30/30" in shown
    assert f"{faces_of_album(30)} faces".encode() in shown
    assert b"photos/s" in shown
    assert b"0:00:00" in shown


def test_a_face_that_was_indexed_is_nobodys(index: Run, run: Run, tmp_path: Path) -> None:
    photo(tmp_path / "red.png", (RED, 40, 50, 60))
    assert index("red.png").code == 0
    done = run("identify", "--detector", DETECTOR, "--threshold", "0.5", "red.png", "--json")
    assert done.code == 1
    assert done.line["faces"][0]["name"] is None
