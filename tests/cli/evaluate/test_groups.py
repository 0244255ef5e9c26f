"""evaluate groups, as a command."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.conftest import Run
from cli.fakes import DETECTOR, GRAY, MODEL
from visavis.compare import unit
from visavis.evaluate.data.group_table import GroupTable
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.groups import GroupsResult, measure_groups
from visavis.types import Floats

KEYS = [
    "data", "model", "detector", "threshold", "far", "column", "groups", "all", "fmr_ratio", "fnmr_ratio",
    "ungrouped", "unlisted", "unknown",
]  # fmt: skip
PEOPLE = [f"{group}{n:02}" for group in "xy" for n in range(12)]
OPTIONS = ("--detector", DETECTOR, "--model", MODEL)


def strong_colors(count: int) -> list[tuple[int, int, int]]:
    """Colors that the detector of squares sees."""
    drawn = np.random.default_rng(7).integers(0, 256, (20 * count, 3))
    seen = drawn[np.ptp(drawn, axis=1) > 120]
    return [(int(r), int(g), int(b)) for r, g, b in seen[:count]]


@pytest.fixture
def folder(tmp_path: Path) -> Floats:
    """Two photos each of 24 people, in colors at random; the embeddings that the model of colors gives them."""
    colors = strong_colors(2 * len(PEOPLE))
    for n, name in enumerate(PEOPLE):
        for second in range(2):
            (tmp_path / "people" / name).mkdir(parents=True, exist_ok=True)
            picture = Image.new("RGB", (40, 40), GRAY)  # small: the detector of squares goes through all its colors
            picture.paste(colors[2 * n + second], (8, 8, 32, 32))
            picture.save(tmp_path / "people" / name / f"{second}.png")
    rows = [f"{name},{name[0]},{'ab'[int(name[1:]) % 2]}" for name in PEOPLE[:-1]]
    text = "\n".join(["person,letter,parity", *rows, "nobody,x,a"])
    (tmp_path / "groups.csv").write_text(text, encoding="utf-8")
    return unit(np.array(colors, np.float32))


def expected(embeddings: Floats, **options: Any) -> GroupsResult:
    n = len(embeddings)
    names = [name for name in PEOPLE for _ in range(2)]
    table = GroupTable(
        "person", ("letter", "parity"), {name: (name[0], "ab"[int(name[1:]) % 2]) for name in PEOPLE[:-1]}
    )
    photos = tuple(f"{row}.png" for row in range(n))
    zeros = np.zeros((n, 4), np.float32)
    taken = Templates(MODEL, DETECTOR, photos, ("ok",) * n, embeddings, zeros, zeros[:, 0], np.ones(n, np.intp))
    return measure_groups(taken, names, table, **options)


def test_an_object_for_each_way_of_grouping(run: Run, folder: Floats) -> None:
    done = run("evaluate", "groups", "people", "--groups", "groups.csv", "--far", 0.05, *OPTIONS, "--json", "--fresh")
    assert done.code == 0
    assert [line["column"] for line in done.lines] == ["letter", "parity"]
    known = expected(folder, far=0.05)
    for line, grouping in zip(done.lines, known.groupings, strict=True):
        assert list(line) == KEYS
        assert (line["data"], line["model"], line["detector"]) == ("people", MODEL, DETECTOR)
        assert line["threshold"] == pytest.approx(known.threshold, abs=2e-6)
        assert line["far"] == pytest.approx(known.far, rel=1e-5) == pytest.approx(0.05, abs=1e-3)
        assert line["all"]["group"] == "all"
        assert line["all"]["fnmr"]["of"] == 24
        assert (line["unlisted"], line["unknown"], line["ungrouped"]) == (["y11"], ["nobody"], 2)
        for one, group in zip(line["groups"], grouping.groups, strict=True):
            assert (one["group"], one["people"], one["photos"]) == (group.name, group.people, group.photos)
            for kind in ("fmr", "fnmr"):
                rate = getattr(group, kind)
                assert (one[kind]["errors"], one[kind]["of"]) == (rate.errors, rate.whole)
                assert one[kind]["rate"] == pytest.approx(rate.rate, rel=1e-5)
                assert one[kind]["interval"] == pytest.approx(rate.interval, rel=1e-3)
            assert one["failures"] == {
                "rate": None,
                "interval": None,
                "errors": 0,
                "of": group.photos,
                "reason": "errors of 0 people, it takes 5",
            }
        ratio = grouping.fmr_ratio
        assert (line["fmr_ratio"]["worst"], line["fmr_ratio"]["best"]) == (ratio.worst, ratio.best)
        assert line["fmr_ratio"]["ratio"] == pytest.approx(ratio.value, rel=1e-5)
        assert ratio.interval is not None
        ends = [None if math.isinf(end) else pytest.approx(end, rel=1e-3) for end in ratio.interval]
        assert line["fmr_ratio"]["interval"] == ends
    assert "1 of kind person are not in the table of groups: y11" in done.err
    assert "1 of kind person are only in the table: nobody" in done.err


def test_as_a_table(run: Run, folder: Floats) -> None:
    done = run("evaluate", "groups", "people", "--groups", "groups.csv", "--far", 0.05, *OPTIONS, "--fresh")
    rows = [" ".join(row.split()) for row in done.out.splitlines()]
    known = expected(folder, far=0.05)
    x = known.groupings[0].groups[0]
    assert rows[0] == "group people photos FMR FNMR no template"
    assert [row.split(" ")[:4] for row in rows[2:5]] == [
        ["all", "24", "48", f"{known.everybody.fmr.rate:.3g}"],
        ["letter:", "x", "12", "24"],
        ["letter:", "y", "11", "22"],
    ]
    assert f"{x.fnmr.rate:.3g} (" in rows[3]
    ratio = known.groupings[0].fmr_ratio
    assert rows[5].startswith(f"worst to best {ratio.value:.2f} (")
    assert f", {ratio.worst} to {ratio.best}" in rows[5]


def test_at_a_threshold_with_too_few_errors(run: Run, folder: Floats) -> None:
    arguments = ("evaluate", "groups", "people", "--groups", "groups.csv", "--threshold", 0, *OPTIONS, "--fresh")
    line = run(*arguments, "--json").lines[0]
    assert (line["threshold"], line["far"]) == (0, 0)
    assert line["groups"][0]["fmr"] == {
        "rate": None,
        "interval": None,
        "errors": 0,
        "of": 264,
        "reason": "errors of 0 pairs of people, it takes 5",
    }
    assert line["fmr_ratio"] == {
        "ratio": None,
        "interval": None,
        "worst": None,
        "best": None,
        "left_out": ["x", "y"],
        "reason": "0 groups have a rate, it takes 2",
    }
    assert "- (0 of 264: too few to tell)" in run(*arguments).out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--far", 1e-6], "a FAR of 1e-06 cannot be measured on 1104 pairs of strangers"),
        (["--far", 1e-1, "--threshold", 0.1], "--far and --threshold exclude each other"),
        (["--threshold", 1], "a tenth of all pairs of strangers"),
    ],
)
def test_wrong_use_is_one_line(run: Run, folder: Floats, options: list[object], said: str) -> None:
    done = run("evaluate", "groups", "people", "--groups", "groups.csv", *OPTIONS, "--fresh", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err.splitlines()[-1]


def test_a_table_of_others(run: Run, folder: Floats, tmp_path: Path) -> None:
    (tmp_path / "others.csv").write_text("person,sex\nzoe,f\n", encoding="utf-8")
    done = run("evaluate", "groups", "people", "--groups", "others.csv", *OPTIONS, "--fresh")
    assert (done.code, done.out) == (2, "")
    assert "the table of groups names no person that is there" in done.err
