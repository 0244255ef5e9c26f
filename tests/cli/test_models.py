from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedders import own
from visavis.weights.spec import all_specs

from .conftest import Photos, Run
from .fakes import BLUE, DETECTOR, RED, photo


def test_list_has_a_line_a_file(run: Run) -> None:
    lines = run("models", "list", "--json").lines
    assert [line["name"] for line in lines] == [spec.name for spec in all_specs()]
    dlib = next(line for line in lines if line["name"] == "dlib-resnet")
    assert dlib["licence"] == "CC0 1.0 (public domain)"
    assert dlib["bytes"] == 22_466_066
    assert len(dlib["sha256"]) == 64


def test_show_is_the_line_of_list(run: Run) -> None:
    lines = run("models", "list", "--json").lines
    assert run("models", "show", lines[0]["name"], "--json").line == lines[0]
    shown = run("models", "show", "dlib-resnet").out
    assert "trained_on" in shown
    assert "FaceScrub" in shown


def test_fetch_names_the_checked_file(run: Run) -> None:
    line = run("models", "fetch", "mtcnn-pnet", "--json").line
    assert Path(line["path"]).stat().st_size == line["bytes"] == 27_119


def test_fetch_refuses_a_file_of_another_hash(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "pnet.lz4").write_bytes(b"something else")
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    done = run("models", "fetch", "mtcnn-pnet")
    assert (done.code, done.out) == (3, "")
    assert "SHA-256" in done.err
    assert done.err.count("\n") == 1


def test_an_unknown_name_is_exit_2(run: Run) -> None:
    done = run("models", "show", "dlib-resnett")
    assert done.code == 2
    assert "dlib-resnet" in done.err


# Models of one's own


@pytest.fixture
def own_model(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the row of a tiny network, nothing imported yet."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    nodes = (
        ("Conv", ["x", "k"], "c"),
        ("Relu", ["c"], "r"),
        ("GlobalAveragePool", ["r"], "p"),
        ("Flatten", ["p"], "y"),
    )
    kernel = np.random.default_rng(0).normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32)
    return own.write(tmp_path / "own", own.network(nodes, constants={"k": kernel}), output_dimension=6)


def test_an_imported_model_is_listed_shown_and_used(run: Run, own_model: Path, photos: Photos) -> None:
    done = run("models", "import", own_model, "--json")
    assert (done.code, done.line["name"], done.line["precision"], done.line["task"]) == (0, "own", "float32", "embed")
    assert Path(done.line["path"]).stat().st_size == done.line["bytes"]
    listed = run("models", "list", "--json").lines
    assert listed[-1] == run("models", "show", "own", "--json").line == done.line
    assert "own" in run("models", "list").out
    words = ("--model", "own@4", "--detector", DETECTOR, "--threshold", "0.01", "--json")
    told = run("verify", photos.red, photos.dark_red, *words)
    assert (told.code, told.line["model"], told.line["far"]) == (0, "own@4", None)


@pytest.mark.parametrize(("text", "said"), [("", "input is missing"), ("name = ", "is not TOML")])
def test_a_row_that_means_nothing_is_exit_2(run: Run, own_model: Path, text: str, said: str) -> None:
    own_model.write_text(text, encoding="utf-8")
    done = run("models", "import", own_model)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_a_network_that_is_not_what_its_row_says_is_exit_3(run: Run, own_model: Path) -> None:
    own_model.with_suffix(".onnx").write_bytes(b"no network")
    done = run("models", "import", own_model)
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)


def test_a_damaged_model_is_told_of_and_the_others_are_listed(run: Run, own_model: Path) -> None:
    path = Path(run("models", "import", own_model, "--json").line["path"])
    path.write_bytes(b"changed")
    done = run("models", "list", "--json")
    assert (done.code, len(done.lines)) == (0, len(all_specs()))
    assert "is not the file that was imported" in done.err
    assert run("models", "show", "own").code == 3


def test_a_model_is_quantised_measured_and_taken_elsewhere(
    run: Run, own_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("models", "import", own_model)
    for n in range(9):
        photo(tmp_path / "faces" / "deep" / f"{n}.png", ((RED, BLUE)[n % 2], 20, 30, 60 + n))
    (tmp_path / "out").mkdir()
    words = ("--calibrate", "faces", "--out", "out", "--detector", DETECTOR, "--json")
    made = run("models", "quantize", "own", *words).line
    assert (made["name"], made["precision"], made["quantized_from"]) == ("own-int8", "int8", "own")
    lines = run("models", "bench", "own", "own-int8@4", "--threads", 1, "--json").lines
    assert [(line["model"], line["precision"]) for line in lines] == [("own", "float32"), ("own-int8@4", "int8")]
    for line in lines:
        one, many = (line["ms_embed"][batch] for batch in ("1", "32"))
        assert 0 < many["best"] <= many["median"]
        assert line["faces_per_second"] == pytest.approx(1000 / min(one["median"], many["median"]), rel=0.01)
        assert line["accuracy"] is None
    assert lines[1]["bytes"] == made["bytes"]
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "elsewhere"))
    again = run("models", "import", "out/own-int8.toml", "--json").line
    assert {key: value for key, value in again.items() if key in made and key != "path"} == {
        key: value for key, value in made.items() if key != "path"
    }


def test_bench_tells_the_accuracy_that_came_with_a_model(run: Run) -> None:
    line = run("models", "bench", "dlib-resnet", "--json").line
    assert line["accuracy"] == {"data": "LFW (deep-funneled) view 1", "far": 0.001, "tar": 0.94893}
    assert (line["model"], line["precision"], line["bytes"]) == ("dlib-resnet", "float32", 22_466_066)
