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
import onnx
import pytest

from visavis import runtime
from visavis.cache import cache_dir
from visavis.errors import UsageError, WeightsError
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
    meeting = threading.Barrier(3, timeout=10)
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


# --- the cache of converted networks


def test_a_network_is_built_once_and_then_found(cache: Path) -> None:
    built = []

    def build() -> bytes:
        built.append(1)
        return b"a network"

    first = runtime.convert_once("net", "ab" * 32, build)
    assert first.read_bytes() == b"a network"
    assert first.parent == cache / "onnx"
    assert runtime.convert_once("net", "ab" * 32, build) == first
    assert built == [1]


def test_other_weights_and_other_converters_make_other_files(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {runtime.convert_once("net", digest * 32, lambda: b"x") for digest in ("ab", "cd")}
    paths.add(runtime.convert_once("other", "ab" * 32, lambda: b"x"))
    monkeypatch.setattr(runtime, "CONVERTER_VERSION", runtime.CONVERTER_VERSION + 1)
    paths.add(runtime.convert_once("net", "ab" * 32, lambda: b"x"))
    assert len(paths) == 4


def test_a_build_that_fails_leaves_nothing(cache: Path) -> None:
    def build() -> bytes:
        raise WeightsError("no weights.")

    with pytest.raises(WeightsError, match="no weights"):
        runtime.convert_once("net", "ab" * 32, build)
    assert list(cache.rglob("*")) == []


def test_threads_that_build_at_once_all_get_a_whole_file(cache: Path) -> None:
    meeting = threading.Barrier(4, timeout=10)
    data = bytes(range(256)) * 4096

    def build() -> bytes:
        meeting.wait()
        return data

    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: runtime.convert_once("net", "ab" * 32, build), range(4)))
    assert len(set(paths)) == 1
    assert paths[0].read_bytes() == data
    assert list(paths[0].parent.iterdir()) == [paths[0]]  # no part of a file is left


def test_a_cache_that_is_no_folder_is_told_with_what_to_do(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(WeightsError) as caught:
        runtime.convert_once("net", "ab" * 32, lambda: b"x")
    assert str(cache / "onnx") in str(caught.value)
    assert "VISAVIS_CACHE" in str(caught.value)


def wide() -> bytes:
    """A network of weights that take 24 KB."""
    kernel = np.random.default_rng(0).normal(size=(2000, 3, 1, 1)).astype(np.float32)
    return to_onnx(lambda ops, x: (ops.conv(x, "wide"),), {"wide.kernel": kernel}, side=None)


def two_layers() -> bytes:
    """A network of two convolutions of 16 channels with a ReLU between them, which ONNX Runtime fuses."""
    rng = np.random.default_rng(0)
    weights = {f"{name}.kernel": rng.normal(size=(16, n, 3, 3)).astype(np.float32) for name, n in (("a", 3), ("b", 16))}
    return to_onnx(lambda ops, x: (ops.conv(ops.relu(ops.conv(x, "a")), "b"),), weights, side=None)


def test_weights_lie_beside_the_network_and_count_as_if_inside(cache: Path) -> None:
    path = runtime.network("wide", "ab" * 32, wide)
    (weights,) = set(path.parent.iterdir()) - {path}
    assert path.stat().st_size < 2000 * 3 * 4 <= weights.stat().st_size
    picture = np.random.default_rng(1).integers(0, 256, (1, 5, 4, 3), np.uint8)
    (found,), (expected,) = (runtime.Session(one, threads=1).run(picture) for one in (path, wide()))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert runtime.network("wide", "ab" * 32, lambda: pytest.fail("it is there")) == path


def test_a_network_is_optimized_for_this_processor_and_gives_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own form is ready to run; where the system does not tell the processor, it is as it was built."""
    picture = np.random.default_rng(1).integers(0, 256, (2, 9, 8, 3), np.uint8)
    (expected,) = runtime.Session(two_layers()).run(picture)
    for processor in (runtime._identify_processor(), runtime.ANY):
        monkeypatch.setattr(runtime, "_identify_processor", lambda found=processor: found)
        path = runtime.network("layers", "ab" * 32, two_layers)
        assert path.name == f"layers-{'ab' * 8}-{runtime.CONVERTER_VERSION}-{processor}.mapped.onnx"
        nodes = {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}
        assert ("Relu" in nodes) is (processor == runtime.ANY), "it is part of a convolution once it is optimized"
        (found,) = runtime.Session(path).run(picture)
        np.testing.assert_array_equal(found, expected)


def test_a_network_for_another_processor_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = runtime.network("layers", "ab" * 32, two_layers)
    monkeypatch.setattr(runtime, "_identify_processor", lambda: "0badcafe")
    with pytest.raises(WeightsError, match="is for another processor: load the model by its name"):
        runtime.Session(path)
    assert runtime.network("layers", "ab" * 32, two_layers) != path


def test_a_network_that_lost_its_weights_is_told(cache: Path) -> None:
    path = runtime.network("wide", "ab" * 32, wide)
    (weights,) = set(path.parent.iterdir()) - {path}
    weights.unlink()
    with pytest.raises(WeightsError, match=r"is no network that can be run: .*\. Delete it: it is converted again\.$"):
        runtime.Session(path)


def test_for_other_devices_the_weights_stay_in_the_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DEVICE", "auto")
    assert runtime.network("wide", "ab" * 32, wide).read_bytes() == wide()


UNPRIVILEGED = """
import os, shutil, tempfile
from pathlib import Path
from visavis import runtime
from visavis.errors import WeightsError
if os.geteuid() == 0:  # whom no mode keeps from writing
    os.setgid(65534)
    os.setuid(65534)
cache = Path(tempfile.mkdtemp(dir="/tmp"))
(cache / "onnx").mkdir()
(cache / "onnx").chmod(0o555)
os.environ["VISAVIS_CACHE"] = str(cache)
try:
    runtime.convert_once("net", "ab" * 32, lambda: b"x")
except WeightsError as error:
    print(str(error).replace(str(cache), "CACHE"))
shutil.rmtree(cache)
"""


def test_a_cache_that_may_not_be_written_is_told_with_what_to_do() -> None:
    done = subprocess.run([sys.executable, "-c", UNPRIVILEGED], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "the converted network cannot be written to CACHE/onnx: Permission denied; "
        "name another folder by VISAVIS_CACHE.\n"
    )


FULL = """
import resource
from visavis import runtime
from visavis.errors import WeightsError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # as good as a full disk after a thousand bytes
try:
    runtime.convert_once("net", "ab" * 32, lambda: bytes(5000))
except WeightsError as error:
    print(error)
"""


def test_a_full_disk_leaves_no_half_written_file(cache: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert [path for path in cache.rglob("*") if path.is_file()] == []


# --- where the cache lies


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("VISAVIS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir().name == "visavis"
    monkeypatch.setenv("VISAVIS_CACHE", "")
    assert cache_dir().name == "visavis"


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
