"""The page of the cameras, with a real camera process that plays a folder of frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete

import visavis
from server.running_server import RunningServer
from server.test_cameras import await_camera, draw, encode, events_of
from server.test_keys import make_key
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import EVENTS, Events

from .appearance import look_at
from .conftest import OpenTab, Tab, open_as_administrator, serve
from .expectation import await_value, expect, read_rows

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
NAME = "Ann <b>Lee</b>"


@pytest.fixture(scope="module")
def watching(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a camera that has played a film of one person to its end, and one whose file is missing."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "frames").mkdir()
    for number in range(20):
        (folder / f"frames/{number}.jpg").write_bytes(encode(draw(sample_photos / "obama.jpg", 20 + number)))
    with visavis.Gallery(folder / "faces.db") as gallery:
        gallery.enroll(NAME, sample_photos / "obama.jpg")
    cameras = '[[camera]]\nname = "door"\nsource = "frames"\n[[camera]]\nname = "hall/left"\nsource = "none.mp4"\n'
    (folder / "cameras.toml").write_text(cameras)
    (folder / "cameras.toml").chmod(0o600)
    (folder / "server.toml").write_text("[server]\n[galleries]\ndefault = 'faces.db'\nelsewhere = 'elsewhere.db'\n")
    with serve(folder, "--cameras", "cameras.toml") as running:
        await_camera(running, "door", "ended")
        await_camera(running, "hall/left", "failed")
        yield running


@pytest.fixture
def live(open_tab: OpenTab, watching: RunningServer) -> Tab:
    """A tab with the session of an administrator, on the page of the cameras."""
    return open_as_administrator(open_tab, watching, "/live")


def count_rows(tab: Tab) -> int:
    count: int = tab.page.locator("#events tbody tr").count()
    return count


def await_rows(tab: Tab, count: int) -> None:
    tab.page.wait_for_function("n => document.querySelectorAll('#events tbody tr').length >= n", arg=count)


def test_who_was_recognized_and_how_each_camera_is_doing(live: Tab, watching: RunningServer) -> None:
    page = live.page
    expect(page.locator("[data-item='door'] .state")).to_have_text("at the end of its file")
    expect(page.locator("[data-item='hall/left'] .state")).to_have_text("failed")
    expect(page.locator("[data-item='hall/left']").first).to_contain_text("none.mp4", use_inner_text=True)
    expect(page.locator("tbody tr")).to_have_count(len(events_of(watching, "door")))
    stored = events_of(watching, "door")[::-1]
    words = {"recognized": "recognized", "updated": "answer changed", "ended": "gone"}
    await_value(
        page,
        lambda: [[*row[1:4], row[6]] for row in read_rows(page, "tbody tr")],
        [[NAME, words[event["event"]], "door", f"{event['distance']:.3f}"] for event in stored],
    )


def test_what_is_off_is_said_with_the_way_to_turn_it_on(live: Tab) -> None:
    expect(live.page.locator("main").first).to_contain_text("pictures = true", use_inner_text=True)
    expect(live.page.locator("#strangers")).to_contain_text("strangers = 30", use_inner_text=True)
    assert [url for url in live.requests if "camera-pictures" in url] == []


def test_a_camera_is_started_by_mouse_and_its_events_come_by_themselves(live: Tab, watching: RunningServer) -> None:
    before = count_rows(live)
    live.page.click("[aria-label='Start door']")
    await_rows(live, before + 2)
    live.page.wait_for_function("() => / new events?$/.test(document.getElementById('news').textContent)")
    await_camera(watching, "door", "ended")
    expect(live.page.locator("#events tbody tr")).to_have_count(len(events_of(watching, "door")))


def test_a_camera_is_started_and_the_page_paused_by_keyboard_alone(live: Tab, watching: RunningServer) -> None:
    page, before = live.page, count_rows(live)
    live.tab_to("#pause")
    page.keyboard.press("Enter")
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    assert watching.post("/v1/cameras/door/start").status_code == 200
    await_camera(watching, "door", "ended")  # again
    expect(page.locator("#events tbody tr")).to_have_count(before)
    page.keyboard.press("Enter")
    await_rows(live, before + 2)
    page.focus(".skip")
    live.tab_to("[aria-label='Start door']")
    page.keyboard.press("Enter")
    await_rows(live, before + 4)
    await_camera(watching, "door", "ended")


def test_events_of_a_kind(live: Tab, watching: RunningServer) -> None:
    live.page.select_option("#kind", "ended")
    live.page.click("#filter button:not(#pause)")
    live.page.wait_for_url("**/live?camera=&event=ended&*")
    ended = [event for event in events_of(watching, "door") if event["event"] == "ended"]
    expect(live.page.locator("#kind")).to_have_value("ended")
    expect(live.page.locator("#events tbody tr")).to_have_count(len(ended))


def test_events_of_another_form_are_shown_as_far_as_they_go(live: Tab, watching: RunningServer) -> None:
    with closing(StateDatabase(f"sqlite:///{watching.folder / 'faces.server.db'}")) as database:
        Events(database).add("default", {"id": "of a newer server", "event": "crossed", "camera": "gate", "from": 2})
        live.page.goto(f"{watching.url}/live?camera=gate")
        shown = [["unknown", "crossed", "gate", "2.0 s", "", "", ""]]
        await_value(live.page, lambda: [cells[1:] for cells in read_rows(live.page, "tbody tr")], shown)
        with database.write() as conn:  # other tests count the events
            conn.execute(delete(EVENTS).where(EVENTS.c.camera == "gate"))


def test_keys_see_what_they_may(open_tab: OpenTab, watching: RunningServer) -> None:
    for name, galleries, cameras in (("reader", None, 2), ("of another gallery", ["elsewhere"], 0)):
        tab = open_tab(watching.url)
        tab.begin_session(make_key(watching, name, "read", galleries))
        page = tab.open("/live")
        expect(page.locator("#events")).to_be_visible()
        expect(page.locator(".camera")).to_have_count(cameras)
        expect(page.locator("[data-action]")).to_have_count(0)
        await_value(page, lambda page=page: "Ann" in page.content(), bool(cameras))


def test_without_a_network_the_page_says_so_and_goes_on(live: Tab) -> None:
    live.context.set_offline(True)
    live.page.wait_for_selector("#result [role=alert]")
    expect(live.page.locator("#result")).to_contain_text("The page goes on by itself", use_inner_text=True)
    expect(live.page.locator("#events tbody tr").first).to_be_visible()
    live.context.set_offline(False)
    live.page.wait_for_selector("#result [role=alert]", state="detached")
    live.errors.clear()


@pytest.mark.slow(seconds=6)
def test_it_is_accessible_at_each_width(live: Tab, tmp_path: Path) -> None:
    look_at(live, "live", tmp_path)
