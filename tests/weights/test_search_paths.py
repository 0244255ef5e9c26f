"""Files in the folders of other libraries: found where these put them, used only when they are what they should be."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from visavis.errors import MissingWeightsError, VisavisWarning, WeightsError
from visavis.weights import spec, store
from visavis.weights.row import WeightSpec
from visavis.weights.search_paths import in_other_libraries

CONTENT = b"the weights as published" * 100
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PUBLISHED = replace(
    spec.YUNET_FLOAT, name="test-net", file="test_net.dat", url="http://127.0.0.1:9/x", sha256=DIGEST, size=len(CONTENT)
)
UNKNOWN = replace(PUBLISHED, sha256="")
"""A row of a file whose hash nobody published."""

VARIABLES = (
    "KERAS_HOME", "DEEPFACE_HOME", "INSIGHTFACE_HOME", "TORCH_HOME", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE",
)  # fmt: skip

AT_HOME = (
    ".keras/models/vggface",
    ".deepface/weights",
    ".insightface/models",
    ".insightface/models/buffalo_l",
    ".cache/torch/checkpoints",
    ".cache/torch/hub/checkpoints",
    ".keras-facenet/20180402-114759",
    "opencv_zoo/models/face_recognition_sface",
    ".cache/huggingface/hub/models--opencv--face_recognition_sface/snapshots/0123abc",
)

NAMED = (
    ("KERAS_HOME", "", "models/vggface", ".keras/models/vggface"),
    ("DEEPFACE_HOME", "", ".deepface/weights", ".deepface/weights"),
    ("INSIGHTFACE_HOME", "", "models/antelopev2", ".insightface/models"),
    ("TORCH_HOME", "", "hub/checkpoints", ".cache/torch/checkpoints"),
    ("XDG_CACHE_HOME", "", "torch/checkpoints", ".cache/torch/checkpoints"),
    ("HF_HOME", "", "hub/models--opencv--x/snapshots/1", ".cache/huggingface/hub/models--opencv--x/snapshots/1"),
    ("HF_HUB_CACHE", "", "models--opencv--x/snapshots/1", ".cache/huggingface/hub/models--opencv--x/snapshots/1"),
)


@pytest.fixture
def home(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, no variable set, nothing to download from."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    for name in (*VARIABLES, "VISAVIS_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    return folder


def put(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PUBLISHED.file).write_bytes(content)
    return folder / PUBLISHED.file


@pytest.mark.parametrize("folder", AT_HOME)
def test_a_file_of_the_published_hash_is_used_where_it_lies(home: Path, cache: Path, folder: str) -> None:
    path = put(home / folder)
    assert store.locate(PUBLISHED) == path
    assert store.find(PUBLISHED) == path
    assert not cache.exists()


@pytest.mark.parametrize(("variable", "base", "folder", "usual"), NAMED)
def test_a_variable_of_the_library_names_another_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, base: str, folder: str, usual: str
) -> None:
    put(home / usual)
    monkeypatch.setenv(variable, str(tmp_path / "named" / base))
    assert in_other_libraries(PUBLISHED.file) == []
    path = put(tmp_path / "named" / base / folder)
    assert in_other_libraries(PUBLISHED.file) == [path]
    assert store.find(PUBLISHED) == path


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT[:100], CONTENT + b"\0", b"<html>" * 400])
def test_a_file_of_another_hash_is_passed_over_and_told(home: Path, content: bytes) -> None:
    wrong = put(home / AT_HOME[0], content)
    assert store.locate(PUBLISHED) is None
    with pytest.raises(MissingWeightsError) as caught:
        store.find(PUBLISHED)
    assert str(caught.value) == (
        f"test_net.dat is missing (VISAVIS_OFFLINE forbids downloads; {wrong} is another file or damaged): "
        "download http://127.0.0.1:9/x, then visavis models import FILE."
    )
    right = put(home / AT_HOME[1])
    assert store.find(PUBLISHED) == right


def test_what_visavis_has_itself_comes_first(home: Path, cache: Path) -> None:
    put(home / AT_HOME[0])
    own = put(cache / "weights")
    assert store.find(PUBLISHED) == own


def test_a_file_of_unpublished_hash_is_pinned_with_a_warning_at_its_first_use(home: Path) -> None:
    path = put(home / AT_HOME[0])
    assert (store.locate(UNKNOWN), store.read_pinned_hash(path)) == (path, "")
    with pytest.warns(VisavisWarning) as warned:
        assert store.find(UNKNOWN) == path
    assert [str(one.message) for one in warned] == [
        f"test-net is read from {path}; its hash was not published, so it is pinned to its SHA-256, {DIGEST}."
    ]
    assert store.find(UNKNOWN) == path  # no second warning: warnings are errors in these tests
    assert store.digest(UNKNOWN) == DIGEST
    assert [one.name for one in path.parent.iterdir()] == [path.name]  # nothing is written into others' folders


def test_a_pinned_file_that_changes_is_used_no_longer(home: Path) -> None:
    path = put(home / AT_HOME[0])
    with pytest.warns(VisavisWarning):
        store.find(UNKNOWN)
    path.write_bytes(CONTENT.upper())
    os.utime(path, (1, 1))
    assert store.locate(UNKNOWN) is None
    with pytest.raises(MissingWeightsError, match=f"{path} is another file or damaged"):
        store.find(UNKNOWN)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", CONTENT * 5])
def test_a_file_of_an_impossible_size_is_never_pinned(home: Path, content: bytes) -> None:
    put(home / AT_HOME[0], content)
    with pytest.raises(MissingWeightsError, match="is another file or damaged"):
        store.find(UNKNOWN)


def test_a_license_is_asked_for_wherever_the_file_lies(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE", raising=False)
    put(home / AT_HOME[0])
    with pytest.raises(WeightsError, match="accept it once"):
        store.find(replace(PUBLISHED, non_commercial=True))


# All that is missing, at once


def other(name: str) -> WeightSpec:
    return replace(PUBLISHED, file=name, url=f"http://127.0.0.1:9/{name}", package=None)


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_all_missing_files_are_told_at_once_and_each_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", "")
    there = put(home / AT_HOME[0])
    rows = [other("a"), other("b"), replace(PUBLISHED, file=there.name), other("c")]
    loads = [lambda row=row: store.find(row) for row in rows]
    with pytest.raises(MissingWeightsError) as caught, store.all_missing(*loads):
        loads[0]()
    first, second = "127.0.0.1:9 cannot be reached", "download http://127.0.0.1:9/{}, then visavis models import FILE."
    assert str(caught.value).splitlines() == [
        f"a is missing ({first}): {second.format('a')}",
        f"b is missing: {second.format('b')}",
        f"c is missing: {second.format('c')}",
    ]
    with pytest.raises(MissingWeightsError, match="cannot be reached"):  # downloads are tried again afterwards
        loads[1]()


def test_nothing_else_is_loaded_where_nothing_is_missing(home: Path) -> None:
    put(home / AT_HOME[0])
    with store.all_missing(lambda: pytest.fail("loaded for nothing")):
        assert store.find(PUBLISHED).is_file()
