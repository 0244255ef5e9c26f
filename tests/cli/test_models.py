from __future__ import annotations

from pathlib import Path

import pytest

from visavis.weights.spec import all_specs

from .conftest import Run


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
