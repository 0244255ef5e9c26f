"""Processors, threads, sessions and the cache of converted networks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from visavis import runtime
from visavis.errors import UsageError
from visavis.nets.onnx_graph import to_onnx


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tiny() -> bytes:
    """A network that gives the sum of red, green and blue, and twice that."""
    kernel = np.array([[1, 1, 1], [2, 2, 2]], np.float32)[:, :, None, None]
    return to_onnx(lambda ops, x: (ops.conv(x, "sum"),), {"sum.kernel": kernel}, side=None)


# --- processors and threads


@pytest.mark.parametrize(
    ("text", "processors"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("100001 100000", 2),
        ("50000 100000", 1),
        ("800000 100000", 8),
        ("max 100000", None),
        ("", None),
        ("garbage", None),
        ("1 2 3", None),
    ],
)
def test_quota_of_a_control_group(tmp_path: Path, text: str, processors: int | None) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(text)
    found = runtime._read_quota(path)
    assert found == processors if processors else found > 1000


def test_no_control_group_no_quota(tmp_path: Path) -> None:
    assert runtime._read_quota(tmp_path / "nowhere") > 1000


def test_processors_are_no_more_than_this_process_may_use() -> None:
    assert 1 <= runtime.processors() <= len(os.sched_getaffinity(0))


def test_a_process_tied_to_one_processor_uses_one_thread() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from visavis import runtime; print(runtime.processors(), runtime.thread_count(None))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_thread_count_is_what_was_asked_for() -> None:
    assert runtime.thread_count(7) == 7
    assert runtime.thread_count(None) == runtime.processors()


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2"])
def test_fewer_than_one_thread_is_refused(threads: int) -> None:
    with pytest.raises(UsageError, match=rf"threads must be at least 1, and a whole number, got {threads!r}\."):
        runtime.thread_count(threads)
    with pytest.raises(UsageError):
        runtime.Workers(threads)


# --- workers


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_workers_keep_the_order(threads: int) -> None:
    def slow_first(piece: int) -> int:
        time.sleep(0.02 if piece == 0 else 0)
        return piece * piece

    assert runtime.Workers(threads).map(slow_first, range(20)) == [n * n for n in range(20)]
    assert runtime.Workers(threads).map(slow_first, []) == []


def test_workers_work_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=60)
    assert len(set(runtime.Workers(3).map(lambda _: meeting.wait(), range(3)))) == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_error_is_raised(threads: int) -> None:
    def fail(piece: int) -> int:
        if piece in (3, 4):
            raise KeyError(piece)
        return piece

    workers = runtime.Workers(threads)
    with pytest.raises(KeyError, match="3"):
        workers.map(fail, range(8))
    assert workers.map(fail, [1, 2]) == [1, 2]  # and it goes on working


# --- sessions


def test_a_session_runs_bytes_and_files_alike(tmp_path: Path) -> None:
    path = tmp_path / "Brücke ü.onnx"
    path.write_bytes(tiny())
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), np.uint8)
    total = pixels.sum(axis=-1, dtype=np.float32)
    for session in (runtime.Session(tiny()), runtime.Session(path, threads=1)):
        (out,) = session.run(pixels)
        np.testing.assert_array_equal(out, np.stack([total, 2 * total], axis=1))


def test_a_session_may_be_shared_between_threads() -> None:
    session = runtime.Session(tiny(), threads=1)
    pixels = [np.full((1, 4, n, 3), n, np.uint8) for n in range(1, 60)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda one: session.run(one)[0], pixels))
    for n, result in enumerate(results, 1):
        assert result.shape == (1, 2, 4, n)
        assert (result[:, 0] == 3 * n).all()


@pytest.mark.parametrize(
    ("threads", "items", "lengths"),
    [
        (1, 0, [0]),
        (1, 5, [5]),
        (1, 12, [6, 6]),
        (1, 25, [9, 8, 8]),
        (2, 1, [1]),
        (2, 8, [4, 4]),
        (2, 25, [7, 6, 6, 6]),
        (3, 31, [6, 5, 5, 5, 5, 5]),
    ],
)
def test_work_is_split_about_equally(threads: int, items: int, lengths: list[int]) -> None:
    pieces = runtime.Workers(threads).split(np.arange(items), most=10)
    assert [len(piece) for piece in pieces] == lengths
    assert np.concatenate(pieces).tolist() == list(range(items))


def test_a_path_that_is_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    """ONNX Runtime fails on it with a TypeError."""
    path = tmp_path / os.fsdecode(b"\xff.onnx")
    with pytest.raises(UsageError, match="its path is not UTF-8: name another folder, such as by VISAVIS_CACHE"):
        runtime.Session(path)


@pytest.mark.parametrize("threads", [4097, 10**30, 10**5000], ids=["4097", "30 digits", "5000 digits"])
def test_threads_beyond_all_machines_are_refused(threads: int) -> None:
    """ONNX Runtime takes 32 bits, and answered with a TypeError."""
    with pytest.raises(UsageError, match="threads must be at most 4,096"):
        runtime.thread_count(threads)
