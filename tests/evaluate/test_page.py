"""Pages of identification, clusters, detection and groups: well-formed, on their own, true to the values given."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from visavis.evaluate.clusters import measure_clustering
from visavis.evaluate.data.annotations import Annotated
from visavis.evaluate.data.cluster_files import Clusters
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.detection import measure_detection, mistakes
from visavis.evaluate.detector_answers import Answers
from visavis.evaluate.groups import Group, Grouping, GroupRate, GroupsResult, Ratio
from visavis.evaluate.identification import measure_identification, split
from visavis.evaluate.report import clusters_page, detection_page, groups_page, identification_page
from visavis.evaluate.report.page import Bar, Page, decades, percent
from visavis.types import Face

SVG = "{http://www.w3.org/2000/svg}"


def tree(page: Page) -> ElementTree.Element:
    """The page as XML, which knows no forgiveness; nothing in it is fetched or run."""
    text = page.text()
    assert "<script" not in text
    assert not [word for word in ("http://", "https://", "src=", "href=") if word in text.replace(SVG[1:-1], "")]
    return ElementTree.fromstring(text)


def rows(root: ElementTree.Element, table: int) -> list[list[str]]:
    found = list(root.iter("table"))[table]
    return [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in found.findall("tbody/tr")]


# Identification


def templates(embeddings: list[list[float]]) -> Templates:
    n = len(embeddings)
    ones = np.ones(n, np.float32)
    unit = np.array(embeddings, np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    boxes = np.tile(np.array([10, 10, 40, 40], np.float32), (n, 1))
    return Templates(
        "net", "finder", tuple(f"{i}.jpg" for i in range(n)), ("ok",) * n, unit, boxes, ones, ones.astype(int)
    )


def test_the_page_of_an_identification() -> None:
    """Two people of two photos are enrolled by their first; Bob's second photo looks like Ann's."""
    names = ["ann", "ann", "bob", "bob", "cat"]
    taken = templates([[1, 0, 0], [1, 0.1, 0], [0, 1, 0], [1, 0.2, 0], [0, 0, 1]])
    result = measure_identification(taken, names, split(names, known=1.0), ranks=(1, 2))
    root = tree(identification_page.page(result, data="five", detector="finder"))
    assert rows(root, 0) == [
        ["People enrolled", "2", ""],
        ["Their templates", "2", ""],
        ["Known probes, of 2 people", "2", ""],
        ["Unknown probes, of 1 people", "1", ""],
    ]
    assert [(row[0], row[1].split(" (")[0], row[2]) for row in rows(root, 1)] == [
        ("1", "50.00 %", "1 of 2"),
        ("2", "100.00 %", "2 of 2"),
    ]
    assert len(list(root.iter(f"{SVG}svg"))) == 2
    assert next(row[:3] for row in rows(root, 2)) == ["0.1", "–", "too few unknown probes"]


def test_without_strangers_the_page_says_so() -> None:
    names = ["ann", "ann", "bob", "bob"]
    result = measure_identification(templates([[1, 0], [1, 0.1], [0, 1], [0.1, 1]]), names, split(names, known=1.0))
    text = identification_page.page(result, data="four", detector="finder").text()
    assert "There are no unknown probes" in text


# Clusters


def test_the_page_of_clusters_lists_mixed_clusters_and_split_people() -> None:
    people = ("ann", "ann", "ann", "bob", "bob", "<b>")
    found = Clusters(
        tuple(f"album/{name}/{i}.jpg" for i, name in enumerate(people)),
        people,
        np.array([0, 0, 1, 1, 1, 2]),
        1,
        2,
        3,
        4,
    )
    result = measure_clustering(found.people, found.clusters)
    root = tree(clusters_page.page(result, found, data="<c>.jsonl"))
    assert {row[0]: row[1] for row in rows(root, 0)}["Bystanders, left out"] == "2"
    assert [row[0] for row in rows(root, 1)] == ["Pairwise", "B-cubed"]
    assert rows(root, 1)[0][1:3] == ["0.5000", "0.5000"]  # 2 of 4 pairs in one cluster, 2 of 4 of one person
    assert rows(root, 2) == [["bob", "3", "bob 2, ann 1", "ann/2.jpg (ann)"]]
    assert rows(root, 3) == [["ann", "3", "2", "ann/2.jpg"]]
    assert "Clusters of <c>.jsonl" in "".join(root.itertext())


# Detection


def face(box: tuple[float, ...], score: float) -> Face:
    return Face(np.array(box, np.float32), score, np.zeros((5, 2), np.float32))


TRUTH = (
    Annotated("p/a.jpg", np.array([[0, 0, 60, 60], [100, 0, 160, 60]], np.float32), np.array([False, False])),
    Annotated("p/b.jpg", np.array([[0, 0, 30, 30], [50, 0, 80, 30]], np.float32), np.array([False, True])),
    Annotated("p/c.jpg", np.empty((0, 4), np.float32), np.empty(0, np.bool_)),
)
FOUND = (
    (face((0, 0, 60, 60), 0.9),),
    (face((0, 0, 30, 30), 0.8), face((50, 0, 80, 30), 0.7)),
    (face((1, 1, 9, 9), 0.6),),
)


def test_mistakes_by_photo_add_up_to_the_result() -> None:
    counted = list(mistakes(FOUND, TRUTH))
    assert [(one.photo, one.faces, one.missed, one.false) for one in counted] == [
        ("p/a.jpg", 2, 1, 0),
        ("p/b.jpg", 1, 0, 0),  # the ignored face is neither
        ("p/c.jpg", 0, 0, 1),
    ]
    result = measure_detection(FOUND, TRUTH)
    assert sum(one.false for one in counted) == result.wrong == 1
    assert sum(one.missed for one in counted) == result.faces - result.recall.part == 1


def test_the_page_of_a_detection() -> None:
    seen = Answers(TRUTH, FOUND, None, {"gone.jpg": "is missing"})
    root = tree(detection_page.page(measure_detection(FOUND, TRUTH), seen, data="three.csv", detector="finder"))
    summary = {row[0]: row[1:] for row in rows(root, 0)}
    assert summary["Photos"] == ["3", "1 more cannot be read"]
    assert summary["Precision"][1] == "2 of 3"
    assert summary["Recall"][1] == "2 of 3"
    assert rows(root, 2) == [["a.jpg", "2", "1", "0"], ["c.jpg", "0", "0", "1"]]
    assert "finder offers no low scores" in "".join(root.itertext())


# Groups


def group(name: str, errors: int, rate: float | None) -> Group:
    interval = None if rate is None else (rate / 2, rate * 2)
    one = GroupRate(errors, 1000, rate, interval, "" if rate is not None else "too few people")
    return Group(name, 20, 50, one, one, GroupRate(3, 50))


def test_the_page_of_groups() -> None:
    ratio = Ratio(4.0, (2.0, 8.0), "men", "women", ("others",))
    groups = (group("men", 40, 0.04), group("women", 10, 0.01), group("others", 1, None))
    grouping = Grouping("sex", groups, ratio, Ratio(None, reason="0 groups have a rate"), 7)
    result = GroupsResult("net", "finder", 0.1, 1e-2, group("all", 51, 0.02), (grouping,), ("zoe",), ())
    root = tree(groups_page.page(result, data="people"))
    assert [row[:2] for row in rows(root, 1)] == [
        ["men", "0.04 (0.02 to 0.08)"],
        ["women", "0.01 (0.005 to 0.02)"],
        ["others", "–"],
        ["all", "0.02 (0.01 to 0.04)"],
        ["worst to best", "4.00 times (2.00 to 8.00)"],
    ]
    assert rows(root, 1)[2][2:] == ["too few people", "1 of 1,000"]
    assert rows(root, 1)[4][2] == "men to women; without a rate: others"
    assert rows(root, 2)[4][1:3] == ["–", "0 groups have a rate"]
    assert rows(root, 4) == [["Not in the table of groups", "1", "zoe"]]
    assert len(list(root.iter(f"{SVG}svg"))) == 6


# Pieces


def test_a_bar_is_drawn_by_decades() -> None:
    root = ElementTree.fromstring(Bar(0.01, (0.001, 0.1), 1e-3, 1e-1).svg)
    (circle,) = root.iter(f"{SVG}circle")
    assert circle.get("cx") == "120.0"  # half-way between the ends of the axis
    assert len([one for one in root if one.get("class") == "grid"]) == 3


def test_the_axis_of_bars_holds_all_rates() -> None:
    assert decades([0.02, 0.5]) == (0.01, 1.0)
    assert decades([0.02, 0.03]) == (0.01, 0.1)
    assert decades([0.0]) == (0.01, 0.1)
    assert decades([1.0]) == (0.1, 1.0)


def test_a_rate_in_percent() -> None:
    assert (percent(None), percent(0.5), percent(0.5, (0.25, 0.75))) == ("–", "50.00 %", "50.00 % (25.00 to 75.00)")


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    page = Page("a <title>", "Why?", [])
    page.write(tmp_path / "p.html")
    assert (tmp_path / "p.html").read_text(encoding="utf-8") == page.text()
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]
