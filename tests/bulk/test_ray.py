"""The same stage on Ray: every photo once, whatever dies on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import MODEL, RED
from visavis import bulk
from visavis.bulk import Answer, Failure, RayEngine, Task, ray
from visavis.errors import MissingExtraError, UsageError
from visavis.gallery import Gallery, IndexedPhoto, Template

from .conftest import album, faces_of_album, small
from .fakes import DEADLY, KILLS, SLEEPS

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="the package ray is not installed")


def test_answers_come_back_from_columns_as_they_were() -> None:
    row = np.arange(6, dtype=np.float32).reshape(2, 3)
    faces = tuple(Template(one, "aa", "b.jpg", np.arange(4, dtype=np.float32) + n, 0.5) for n, one in enumerate(row))
    tasks = [Task(n, f"{n}.jpg") for n in (7, 8, 9)]
    results = (
        IndexedPhoto("7.jpg", "aa", "ok", faces),
        IndexedPhoto("8.jpg", "bb", "no_face", ()),
        Failure("unreadable", "'9.jpg' is no photo."),
    )
    answers = [Answer(task, result) for task, result in zip(tasks, results, strict=True)]
    batch = {name: np.array(column, object) for name, column in ray._pack(answers).items()}
    first, second, third = ray._unpack(batch, {task.number: task for task in tasks})
    assert isinstance(first.result, IndexedPhoto)
    assert (first.result.sha256, first.result.status) == ("aa", "ok")
    for given, found in zip(faces, first.result.faces, strict=True):
        assert given.box is not None
        assert found.box is not None
        assert (found.embedding == given.embedding).all()
        assert (found.box == given.box).all()
        assert (found.photo, found.photo_sha256, found.quality) == ("7.jpg", "aa", 0.5)
    assert isinstance(second.result, IndexedPhoto)
    assert (second.result.sha256, second.result.status, second.result.faces) == ("bb", "no_face", ())
    assert third == answers[2]
    assert ray._unpack(batch, {}) == []  # what was answered before


def test_without_ray_one_sentence_says_how_to_get_it(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"^--engine ray takes the package ray: pip install 'visavis"):
        list(bulk.index(gallery, ["a.jpg"], engine=RayEngine(), detector=DEADLY))
    with pytest.raises(UsageError, match="workers must be at least 1"):
        RayEngine(workers=0)


def child(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: Ray talks to addresses that tests may not."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "RAY_DEDUP_LOGS": "0", **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@needs_ray
@pytest.mark.slow
def test_an_actor_and_a_node_killed_on_the_way_and_every_photo_once(tmp_path: Path, log: Path) -> None:
    folder = tmp_path / "photos"
    album(folder, 100)
    for n in range(6):
        small(folder / f"00{n}0a.png", (SLEEPS, n, 5))
    small(folder / "0004x.png", (KILLS, 4, 5))
    (folder / "copy.png").write_bytes((folder / "0003.png").read_bytes())
    (folder / "broken.png").write_text("no photo")
    done = child("-m", "bulk.on_ray", str(tmp_path), cwd=tmp_path, RAY_AUTH_MODE="disabled")
    assert done.returncode == 0, done.stderr[-3000:]
    *told, killed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert killed.keys() == {"actor", "looks", "node"}, "something was not killed in time"
    assert len(told) == len({one["photo"] for one in told}) == 109
    counts = Counter(one["status"] for one in told)
    assert (counts["crashed"], counts["unreadable"], counts["known"]) == (1, 1, 1)
    assert counts["ok"] + counts["no_face"] == 106
    with Gallery(tmp_path / "faces.db") as gallery:
        assert gallery.check() == []
        assert (gallery.stats().photos, gallery.stats().unassigned) == (106, faces_of_album(100) + 6)


@needs_ray
@pytest.mark.slow
def test_the_command_starts_a_ray_of_its_own(tmp_path: Path) -> None:
    small(tmp_path / "photos" / "a.png", (RED, 4, 5))
    options = ["--engine", "ray", "--workers", "1", "--model", MODEL, "--detector", DEADLY, "--json"]
    for status in ("ok", "known"):
        done = child("-m", "visavis", "index", "photos", *options, cwd=tmp_path, HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr[-3000:]
        assert json.loads(done.stdout)["status"] == status


@needs_ray
def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    options = ["--engine", "ray", "--ray-address", "127.0.0.1:9", "--model", MODEL, "--detector", DEADLY]
    done = child("-m", "visavis", "index", "photos", *options, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("visavis: no Ray cluster answers at 127.0.0.1:9: ")
