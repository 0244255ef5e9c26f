from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Run

KEYS = [
    "data", "faces", "people", "clusters", "singletons", "alone", "bystanders", "unlabeled", "failures", "pairs",
    "pairwise", "b_cubed", "nmi", "rand",
]  # fmt: skip
FACES = [("ann/1.jpg", 7), ("ann/2.jpg", 7), ("ann/3.jpg", 3), ("bob/1.jpg", 3), ("bob/2.jpg", 3)]


@pytest.fixture
def file(tmp_path: Path) -> str:
    lines = [json.dumps({"cluster": cluster, "photo": photo}) for photo, cluster in FACES]
    lines.append(json.dumps({"photo": "bob/3.jpg", "status": "no_face"}))
    (tmp_path / "c.jsonl").write_text("\n".join(lines))
    return "c.jsonl"


def test_figures_by_hand(run: Run, file: str) -> None:
    """As computed in tests/evaluate/test_clusters.py."""
    done = run("evaluate", "clusters", file, "--json")
    assert (done.code, done.err) == (0, "")
    line = done.line
    assert list(line) == KEYS
    assert [line[key] for key in KEYS[:9]] == ["c.jsonl", 5, 2, 2, 0, 0, 0, 0, 1]
    assert line["pairs"] == {"right": 2, "together": 4, "of_one": 4}
    assert line["pairwise"] == {"precision": 0.5, "recall": 0.5, "f": 0.5}
    assert line["b_cubed"] == {"precision": 0.733333, "recall": 0.733333, "f": 0.733333}
    assert line["rand"] == 0.166667
    assert line["nmi"] == pytest.approx(0.432538, abs=1e-5)


def test_the_table_shows_the_same(run: Run, file: str) -> None:
    rows = [line.split("  ") for line in run("evaluate", "clusters", file).out.splitlines()]
    shown = {row[0].strip() or row[1].strip(): row[-1].strip() for row in rows if row[-1].strip()}
    assert (shown["faces"], shown["people"], shown["clusters"]) == ("5", "2", "2")
    assert shown["photos without a face"] == "1"
    assert (shown["pairwise precision"], shown["B-cubed recall"], shown["adjusted Rand index"]) == (
        "0.5000",
        "0.7333",
        "0.1667",
    )
    assert not [name for name in shown if "left out" in name]  # none was


def test_a_truth_apart(run: Run, file: str, tmp_path: Path) -> None:
    people = "photo,person\nann/1.jpg,z\nann/2.jpg,z\nann/3.jpg,y\nbob/1.jpg,y\n"
    (tmp_path / "t.csv").write_text(people)
    line = run("evaluate", "clusters", file, "--truth", "t.csv", "--json").line
    assert (line["faces"], line["unlabeled"], line["nmi"], line["rand"]) == (4, 1, 1, 1)


def test_a_bad_line_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("photo,cluster\nann/1.jpg,1\nann/2.jpg\n")
    done = run("evaluate", "clusters", "c.csv")
    assert (done.code, done.out) == (2, "")
    assert done.err == "visavis: 'c.csv', line 3: expected 2 cells, got 1.\n"


def test_a_missing_file(run: Run) -> None:
    assert run("evaluate", "clusters", "nothing.csv").code == 2
