"""The table of docs/security.md: its tests are there, and its figures are those of the tests."""

from __future__ import annotations

import re

import pytest

from .source import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and ("`tests/" in line or "`.ci" in line)]
DAMAGED_WEIGHTS = ("h5", "joblib_lz4", "npy", "shape_predictor", "tf_graph", "torch_file")


def figures(attack: str) -> tuple[int, int]:
    """The last two columns of the row that begins so: examples in ./check, and in a long one."""
    (row,) = [line for line in ROWS if line.startswith(f"| {attack}")]
    short, long = (int(re.match(r"[\d,]+", cell.strip())[0].replace(",", "")) for cell in row.split("|")[-3:-1])  # type: ignore[index]
    return short, long


def drawn(*files: str) -> int:
    texts = [(ROOT / "tests" / file).read_text(encoding="utf-8") for file in files]
    return sum(int(count) for text in texts for count in re.findall(r"max_examples=examples\((\d+)\)", text))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:40])
def test_every_test_of_the_table_is_there(row: str) -> None:
    paths = re.findall(r"`((?:tests|\.ci)/[\w/.]+)`", row)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_figures_are_those_of_the_tests() -> None:
    for attack, files in {
        "damaged pictures": ["images/test_decode.py"],
        "damaged weights": [f"weights/test_{kind}.py" for kind in DAMAGED_WEIGHTS],
        "texts of characters": ["test_printable.py"],
    }.items():
        assert figures(attack) == (drawn(*files), 20 * drawn(*files)), attack
