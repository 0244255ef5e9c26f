"""``kill -9`` of the command at any moment: nothing told is lost, nothing is done twice, nobody is left behind."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from cli.fakes import MODEL
from example_counts import rounds
from visavis.bulk import local
from visavis.gallery import Gallery

from .conftest import album, faces_of_album
from .fakes import DEADLY

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

PHOTOS, KILLS, WORKERS, STORED = 300, rounds(15), 2, 4
PROGRAM = f"""
import visavis.bulk.run_state as books
books.STORE_PHOTOS = {STORED}
from visavis.__main__ import main
if __name__ == "__main__":
    main()
"""
"""Stores often, so that there are many moments to be killed in."""


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    options = ["--gallery", "faces.db", "--model", MODEL, "--detector", DEADLY, "--workers", str(WORKERS), "--json"]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "index", "photos", *options, *more],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told_until_killed(folder: Path, *, after: int, wait: float) -> list[dict[str, Any]]:
    """Kill a run ``wait`` seconds after line ``after``; returns all that it told."""
    told = []
    with start(folder) as process:
        assert process.stdout is not None
        while len(told) < after and (line := process.stdout.readline()):
            told.append(json.loads(line))
        time.sleep(wait)
        process.kill()
        told += [json.loads(line) for line in process.stdout if line.endswith("\n")]
    return told


def done_in(told: list[dict[str, Any]]) -> set[str]:
    return {one["photo"] for one in told if one["status"] in {"ok", "no_face"}}


def looked_at(log: Path, since: int = 0) -> list[tuple[int, int]]:
    """Process and checksum of every look at a photo."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [(int(pid), int(checksum)) for pid, checksum in (line.split() for line in lines[since:])]


def assert_gone(pids: set[int]) -> None:
    """Workers end by themselves soon after the parent."""
    deadline = time.monotonic() + 60
    while left := {pid for pid in pids if alive(pid)}:
        assert time.monotonic() < deadline, f"workers {left} live on"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_kill_9_of_the_command_at_any_moment(tmp_path: Path, log: Path) -> None:
    paths = album(tmp_path / "photos", PHOTOS)
    sums = {f"photos/{path.name}": crc32(np.asarray(Image.open(path)).tobytes()) for path in paths}
    done: set[str] = set()
    kills = 0
    while kills < KILLS:
        before = len(looked_at(log))
        told = told_until_killed(tmp_path, after=random.randint(0, 14) + len(done), wait=random.uniform(0, 0.03))
        assert {one["photo"] for one in told if one["status"] == "known"} <= sums.keys()
        looks = looked_at(log, before)
        assert not {sums[name] for name in done} & {checksum for _, checksum in looks}, "a stored photo is done again"
        assert not done & done_in(told), "a stored photo is told of as new"
        done |= done_in(told)
        assert_gone({pid for pid, _ in looks})
        assert_stored(tmp_path / "faces.db", done, sums.keys())
        kills += 1
    with start(tmp_path) as last:
        out, err = last.communicate()
    assert last.returncode == 0, err
    told = [json.loads(line) for line in out.splitlines()]
    assert {one["photo"] for one in told} == sums.keys()
    assert len(told) == PHOTOS
    assert not done & done_in(told)
    with Gallery(tmp_path / "faces.db") as gallery:
        assert gallery.check() == []
        assert (gallery.stats().photos, gallery.stats().unassigned) == (PHOTOS, faces_of_album(PHOTOS))
    redone = len(looked_at(log)) - PHOTOS
    assert redone <= kills * (WORKERS * local.CHUNK * local.CHUNKS + 2 * STORED)


def assert_stored(path: Path, done: set[str], names: Any) -> None:
    """Everything told is there, and nothing that is there is half stored."""
    if not path.exists():
        assert done == set()
        return
    with Gallery(path, model=MODEL) as gallery:
        assert gallery.check() == []
        faces = gallery.faces().photos
    for name in done:
        n = int(Path(name).stem)
        stored = faces.count(str((path.parent / name).resolve()))
        assert stored == (0 if n % 5 == 0 else 2 if n % 3 == 0 else 1), f"{name} is lost"
    for name in set(faces):
        n = int(Path(name).stem)
        assert faces.count(name) == (2 if n % 3 == 0 else 1), f"{name} is stored in part or twice"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stores_and_reports_what_is_done_and_leaves_no_process(
    tmp_path: Path, log: Path, number: signal.Signals
) -> None:
    """The signal goes to all processes of the group, as from a terminal; the summary counts what is stored."""
    album(tmp_path / "photos", 100)
    process = subprocess.Popen(
        [*start_command(), "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = [json.loads(process.stdout.readline())]
        os.killpg(process.pid, number)
        told += [json.loads(line) for line in process.stdout]
        said = process.stderr.read()
    assert process.returncode == 128 + number, said
    assert re.match(rf"visavis: {len(told)} photos? in .*\n\Z", said), said
    assert len(told) < 100
    assert_gone({pid for pid, _ in looked_at(log)})
    assert_stored(tmp_path / "faces.db", done_in(told), ())
    with Gallery(tmp_path / "faces.db", model=MODEL) as gallery:
        assert gallery.stats().photos == len(done_in(told))
    assert f" {len(done_in(told))} indexed with " in said


def start_command() -> list[str]:
    options = ["--gallery", "faces.db", "--model", MODEL, "--detector", DEADLY, "--workers", str(WORKERS)]
    return [sys.executable, "-c", PROGRAM, "index", "photos", *options]


def test_two_commands_at_once_store_every_photo_once(tmp_path: Path) -> None:
    album(tmp_path / "photos", 60)
    with start(tmp_path) as one, start(tmp_path) as two:
        told = [[json.loads(line) for line in each.communicate()[0].splitlines()] for each in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0]
    assert [len(each) for each in told] == [60, 60]
    with Gallery(tmp_path / "faces.db") as gallery:
        assert gallery.check() == []
        assert (gallery.stats().photos, gallery.stats().unassigned) == (60, faces_of_album(60))


def test_a_disk_that_is_full_is_one_sentence_and_what_was_told_stays(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: SQLite meets it in the middle of a transaction."""
    album(tmp_path / "photos", 200)
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + PROGRAM, *start_command()[3:], "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 3, done.stderr
    summary, sentence = done.stderr.splitlines()
    assert sentence.startswith("visavis: faces.db could not ")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert 0 < len(told) < 200
    assert re.match(rf"visavis: {len(told)} photos? in ", summary)
    assert_stored(tmp_path / "faces.db", done_in(told), ())
