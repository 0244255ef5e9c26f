"""Files that the user has, put into the cache: whole or not at all, and nothing in the place of another."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from visavis.errors import WeightsError
from visavis.weights import spec, store
from visavis.weights.row import WeightSpec

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROW = replace(spec.DLIB_RESNET, extra="", name="test-net", file="test_net.dat", sha256="", package=None, member=None)
KNOWN = replace(ROW, sha256=SHA256)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "renamed.bin"
    path.write_bytes(CONTENT)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_of_unknown_hash_is_pinned(cache: Path, source: Path) -> None:
    path = store.put(ROW, source, sha256=SHA256)
    assert path.read_bytes() == CONTENT == source.read_bytes()
    assert names(cache / "weights") == ["test_net.dat", "test_net.dat.sha256"]
    assert store.read_pinned_hash(path) == store.digest(ROW) == SHA256
    assert store.find(ROW) == store.put(ROW, source, sha256=SHA256) == path
    assert store.put(ROW, path, sha256=SHA256) == path  # from where it lies
    path.write_bytes(b"other")
    with pytest.raises(WeightsError, match="what was first downloaded as"):
        store.find(ROW)


def test_a_file_of_known_hash_needs_no_pin(cache: Path, source: Path) -> None:
    path = store.put(KNOWN, source, sha256=SHA256)
    assert (names(cache / "weights"), path.read_bytes()) == (["test_net.dat"], CONTENT)


@pytest.mark.parametrize("row", [ROW, KNOWN])
def test_a_damaged_file_is_replaced(cache: Path, source: Path, row: WeightSpec) -> None:
    path = store.put(row, source, sha256=SHA256)
    path.write_bytes(CONTENT[:1000])
    assert store.put(row, source, sha256=SHA256).read_bytes() == CONTENT
    assert store.find(row) == path


@pytest.mark.parametrize("pinned", [True, False])
def test_another_file_is_never_replaced(cache: Path, source: Path, pinned: bool) -> None:
    path = store.put(ROW, source, sha256=SHA256)
    if not pinned:  # put there by hand
        path.with_name("test_net.dat.sha256").unlink()
    before = names(cache / "weights")
    source.write_bytes(CONTENT[::-1])
    other = hashlib.sha256(CONTENT[::-1]).hexdigest()
    with pytest.raises(WeightsError) as caught:
        store.put(ROW, source, sha256=other)
    assert SHA256 in str(caught.value)
    assert other in str(caught.value)
    assert (path.read_bytes(), names(cache / "weights")) == (CONTENT, before)


def test_what_was_put_there_by_hand_is_pinned(cache: Path, source: Path) -> None:
    (cache / "weights").mkdir(parents=True)
    path = cache / "weights" / ROW.file
    path.write_bytes(CONTENT)
    assert store.read_pinned_hash(store.put(ROW, path, sha256=SHA256)) == SHA256


def test_a_pin_that_its_file_has_left_holds_nobody(cache: Path, source: Path) -> None:
    """The advice on a wrong file is to delete it: another may then come."""
    store.put(ROW, source, sha256=SHA256).unlink()
    source.write_bytes(CONTENT[::-1])
    other = hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert store.read_pinned_hash(store.put(ROW, source, sha256=other)) == other


def test_a_file_that_changed_meanwhile_is_not_taken(cache: Path, source: Path) -> None:
    with pytest.raises(WeightsError, match="was changed while it was copied"):
        store.put(ROW, source, sha256="0" * 64)
    assert names(cache / "weights") == []


def test_a_license_that_was_not_accepted(cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE")
    with pytest.raises(WeightsError, match="accept it once"):
        store.put(replace(ROW, non_commercial=True), source, sha256=SHA256)
    assert names(cache / "weights") == []


def test_a_folder_that_cannot_be_written_to(cache: Path, source: Path) -> None:
    cache.mkdir()
    (cache / "weights").write_text("a file")
    with pytest.raises(WeightsError, match="cannot be copied to"):
        store.put(ROW, source, sha256=SHA256)


KILLED = """
import os, shutil, signal, sys
from dataclasses import replace
from pathlib import Path
from visavis.weights import spec, store

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def half(source, target):
    target.write(source.read(1000))
    target.flush()
    die()

if sys.argv[1] == "copying":
    shutil.copyfileobj = half
elif sys.argv[1] == "copied":
    store.pin = die
else:
    Path.replace, replaced = lambda a, b: die() if b.suffix == ".dat" else replaced(a, b), Path.replace
row = replace(spec.DLIB_RESNET, extra="", name="test-net", file="test_net.dat", sha256="", package=None, member=None)
store.put(row, Path(sys.argv[2]), sha256=sys.argv[3])
"""


@pytest.mark.parametrize("moment", ["copying", "copied", "pinned"])
def test_a_process_that_is_killed_leaves_nothing_that_is_taken_for_the_file(
    cache: Path, source: Path, moment: str
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, moment, str(source), SHA256], check=False)
    assert done.returncode == -signal.SIGKILL
    assert store.locate(ROW) is None
    (left,) = (cache / "weights").glob("*.part")
    assert left.stat().st_size == (1000 if moment == "copying" else len(CONTENT))
    assert (cache / "weights" / "test_net.dat.sha256").is_file() == (moment == "pinned")
    os.utime(left, (0, 0))  # long ago
    shutil.copyfile(source, source.with_name("again.bin"))
    path = store.put(ROW, source.with_name("again.bin"), sha256=SHA256)
    assert path.read_bytes() == CONTENT
    assert names(cache / "weights") == ["test_net.dat", "test_net.dat.sha256"]
