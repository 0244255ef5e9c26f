"""The page in a real browser: naming, marking, opening photos, undoing and exporting, by mouse and by keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from browser import BROWSER, MISSING, OPTIONS
from visavis.clustering import cluster_faces, report
from visavis.clustering.naming import Naming
from visavis.clustering.types import Clustering

from .made_up import at_angles, faces

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")


pytestmark = [
    pytest.mark.skipif(not BROWSER, reason=MISSING),
    pytest.mark.enable_socket,
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A Chromium with a profile of its own."""
    with playwright.sync_playwright() as running:
        profile = tmp_path_factory.mktemp("profile")
        context = running.chromium.launch_persistent_context(
            profile, executable_path=BROWSER, headless=True, args=OPTIONS, accept_downloads=True
        )
        yield context
        context.close()


@pytest.fixture
def clustering(tmp_path: Path) -> Clustering:
    """Clusters of three and of two, and a face alone in a photo of the first cluster."""
    names = [str(tmp_path / f"{name}.png") for name in "abcdea"]
    for name in names:
        Image.new("RGB", (60, 40), (200, 20, 20)).save(name)
    return cluster_faces(faces(at_angles(0, 1, 2, 60, 61, 120), photos=names), threshold=0.1)


class Opened:
    """The page in a tab."""

    def __init__(self, browser: object, path: Path) -> None:
        self.tab = browser.new_page()  # type: ignore[attr-defined]
        self.errors: list[str] = []
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        self.tab.goto(path.as_uri())
        self.path = path

    def cluster(self, number: int) -> object:
        return self.tab.locator(f'.cluster[data-id="{number}"]')

    @property
    def status(self) -> str:
        return self.tab.locator("#status").inner_text()

    def exported(self) -> dict[str | None, list[str]]:
        """Names of files by person, as they would be enrolled."""
        with self.tab.expect_download() as download:
            self.tab.click("#export")
        content = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
        return {one["name"]: sorted(Path(face["photo"]).stem for face in one["faces"]) for one in content}


@pytest.fixture
def show(browser: object, tmp_path: Path) -> Iterator[object]:
    opened: list[Opened] = []

    def show(clustering: Clustering, naming: Naming | None = None) -> Opened:
        report.write(tmp_path / "page.html", clustering, title="t", naming=naming)
        opened.append(Opened(browser, tmp_path / "page.html"))
        return opened[-1]

    yield show
    for page in opened:
        assert page.errors == []
        page.tab.close()


def test_naming_marking_and_exporting(show, clustering: Clustering) -> None:  # type: ignore[no-untyped-def]
    page = show(clustering)
    assert page.tab.locator("#export").is_disabled()
    page.cluster(1).locator(".name").fill("  Ann ")
    page.cluster(2).locator(".name").fill("Ann")
    page.cluster(1).locator(".wrong").nth(1).click()
    left_out = Path(page.cluster(1).locator(".face").nth(1).get_attribute("data-photo")).stem
    assert "1 person named, 4 faces" in page.status
    assert page.cluster(1).locator(".note").inner_text() == "One person with cluster 2."
    assert page.exported() == {"Ann": sorted({*"abcde"} - {left_out})}
    for _ in range(20):  # names are kept; on a busy machine the first reload once showed what was stored before
        page.tab.reload()
        if page.tab.locator("#export").is_enabled():
            break
    assert page.exported() == {"Ann": sorted({*"abcde"} - {left_out})}
    page.tab.fill("#find", "e.png")
    assert [page.cluster(number).is_visible() for number in (1, 2)] == [False, True]
    page.tab.fill("#find", "nothing of the kind")
    assert page.tab.locator("#nothing").is_visible()


def test_exported_faces_carry_the_hash_of_their_photo(show, clustering: Clustering) -> None:  # type: ignore[no-untyped-def]
    """Where it is known."""
    hashes = (*(str(number) * 64 for number in range(4)), None, None)
    page = show(replace(clustering, faces=replace(clustering.faces, sha256=hashes)))
    page.cluster(1).locator(".name").fill("Ann")
    page.cluster(2).locator(".name").fill("Bea")
    with page.tab.expect_download() as download:
        page.tab.click("#export")
    people = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    exported = [(one["name"], Path(face["photo"]).stem, face.get("sha256")) for one in people for face in one["faces"]]
    assert sorted(exported) == [
        ("Ann", "a", "0" * 64),
        ("Ann", "b", "1" * 64),
        ("Ann", "c", "2" * 64),
        ("Bea", "d", "3" * 64),
        ("Bea", "e", None),
    ]


def test_a_name_is_taken_back_and_undone(show, clustering: Clustering) -> None:  # type: ignore[no-untyped-def]
    page = show(clustering)
    name = page.cluster(1).locator(".name")
    name.press_sequentially("Ann")
    page.cluster(1).locator(".take-back").click()
    assert name.input_value() == ""
    page.tab.click("#undo")
    assert name.input_value() == "Ann"
    page.tab.click("#undo")  # its three letters are one step
    assert name.input_value() == ""
    assert page.tab.locator("#undo").is_disabled()


def test_a_cluster_and_a_face_are_no_person(show, clustering: Clustering) -> None:  # type: ignore[no-untyped-def]
    page = show(clustering)
    page.cluster(1).locator(".name").fill("Ann")
    page.cluster(1).locator(".nobody").click()
    assert page.cluster(1).locator(".nobody").get_attribute("aria-pressed") == "true"
    assert page.exported() == {None: ["a", "b", "c"]}
    page.cluster(1).locator(".nobody").click()
    assert page.exported() == {"Ann": ["a", "b", "c"]}
    page.cluster(2).locator(".name").fill("Bea")
    page.cluster(2).locator(".face").nth(1).click()
    page.tab.check('#photo [value="nobody"]')
    page.tab.keyboard.press("Escape")
    exported = page.exported()
    assert exported["Ann"] == ["a", "b", "c"]
    assert sorted(exported["Bea"] + exported[None]) == ["d", "e"]
    assert page.cluster(2).locator(".mark").nth(1).inner_text() == "no person"


def test_a_face_opens_in_its_photo(show, clustering: Clustering, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """All of the photo with this face marked and the other one outlined; enlarged, a part; its path; whose it is."""
    page = show(clustering)
    face = page.tab.locator(f'.cluster[data-id="1"] .face[data-photo="{tmp_path / "a.png"}"]')
    assert face.get_attribute("title").startswith(str(tmp_path / "a.png"))
    face.click()
    drawing = page.tab.locator("#photo svg")
    assert drawing.get_attribute("viewBox") == "0 0 60 40"
    marked = drawing.locator(".this")
    assert [float(marked.get_attribute(side)) for side in ("x", "y", "width", "height")] == [10, 0, 8, 8]
    assert drawing.locator(".box:not(.this):not(.edge)").get_attribute("x") == "20"
    assert str(tmp_path / "a.png") in page.tab.locator("#photo .path").inner_text()
    assert page.tab.locator("#open").get_attribute("href") == (tmp_path / "a.png").as_uri()
    page.tab.click("#enlarge")
    _, _, width, height = map(float, drawing.get_attribute("viewBox").split())
    assert (width, height) == pytest.approx((8 * 1.8 * 1.4, 8 * 1.8))
    page.tab.check('#photo [value="wrong"]')
    page.tab.fill("#other", "Carl")
    page.tab.keyboard.press("Escape")
    page.tab.wait_for_function("document.activeElement.closest('.cluster')")
    assert page.tab.evaluate("document.activeElement.dataset.photo") == str(tmp_path / "a.png")
    assert page.exported() == {"Carl": ["a"]}


def test_all_photos_of_a_person(show, clustering: Clustering, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    page = show(clustering)
    for number in (1, 2):
        page.cluster(number).locator(".name").fill("Ann")
    button = page.cluster(2).locator(".all-photos")
    assert button.inner_text() == "All photos of Ann (5)"
    button.click()
    assert page.tab.locator("#all-title").inner_text() == "Ann: 5 faces in 5 photos"
    shown = page.tab.locator("#all .photos button")
    assert sorted(shown.nth(n).inner_text().strip() for n in range(5)) == [str(tmp_path / f"{x}.png") for x in "abcde"]
    with page.tab.expect_download() as download:
        page.tab.click("#list")
    assert len(Path(download.value.path()).read_text(encoding="utf-8").splitlines()) == 5
    shown.nth(4).click()
    assert "face 5 of 5" in page.tab.locator("#photo .path").inner_text()


def test_known_names_wait_for_new_faces_to_be_confirmed(show, clustering: Clustering) -> None:  # type: ignore[no-untyped-def]
    """Two of cluster 1 are Ann's already: the third is new, and hers only when that is said."""
    rows = clustering.clusters[0].rows.tolist()
    names = tuple("Ann" if row in rows[:2] else None for row in range(6))
    page = show(clustering, Naming(names, names=("Bea",)))
    known = sorted(Path(clustering.faces.photos[row]).stem for row in rows[:2])
    assert page.cluster(1).locator(".name").input_value() == "Ann"
    assert "Ann by 2 of 3 faces." in page.cluster(1).locator(".note").inner_text()
    assert page.exported() == {"Ann": known}
    assert "1 cluster with new faces to confirm" in page.status
    assert page.tab.evaluate("[...document.querySelectorAll('#names option')].map((one) => one.value)") == [
        "Ann",
        "Bea",
    ]
    page.cluster(1).locator(".confirm").click()
    assert page.exported() == {"Ann": ["a", "b", "c"]}
    page.tab.click("#undo")
    assert page.exported() == {"Ann": known}


def test_the_keyboard_reaches_everything(show, clustering: Clustering) -> None:  # type: ignore[no-untyped-def]
    page = show(clustering)
    press = page.tab.keyboard.press
    focused = "document.activeElement"
    press("j")
    assert page.tab.evaluate(focused + ".closest('.cluster').dataset.id") == "1"
    press("ArrowRight")
    press("x")
    assert page.cluster(1).locator(".wrong").nth(1).get_attribute("aria-pressed") == "true"
    press("u")
    assert page.cluster(1).locator(".wrong").nth(1).get_attribute("aria-pressed") == "false"
    press("Enter")
    assert page.tab.locator("#photo").is_visible()
    press("ArrowRight")
    assert "face 3 of 3" in page.tab.locator("#photo .path").inner_text()
    press("Escape")
    # The browser hands the focus back in a task of its own: on a busy machine the next key would come first.
    page.tab.wait_for_function("document.activeElement.closest('.cluster')")
    press("j")
    press("n")
    page.tab.keyboard.type("Bea")
    press("Escape")
    press("k")
    press("b")
    exported = page.exported()
    assert exported == {"Bea": ["d", "e"], None: ["a", "b", "c"]}
    stops = "[...document.querySelectorAll('[data-id=\\'1\\'] .face')].filter((one) => one.tabIndex === 0).length"
    assert page.tab.evaluate(stops) == 1


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_is_read_on_every_screen(show, clustering: Clustering, width: int, scheme: str) -> None:  # type: ignore[no-untyped-def]
    """No sideways scrolling, buttons of 44 pixels, text of a contrast of 4.5 : 1."""
    page = show(clustering)
    page.tab.set_viewport_size({"width": width, "height": 800})
    page.tab.emulate_media(color_scheme=scheme)
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    small = """[...document.querySelectorAll("button, input, select")].filter((one) => one.offsetParent)
        .filter((one) => one.getBoundingClientRect().height < 43.9).map((one) => one.outerHTML)"""
    assert page.tab.evaluate(small) == []
    colors = page.tab.evaluate(
        """["--paper", "--ink", "--soft", "--strong", "--wrong", "--shade"].map((name) =>
        getComputedStyle(document.documentElement).getPropertyValue(name).trim())"""
    )
    paper, *others, shade = map(luminance, colors)
    assert paper > 0.9 if scheme == "light" else paper < 0.1
    for ground in (paper, shade):
        assert min(contrast(ground, other) for other in others) >= 4.5


def luminance(color: str) -> float:
    """Relative luminance of #rgb or #rrggbb, as WCAG 2 defines it."""
    digits = color.removeprefix("#")
    wide = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(wide[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: float, second: float) -> float:
    high, low = max(first, second), min(first, second)
    return (high + 0.05) / (low + 0.05)
