"""Identify: names over a photo, why, "not this person", "who is it?", by mouse and by keyboard; many photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.running_server import RunningServer, photos
from server.test_keys import make_key

from .appearance import check_accessibility, look_at
from .conftest import OpenTab, Tab

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
    page.wait_for_selector(".label")
    assert sorted(page.locator(".label").all_inner_texts()) == ["Obama", "unknown"]
    assert page.evaluate(OVERLAPS) == [2, 0, 0]
    assert page.inner_text("#announcement") == "2 faces: Obama"
    page.click(".label.unknown")
    page.wait_for_selector("#panel h3:text('unknown')")
    assert page.locator("#panel .reason").count() == 0  # who is nearest is shown when asked for
    page.click("summary")
    page.wait_for_selector("#panel .reason")
    assert page.inner_text("#panel .reason").startswith("Not Obama")
    look_at(signed_in, "unknown", tmp_path)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.fill(".naming input", "Joe <b>Biden</b>")
    page.click(".naming .primary")
    page.wait_for_selector("#panel > .notice")
    assert people_of(server, "by_mouse") == {"Obama": 2, "Joe <b>Biden</b>": 1}
    assert names_in(server, "by_mouse", faces / "biden.jpg") == ["Joe <b>Biden</b>"]
    assert "Joe <b>Biden</b>" in page.locator(".label").all_inner_texts()
    page.click("#panel > .notice button")
    page.wait_for_selector("#panel >> text=Undone.")
    assert people_of(server, "by_mouse") == {"Obama": 2}
    page.click(".label.match")
    page.wait_for_selector("#panel .reason")
    assert page.inner_text("#panel .reason").startswith("Recognized as Obama")
    assert check_accessibility(page) == []
    page.click(".rejection button")
    page.wait_for_selector(".rejection .primary")
    assert "templates of Obama" in page.inner_text(".rejection")
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
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Face 2 of 2: Joe Biden, ")
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel .reason")
    assert page.evaluate("document.activeElement.textContent") == "Joe Biden"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Face 2 of 2")
    assert page.locator("#panel .card").count() == 0
    page.keyboard.press("Enter")
    signed_in.tab_to("[role=combobox]")
    page.keyboard.type("joe bid")
    page.wait_for_selector("[role=option]")
    assert page.get_attribute("[role=combobox]", "aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert "Joe Biden" in page.inner_text("[aria-selected=true]")
    page.keyboard.press("Enter")
    assert page.input_value("[role=combobox]") == "Joe Biden"
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel > .notice")
    assert "This face is now a template of Joe Biden." in page.inner_text("#announcement")
    assert people_of(server, "by_keyboard") == {"Joe Biden": 2, "Joel": 1}
    page.keyboard.press("Enter")  # the button that undoes it
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


def test_a_read_key_sees_no_buttons_that_it_may_not_use(
    open_tab: OpenTab, server: RunningServer, faces: Path, tmp_path: Path
) -> None:
    tab = open_tab(server.url)
    tab.sign_in(make_key(server, "looks", "read", ["empty"]))
    page = show(tab, "empty", faces / "both.jpg")
    page.wait_for_selector(".label")
    assert page.locator("#gallery").count() == 0  # there is one gallery for this key
    assert "no people yet" in page.inner_text("#panel")
    page.click(".label >> nth=0")
    assert page.locator(".naming, .rejection").count() == 0
    assert page.goto("/identify?gallery=default").status == 404
    tab.errors.clear()


def test_the_gallery_that_was_chosen_stays(signed_in: Tab) -> None:
    page = signed_in.open("/identify")
    assert page.get_attribute("#page", "data-gallery") == "default"
    page.select_option("#gallery", "of_many")
    page.click("text=Show")
    page.wait_for_selector("#page[data-gallery=of_many]")
    signed_in.open("/look-alikes")
    assert page.get_attribute("#page", "data-gallery") == "of_many"


def test_many_photos_are_identified_one_after_the_other(
    signed_in: Tab, server: RunningServer, faces: Path, tmp_path: Path
) -> None:
    """A folder with a photo that the server refuses once, one without a face, and a file that is no photo."""
    enroll(server, "of_many", "Obama", faces / "obama.jpg")
    folder = tmp_path / "party"
    folder.mkdir()
    for name in ("obama2.jpg", "both.jpg", "meadow.png", "notes.jpg"):
        (folder / name).write_bytes((faces / name).read_bytes())
    (folder / "=cmd|'<b>'.jpg").write_bytes((faces / "biden.jpg").read_bytes())
    (folder / "list.txt").write_text("no photo")
    page = signed_in.open("/identify?gallery=of_many")
    page.set_input_files("#source input[webkitdirectory]", str(folder))
    page.wait_for_selector("text=All 5 photos are done.")
    lines = {line.split("\n")[0]: line.split("\n")[1] for line in page.locator(".entry").all_inner_texts()}
    assert lines == {
        "party/obama2.jpg": "Obama", "party/both.jpg": "Obama, 1 unknown", "party/meadow.png": "no face",
        "party/=cmd|'<b>'.jpg": "1 unknown", "party/notes.jpg": "This file is not a picture that can be read.",
    }  # fmt: skip
    assert page.get_attribute("progress", "value") == "5"
    look_at(signed_in, "many", tmp_path)
    page.click("text=Unknown faces: 2")
    assert page.locator(".entry:visible").count() == 2
    page.click("text=All: 5")
    page.select_option("#batch-person", "Obama")
    assert page.locator(".entry:visible").count() == 2
    page.select_option("#batch-person", "")
    with page.expect_download() as download:
        page.click("text=Save the table (CSV)")
    table = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert table[0] == '"photo","face","name","distance","status"'
    assert len(table) == 7
    assert [line for line in table if line.startswith('"party/obama2.jpg","1","Obama","0.')] != []
    page.click("text=Try failed photos again")
    page.wait_for_selector("text=All 5 photos are done.")
    page.click(".entry:has-text('both.jpg')")
    page.wait_for_selector(".label")
    page.click("text=Back to the list")
    assert page.evaluate("document.activeElement.textContent").startswith("party/both.jpg")
    assert people_of(server, "of_many") == {"Obama": 1}


def test_a_run_stops_goes_on_and_outlives_a_server_that_is_away(signed_in: Tab, faces: Path) -> None:
    """Two photos at a time are under way; what is done stays."""
    page = signed_in.open("/identify?gallery=empty")
    held: list[Any] = []
    answer = {"photo": "", "status": "ok", "faces": [], "detected": [], "width": 1, "height": 1}

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/v1/identify*", hold)
    files = [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": b"photo"} for n in range(1, 7)]
    page.set_input_files("#source input[multiple]", files)
    page.wait_for_selector("text=0 of 6 photos")
    page.wait_for_timeout(100)
    assert len(held) == 2
    held[0].fulfill(json={"photos": [answer]})
    held[1].fulfill(status=503, json={"code": "busy", "detail": ""}, headers={"Retry-After": "1"})
    page.wait_for_selector("text=1 of 6 photos")
    page.click("text='Stop'")
    page.wait_for_selector("text=Stopped after 1 of 6 photos.")
    page.unroute("**/v1/identify*")
    page.route("**/v1/identify*", lambda route: route.abort())
    page.click("text=Go on")
    page.wait_for_selector("#batch [role=alert]")
    assert "The server cannot be reached." in page.inner_text("#batch")
    assert page.locator(".entry").count() == 1
    page.unroute("**/v1/identify*")
    page.route("**/v1/identify*", lambda route: route.fulfill(json={"photos": [answer]}))
    page.click("#batch [role=alert] button")
    page.wait_for_selector("text=All 6 photos are done.")
    assert page.locator(".entry").count() == 6
    signed_in.errors.clear()  # the requests that failed


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
        page.wait_for_timeout(100)
        assert page.evaluate(OVERLAPS) == [40, 0, 0]
        page.screenshot(path=tmp_path / f"crowd-{width}.png", full_page=True)
    assert page.locator(".leaders line").count() > 0


THOUSAND = """async () => {
  const [send, make, revoke] = [window.fetch, URL.createObjectURL, URL.revokeObjectURL];
  const line = {photo: "", status: "ok", faces: [], detected: [], width: 1, height: 1};
  const counts = {now: 0, most: 0, urls: 0};
  window.fetch = async (path, options) => {
    if (!String(path).startsWith("/v1/identify")) return send(path, options);
    counts.most = Math.max(counts.most, (counts.now += 1));
    await new Promise((resolve) => setTimeout(resolve));
    counts.now -= 1;
    return new Response(JSON.stringify({photos: [line]}));
  };
  URL.createObjectURL = (file) => (counts.urls += 1, make.call(URL, file));
  URL.revokeObjectURL = (url) => (counts.urls -= 1, revoke.call(URL, url));
  const dataTransfer = new DataTransfer();
  for (let n = 0; n < 1000; n += 1) dataTransfer.items.add(new File(["photo"], `${n}.jpg`, {type: "image/jpeg"}));
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
  window.counts = counts;
}"""


def test_a_thousand_photos_keep_no_picture_in_memory(signed_in: Tab) -> None:
    """They are dropped beside the zone; two are under way at a time, and none is shown."""
    page = signed_in.open("/identify?gallery=empty")
    page.evaluate(THOUSAND)
    page.wait_for_selector("text=All 1,000 photos are done.")
    assert page.evaluate("window.counts") == {"now": 0, "most": 2, "urls": 0}
    assert page.locator(".entry").count() == 1000
    assert page.locator("#batch img, #batch canvas").count() == 0
