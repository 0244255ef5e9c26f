"""Fetching over a real connection, in good order and with everything that goes wrong on the way."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from visavis.errors import MissingWeightsError, WeightsError
from visavis.weights import spec, store

from .server import Shelf

pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # requests leaves failed connections to Python
]

CONTENT = bytes(range(256)) * 2000


def row_at(url: str, content: bytes = CONTENT) -> spec.WeightSpec:
    return replace(
        spec.DLIB_RESNET,
        extra="",
        name="test-net",
        file="test_net.dat",
        url=f"{url}/test_net.dat",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        package=None,
        member=None,
    )


@pytest.fixture(autouse=True)
def _collect() -> Iterator[None]:
    """Close what requests left open here, not in a test that comes later."""
    yield
    gc.collect()


@pytest.fixture
def row(shelf: Shelf) -> spec.WeightSpec:
    shelf.files["/test_net.dat"] = CONTENT
    return row_at(shelf.url)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_fetched_once_and_kept(cache: Path, shelf: Shelf, row: spec.WeightSpec) -> None:
    path = store.find(row)
    assert path == cache / "weights" / "test_net.dat"
    assert path.read_bytes() == CONTENT
    assert store.find(row) == path
    assert shelf.asked == ["/test_net.dat"]
    assert files_in(cache) == [path]


@pytest.mark.parametrize(("said", "asked"), [("1", 0), ("yes", 0), ("0", 1), ("", 1)])
def test_offline_means_that_nobody_is_asked(
    cache: Path, shelf: Shelf, row: spec.WeightSpec, monkeypatch: pytest.MonkeyPatch, said: str, asked: int
) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", said)
    if asked:
        assert store.find(row).read_bytes() == CONTENT
    else:
        with pytest.raises(WeightsError) as caught:
            store.find(row)
        assert str(caught.value) == (
            f"test_net.dat is missing (VISAVIS_OFFLINE forbids downloads): download {row.url}, "
            "then visavis models import FILE."
        )
    assert len(shelf.asked) == asked


def test_a_file_that_is_not_there(cache: Path, shelf: Shelf, row: spec.WeightSpec) -> None:
    shelf.files.clear()
    with pytest.raises(WeightsError) as caught:
        store.find(row)
    assert "404" in str(caught.value)
    assert row.url in str(caught.value)
    assert files_in(cache) == []


def test_another_file_than_was_published(cache: Path, shelf: Shelf, row: spec.WeightSpec) -> None:
    shelf.files["/test_net.dat"] = b"<html>Please log in</html>"
    with pytest.raises(WeightsError) as caught:
        store.find(row)
    assert row.url in str(caught.value)
    assert row.sha256 in str(caught.value)
    assert files_in(cache) == []


def test_a_connection_that_breaks_half_way(cache: Path, shelf: Shelf, row: spec.WeightSpec) -> None:
    shelf.broken.add("/test_net.dat")
    with pytest.raises(MissingWeightsError, match=r"the connection to 127.0.0.1:\d+ broke") as caught:
        store.find(row)
    assert row.url in str(caught.value)
    assert files_in(cache) == []
    shelf.broken.clear()
    assert store.find(row).read_bytes() == CONTENT  # the next try starts afresh


def test_a_server_that_is_not_there(cache: Path) -> None:
    row = row_at("http://127.0.0.1:9")  # the discard port: nobody listens
    with pytest.raises(MissingWeightsError) as caught:
        store.find(row)
    assert str(caught.value) == (
        f"test_net.dat is missing (127.0.0.1:9 cannot be reached): download {row.url}, then visavis models import FILE."
    )
    assert caught.value.__suppress_context__  # no traceback of urllib3 before the message
    assert files_in(cache) == []


def test_a_cache_that_cannot_be_written(cache: Path, row: spec.WeightSpec) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match=r"cannot be written: .* set VISAVIS_CACHE to another folder"):
        store.find(row)
    assert cache.read_text() == "a file where the folder should be"


FETCH = """
import sys
from collections.abc import Iterator
from dataclasses import replace
from visavis.weights import spec, store
_, url, sha256 = sys.argv
row = replace(spec.DLIB_RESNET, extra="", file="test_net.dat", url=url, sha256=sha256, package=None)
path = store.find(row)
print(path, len(path.read_bytes()))
"""


def test_processes_that_fetch_at_once_all_get_the_whole_file(cache: Path, shelf: Shelf, row: spec.WeightSpec) -> None:
    shelf.slow.add("/test_net.dat")
    command = [sys.executable, "-c", FETCH, row.url, row.sha256]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) for _ in range(3)]
    path = cache / "weights" / "test_net.dat"
    for child in children:
        said, _ = child.communicate(timeout=60)
        assert said == f"{path} {len(CONTENT)}\n"
        assert child.returncode == 0
    assert path.read_bytes() == CONTENT
    assert files_in(cache) == [path]
    assert len(shelf.asked) >= 2  # they did fetch at once


def test_within_no_downloads_a_file_is_missing_and_nobody_asks_for_it(
    cache: Path, shelf: Shelf, row: spec.WeightSpec
) -> None:
    with store.no_downloads(), pytest.raises(MissingWeightsError, match=r"test_net\.dat is missing"):
        store.find(row)
    assert shelf.asked == []
    assert store.find(row).read_bytes() == CONTENT
