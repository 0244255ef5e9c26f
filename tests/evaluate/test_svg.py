"""Plots: coordinates computed by hand, curves thinned without a change, text that stays text."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from visavis.errors import UsageError
from visavis.evaluate.report import svg as plots
from visavis.evaluate.report.svg import Axis, Key, PlotFrame

NS = "{http://www.w3.org/2000/svg}"
FRAME = PlotFrame(plots.logarithmic("FAR", -4, 0), plots.linear("TAR", 0, 100))
"""388 x 276 pixels, from (58, 290) at the bottom left: 97 a decade, 2.76 a percent."""


def drawn(*parts: str, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(plots.figure(FRAME, parts, label="a plot", **options))


def test_linear_places_and_ticks() -> None:
    axis = plots.linear("x", 0, 100)
    assert axis.place([0, 25, 100, 130, -4]).tolist() == [0, 0.25, 1, 1, 0]
    assert [text for _, text in axis.ticks] == ["0", "20", "40", "60", "80", "100"]
    assert [text for _, text in plots.linear("x", 0, 0.35).ticks] == ["0.0", "0.1", "0.2", "0.3"]
    assert [text for _, text in plots.linear("x", 0, 5.2).ticks] == ["0", "1", "2", "3", "4", "5"]
    assert [text for _, text in plots.linear("x", 90, 100).ticks] == ["90", "92", "94", "96", "98", "100"]
    assert [text for _, text in plots.linear("x", 0.013, 0.047).ticks] == ["0.02", "0.03", "0.04"]


def test_log_places_and_ticks() -> None:
    axis = plots.logarithmic("FAR", -4, 0)
    assert axis.place([1e-4, 1e-3, 1e-2, 1, 1e-9, 0]) == pytest.approx([0, 0.25, 0.5, 1, 0, 0])
    assert [text for _, text in axis.ticks] == ["1e-4", "1e-3", "1e-2", "1e-1", "1"]


def test_probit_places_and_ticks() -> None:
    """Normal deviates of 2.275 %, 15.87 % and 50 % are -2, -1 and 0."""
    deviates = {n: 0.5 * math.erfc(-n / math.sqrt(2)) for n in (-2, -1, 0, 1, 2)}
    axis = plots.probit("FAR", deviates[-2], deviates[2])
    assert axis.place([deviates[-2], deviates[-1], 0.5, deviates[1], 0, 1]) == pytest.approx([0, 0.25, 0.5, 0.75, 0, 1])
    assert [text for _, text in axis.ticks] == ["5", "20", "40", "60", "80", "95"]
    assert [text for _, text in plots.probit("FAR", 1e-4, 0.8).ticks][::6] == ["0.01", "60"]
    assert plots.probit("FAR", 1e-4, 0.8).ticks[-1] == (0.8, "80")


@pytest.mark.parametrize(
    "axis", [plots.linear("x", -1, 3), plots.logarithmic("x", -6, 0), plots.probit("x", 1e-6, 0.9)]
)
def test_lines_lie_equally_far_apart(axis: Axis) -> None:
    lines = axis.lines(11)
    assert axis.place(lines) == pytest.approx(np.linspace(0, 1, 11), abs=1e-9)
    assert (lines[0], lines[-1]) == pytest.approx((axis.low, axis.high), rel=1e-9)


@pytest.mark.parametrize(
    ("scale", "low", "high"), [("linear", 1, 1), ("log", 0, 1), ("probit", 0, 0.5), ("probit", 0.1, 1)]
)
def test_impossible_axes_are_refused(scale: Any, low: float, high: float) -> None:
    with pytest.raises(UsageError, match=r"axis .*\.$"):
        Axis("x", scale, low, high, ())


def test_steps_go_right_and_then_up() -> None:
    path = plots.steps(FRAME, np.array([1e-4, 1e-2, 1.0]), np.array([0.0, 50.0, 100.0]), series=0)
    assert ElementTree.fromstring(path).get("d") == "M58 290H252V152H446V14"


def test_steps_fall_for_an_error_that_falls() -> None:
    path = plots.steps(FRAME, np.array([1e-4, 1e-3, 1e-2]), np.array([100.0, 50.0, 25.0]), series=1)
    assert ElementTree.fromstring(path).get("d") == "M58 14H155V152H252V221"


def test_a_curve_that_goes_on_beyond_the_axis_reaches_its_end_and_no_further() -> None:
    frame = PlotFrame(plots.logarithmic("FAR", -4, -2), FRAME.y)
    path = plots.steps(frame, np.array([1e-6, 1e-5, 1e-3, 0.5]), np.array([0.0, 25.0, 50.0, 100.0]), series=0)
    assert ElementTree.fromstring(path).get("d") == "M58 221H252V152H446"


def test_thinning_changes_less_than_a_pixel() -> None:
    """A million steps, against the same million read at every pixel column."""
    rng = np.random.default_rng(3)
    x = np.sort(10 ** rng.uniform(-7, 0, 1_000_000))
    y = 100 * np.clip(np.sort(rng.uniform(-0.75, 1, len(x))), 0, 1) ** 2
    rows = plots.thin_rows(FRAME, x, y)
    assert len(rows) <= 2 * plots.CELLS
    assert (np.diff(rows) > 0).all()
    for column in FRAME.x.lines(777)[1:]:
        there = int(np.searchsorted(x[rows], column, side="right")) - 1
        height = FRAME.down(y[rows[there]])
        near = FRAME.x.place(column) + np.array([-1, 1]) / (plots.RIGHT - plots.LEFT)
        around = 10 ** (4 * near - 4)
        truth = FRAME.down(y[np.maximum(0, np.searchsorted(x, around, side="right") - 1)])
        assert truth[1] - 1 <= height <= truth[0] + 1


def test_few_points_are_all_kept() -> None:
    x, y = np.array([0.001, 0.01, 0.1, 1]), np.array([10.0, 40, 80, 100])
    assert plots.thin_rows(FRAME, x, y).tolist() == [0, 1, 2, 3]


def test_whiskers_end_where_the_interval_does() -> None:
    group = ElementTree.fromstring(plots.whisker(FRAME, 1e-2, 50, (25, 75), series=2, tip="TAR", shift=4))
    path, dot = group
    assert path.get("d") == "M253 221h6m-3 0V83m-3 0h6"
    assert (dot.get("cx"), dot.get("cy"), dot[0].text) == ("256", "152", "TAR")
    (dot,) = ElementTree.fromstring(plots.whisker(FRAME, 1e-2, 50, None, series=2, tip="TAR"))
    assert dot.get("cx") == "252"


def test_bars_stand_on_the_axis() -> None:
    frame = PlotFrame(plots.linear("distance", 0, 4), plots.linear("share", 0, 100))
    group = ElementTree.fromstring(plots.bars(frame, [0, 1, 2, 4], [50, 0, 100], series=1, tips=["a", "b", "c"]))
    fill, line, *told = group
    assert fill.get("d") == line.get("d") == "M58 290V152H155V290H252V14H446V290"
    assert [(one.get("x"), one.get("y"), one.get("width"), one.get("height"), one[0].text) for one in told] == [
        ("58", "152", "97", "138", "a"),
        ("252", "14", "194", "276", "c"),
    ]


def test_lines_between_dots() -> None:
    group = ElementTree.fromstring(plots.polyline(FRAME, [1e-4, 1e-2], [0, 50], series=0, tips=["a", "b"]))
    assert group[0].get("points") == "58,290 252,152"
    assert [dot[0].text for dot in group[1:]] == ["a", "b"]


def test_rules_keep_their_text_within_the_plot() -> None:
    left = ElementTree.fromstring(plots.rule(FRAME, 1e-2, "here", row=1, tip="tip"))
    assert left.find("path").get("d") == "M252 14V290"  # type: ignore[union-attr]
    assert [left.find("text").get(key) for key in ("x", "y", "text-anchor")] == ["256", "39", "start"]  # type: ignore[union-attr]
    right = ElementTree.fromstring(plots.rule(FRAME, 1, "here", row=0, tip="tip"))
    assert [right.find("text").get(key) for key in ("x", "text-anchor")] == ["442", "end"]  # type: ignore[union-attr]


def test_the_grid_and_its_words() -> None:
    svg = drawn()
    ticks = {one.text: one for one in svg.iter(f"{NS}text") if one.get("class") == "tick"}
    assert [*ticks] == ["1e-4", "1e-3", "1e-2", "1e-1", "1", "0", "20", "40", "60", "80", "100"]
    assert (ticks["1e-2"].get("x"), ticks["1e-2"].get("y")) == ("252", "306")
    assert float(ticks["40"].get("y", "")) == pytest.approx(290 - 110.4 + 4)
    assert [one.text for one in svg.iter(f"{NS}text") if one.get("class") == "label"] == ["FAR", "TAR"]
    assert (svg.get("role"), svg.get("aria-label"), svg.get("viewBox")) == ("img", "a plot", "0 0 460 346")


def test_ticks_that_would_touch_are_left_out() -> None:
    frame = PlotFrame(plots.probit("FAR", 1e-6, 0.5), FRAME.y)
    svg = ElementTree.fromstring(plots.figure(frame, [], label="a plot"))
    texts = [one for one in svg.iter(f"{NS}text") if one.get("class") == "tick" and one.get("text-anchor") == "middle"]
    spans = [(float(one.get("x", "")), plots.LETTER * len(one.text or "") / 2) for one in texts]
    assert len(spans) >= 5
    assert "0.001" not in [one.text for one in texts]
    for (here, half), (there, other) in pairwise(spans):
        assert there - here >= half + other + plots.LETTER


def test_the_legend_lies_below_and_each_row_looks_another_way() -> None:
    svg = drawn(keys=[Key(f"model {n}", n) for n in range(14)])
    assert svg.get("viewBox") == f"0 0 460 {346 + 14 * 19}"
    rows = [group for group in svg.iter(f"{NS}g") if group.find(f"{NS}text") is not None]
    assert [group.find(f"{NS}text").text for group in rows] == [f"model {n}" for n in range(14)]  # type: ignore[union-attr]
    assert [float(group.find(f"{NS}text").get("y", "")) for group in rows] == [350 + 19 * n for n in range(14)]  # type: ignore[union-attr]
    looks = [(group.get("class"), group.find(f"{NS}path").get("stroke-dasharray")) for group in rows]  # type: ignore[union-attr]
    assert len({*looks}) == 14
    assert len({dash for _, dash in looks[:6]}) == 6, "told apart without colors"


def test_an_area_in_the_legend_is_dashed_as_it_is_in_the_plot() -> None:
    svg = drawn(keys=[Key("impostors", 1, "area")])
    fill, line = svg.findall(f"{NS}g/{NS}path")
    assert fill.get("d") == line.get("d") == "M58 351v-10h32v10z"
    assert line.get("stroke-dasharray") == plots.DASHES[1]


def test_text_stays_text() -> None:
    svg = drawn(keys=[Key('<script>alert("1")</script> & \x1b[31m\udcff\u202e', 0)])
    assert svg.find(f".//{NS}script") is None
    (title,) = svg.iter(f"{NS}title")
    assert title.text == '<script>alert("1")</script> & \\x1b[31m\\udcff\\u202e'


def test_long_names_are_cut_and_told_whole() -> None:
    svg = drawn(keys=[Key("m" * 200, 0)])
    (title,) = svg.iter(f"{NS}title")
    (text,) = [one.text or "" for one in svg.iter(f"{NS}text") if one.get("class") == "key"]
    assert title.text == "m" * 200
    assert text == "m" * (plots.KEY_LETTERS - 1) + "…"
