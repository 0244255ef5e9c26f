"""Identify: names over a photo, why, "not this person", "who is it?", by mouse, by keyboard, and late."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.running_server import RunningServer, photos
from server.test_keys import make_key
from visavis.gallery import Gallery, IndexedPhoto, Template

from .appearance import check_accessibility, look_at
from .conftest import OpenTab, Tab
from .expectation import await_value, expect, expect_text
from .held_requests import go_on, hold, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]

OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(".box")].map((box) => box.getBoundingClientRect());
  const labels = [...document.querySelectorAll(".label")].map((label) => label.getBoundingClientRect());
  const hits = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const overFaces = labels.filter((label) => boxes.some((box) => hits(label, box))).length;
  const overLabels = labels.filter((label, n) => labels.slice(n + 1).some((other) => hits(label, other))).length;
  return [labels.length, overFaces, overLabels];
}"""
"""The number of names over a photo, of those over a face, and of those over another name."""


HOLD_DECODING = """([name, isBroken]) => {
  const decode = HTMLImageElement.prototype.decode;
  const released = new Promise((resolve) => { window.release = resolve; });
  HTMLImageElement.prototype.decode = async function () {
    if (this.alt !== name) return decode.call(this);
    await released;
    setTimeout(() => { window.isReleased = true; }, 100);
    if (isBroken) throw new DOMException("", "EncodingError");
  };
}"""
"""Holds back the decoding of a photo, which fails in the end or does not."""


def enroll(server: RunningServer, gallery: str, name: str, *paths: Path) -> int:
    parts = photos("photo", *paths)
    answer = server.post("/v1/people", params={"gallery": gallery}, data={"name": name}, files=parts)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["person_id"])


def names_in(server: RunningServer, gallery: str, photo: Path) -> list[str | None]:
    (answer,) = server.post("/v1/identify", params={"gallery": gallery}, files=photos("photo", photo)).json()["photos"]
    return [face["name"] for face in answer["faces"]]


def people_of(server: RunningServer, gallery: str) -> dict[str, int]:
    """Names of the people of a gallery, and the number of their templates."""
    people = server.get("/v1/people", params={"gallery": gallery}).json()["people"]
    return {person["name"]: len(person["templates"]) for person in people}


def show(tab: Tab, gallery: str, *paths: Path) -> Any:
    """Open the page for a gallery, and choose photos."""
    page = tab.open(f"/identify?gallery={gallery}")
    page.set_input_files("#source input[multiple]", [str(path) for path in paths])
    return page


def test_name_undo_and_reject_by_mouse(signed_in: Tab, server: RunningServer, faces: Path, tmp_path: Path) -> None:
    enroll(server, "by_mouse", "Obama", faces / "obama.jpg", faces / "obama2.jpg")
    page = show(signed_in, "by_mouse", faces / "both.jpg")
    labels = page.locator(".label")
    await_value(page, lambda: sorted(labels.all_inner_texts()), ["Obama", "unknown"])
    await_value(page, lambda: page.evaluate(OVERLAPS), [2, 0, 0])  # labels move after the photo
    expect(page.locator("#announcement")).to_have_text("2 faces: Obama")
    page.click(".label.unknown")
    page.wait_for_selector("#panel h3:text('unknown')")
    expect(page.locator("#panel .reason")).to_have_count(0)  # who is nearest is shown when asked for
    page.click("summary")
    expect(page.locator("#panel .reason")).to_have_text(re.compile("^Not Obama"))
    look_at(signed_in, "unknown", tmp_path)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.fill(".naming input", "Joe <b>Biden</b>")
    page.click(".naming .primary")
    page.wait_for_selector("#panel > .notice")
    assert people_of(server, "by_mouse") == {"Obama": 2, "Joe <b>Biden</b>": 1}
    assert names_in(server, "by_mouse", faces / "biden.jpg") == ["Joe <b>Biden</b>"]
    await_value(page, lambda: sorted(labels.all_inner_texts()), ["Joe <b>Biden</b>", "Obama"])
    page.click("#panel > .notice button")
    page.wait_for_selector("#panel >> text=Undone.")
    assert people_of(server, "by_mouse") == {"Obama": 2}
    page.click(".label.match")
    expect(page.locator("#panel .reason")).to_have_text(re.compile("^Recognized as Obama"))
    await_value(page, lambda: check_accessibility(page), [])
    page.click(".rejection button")
    page.wait_for_selector(".rejection .primary")
    expect_text(page, ".rejection", "templates of Obama")
    assert names_in(server, "by_mouse", faces / "both.jpg").count("Obama") == 1  # nothing is stored yet
    page.click(".rejection .primary")
    page.wait_for_selector("#panel > .notice")
    assert names_in(server, "by_mouse", faces / "both.jpg") == [None, None]
    page.click("#panel > .notice button")
    page.wait_for_selector("#panel >> text=Undone.")
    assert names_in(server, "by_mouse", faces / "both.jpg").count("Obama") == 1


def test_name_a_face_by_keyboard_alone(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    """To a face by arrow keys, to its panel by Enter, back by Escape, and to a person of the gallery by typing."""
    enroll(server, "by_keyboard", "Joe Biden", faces / "biden.jpg")
    enroll(server, "by_keyboard", "Joel", faces / "obama.jpg")
    page = signed_in.open("/identify?gallery=by_keyboard")
    page.on("filechooser", lambda _: None)
    signed_in.tab_to("#source input[multiple]")
    with page.expect_event("filechooser") as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(faces / "both.jpg"))
    page.wait_for_selector(".label")
    signed_in.tab_to(".box")
    page.keyboard.press("ArrowRight")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("aria-label", re.compile("^Face 2 of 2: Joe Biden, "))
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel .reason")
    expect(focused).to_have_text("Joe Biden")
    page.keyboard.press("Escape")
    expect(focused).to_have_attribute("aria-label", re.compile("^Face 2 of 2"))
    expect(page.locator("#panel .card")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(focused).to_have_text("Joe Biden")
    signed_in.tab_to("[role=combobox]")
    page.keyboard.insert_text("joe bid")  # at once: a list of people for each pause would come
    page.wait_for_selector("[role=option]")
    expect(page.locator("[role=combobox]")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect_text(page, "[aria-selected=true]", "Joe Biden")
    page.keyboard.press("Enter")
    expect(page.locator("[role=combobox]")).to_have_value("Joe Biden")
    page.keyboard.press("Enter")
    expect_text(page, "#announcement", "This face is now a template of Joe Biden.")
    assert people_of(server, "by_keyboard") == {"Joe Biden": 2, "Joel": 1}
    expect(page.locator("#panel > .notice button")).to_be_focused()  # it undoes
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel >> text=Undone.")
    assert people_of(server, "by_keyboard") == {"Joe Biden": 1, "Joel": 1}


def test_a_name_written_like_another_is_asked_about(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    enroll(server, "similar", "Barack", faces / "obama2.jpg")
    page = show(signed_in, "similar", faces / "biden.jpg")
    page.click(".label")
    page.fill(".naming input", "barack")
    page.click(".naming .primary")
    page.wait_for_selector(".naming .notice button")
    assert people_of(server, "similar") == {"Barack": 1}
    page.click(".naming .notice button >> text=Another person")
    page.wait_for_selector("#panel > .notice")
    assert people_of(server, "similar") == {"Barack": 1, "barack": 1}
    signed_in.errors.clear()  # the question of the server


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_photo_that_is_decoded_late_is_not_drawn_for_the_next(
    signed_in: Tab, faces: Path, *, is_broken: bool
) -> None:
    page = signed_in.open("/identify?gallery=empty")
    page.evaluate(HOLD_DECODING, ["obama.jpg", is_broken])
    page.set_input_files("#source input[multiple]", str(faces / "obama.jpg"))
    page.wait_for_selector("#view-title:text('obama.jpg')")
    held = hold(page, "**/v1/identify*")
    page.set_input_files("#source input[multiple]", str(faces / "biden.jpg"))
    wait_until(page, lambda: bool(held))
    page.evaluate("window.release()")
    page.wait_for_function("() => window.isReleased")
    held[0].continue_()
    page.wait_for_selector(".label")
    images = page.locator("#picture .photo img")
    await_value(page, lambda: images.evaluate_all("images => images.map((image) => image.alt)"), ["biden.jpg"])


def test_a_panel_that_comes_late_is_not_shown_for_the_next_photo(signed_in: Tab, faces: Path) -> None:
    """The panel is of a face of the first photo; its button would enroll the face of that number in the next."""
    page = show(signed_in, "empty", faces / "obama.jpg")
    page.wait_for_selector(".label")
    modules = hold(page, "**/face_panel.js*")
    page.click(".label")
    wait_until(page, lambda: bool(modules))
    held = hold(page, "**/v1/identify*")
    page.set_input_files("#source input[multiple]", str(faces / "both.jpg"))
    wait_until(page, lambda: bool(held))
    address = modules[0].request.url
    modules[0].continue_()
    page.evaluate("address => import(address)", address)
    page.wait_for_timeout(100)
    expect(page.locator("#panel .card")).to_have_count(0)
    held[0].continue_()
    page.wait_for_selector(".label >> nth=1")
    page.click(".label >> nth=0")
    page.wait_for_selector("#panel .card")


def test_what_was_stored_for_a_photo_is_not_said_over_the_next(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    """A face is named, and that is undone, while the user goes on to another photo."""
    page = show(signed_in, people_gallery, faces / "biden.jpg")
    page.click(".label")
    page.fill(".naming input", "Joe")
    stored = hold(page, "**/v1/people?*", "POST")
    page.click(".naming .primary")
    wait_until(page, lambda: bool(stored))
    page.set_input_files("#source input[multiple]", str(faces / "obama.jpg"))
    page.wait_for_selector(".label")
    focus = page.evaluate_handle("document.activeElement")
    signed_in.requests.clear()
    go_on(page, stored)
    expect(page.locator("#announcement")).to_have_text("Joe is a new person of the gallery, with this face.")
    assert [url for url in signed_in.requests if "/v1/identify" in url] == []
    assert people_of(server, people_gallery) == {"Joe": 1}
    expect(page.locator("#panel .notice, #state [role=alert]")).to_have_count(0)
    page.wait_for_function("focus => document.activeElement === focus", arg=focus)
    page.click(".label")
    page.fill(".naming input", "Barack")
    page.click(".naming .primary")
    go_on(page, stored)
    page.wait_for_selector("#panel > .notice button")
    undone = hold(page, "**/v1/people/*", "DELETE")
    page.click("#panel > .notice button")
    wait_until(page, lambda: bool(undone))
    page.click("text=Another photo")
    go_on(page, undone)
    expect(page.locator("#announcement")).to_have_text("Undone.")
    assert people_of(server, people_gallery) == {"Joe": 1}
    expect(page.locator("#panel .notice, #state [role=alert]")).to_have_count(0)
    expect(page.locator(":focus")).to_have_attribute("type", "file")


def test_naming_an_indexed_face_offers_nothing_that_would_delete_it(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    paths = [faces / "obama.jpg", faces / "biden.jpg"]
    with Gallery(server.folder / f"{people_gallery}.db") as gallery:
        for shown in gallery.recognizer.represent(paths):
            assert shown.photo is not None
            assert shown.embeddings is not None
            sha256 = shown.photo.sha256
            face = Template(shown.embeddings[0], photo_sha256=sha256, photo=shown.name, box=shown.faces[0].box)
            gallery.add_photos([IndexedPhoto(shown.name, sha256, "ok", (face,))])
    page = show(signed_in, people_gallery, faces / "obama.jpg")
    page.click(".label")
    page.fill(".naming input", "Barack")
    page.click(".naming .primary")
    expect_text(page, "#panel > .notice", "This face was in the gallery before, unassigned")
    expect(page.locator("#panel > .notice button")).to_have_count(0)
    query = {"gallery": people_gallery}
    stored = server.get("/v1/faces", params=query).json()["faces"]
    (barack,) = server.get("/v1/people", params=query).json()["people"]
    assert [(face["template_id"], face["person_id"]) for face in stored] == [(1, barack["id"]), (2, None)]
    parts = photos("photo", faces / "biden.jpg", faces / "obama2.jpg")
    answer = server.post("/v1/people", params=query, data={"name": "Joe"}, files=parts).json()
    assert (sorted(answer["added"]), answer["assigned"]) == ([2, 3], [2])


def test_a_read_key_sees_no_buttons_that_it_may_not_use(
    open_tab: OpenTab, server: RunningServer, faces: Path, tmp_path: Path
) -> None:
    tab = open_tab(server.url)
    tab.begin_session(make_key(server, "looks", "read", ["empty"]))
    page = show(tab, "empty", faces / "both.jpg")
    page.wait_for_selector(".label")
    expect(page.locator("#gallery")).to_have_count(0)  # there is one gallery for this key
    expect_text(page, "#panel", "no people yet")
    page.click(".label >> nth=0")
    page.wait_for_selector("#panel h3")
    expect(page.locator(".naming, .rejection")).to_have_count(0)
    assert tab.page.goto("/identify?gallery=default").status == 404
    tab.errors.clear()


def test_the_gallery_that_was_chosen_stays(signed_in: Tab) -> None:
    page = signed_in.open("/identify")
    expect(page.locator("#page")).to_have_attribute("data-gallery", "default")
    page.select_option("#gallery", "of_many")
    page.click("text=Show")
    page.wait_for_selector("#page[data-gallery=of_many]")
    signed_in.open("/look-alikes")
    expect(page.locator("#page")).to_have_attribute("data-gallery", "of_many")


def test_names_of_a_crowd_are_over_no_face_and_over_no_other_name(signed_in: Tab, tmp_path: Path) -> None:
    """Forty faces close together, with names from a letter to a sentence."""
    page = signed_in.open("/identify?gallery=empty")
    boxes = [[x * 48 + 8, y * 44 + 6, x * 48 + 38, y * 44 + 42] for y in range(5) for x in range(8)]
    names = [("Al", "Maximilian Featherstonehaugh", None, "Bảo")[n % 4] for n in range(40)]
    identified = [
        {"name": name, "person_id": n + 1, "distance": 0.2, "threshold": 0.6, "probability": 0.9, "candidates": [],
         "margin": None, "notes": [], "box": box}
        for n, (name, box) in enumerate(zip(names, boxes, strict=True))
    ]  # fmt: skip
    detected = [{"box": box, "quality": 0.9, "worst_parts": []} for box in boxes]
    answer = {
        "photo": "crowd.jpg",
        "status": "ok",
        "faces": identified,
        "detected": detected,
        "width": 400,
        "height": 240,
    }
    page.route("**/v1/identify*", lambda route: route.fulfill(json={"photos": [answer]}))
    Image.new("RGB", (400, 240), (90, 140, 90)).save(tmp_path / "crowd.png")
    page.set_input_files("#source input[multiple]", str(tmp_path / "crowd.png"))
    page.wait_for_selector(".label >> nth=39")
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        await_value(page, lambda: page.evaluate(OVERLAPS), [40, 0, 0])  # labels move after the photo
        page.screenshot(path=tmp_path / f"crowd-{width}.png", full_page=True)
    expect(page.locator(".leaders line")).not_to_have_count(0)
