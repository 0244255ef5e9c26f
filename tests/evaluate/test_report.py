"""The page: well-formed, whole, on its own, and true to the values it was given."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from visavis.errors import UsageError
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.report import _figures, _rendering, verification_page
from visavis.evaluate.report.svg import COLORS
from visavis.evaluate.results import Accuracy, Histogram, Mistake, PhotoSpeed, Rate, VerificationResult
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.rejection import RejectionCurve

SVG = "{http://www.w3.org/2000/svg}"

ROC = Roc(
    np.array([0.1, 0.2, 0.3, 0.4]), np.array([2, 3, 4, 4]), np.array([0, 10, 100, 1000]), genuine=4, impostors=1000
)
"""FAR 0, 0.01, 0.1, 1 and TAR 0.5, 0.75, 1, 1."""

RATES = (
    Rate(0.1, 0.3, 1.0, 100, (0.9, 1.0), (0.28, 0.32), (0.08, 0.125)),
    Rate(0.01, 0.2, 0.75, 10, (0.6, 0.85), (0.19, 0.21), (0.005, 0.02)),
)
HISTOGRAM = Histogram(
    np.array([0, 0.1, 0.2, 0.3, 0.4, 2], np.float32),
    np.array([0.5, 0.25, 0.25, 0, 0], np.float32),
    np.array([0, 0.01, 0.09, 0.9, 0], np.float32),
)
BARE = VerificationResult("made up", "net", "finder", 8, 3, 1, 2, 5, ROC, (), HISTOGRAM)
CURVE = RejectionCurve(0.2, 4, (0.0, 0.05, 0.25), (4, 4, 3), (0.25, 0.25, 0.0), 0.05, 0.0123, (-0.01, 0.03))
FULL = replace(
    BARE,
    rates=RATES,
    accuracy=Accuracy(0.9876, 0.0012, 0.2345, 1000),
    rejection=CURVE,
    speed=PhotoSpeed(20.04, 9.06, 500, 2),
    mistakes_at=0.01,
    worst_accepts=(Mistake(0, 1, 0.0123, False), Mistake(0, 2, 0.0456, False)),
    worst_rejects=(Mistake(2, 3, 0.8765, True),),
)


def templates(*photos: str) -> Templates:
    n = len(photos)
    ones = np.ones(n, np.float32)
    boxes = np.tile(np.array([10, 10, 40, 40], np.float32), (n, 1))
    return Templates(
        "net", "finder", photos, ("ok",) * n, np.eye(n, 8, dtype=np.float32), boxes, ones, ones.astype(int)
    )


GONE = templates("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg")


def tree(*results: VerificationResult, title: str = "a title", own: Templates = GONE) -> ElementTree.Element:
    """The page as XML, which knows no forgiveness."""
    return ElementTree.fromstring(verification_page.page(results, [own] * len(results), title=title))


def named(root: ElementTree.Element, tag: str, *, cls: str | None = None) -> list[ElementTree.Element]:
    return [one for one in root.iter(tag) if cls is None or one.get("class") == cls]


def text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def summary(root: ElementTree.Element) -> list[list[str]]:
    (table,) = [one for one in root.iter("table") if one.get("id") == "summary"]
    return [[text(cell) for cell in row] for row in table.findall("tbody/tr")]


def figure(root: ElementTree.Element, label: str) -> ElementTree.Element:
    (one,) = [svg for svg in root.iter(f"{SVG}svg") if svg.get("aria-label", "").startswith(label)]
    return one


def paths(svg: ElementTree.Element) -> list[str]:
    return [one.get("d", "") for one in svg.findall(f"{SVG}path") if one.get("class") != "grid"]


# ---------------------------------------------------------------------------------------------------- tables


def test_the_summary_of_a_full_result() -> None:
    assert summary(tree(FULL)) == [
        [
            "net finder made up", "8 3", "1", "4 1,000", "98.76 % ± 0.12 % at 0.2345", "0.98500", "7.35 %",
            "100.00 % 90.0 to 100.0", "75.00 % 60.0 to 85.0", "–", "–", "–", "–", "29.1 20.0 + 9.1",
        ]
    ]  # fmt: skip


def test_area_and_equal_error_by_hand() -> None:
    """Strips of FAR 0.01, 0.09 and 0.9 wide; between FAR 0.01 and 0.1 the FRR falls from 0.25 to 0."""
    area = 0.01 * (0.5 + 0.75) / 2 + 0.09 * (0.75 + 1) / 2 + 0.9
    equal = 0.01 + 0.09 * (0.25 - 0.01) / (0.09 + 0.25)
    assert summary(tree(FULL))[0][5:7] == [f"{area:.5f}", f"{100 * equal:.2f} %"] == ["0.98500", "7.35 %"]


def test_what_the_data_does_not_tell_is_a_dash_that_says_why() -> None:
    root = tree(BARE)
    (row,) = summary(root)
    assert row[4] == row[-1] == "–"
    assert row[7:13] == ["–"] * 6
    reasons = [one.get("title", "") for one in named(root, "abbr")]
    assert reasons[1] == "FAR 1e-1 not measured"
    assert reasons[2] == "FAR 1e-2 needs 3,000 pairs of two people for 30 false accepts, and there are 1,000"
    assert reasons[6] == "FAR 1e-6 needs 30,000,000 pairs of two people for 30 false accepts, and there are 1,000"
    assert len(reasons) == 8


def test_the_table_of_thresholds() -> None:
    (table,) = named(tree(FULL), "table", cls="thresholds")
    assert [[text(cell) for cell in row] for row in table.findall("tbody/tr")] == [
        ["1e-1 8e-2 to 1.25e-1", "0.3000 0.2800 to 0.3200", "100.00 % 90.00 to 100.00", "100"],
        ["1e-2 5e-3 to 2e-2", "0.2000 0.1900 to 0.2100", "75.00 % 60.00 to 85.00", "10"],
    ]
    bare = tuple(replace(rate, tar_interval=None, threshold_interval=None, far_interval=None) for rate in RATES)
    (table,) = named(tree(replace(FULL, rates=bare)), "table", cls="thresholds")
    assert [text(cell) for cell in table.findall("tbody/tr")[1]] == ["1e-2", "0.2000", "75.00 %", "10"]


def test_people_may_be_unknown() -> None:
    root = tree(replace(FULL, people=0))
    assert summary(root)[0][1] == "8 –"
    assert named(root, "abbr")[0].get("title") == "the list of pairs does not name people"


def test_how_failures_are_counted_is_said() -> None:
    said = text(tree(BARE))
    assert "failed to enroll: 1 of 8; pairs of one person that count as rejected because of them: 2; " in said
    assert "pairs of two people left out of the FAR: 5." in said


def test_several_models_are_told_apart() -> None:
    same = replace(FULL, data="other data")
    other = replace(FULL, detector="seeker")
    five = [FULL, same, other, replace(FULL, model="deeper"), FULL]
    root = tree(*five)
    names = [f"{one.model}, {one.detector}, {one.data} ({n})" for n, one in enumerate(five, 1)]
    assert [text(one) for one in named(root, "h2")[2:]] == names
    assert [row[0] for row in summary(root)] == [
        f"{name} {one.detector} {one.data}" for name, one in zip(names, five, strict=True)
    ]
    links = [one.get("href", "") for one in named(root, "a")]
    assert (
        links == [f"#{section.get('id')}" for section in named(root, "section")] == [f"#model-{n}" for n in range(1, 6)]
    )


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"model": "deeper"}, ["net", "deeper"]),
        ({"detector": "seeker"}, ["net, finder", "net, seeker"]),
        ({"data": "more"}, ["net, finder, made up", "net, finder, more"]),
        ({}, ["net, finder, made up (1)", "net, finder, made up (2)"]),
    ],
)
def test_names_are_as_short_as_they_can_be(change: dict[str, str], names: list[str]) -> None:
    root = tree(BARE, replace(BARE, **change))  # type: ignore[arg-type]
    assert [text(one) for one in named(root, "h2")[2:]] == names
    keys = [one.text for one in figure(root, "ROC").iter(f"{SVG}text") if one.get("class") == "key"]
    assert keys == names


# --------------------------------------------------------------------------------------------------- figures


def test_the_roc_by_hand() -> None:
    """388 / 3 pixels a decade from FAR 1e-3; 6.9 a percent of TAR from 60 %, where the lowest whisker ends."""
    svg = figure(tree(FULL), "ROC: TAR against FAR of net")
    assert paths(svg) == ["M187.3 186.5H316.7V14H446V14"]
    (low, middle) = [*svg.iter(f"{SVG}circle")][::-1]
    assert [low.get("cx"), low.get("cy")] == ["187.3", "186.5"]
    assert text(low) == "net: FAR 1e-2, TAR 75.00% (60.00% to 85.00%)"
    assert [middle.get("cx"), middle.get("cy")] == ["316.7", "14"]
    assert [one.get("d") for one in svg.findall(f"{SVG}g/{SVG}path")][:2] == [
        "M313.7 83h6m-3 0V14m-3 0h6",  # TAR 90 to 100 % at FAR 0.1
        "M184.3 290h6m-3 0V117.5m-3 0h6",
    ]


def test_the_det_by_hand() -> None:
    """From FAR 0.1 % (deviate -3.0902) to 50 % (0), FRR 20 % (-0.8416) to 40 % (-0.2533).

    FAR 1 % is -2.3263, 10 % -1.2816; FRR 25 % is -0.6745: 58 + 388 * (3.0902 - 2.3263) / 3.0902 = 153.9, and so on.
    """
    svg = figure(tree(FULL), "DET: FRR against FAR of net")
    assert paths(svg) == ["M153.9 211.6H285.1V290"]
    assert [one.get("d") for one in svg.findall(f"{SVG}g/{SVG}path")][1] == "M150.9 290h6m-3 0V14m-3 0h6"
    dot = [*svg.iter(f"{SVG}circle")][1]
    assert [dot.get("cx"), dot.get("cy")] == ["153.9", "211.6"]


def test_whiskers_of_several_models_stand_side_by_side() -> None:
    svg = figure(tree(FULL, FULL), "ROC")
    at = [one.get("cx") for one in svg.iter(f"{SVG}circle") if "FAR 1e-2" in text(one)]
    assert at == ["185.8", "188.8"]
    assert [one.get("class") for one in svg.findall(f"{SVG}path") if one.get("class") != "grid"] == ["s0", "s1"]


def test_the_histogram_by_hand() -> None:
    """Only where pairs are: 0 to 0.4, 97 pixels a bar; the highest, 90 %, is 276 / 1.05 pixels high."""
    svg = figure(tree(FULL), "Distances of pairs, net")
    drawn = [group for group in svg.findall(f"{SVG}g") if group.find(f"{SVG}rect") is not None]
    genuine, impostors = [group.findall(f"{SVG}path")[1].get("d") for group in drawn]
    assert genuine == "M58 290V144H155V217H252V217H349V290H446V290"
    assert impostors == "M58 290V290H155V287.1H252V263.7H349V27.1H446V290"
    (rule,) = [group for group in svg.findall(f"{SVG}g") if group.get("class") == "rule"]
    assert [one.text for one in rule] == ["threshold 0.2000: FAR 1e-2, TAR 75.00%", None, "FAR 1e-2"]
    assert rule.find(f"{SVG}path").get("d") == "M252 14V290"  # type: ignore[union-attr]


def test_error_against_rejection_by_hand() -> None:
    root = tree(FULL, replace(BARE, model="bare"))
    svg = figure(root, "FNMR against the share rejected")
    (line,) = svg.iter(f"{SVG}polyline")
    assert line.get("points") == "58,27.1 135.6,27.1 446,290"
    assert [one.text for one in svg.iter(f"{SVG}text") if one.get("class") == "key"] == ["net, threshold 0.2000"]
    (shown,) = [one for one in named(root, "figure") if one.get("id") == "rejection"]
    assert "net: rejecting the worst 5 % lowers the FNMR by 1.23 percentage points (95 %: -1.00 to 3.00)" in text(shown)


def test_no_curve_of_rejection_no_figure() -> None:
    root = tree(BARE, BARE)
    assert not [one for one in named(root, "figure") if one.get("id") == "rejection"]
    assert len([*root.iter(f"{SVG}svg")]) == 4
    assert not [*root.iter("img")]
    assert "worst errors" not in text(root)
    assert "too few pairs of two people for a table of thresholds" in text(root)


def test_the_smallest_and_the_best_there_can_be() -> None:
    """One pair of each kind; all right, all wrong; nobody missed, nobody found."""
    for genuine, impostors, failed in (
        ([0.1], [0.9], 0),
        ([0.9], [0.1], 0),
        ([0.5], [0.5], 0),
        ([0.2], [0.5, 0.6], 99),
    ):
        roc = Roc.of(genuine, impostors, failed=failed)
        root = tree(replace(BARE, roc=roc, rejection=replace(CURVE, fnmr=(0.0, 0.0, 0.0), shares=(0.0, 0.0, 0.0))))
        for svg in root.iter(f"{SVG}svg"):
            assert "nan" not in ElementTree.tostring(svg, "unicode")


def test_millions_of_thresholds_stay_small() -> None:
    rng = np.random.default_rng(0)
    roc = Roc.of(rng.normal(0.5, 0.1, 5_000), rng.normal(0.9, 0.1, 1_000_000))
    result = replace(BARE, roc=roc)
    assert len(_figures.roc([result] * 5, list("abcde"))) < 80_000
    assert len(_figures.det([result] * 5, list("abcde"))) < 80_000


def test_short_rates() -> None:
    assert [_figures.short(far) for far in (0.1, 1e-3, 3e-5, 0.00125, 1, 0)] == [
        "1e-1", "1e-3", "3e-5", "1.25e-3", "1", "0",
    ]  # fmt: skip


# -------------------------------------------------------------------------------------------------- mistakes


def with_photos(folder: Path, count: int = 4) -> Templates:
    rng = np.random.default_rng(0)
    photos = [folder / f"person {n // 2}" / f"{n}.png" for n in range(count)]
    for photo in photos:
        photo.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (60, 60, 3), np.uint8)).save(photo)
    return templates(*map(str, photos))


def test_mistakes_are_shown_in_pairs(tmp_path: Path) -> None:
    own = with_photos(tmp_path)
    root = tree(FULL, own=own)
    nearest, second, farthest = [one for one in named(root, "figure") if one.find("div") is not None]
    assert text(nearest) == "distance 0.0123 person 0/0.png person 0/1.png".replace("/", os.sep)
    assert text(second) == "distance 0.0456 person 0/0.png person 1/2.png".replace("/", os.sep)
    assert text(farthest) == "distance 0.8765 person 1/2.png person 1/3.png".replace("/", os.sep)
    faces = [*root.iter("img")]
    assert [one.get("title", "")[-5:] for one in faces] == ["0.png", "1.png", "0.png", "2.png", "2.png", "3.png"]
    assert all(one.get("src", "").startswith("data:image/jpeg;base64,") for one in faces)
    assert faces[0].get("src") == faces[2].get("src") != faces[1].get("src")
    assert "The worst errors at FAR 1e-2 (threshold 0.2000)" in [text(one) for one in named(root, "h3")]


def test_the_threshold_of_mistakes_is_that_of_the_table_or_else_of_the_curve() -> None:
    def said(result: VerificationResult) -> str:
        (line,) = [text(one) for one in named(tree(result), "h3") if "worst" in text(one)]
        return line

    assert said(replace(FULL, rates=(replace(RATES[1], threshold=0.2222),))).endswith("at FAR 1e-2 (threshold 0.2222)")
    assert said(replace(FULL, rates=(), mistakes_at=0.15)).endswith("at FAR 1.5e-1 (threshold 0.3000)")
    assert said(replace(FULL, mistakes_at=None)).endswith("The worst errors")


def test_a_photo_that_is_gone_is_gray_and_named(tmp_path: Path) -> None:
    own = with_photos(tmp_path)
    Path(own.photos[1]).unlink()
    Path(own.photos[2]).write_text("no picture")
    root = tree(FULL, own=own)
    assert len([*root.iter("img")]) == 3
    assert [one.get("aria-label") for one in named(root, "span", cls="gone")] == [
        f"{Path('person 0', '1.png')}: cannot be read",
        f"{Path('person 1', '2.png')}: cannot be read",
        f"{Path('person 1', '2.png')}: cannot be read",
    ]


@pytest.mark.parametrize(
    ("photos", "shown"),
    [
        (["/photos/of/faces/a/1.jpg", "/photos/of/faces/b/1.jpg"], ["a/1.jpg", "b/1.jpg"]),
        (["/photos/of/1.jpg", "/photos/of/2.jpg"], ["1.jpg", "2.jpg"]),
        (["a/1.jpg", "b/1.jpg"], ["a/1.jpg", "b/1.jpg"]),
        (["1.jpg", "b/1.jpg"], ["1.jpg", "b/1.jpg"]),
        (["/a/1.jpg", "a/2.jpg"], ["/a/1.jpg", "a/2.jpg"]),
        (["only/1.jpg"], ["1.jpg"]),
        ([], []),
    ],
)
def test_folders_that_all_share_are_not_told(photos: list[str], shown: list[str]) -> None:
    assert [Path(one) for one in _rendering.without_common_folder(photos)] == [Path(one) for one in shown]


# ------------------------------------------------------------------------------------------------------ page

NASTY = "<script>alert(1)</script> & \"quoted\" 'x' {{ title }} \x1b[31m \udcff \u202e"
LEGIBLE = "<script>alert(1)</script> & \"quoted\" 'x' {{ title }} \\x1b[31m \\udcff \\u202e"


def test_whatever_comes_from_outside_stays_text() -> None:
    own = templates(*(f"folder/{NASTY}{n}.jpg" for n in range(4)))
    result = replace(FULL, model=NASTY, detector=NASTY, data=NASTY)
    page = verification_page.page([result], [own], title=NASTY)
    page.encode("utf-8")
    root = ElementTree.fromstring(page)
    assert not [one for one in root.iter() if one.tag.rpartition("}")[2] == "script"]
    assert text(root.find("head/title")) == text(named(root, "h1")[0]) == LEGIBLE  # type: ignore[arg-type]
    assert summary(root)[0][0] == f"{LEGIBLE} {LEGIBLE} {LEGIBLE}"
    assert text(named(root, "bdi")[0]) == (f"{LEGIBLE}0.jpg".rpartition("/")[2])
    assert figure(root, "ROC").get("aria-label") == f"ROC: TAR against FAR of {LEGIBLE}"


class Reader(HTMLParser):
    """Notes what a browser would fetch or run, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"src", "href", "data", "action", "poster", "srcset", "xlink:href"}:
                self.fetched.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    page = verification_page.page([FULL, FULL], [with_photos(tmp_path)] * 2, title="t")
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert all(one.startswith(("data:image/jpeg;base64,", "#")) for one in reader.fetched)
    assert len(reader.fetched) == 2 * 6 + 2
    assert reader.handlers == []
    assert reader.tags.isdisjoint({"script", "link", "iframe", "object", "embed", "base", "form"})
    assert len(reader.ids) == len({*reader.ids})
    assert {*re.findall(r"\S*https?:\S*", page)} == {'xmlns="http://www.w3.org/2000/svg"'}
    assert not re.search(r"@import|url\(", page)
    assert page.startswith("<!DOCTYPE html>\n")


def test_every_color_and_class_of_a_figure_is_in_the_style_sheet() -> None:
    page = verification_page.page([FULL] * 7, [GONE] * 7, title="t")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    used = {
        name
        for svg in ElementTree.fromstring(page).iter(f"{SVG}svg")
        for one in svg.iter()
        for name in [one.get("class")]
        if name
    }
    assert used == {"plot", "grid", "tick", "label", "key", "rule", *(f"s{n}" for n in range(COLORS))}
    assert [name for name in used if not re.search(rf"\.{name}\b", style)] == []
    defined, wanted = {*re.findall(r"(--\w+):", style)}, {*re.findall(r"var\((--\w+)\)", style)}
    assert wanted == defined
    light, dark = (re.findall(r"(--\w+):", part) for part in style.split("@media screen")[:2])
    assert light == dark, "each color has its other for the dark"


def test_the_size_of_a_page_with_24_pairs(tmp_path: Path) -> None:
    """Of noise, which JPEG cannot make small."""
    own = with_photos(tmp_path, 48)
    mistakes = tuple(Mistake(n, n + 1, 0.1, False) for n in range(0, 48, 2))
    page = verification_page.page(
        [replace(FULL, worst_accepts=mistakes[:12], worst_rejects=mistakes[12:])], [own], title="t"
    )
    assert page.count("data:image/jpeg") == 48
    assert len(page.encode()) < 1_500_000


def test_the_foot_says_what_words_mean_and_what_made_it() -> None:
    begun = date.today()
    (foot,) = named(tree(FULL), "footer")
    words = " ".join(text(one) for one in foot.iter("dt"))
    assert [
        word
        for word in ("FAR", "TAR", "FRR", "FNMR", "EER", "AUC", "Accuracy", "Failure to enroll")
        if word not in words
    ] == []
    assert all(text(one).endswith(".") for one in foot.iter("dd"))
    assert text(foot).endswith(tuple(f"Made by visavis 0.1.0 on {day}." for day in (begun, date.today())))


# ------------------------------------------------------------------------------------------------------ file


def test_the_file_is_the_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("an older one")
    verification_page.write(path, [FULL], [GONE], title="Ünïcode 山田")
    assert path.read_text(encoding="utf-8") == verification_page.page([FULL], [GONE], title="Ünïcode 山田")
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("an older one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        verification_page.write(path, [FULL], [GONE], title="t")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("report.html", "an older one")]


@pytest.mark.parametrize(("results", "sets"), [(0, 0), (1, 0), (1, 2), (0, 1)])
def test_each_result_needs_its_templates(tmp_path: Path, results: int, sets: int) -> None:
    with pytest.raises(UsageError, match=f"templates for each result, got {results} and {sets}\\."):
        verification_page.write(tmp_path / "report.html", [FULL] * results, [GONE] * sets, title="t")
    assert [*tmp_path.iterdir()] == []


def test_the_template_package_is_imported_late() -> None:
    """Whoever does not write a report does not pay for it."""
    program = "import sys, visavis.evaluate.report.verification_page; print({'jinja2', 'PIL', 'cv2'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
