"""Worker processes: what they find, how they die, and what that costs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import BLUE, DETECTOR, MODEL, RED
from visavis import bulk, runtime
from visavis.bulk import LocalEngine, Outcome, local, run_state
from visavis.errors import EngineError, UnknownNameError, UsageError, WeightsError
from visavis.gallery import Gallery
from visavis.pipeline import Recognizer

from .conftest import album, faces_of_album, small
from .fakes import DEADLY, HANGS, KILLS, RAISES, SLEEPS

ONE, TWO = LocalEngine(workers=1), LocalEngine(workers=2)


def indexed(gallery: Gallery, *photos: Path, engine: LocalEngine = ONE, detector: str = DEADLY) -> dict[str, Outcome]:
    told = list(bulk.index(gallery, [str(one) for one in photos], engine=engine, detector=detector))
    assert len({one.photo for one in told}) == len(told), "a photo is told of twice"
    assert multiprocessing.active_children() == []
    return {Path(one.photo).name: one for one in told}


def statuses(told: dict[str, Outcome]) -> dict[str, str]:
    return {name: one.status for name, one in told.items()}


def looks(log: Path) -> int:
    """How many photos were looked at."""
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize("engine", [ONE, TWO], ids=["one", "two"])
def test_workers_find_what_this_process_finds(gallery: Gallery, folder: Path, engine: LocalEngine) -> None:
    paths = album(folder, 40)
    told = indexed(gallery, folder, engine=engine, detector=DETECTOR)
    here = {Path(one.name).name: one for one in Recognizer(detector=DETECTOR, embedder=MODEL).represent(paths)}
    assert {name: (one.status, one.faces) for name, one in told.items()} == {
        name: (one.status, len(one.faces)) for name, one in here.items()
    }
    stored = gallery.faces()
    assert len(stored.ids) == faces_of_album(40) == sum(one.faces or 0 for one in told.values())
    assert not stored.people.any()
    for name, box, embedding, quality in zip(
        stored.photos, stored.boxes, stored.embeddings, stored.quality, strict=True
    ):
        one = here[Path(name).name]
        (nth,) = [n for n, face in enumerate(one.faces) if (face.box == box).all()]
        assert one.embeddings is not None
        np.testing.assert_allclose(embedding, one.embeddings[nth], atol=1e-6)
        assert quality == pytest.approx(one.quality[nth].score)
    assert gallery.check() == []


def test_nothing_is_done_twice(gallery: Gallery, folder: Path, log: Path) -> None:
    album(folder, 20)
    first = indexed(gallery, folder, engine=TWO)
    assert looks(log) == 20
    again = indexed(gallery, folder, engine=TWO)
    assert looks(log) == 20
    assert again == {name: Outcome(one.photo, "known") for name, one in first.items()}
    small(folder / "new.png", (RED, 5, 5))
    assert statuses(indexed(gallery, folder))["new.png"] == "ok"
    assert looks(log) == 21


def test_the_same_bytes_under_two_names_are_computed_once(gallery: Gallery, folder: Path, log: Path) -> None:
    for name in ("a", "b", "sub/c"):
        small(folder / f"{name}.png", (RED, 4, 5), (BLUE, 80, 20))
    told = indexed(gallery, folder, engine=TWO)
    assert looks(log) == 1
    assert sorted(one.status for one in told.values()) == ["known", "known", "ok"]
    assert [one.faces for one in told.values()] == [2, 2, 2]
    assert len(gallery.faces().ids) == 2


def test_what_cannot_be_read_is_told_of_and_the_rest_goes_on(gallery: Gallery, folder: Path) -> None:
    small(folder / "good.png", (RED, 0, 20))
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("no photo")
    (folder / "cut.png").write_bytes((folder / "good.png").read_bytes()[:200])
    (folder / "gone.png").symlink_to(folder / "nowhere")
    told = indexed(gallery, folder, folder / "nobody")
    assert statuses(told) == {
        "good.png": "ok",
        "empty.jpg": "unreadable",
        "text.jpg": "unreadable",
        "cut.png": "unreadable",
        "gone.png": "missing",
        "nobody": "missing",
    }
    assert all(str(folder) in one.message for name, one in told.items() if name != "good.png")
    again = statuses(indexed(gallery, folder, folder / "nobody"))
    assert again == {**statuses(told), "good.png": "known"}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("engine", [ONE, TWO], ids=["one", "two"])
def test_a_photo_that_kills_its_worker_costs_that_photo(gallery: Gallery, folder: Path, engine: LocalEngine) -> None:
    album(folder, 24)
    small(folder / "0007x.png", (KILLS, 0, 20))
    small(folder / "0015x.png", (KILLS, 10, 20))
    told = indexed(gallery, folder, engine=engine)
    crashed = {name: one.message for name, one in told.items() if one.status == "crashed"}
    assert crashed == {
        name: f"'{folder / name}' ended the process that worked on it, twice (SIGKILL)."
        for name in ("0007x.png", "0015x.png")
    }
    assert len(told) == 26
    assert len(gallery.faces().ids) == faces_of_album(24)


def test_a_fault_costs_the_photo_that_it_is_met_in(
    gallery: Gallery, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    album(folder, 6)
    small(folder / "0003x.png", (RAISES, 0, 20))
    told = indexed(gallery, folder)
    assert [name for name, one in told.items() if one.status == "crashed"] == ["0003x.png"]
    assert told["0003x.png"].message.endswith("twice (exit code 1).")
    assert capfd.readouterr().err.count("ZeroDivisionError: a fault of the detector") == 2


def test_a_worker_that_is_killed_costs_nothing(gallery: Gallery, folder: Path, log: Path) -> None:
    """Killed in the middle of a photo, once: it is done in another process, and so are those it had at hand."""
    album(folder, 12)
    small(folder / "0000a.png", (SLEEPS, 4, 5))
    with ThreadPoolExecutor(1) as thread:
        killed = thread.submit(kill_after, log, 2)
        told = indexed(gallery, folder)
    assert killed.result().exitcode == -signal.SIGKILL
    assert looks(log) == 13 + 2  # the first two twice: neither had been answered
    assert set(statuses(told).values()) == {"ok", "no_face"}
    assert len(told) == 13
    assert len(gallery.faces().ids) == faces_of_album(12) + 1


def kill_after(log: Path, photos: int) -> BaseProcess:
    """Kill the only worker when it has begun to look at so many photos."""
    while looks(log) < photos:
        time.sleep(0.01)
    (worker,) = multiprocessing.active_children()
    worker.kill()
    return worker


def test_a_photo_that_takes_too_long_costs_that_photo(
    gallery: Gallery, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PHOTO_SECONDS", 1.5)
    album(folder, 2)
    small(folder / "0001x.png", (HANGS, 4, 5))
    results = indexed(gallery, folder)
    assert statuses(results) == {"0000.png": "no_face", "0001.png": "ok", "0001x.png": "crashed"}
    assert results["0001x.png"].message.endswith("ended the process that worked on it, twice (stopped after 2 s).")


LIMITED = """
import numpy as np
from visavis import images
from visavis.bulk import worker
images.memory_at_hand, worker.MIN_MEMORY = lambda: 100_000_000, 0
worker._limit_memory()
kept = np.ones(50_000_000, np.uint8)
try:
    np.ones(100_000_000, np.uint8)
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is that of Linux")
def test_a_worker_takes_no_more_than_the_memory_at_hand() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "refused\n"


def test_workers_that_cannot_start_end_the_run(gallery: Gallery, folder: Path) -> None:
    album(folder, 3)
    with pytest.raises(EngineError, match=r"^3 worker processes in a row ended .* \(SIGKILL\)\.$"):
        indexed(gallery, folder, detector="test-stillborn")
    with pytest.raises(WeightsError, match=r"^the weights of test-absent are not on this machine\.$"):
        indexed(gallery, folder, detector="test-absent")
    assert multiprocessing.active_children() == []
    assert gallery.find_indexed(["0"]) == set()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_where_there_is_no_room_for_another_worker_those_there_are_go_on(
    gallery: Gallery, folder: Path, log: Path
) -> None:
    album(folder, 40)
    for n in range(4):
        small(folder / f"00{n}0a.png", (SLEEPS, n, 5))
    told = indexed(gallery, folder, engine=TWO, detector="test-jealous")
    assert set(statuses(told).values()) == {"ok", "no_face"}
    assert len(told) == 44
    assert Path(f"{log}.loads").read_text() == "x" * (1 + local.STARTS)


def test_wrong_options(gallery: Gallery, folder: Path) -> None:
    with pytest.raises(UnknownNameError, match="no detector is called 'mtcmm'; did you mean mtcnn"):
        bulk.index(gallery, [str(folder)], engine=ONE, detector="mtcmm")
    with pytest.raises(UsageError, match="photos are a path"):
        bulk.index(gallery, None, engine=ONE)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="workers must be at least 1, got 0"):
        LocalEngine(workers=0)


def test_there_is_a_worker_a_processor_of_one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "processors", lambda: 8)
    assert (LocalEngine().workers, LocalEngine().threads) == (8, 1)
    assert (LocalEngine(workers=3).workers, LocalEngine(workers=3).threads) == (3, 1)
    assert LocalEngine(workers=3, threads=2).threads == 2


def test_every_library_is_held_to_its_threads(gallery: Gallery, folder: Path, log: Path) -> None:
    before = dict(os.environ)
    album(folder, 2)
    indexed(gallery, folder, engine=LocalEngine(workers=1, threads=3))
    assert Path(f"{log}.threads").read_text() == "3 3 3 3\n"
    assert dict(os.environ) == before


def test_what_is_at_hand_is_bounded(gallery: Gallery, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many photos there are, no more are listed than workers have room for and wait to be stored."""
    monkeypatch.setattr(run_state, "STORE_PHOTOS", 8)
    paths, listed = [str(path) for path in album(folder, 150)], 0

    def listing() -> Iterator[str]:
        nonlocal listed
        for path in paths:
            listed += 1
            yield path

    most = 0
    for done, _ in enumerate(bulk.index(gallery, listing(), engine=TWO, detector=DETECTOR), 1):
        most = max(most, listed - done)
    assert listed == 150
    assert most <= 2 * local.CHUNK * local.CHUNKS + 2 * 8


def test_closing_stores_what_is_done_and_leaves_no_process(gallery: Gallery, folder: Path) -> None:
    album(folder, 60)
    for n in range(6):
        small(folder / f"00{n}0a.png", (SLEEPS, n, 20))
    outcomes = bulk.index(gallery, [str(folder)], engine=ONE, detector=DEADLY)
    told = [next(outcomes)]
    workers = multiprocessing.active_children()
    assert len(workers) == 1
    outcomes.close()
    assert multiprocessing.active_children() == []
    there = len(gallery.find_indexed(hashes(folder)))
    assert len(told) <= there < 66
    assert gallery.check() == []


def hashes(folder: Path) -> list[str]:
    from hashlib import sha256

    return [sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()]


def test_large_photos_are_read_again_rather_than_kept(
    gallery: Gallery, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visavis.bulk import worker
    from visavis.bulk.types import Task

    paths = album(folder, 3)
    monkeypatch.setattr(worker, "HELD_BYTES", paths[0].stat().st_size + 10)
    photos, unread = worker._read_all([Task(n, str(path)) for n, path in enumerate(paths)])
    assert unread == []
    assert [one.data is not None for one in photos] == [True, False, False]
    assert [one.sha256 for one in photos] == [h for p in paths for h in hashes_of(p)]


def hashes_of(path: Path) -> list[str]:
    from hashlib import sha256

    return [sha256(path.read_bytes()).hexdigest()]
