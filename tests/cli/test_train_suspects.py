"""visavis train suspects, and train network --suspects."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from train.colors import write_people, write_photo
from visavis.pipeline import Recognizer

from .conftest import Run
from .fakes import DETECTOR, MODEL


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    folder = write_people(tmp_path / "people", 5, people=5)
    write_photo(folder / "Red" / "6.png", "Cyan", 77)
    return folder


def test_suspects_are_listed_with_a_page(mixed: Path, tmp_path: Path, run: Run) -> None:
    page = tmp_path / "page.html"
    done = run("train", "suspects", mixed, "--model", MODEL, "--detector", DETECTOR, "--json", "--report", page)
    assert done.code == 1
    line, last = done.lines
    assert (Path(line["photo"]).name, line["person"], line["other"]) == ("6.png", "Red", "Cyan")
    assert line["distance"] > 0.5 > line["other_distance"]
    assert last == {"suspects": 1, "photos": 26, "people": 5, "model": MODEL}
    assert "1 label looks wrong, of 26 photos of 5 people" in done.err
    assert "Labels that look wrong" in page.read_text(encoding="utf-8")


def test_right_labels(mixed: Path, run: Run) -> None:
    (mixed / "Red" / "6.png").unlink()
    done = run("train", "suspects", mixed, "--model", MODEL, "--detector", DETECTOR)
    assert done.code == 0
    assert "0 labels look wrong, of 25 photos of 5 people" in done.err


def test_a_network_is_not_trained_on_them(
    mixed: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")
    monkeypatch.setattr("visavis.pipeline.Recognizer", partial(Recognizer, embedder=MODEL))
    done = run("train", "network", mixed, "--out", tmp_path / "run", "--suspects", "--detector", DETECTOR)
    assert done.code == 1
    assert "looks more like Cyan" in done.out
    assert "nothing was trained: correct these labels" in done.err
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["suspects.html"]
