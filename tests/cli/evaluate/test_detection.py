"""evaluate detection, as a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Photos, Run
from cli.fakes import DETECTOR
from visavis.evaluate.stats.intervals import wilson

KEYS = [
    "data", "detector", "min_face", "min_height", "photos", "unread", "faces", "ignored", "iou", "ap", "low_scores",
    "right", "wrong", "wrong_per_photo", "precision", "precision_interval", "recall", "recall_interval", "mean_iou",
    "bands", "curve",
]  # fmt: skip

TABLE = """photo,x1,y1,x2,y2,ignore
red.png,40,50,100,110,0
both.png,20,30,70,80,0
both.png,180,110,280,200,0
dark.png,140,90,220,170,1
blue.png,200,200,230,219,0
empty.png,,,,,
"""
"""Found: red, both of both (the second at an overlap of .9), dark (ignored). Blue's face is somewhere else."""


@pytest.fixture
def table(photos: Photos, tmp_path: Path) -> str:
    (tmp_path / "truth.csv").write_text(TABLE, encoding="utf-8")
    return "truth.csv"


def test_the_figures_of_a_table_of_boxes(run: Run, table: str) -> None:
    done = run("evaluate", "detection", table, "--detector", DETECTOR, "--json")
    assert done.code == 0
    line = done.line
    assert list(line) == KEYS
    assert (line["data"], line["detector"], line["photos"], line["unread"]) == ("truth.csv", DETECTOR, 5, 0)
    assert (line["faces"], line["ignored"], line["right"], line["wrong"]) == (4, 1, 3, 1)
    assert (line["precision"], line["recall"], line["wrong_per_photo"]) == (0.75, 0.75, 0.2)
    assert line["recall_interval"] == pytest.approx(wilson(3, 4), abs=1e-4)
    assert line["mean_iou"] == pytest.approx((1 + 1 + 0.9) / 3, abs=1e-6)
    # Scores .99 (red and the larger of both are right, blue is wrong) and .98 (the smaller of both).
    assert line["curve"] == [[0.99, 0.666667, 0.5], [0.98, 0.75, 0.75]]
    assert line["ap"] == pytest.approx(0.75 * 0.75)
    bands = [(band["from"], band["to"], band["faces"], band["recall"]) for band in line["bands"]]
    assert bands == [(0, 20, 1, 0), (20, 50, 0, None), (50, 100, 3, 1), (100, None, 0, None)]
    assert line["low_scores"] is False
    assert "offers no low scores" in done.err


def test_as_a_table(run: Run, table: str) -> None:
    done = run("evaluate", "detection", table, "--detector", DETECTOR)
    rows = [" ".join(row.split()) for row in done.out.splitlines()]
    low, high = wilson(3, 4)
    assert f"recall 0.7500 (3 of 4) {low:.4f} to {high:.4f}" in rows
    assert "average precision 0.5625" in rows
    assert "20 to 50 pixels high - (0 of 0) -" in rows
    assert "100 pixels high and more - (0 of 0) -" in rows


def test_low_faces_can_be_ignored(run: Run, table: str) -> None:
    line = run("evaluate", "detection", table, "--detector", DETECTOR, "--min-height", 20, "--json").line
    assert (line["faces"], line["ignored"], line["recall"], line["min_height"]) == (3, 2, 1, 20)
    assert line["precision"] == 0.75  # the answer in blue.png is still none of a face


def test_the_overlap_asked_for(run: Run, table: str) -> None:
    line = run("evaluate", "detection", table, "--detector", DETECTOR, "--iou", 0.95, "--json").line
    assert (line["right"], line["wrong"], line["iou"]) == (2, 2, 0.95)


def test_min_face_reaches_the_detector(run: Run, table: str) -> None:
    line = run("evaluate", "detection", table, "--detector", DETECTOR, "--min-face", 70, "--json").line
    assert (line["right"], line["wrong"], line["min_face"]) == (1, 0, 70)


def test_wider_face_in_another_folder_with_a_photo_missing(run: Run, photos: Photos, tmp_path: Path) -> None:
    text = "red.png\n1\n40 50 60 60 0 0 0 0 0 0\nmissing.png\n1\n1 1 9 9 0 0 0 0 0 0\nempty.png\n0\n" + "0 " * 10
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "truth.txt").write_text(text, encoding="utf-8")
    done = run("evaluate", "detection", "lists/truth.txt", "--photos", ".", "--detector", DETECTOR, "--json")
    assert (done.code, done.line["photos"], done.line["unread"]) == (0, 2, 1)
    assert (done.line["precision"], done.line["recall"], done.line["ap"]) == (1, 1, 1)
    assert "1 photos cannot be read and are left out, for one: 'missing.png' does not exist." in done.err


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("photo,x1\n", [], "line 1: the head must have"),
        ("photo,x1,y1,x2,y2\nmissing.png,1,2,3,4\n", [], "not one of the 1 annotated photos can be read"),
        ("photo,x1,y1,x2,y2\nred.png,,,,\n", [], "there are none that count"),
        (TABLE, ["--iou", 0], "iou is an overlap"),
        (TABLE, ["--detector", "haarr"], "no detector is called 'haarr'"),
    ],
)
def test_wrong_use_is_one_line(
    run: Run, photos: Photos, tmp_path: Path, text: str, options: list[object], said: str
) -> None:
    (tmp_path / "truth.csv").write_text(text, encoding="utf-8")
    done = run("evaluate", "detection", "truth.csv", "--detector", DETECTOR, *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err.splitlines()[-1]
