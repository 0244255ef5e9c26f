"""The page: whole, on its own, true to the clusters, safe from names of files; and its script, where a browser is."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.clustering import cluster_faces, report
from visavis.types import Clustering

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
        if self.lasttag == "script" and not self.script:
            self.script = data

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.elements if name in (attributes.get("class") or "").split()]


@pytest.fixture
def found(tmp_path: Path) -> Clustering:
    """A cluster of three and a face alone; one photo is gone."""
    names = [str(tmp_path / name) for name in (EVIL, "b.png", "gone.png", "d.png")]
    for name, colour in zip(names, (RED, RED, RED, BLUE), strict=True):
        if not name.endswith("gone.png"):
            Image.new("RGB", (40, 40), colour).save(name)
    return cluster_faces(faces(at_angles(0, 1, 2, 90), photos=names), threshold=0.1)


def shown(found: Clustering) -> tuple[str, Page]:
    text = report.page(found, title="Faces of <b>my album</b>")
    return text, Page(text)


def test_clusters_and_their_faces(found: Clustering, tmp_path: Path) -> None:
    _, page = shown(found)
    assert [one["data-id"] for one in page.of_class("cluster")] == ["1", "2"]
    buttons = page.of_class("face")
    assert len(buttons) == 4
    chosen = [one["data-photo"] for one in page.of_class("chosen")]
    assert chosen == [found.faces.photos[found.clusters[0].representative]] == [buttons[0]["data-photo"]]
    assert {one["data-photo"] for one in buttons} == set(found.faces.photos)
    boxes = {one["data-photo"]: json.loads(one["data-box"] or "") for one in buttons}
    assert boxes[str(tmp_path / "b.png")] == [10, 0, 18, 8]


def test_pictures_are_small_and_within(found: Clustering, tmp_path: Path) -> None:
    text, page = shown(found)
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(pictures) == 3
    assert all(one["loading"] == "lazy" for one in pictures)
    address = pictures[-1]["src"] or ""
    with Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/jpeg;base64,")))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (96, 96))
        assert np.abs(np.subtract(picture.getpixel((48, 48)), BLUE)).max() < 30
    assert "no picture any more" in text


def test_nothing_is_fetched_and_no_other_script_runs(found: Clustering) -> None:
    text, page = shown(found)
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert [tag for tag, _ in page.elements].count("script") == 1
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
    controls = [attributes for tag, attributes in page.elements if tag in {"input", "select", "button"}]
    assert len(controls) == 4 + 2 + 3
    assert [one for one in controls if not one.get("aria-label") and one.get("id") != "export"] == []


BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")

TRIAL = """
<script>
const said = (where, text) => { const pre = document.createElement("pre"); pre.id = where; pre.textContent = text;
  document.body.append(pre); };
URL.createObjectURL = (blob) => { blob.text().then((text) => said("exported", text)); return "#"; };
const sections = [...document.querySelectorAll(".cluster")];
const named = (section, name) => { section.querySelector("input").value = name;
  section.querySelector("input").dispatchEvent(new Event("input", { bubbles: true })); };
said("before", String(document.getElementById("export").disabled));
named(sections[0], "  Ann ");
named(sections[1], "Ann");
sections[0].querySelectorAll(".face")[1].click();
said("told", document.getElementById("told").textContent + "|" + sections[0].querySelector(".with").textContent);
said("kept", Object.values(localStorage).join());
document.getElementById("export").click();
document.getElementById("find").value = "d.png";
document.getElementById("find").dispatchEvent(new Event("input"));
said("hidden", sections.map((one) => one.hidden).join());
</script>
"""
"""Appended to the page: does what a person would, and writes what came of it into the page."""


@pytest.mark.skipif(not BROWSER, reason="there is no chromium to try the page's script in")
def test_naming_marking_merging_and_exporting(found: Clustering, tmp_path: Path) -> None:
    text, _ = shown(found)
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", TRIAL + "</body>")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=3000", "--dump-dom", (tmp_path / "page.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    parts = dict(re.findall(r'<pre id="(\w+)">(.*?)</pre>', done.stdout, re.DOTALL))
    assert parts["before"] == "true"
    assert parts["told"] == "1 person named, 3 faces|one person with cluster 2"
    assert parts["hidden"] == "true,false"
    assert '"wrong":[1]' in parts["kept"]
    (ann,) = json.loads(parts["exported"].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    marked = next(row for row in found.clusters[0].rows.tolist() if row != found.clusters[0].representative)
    assert ann["name"] == "Ann"
    assert {face["photo"] for face in ann["faces"]} == set(found.faces.photos) - {found.faces.photos[marked]}
    assert ann["faces"][0]["box"] == [10, 0, 18, 8]
