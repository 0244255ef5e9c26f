from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from architecture.source import READS_SOURCE, modules
from embedders import tiny_models as own
from evaluate.tiny_photos import DETECTOR, MODEL
from visavis.detectors import DETECTORS
from visavis.embedders import EMBEDDERS
from visavis.embedders.onnx_file import import_model
from visavis.embedding_cache import model_key as module
from visavis.embedding_cache.model_key import PACKAGE, list_sources, model_key
from visavis.pipeline import Recognizer
from visavis.weights.catalog import classic


def imported_by(*names: str) -> set[str]:
    """Every module of the package that these import, directly or not, at once or later."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in modules() and name not in found:
            found.add(name)
            left += [one.module for one in modules()[name].imports]
    return found


@READS_SOURCE
def test_all_code_that_a_photo_passes_is_in_the_key() -> None:
    """Whoever adds a file to the way of a photo need not remember anything."""
    built_in = [*DETECTORS._modules.values(), *EMBEDDERS._modules.values()]
    passed = imported_by("visavis.pipeline", *built_in)
    assert {"visavis.quality", "visavis.align", "visavis.weights.spec", "visavis.nets.dlib_resnet"} <= passed
    assert {modules()[name].path for name in passed} <= set(list_sources())


def test_code_that_none_passes_is_not() -> None:
    names = {path.relative_to(PACKAGE).as_posix() for path in list_sources()}
    assert {"pipeline.py", "detectors/mtcnn.py", "embedders/dlib.py", "runtime.py"} <= names
    assert not [name for name in names if name.startswith(("cli/", "gallery/", "evaluate/", "draw"))]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand-in for the package's folder, whose files may be edited."""
    (tmp_path / "quality.py").write_text("SIDE = 96\n")
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "__init__.py").write_text("")
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    module._digest_code.cache_clear()
    yield tmp_path
    module._digest_code.cache_clear()


def key(**more: float) -> str:
    module._digest_code.cache_clear()
    return model_key(Recognizer(detector=DETECTOR, embedder=MODEL), **({"min_face": 20} | more))


def test_any_edit_on_the_way_makes_another_key(package: Path) -> None:
    first = key()
    assert key() == first
    (package / "cli" / "__init__.py").write_text("# not on the way\n")
    assert key() == first
    (package / "quality.py").write_text("SIDE = 97\n")
    second = key()
    assert second != first
    (package / "more.py").write_text("")
    third = key()
    assert third not in (first, second)
    (package / "more.py").rename(package / "most.py")
    assert key() not in (first, second, third)
    (package / "quality.py").write_text("SIDE = 96\n")
    (package / "most.py").unlink()
    assert key() == first


def test_everything_else_that_decides_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    first = key()
    assert key(min_face=20.0) == first
    assert key(min_face=21) != first
    assert model_key(Recognizer(detector=DETECTOR), min_face=20) != first
    assert model_key(Recognizer(embedder=MODEL), min_face=20) != first
    monkeypatch.setattr(module, "_find_version", lambda library: "0")
    assert key() != first


def test_each_number_of_views_is_a_model_of_its_own() -> None:
    keys = {name: model_key(Recognizer(embedder=name), min_face=20) for name in ("dlib-resnet", "dlib-resnet@2",
                                                                                "dlib-resnet@4")}  # fmt: skip
    assert keys["dlib-resnet"] == keys["dlib-resnet@2"]  # the default, by both its names
    assert keys["dlib-resnet"] != keys["dlib-resnet@4"]


def test_the_code_of_a_model_from_elsewhere_is_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(key())
    assert told["detector_code"] == told["model_code"] != ""  # one file here makes both
    assert told["detector_code"] != json.loads(model_key(Recognizer(), min_face=20))["detector_code"]


def own_key(folder: Path, cache: str, monkeypatch: pytest.MonkeyPatch, **changed: object) -> str:
    """Key of the imported model ``own``, in a cache of its own since a name stands for one file."""
    monkeypatch.setenv("VISAVIS_CACHE", str(folder / cache))
    import_model(own.write(folder / "row", **changed), reserved=EMBEDDERS.built_in())
    return model_key(Recognizer(embedder="own"), min_face=20)


def test_the_files_and_the_row_of_an_imported_model_are_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = own_key(tmp_path, "a", monkeypatch)
    assert own_key(tmp_path, "b", monkeypatch) == first
    assert own_key(tmp_path, "c", monkeypatch, input_channels="BGR") != first
    other = own.network((("GlobalMaxPool", ["x"], "mean"), ("Flatten", ["mean"], "y")))
    assert own_key(tmp_path, "d", monkeypatch, model=other) != first


def test_a_weight_file_whose_hash_nobody_told_is_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with_top, without = (tmp_path / row.file for row in (classic.RESNET50, classic.RESNET50_NOTOP))
    keys = []
    for path, content in ((with_top, b"1"), (with_top, b"2"), (without, b"2")):
        path.write_bytes(content)
        keys.append(model_key(Recognizer(embedder="vggface2-resnet50"), min_face=20))
    assert len(set(keys)) == 3
    with_top.unlink()
    assert model_key(Recognizer(embedder="vggface2-resnet50"), min_face=20) == keys[2]  # it was not in use


def test_the_key_is_the_same_in_every_process_and_loads_no_network() -> None:
    one = Recognizer()
    assert model_key(one, min_face=20) == model_key(Recognizer(threads=1), min_face=20)
    assert vars(one).keys() & {"detector", "embedder"} == set()
