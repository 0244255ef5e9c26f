"""Where files are looked for, in which order, and what is said of wrong ones."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from visavis.errors import MissingWeightsError, WeightsError
from visavis.weights import spec, store

CONTENT = b"the weights as published"
ROW = replace(
    spec.DLIB_RESNET,
    extra="",
    name="test-net",
    file="test_net.dat",
    url="http://127.0.0.1:9/test_net.dat",  # the discard port: nobody listens
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    package="package_of_weights",
    member="models/test_net.dat",
)


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def everywhere(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The file in each place where it may lie, in the order in which they should be looked through."""
    folders = [tmp_path / "mine", tmp_path / "ours"]
    package = tmp_path / "site" / "package_of_weights"
    put(package / "__init__.py", b"raise SystemError('imported')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("VISAVIS_WEIGHTS", os.pathsep.join(["", str(folders[0]), str(folders[1]), ""]))
    places = [cache / "weights", *folders, package / "models"]
    return [put(place / ROW.file) for place in places]


def test_cache_then_named_folders_then_package(everywhere: list[Path]) -> None:
    for path in everywhere:
        assert store.locate(ROW) == path
        assert store.find(ROW) == path
        path.unlink()
    assert store.locate(ROW) is None


def test_a_package_is_looked_into_but_never_imported(everywhere: list[Path]) -> None:
    for path in everywhere[:-1]:
        path.unlink()
    assert store.find(ROW) == everywhere[-1]
    assert "package_of_weights" not in sys.modules


def test_a_folder_of_that_name_is_no_file(everywhere: list[Path]) -> None:
    everywhere[0].unlink()
    everywhere[0].mkdir()
    assert store.locate(ROW) == everywhere[1]


def test_a_module_in_memory_is_not_taken_for_the_package(
    everywhere: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests and compatible stand-ins put modules of that name there, some without a specification."""
    for path in everywhere[:-1]:
        path.unlink()
    for told in (None, ModuleSpec("package_of_weights", None)):
        module = ModuleType("package_of_weights")
        module.__spec__ = told
        monkeypatch.setitem(sys.modules, "package_of_weights", module)
        assert store.locate(ROW) == everywhere[-1]


@pytest.mark.parametrize("name", ["package_of_weights.models", "package_of_weights.no.such", "."])
def test_a_name_that_is_no_packages_imports_nothing(everywhere: list[Path], name: str) -> None:
    for path in everywhere[:-1]:
        path.unlink()
    assert store.locate(replace(ROW, package=name)) is None
    assert "package_of_weights" not in sys.modules


@pytest.mark.parametrize("gone", [{"package": None}, {"member": None}, {"package": "no_such_package_at_all"}])
def test_a_row_without_a_package_is_looked_for_elsewhere(cache: Path, gone: dict[str, str | None]) -> None:
    row = replace(ROW, **gone)
    assert store.locate(row) is None
    assert store.find(replace(row, file=put(cache / "weights" / ROW.file).name)).read_bytes() == CONTENT


def test_loading_the_default_weights_imports_neither_package(cache: Path) -> None:
    code = (
        "import sys\n"
        "from visavis.weights import spec, store\n"
        "carried = [row for row in spec.all_specs() if row.package and not row.non_commercial]\n"
        "print([store.find(row).name for row in carried])\n"
        "from visavis.detectors import mtcnn\n"
        "from visavis.embedders import dlib\n"
        "mtcnn.read(spec.PNET), dlib.read(store.find(spec.DLIB_RESNET))\n"
        "print(sorted({'mtcnn', 'face_recognition_models', 'joblib', 'tensorflow'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found, imported = done.stdout.splitlines()
    assert found == str([row.file for row in spec.all_specs() if row.package and not row.non_commercial])
    assert imported == "[]"


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"\0", b"quite another file"])
def test_a_wrong_file_is_told_with_its_name_and_both_hashes(cache: Path, content: bytes) -> None:
    path = put(cache / "weights" / ROW.file, content)
    with pytest.raises(WeightsError) as caught:
        store.find(ROW)
    said = str(caught.value)
    assert str(path) in said
    assert ROW.sha256 in said
    assert hashlib.sha256(content).hexdigest() in said
    assert "delete it" in said
    assert "VISAVIS_WEIGHTS" in said
    assert path.read_bytes() == content  # telling is all that is done to it


def test_offline_nothing_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with pytest.raises(WeightsError) as caught:
        store.find(ROW)
    assert str(caught.value) == (
        "test_net.dat is missing (VISAVIS_OFFLINE forbids downloads): pip install package-of-weights, or "
        "visavis models import FILE."
    )
    assert not cache.exists()


def test_all_files_of_an_extra_are_asked_for_in_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    first, second = (replace(ROW, name=name, file=f"{name}.dat", extra="dlib") for name in ("first", "second"))
    with pytest.raises(MissingWeightsError) as caught, store.all_missing(lambda: store.find(second)):
        store.find(first)
    assert str(caught.value) == (
        "the files of dlib are missing (VISAVIS_OFFLINE forbids downloads): pip install 'visavis[dlib]', or "
        "visavis models import FILE."
    )


def test_offline_is_no_obstacle_to_what_is_there(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    path = put(cache / "weights" / ROW.file)
    assert store.find(ROW) == path
