"""The page: whole, on its own, true to the clusters, safe from names of files. test_page.py uses it in a browser."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.clustering import cluster_faces, report
from visavis.clustering.naming import Naming, find_named
from visavis.clustering.pictures import photo_side
from visavis.clustering.types import Clustering

from .made_up import at_angles, faces

RED, BLUE = (200, 20, 20), (20, 20, 200)
EVIL = "a\"><img src=x onerror=alert(1)>&'.png"


class Page(HTMLParser):
    """Elements of the page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and "type" not in self.elements[-1][1] and not self.script:
            self.script = data

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.elements if name in (attributes.get("class") or "").split()]


@pytest.fixture
def found(tmp_path: Path) -> Clustering:
    """A cluster of three and a face alone; one photo is gone."""
    names = [str(tmp_path / name) for name in (EVIL, "b.png", "gone.png", "d.png")]
    for name, color in zip(names, (RED, RED, RED, BLUE), strict=True):
        if not name.endswith("gone.png"):
            Image.new("RGB", (40, 40), color).save(name)
    return cluster_faces(faces(at_angles(0, 1, 2, 90), photos=names), threshold=0.1)


def shown(found: Clustering) -> tuple[str, Page]:
    text = report.page(found, title="Faces of <b>my album</b>")
    return text, Page(text)


def test_clusters_and_their_faces(found: Clustering, tmp_path: Path) -> None:
    _, page = shown(found)
    assert [one["data-id"] for one in page.of_class("cluster")] == ["1", "2"]
    buttons = page.of_class("face")
    assert len(buttons) == 4
    (chosen,) = page.of_class("chosen")
    assert buttons[0]["data-photo"] == found.faces.photos[found.clusters[0].representative]
    assert page.elements.index(("li", chosen)) < page.elements.index(("button", buttons[0]))
    assert [one["title"].partition(" (")[0] for one in buttons] == [one["data-photo"] for one in buttons]
    assert {one["data-photo"] for one in buttons} == set(found.faces.photos)
    boxes = {one["data-photo"]: json.loads(one["data-box"] or "") for one in buttons}
    assert boxes[str(tmp_path / "b.png")] == [10, 0, 18, 8]


def test_pictures_are_small_and_within(found: Clustering, tmp_path: Path) -> None:
    text, page = shown(found)
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    crops = [one for one in pictures if "loading" in one]
    photos = [one for one in pictures if "loading" not in one]
    assert (len(crops), len(photos)) == (3, 3)
    for image, size in ((crops[-1], (192, 192)), (photos[-1], (40, 40))):
        address = image["src"] or ""
        with Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/jpeg;base64,")))) as picture:
            assert (picture.format, picture.size) == ("JPEG", size)
            assert np.abs(np.subtract(picture.getpixel((size[0] // 2, size[1] // 2)), BLUE)).max() < 30
    sizes = {(one["data-width"], one["data-height"]) for tag, one in page.elements if tag == "template"}
    assert sizes == {("40", "40"), ("0", "0")}
    assert "no picture available" in text


def test_nothing_is_fetched_and_no_other_script_runs(found: Clustering) -> None:
    text, page = shown(found)
    markup = text.replace(page.script, "")
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", markup)
    assert [one for tag, one in page.elements if tag == "script"] == [{"type": "application/json", "id": "people"}, {}]
    policy = next(one["content"] for _, one in page.elements if one.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_names_are_escaped(found: Clustering, tmp_path: Path) -> None:
    text, page = shown(found)
    assert "<img src=x" not in text
    assert "<b>my album" not in text
    evil = [one for one in page.of_class("face") if one["data-photo"] == str(tmp_path / EVIL)]
    assert len(evil) == 1


def test_a_name_that_is_no_text(found: Clustering, tmp_path: Path) -> None:
    names = faces(at_angles(0), photos=["\udcff.png"])
    report.write(tmp_path / "page.html", cluster_faces(names, threshold=0.1), title="t")
    assert "�.png" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_key_is_that_of_what_is_shown(found: Clustering) -> None:
    """So names are found again on a page of the same faces, and only there."""
    first, again = (re.search(r'data-key="(\w{16})"', shown(found)[0]) for _ in range(2))
    assert first is not None
    assert again is not None
    assert first[1] == again[1]
    fewer = cluster_faces(faces(at_angles(0)), threshold=0.1)
    assert f'data-key="{first[1]}"' not in shown(fewer)[0]


def test_ties_are_told_of() -> None:
    given = faces(at_angles(0, 1, 20, 21, 11), clusters=[4, 4, 7, 7, -1])
    text, _ = shown(cluster_faces(given, threshold=0.04))
    assert "<strong>Clusters 4 and 7</strong> may be one person" in text


def test_every_control_has_a_name(found: Clustering) -> None:
    """For those who cannot see the page."""
    _, page = shown(found)
    fields = [one for tag, one in page.elements if tag in {"input", "select"} and one.get("type") != "radio"]
    assert len(fields) == 2 + 1 + 3 + 1
    assert [one for one in fields if not one.get("aria-label")] == []
    faces = [*page.of_class("face"), *page.of_class("wrong")]
    assert len({one["aria-label"] for one in faces}) == len(faces) == 8


def test_known_names_are_shown(found: Clustering) -> None:
    """Most of the named faces of a cluster say whose it is; another name stays with its face; nobody is not named."""
    rows = found.clusters[0].rows.tolist()
    names: list[str | None] = [None] * 4
    names[rows[0]], names[rows[1]] = "Ann & Co", "Ann & Co"
    names[rows[2]] = "Bea"
    (single,) = found.clusters[1].rows.tolist()
    naming = Naming(tuple(names), frozenset([single]), ("Carl",))
    page = Page(report.page(found, title="t", naming=naming))
    assert [one["data-known"] for one in page.of_class("cluster")] == ["Ann & Co", ""]
    assert [one["value"] for one in page.of_class("name")] == ["Ann & Co", ""]
    assert sorted(one["data-known"] or "" for one in page.of_class("face")) == ["", "Ann & Co", "Ann & Co", "Bea"]
    assert ["data-nobody" in one for one in page.of_class("cluster")] == [False, True]
    assert '["Ann \\u0026 Co", "Bea", "Carl"]' in report.page(found, title="t", naming=naming)


def test_an_earlier_naming_is_found_by_photo_and_box() -> None:
    """The box of 10 0 18 8 is shifted by one: still that face; one far away is none, nor one of another photo."""
    given = faces(at_angles(0, 30, 60), photos=["a.jpg", "a.jpg", "b.jpg"])
    named = [
        ("Ann", "./a.jpg", (11.0, 0, 19, 8)),
        (None, "a.jpg", (20.0, 0, 28, 8)),
        ("Bea", "b.jpg", (100.0, 100, 108, 108)),
        ("Carl", "c.jpg", (10.0, 0, 18, 8)),
    ]
    naming = find_named(given, named, {"./a.jpg": "a.jpg"})
    assert naming == Naming(("Ann", None, None), frozenset([1]), ("Ann", "Bea", "Carl"))


def test_clusters_of_poor_faces_come_last_and_say_so(tmp_path: Path) -> None:
    given = faces(at_angles(0, 1, 2, 90, 91), quality=[0.1, 0.1, 0.1, 0.9, 0.9])
    text = report.page(cluster_faces(given, threshold=0.1), title="t")
    first, last = re.findall(r'<section class="cluster" data-id="(\d+)".*?</section>', text, re.DOTALL)
    assert (first, last) == ("2", "1")
    assert text.count('class="poor"') == 1
    assert text.index('class="poor"') > text.index('data-id="1"')


def test_many_photos_are_smaller() -> None:
    assert [photo_side(count) for count in (0, 1, 363, 4 * 364, 10**6)] == [1024, 1024, 1024, 512, 240]
