"""Identify many photos: a list with progress, stops, retries, filters and a table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from server.running_server import RunningServer

from .appearance import look_at
from .conftest import Tab
from .expectation import await_value, expect, expect_text
from .held_requests import hold, wait_until
from .test_identify import enroll, people_of, show

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


READ = "entries => entries.map((entry) => [...entry.children].map((part) => part.textContent).join('\\n'))"
"""Reads also what a browser has not drawn yet: its inner text is empty until then."""


def read_entries(page: Any, place: str = ".entry") -> list[str]:
    """Return name and answer of each photo of the list, a line each."""
    entries: list[str] = page.locator(place).evaluate_all(READ)
    return entries


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
    lines = {
        "party/obama2.jpg": "Obama", "party/both.jpg": "Obama, 1 unknown", "party/meadow.png": "no face",
        "party/=cmd|'<b>'.jpg": "1 unknown", "party/notes.jpg": "This file is not a picture that can be read.",
    }  # fmt: skip
    await_value(page, lambda: dict(line.split("\n") for line in read_entries(page)), lines)
    expect(page.locator("progress")).to_have_attribute("value", "5")
    look_at(signed_in, "many", tmp_path)
    page.click("text=Unknown faces: 2")
    expect(page.locator(".entry:visible")).to_have_count(2)
    page.click("text=All: 5")
    expect(page.locator(".entry:visible")).to_have_count(5)
    page.select_option("#batch-person", "Obama")
    expect(page.locator(".entry:visible")).to_have_count(2)
    page.select_option("#batch-person", "")
    with page.expect_download() as download:
        page.click("text=Save the table (CSV)")
    table = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert table[0] == '"photo","face","name","distance","status"'
    assert len(table) == 7
    assert [line for line in table if line.startswith('"party/obama2.jpg","1","Obama","0.')] != []
    page.click("text=Try failed photos again")
    page.wait_for_selector("text=All 5 photos are done.")
    assert [url.partition("?")[0] for url in signed_in.requests].count(f"{server.url}/v1/identify") == 6  # one again
    page.click(".entry:has-text('both.jpg')")
    page.wait_for_selector(".label")
    page.click("text=Back to the list")
    expect(page.locator(":focus")).to_have_text(re.compile("^party/both.jpg"))
    assert people_of(server, "of_many") == {"Obama": 1}


def test_a_run_stops_goes_on_and_outlives_a_server_that_is_away(signed_in: Tab, faces: Path) -> None:
    """Two photos at a time are under way; what is done stays."""
    page = signed_in.open("/identify?gallery=empty")
    answer = {"photo": "", "status": "ok", "faces": [], "detected": [], "width": 1, "height": 1}
    held = hold(page, "**/v1/identify*")
    files = [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": b"photo"} for n in range(1, 7)]
    page.set_input_files("#source input[multiple]", files)
    page.wait_for_selector("text=0 of 6 photos")
    wait_until(page, lambda: len(held) >= 2)
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
    expect_text(page, "#batch [role=alert]", "The server cannot be reached.")
    expect(page.locator(".entry")).to_have_count(1)
    page.unroute("**/v1/identify*")
    page.route("**/v1/identify*", lambda route: route.fulfill(json={"photos": [answer]}))
    page.click("#batch [role=alert] button")
    page.wait_for_selector("text=All 6 photos are done.")
    expect(page.locator(".entry")).to_have_count(6)
    signed_in.errors.clear()  # the requests that failed


HOLD_FETCH = """() => {
  const send = window.fetch;
  const released = new Promise((resolve) => { window.release = resolve; });
  window.held = 0;
  window.fetch = async (...request) => {
    window.held += 1;
    await released;
    return send(...request);
  };
}"""
"""Holds back requests in the page: a browser whose requests are intercepted sends a deleted file in another way."""


def test_a_file_that_was_deleted_does_not_stop_the_run(signed_in: Tab, faces: Path, tmp_path: Path) -> None:
    """Two photos are under way when the third is deleted; the fourth is done after it."""
    paths = [tmp_path / f"{number}.png" for number in range(1, 5)]
    for path in paths:
        path.write_bytes((faces / "meadow.png").read_bytes())
    page = signed_in.open("/identify?gallery=empty")
    page.evaluate(HOLD_FETCH)
    page.set_input_files("#source input[multiple]", [str(path) for path in paths])
    page.wait_for_function("() => window.held === 2")
    paths[2].unlink()
    page.evaluate("window.release()")
    page.wait_for_selector("text=All 4 photos are done.")
    unreadable = "This file is not a picture that can be read."
    lines = {"1.png": "no face", "2.png": "no face", "3.png": unreadable, "4.png": "no face"}
    await_value(page, lambda: dict(line.split("\n") for line in read_entries(page)), lines)
    signed_in.errors.clear()  # the request that failed


def test_the_list_has_the_names_that_were_given_in_a_photo(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    """A face is named in a photo of the list, and the person is removed; the filters go with it."""
    enroll(server, people_gallery, "Obama", faces / "obama.jpg")
    page = show(signed_in, people_gallery, faces / "biden.jpg", faces / "obama2.jpg")
    page.wait_for_selector("text=All 2 photos are done.")
    page.click("text=Unknown faces: 1")
    page.click(".entry:has-text('biden.jpg')")
    page.click(".label")
    page.fill(".naming input", "Joe")
    page.click(".naming .primary")
    page.wait_for_selector("#panel > .notice button")
    page.click("text=Back to the list")
    expect(page.locator("#batch-title")).to_be_focused()  # the photo is not among the unknown any more
    page.click("text=All: 2")
    await_value(page, lambda: sorted(read_entries(page)), ["biden.jpg\nJoe", "obama2.jpg\nObama"])
    page.select_option("#batch-person", "Joe")
    expect(page.locator(".entry:visible")).to_have_count(1)
    page.click(".entry:visible")
    page.wait_for_selector(".label.match")
    query = {"gallery": people_gallery}
    (joe,) = server.get("/v1/people", params={**query, "search": "Joe"}).json()["people"]
    assert server.request("DELETE", f"/v1/people/{joe['id']}", params=query).status_code == 204
    page.click("text=Back to the list")
    expect(page.locator(".entry:visible")).to_have_count(1)  # the person is still chosen
    page.click(".entry:visible")
    page.wait_for_selector(".label.unknown")
    page.click("text=Back to the list")
    lines = ["biden.jpg\n1 unknown", "obama2.jpg\nObama"]
    await_value(page, lambda: sorted(read_entries(page, ".entry:visible")), lines)
    expect(page.locator("#batch-person option")).to_have_text(["everybody", "Obama (1)"])


def test_a_folder_is_identified_by_keyboard_alone(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str, tmp_path: Path
) -> None:
    """The folder is chosen, a photo of the list opened, and the keyboard is on its line again."""
    enroll(server, people_gallery, "Obama", faces / "obama.jpg")
    (tmp_path / "party").mkdir()
    for name in ("obama2.jpg", "meadow.png"):
        (tmp_path / "party" / name).write_bytes((faces / name).read_bytes())
    page = signed_in.open(f"/identify?gallery={people_gallery}")
    page.on("filechooser", lambda _: None)
    signed_in.tab_to("#source input[webkitdirectory]")
    with page.expect_event("filechooser") as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(tmp_path / "party"))
    page.wait_for_selector("text=All 2 photos are done.")
    expect(page.locator("#batch-title")).to_be_focused()
    signed_in.tab_to(".entry:has(.name:not(:empty))")
    while "obama2" not in page.evaluate("document.activeElement.textContent"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".label.match:text('Obama')")
    signed_in.tab_to("#view-actions button")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_text("party/obama2.jpgObama")


def test_a_line_is_renewed_where_the_photo_was_left_before_the_name_was_stored(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    enroll(server, people_gallery, "Obama", faces / "obama.jpg")
    page = show(signed_in, people_gallery, faces / "biden.jpg", faces / "obama2.jpg")
    page.wait_for_selector("text=All 2 photos are done.")
    page.click(".entry:has-text('biden.jpg')")
    page.click(".label")
    held = hold(page, "**/v1/people?*", "POST")
    page.fill(".naming input", "Joe")
    page.click(".naming .primary")
    wait_until(page, lambda: bool(held))
    page.click("text=Back to the list")
    await_value(page, lambda: sorted(read_entries(page)), ["biden.jpg\n1 unknown", "obama2.jpg\nObama"])
    held[0].continue_()
    page.wait_for_selector(".entry:has-text('biden.jpg'):has-text('Joe')")
    assert people_of(server, people_gallery) == {"Obama": 1, "Joe": 1}
    page.click(".entry:has-text('biden.jpg')")
    page.wait_for_selector(".label.match:text('Joe')")


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
    page.wait_for_selector("text=All 1,000 photos are done.", timeout=600_000)
    await_value(page, lambda: page.evaluate("window.counts"), {"now": 0, "most": 2, "urls": 0})
    expect(page.locator(".entry")).to_have_count(1000)
    expect(page.locator("#batch img, #batch canvas")).to_have_count(0)
