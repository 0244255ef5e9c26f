"""Live: pictures of cameras with boxes and names, strangers who get a name, and events of a person and a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.running_server import RunningServer
from server.test_cameras import await_camera
from server.test_keys import make_key
from server.watched_strangers import watch_strangers
from visavis import Gallery
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events
from visavis.types import Quality
from visavis.videos.strangers import Strangers

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import await_value, expect, read_rows

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
ANN, BEN, YARD = "Ann <b>Lee</b>", "Ben <i>Lo</i>", "yard <u>1</u>"
PICTURE = f'.live-picture[data-camera="{YARD}"]'


@pytest.fixture(scope="module")
def watching(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with watch_strangers(sample_photos, tmp_path_factory.mktemp("live"), person=ANN, yard=YARD) as running:
        yield running


@pytest.fixture
def live(open_tab: OpenTab, watching: RunningServer) -> Tab:
    """A tab with the session of an administrator, on the page of the cameras."""
    tab = open_tab(watching.url)
    tab.begin_session(watching.key or "")
    tab.open("/live")
    return tab


def read_strangers(server: RunningServer) -> list[dict[str, Any]]:
    strangers: list[dict[str, Any]] = server.get("/v1/strangers").json()["strangers"]
    return strangers


def people_of(server: RunningServer) -> dict[str, int]:
    """Names of the people, with the number of their templates."""
    people = server.get("/v1/people").json()["people"]
    return {person["name"]: len(person["templates"]) for person in people}


def add_events(server: RunningServer, count: int, **content: object) -> None:
    with closing(StateDatabase(f"sqlite:///{server.folder / 'faces.server.db'}")) as database:
        stored = Events(database)
        for _ in range(count):
            number = stored.last_number()
            stored.add("default", {"id": f"made up {number}", "event": "ended", "camera": "hall", **content})


def read_names(tab: Tab) -> set[str]:
    """The names of all events that are shown."""
    return {row[1] for row in read_rows(tab.page, "#events tbody tr")}


def read_numbers(page: Any) -> set[str]:
    """The numbers of all events that are shown."""
    return {*page.eval_on_selector_all("#events tbody tr", "rows => rows.map((row) => row.dataset.number)")}


def await_text(tab: Tab, place: str, words: str) -> None:
    tab.page.wait_for_function(
        "([place, words]) => document.querySelector(place)?.textContent.includes(words)", arg=[place, words]
    )


def test_a_camera_shows_boxes_and_names_until_it_is_stopped(live: Tab, watching: RunningServer) -> None:
    await_camera(watching, YARD, "running")
    page = live.page
    await_text(live, f"{PICTURE} .label", ANN)
    expect(page.locator(f"{PICTURE} img")).to_have_attribute("alt", f"{YARD}: {ANN}")
    expect(page.locator(f"{PICTURE} .label")).to_have_text([ANN])
    name, box = page.wait_for_function(
        """place => {
            const parts = [".label", "rect"].map((part) => document.querySelector(`${place} ${part}`));
            return parts.every(Boolean) && parts.map((part) => part.getBoundingClientRect().toJSON());
        }""",
        arg=PICTURE,
    ).json_value()  # in one step: each picture has new ones
    assert name["top"] >= box["bottom"] or name["bottom"] <= box["top"]  # beside the face
    try:
        page.click(f'[aria-label="Stop {YARD}"]')
        await_text(live, f'[data-item="{YARD}"]', "stopped")
        expect(page.locator(f"{PICTURE} img, {PICTURE} .label")).to_have_count(0)
        await_text(live, PICTURE, "No picture now")
    finally:
        watching.post(f"/v1/cameras/{YARD}/start")
    await_camera(watching, YARD, "running")


def test_a_page_that_is_paused_shows_no_picture(live: Tab) -> None:
    live.page.wait_for_selector(f"{PICTURE} img")
    live.page.click("#pause")
    expect(live.page.locator(PICTURE)).to_have_text(re.compile("^No picture now"), use_inner_text=True)
    live.page.click("#pause")
    live.page.wait_for_selector(f"{PICTURE} img")


def test_a_stranger_gets_a_name_by_mouse_and_the_undo_takes_it_back(live: Tab, watching: RunningServer) -> None:
    (stranger,) = read_strangers(watching)
    page, number = live.page, stranger["number"]
    card = page.locator(f'#strangers [data-item="{number}"]')
    expect(card).to_contain_text("Seen once, on", use_inner_text=True)
    width = "image => image.decode().then(() => image.naturalWidth)"
    await_value(page, lambda: card.locator("img").evaluate(width), 192)
    card.get_by_text("Who is it?").click()
    page.fill("dialog input", BEN)
    page.click("dialog .primary")
    await_text(live, ".undo", f"Stranger {number} is now {BEN}")
    page.wait_for_selector(f'#strangers [data-item="{number}"]', state="detached")
    assert people_of(watching) == {ANN: 1, BEN: len(stranger["template_ids"])}
    page.click("#undo")
    page.wait_for_selector(f'#strangers [data-item="{number}"]')
    assert people_of(watching) == {ANN: 1}
    assert read_strangers(watching) == [stranger]


def test_a_stranger_becomes_a_person_of_the_gallery_by_keyboard_alone(live: Tab, watching: RunningServer) -> None:
    (stranger,) = read_strangers(watching)
    page = live.page
    page.focus(".skip")
    live.tab_to(f'[aria-label="Who is stranger {stranger["number"]}?"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog input:focus")
    page.keyboard.insert_text("ann")  # at once: a list of people for each pause would come
    page.wait_for_selector("dialog [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # takes the person
    page.keyboard.press("Enter")  # stores
    page.wait_for_function("() => document.activeElement.id === 'undo'")
    assert people_of(watching) == {ANN: 1 + len(stranger["template_ids"])}
    with page.expect_navigation():  # after it is undone
        page.keyboard.press("Enter")
    page.wait_for_selector(f'#strangers [data-item="{stranger["number"]}"]')
    assert people_of(watching) == {ANN: 1}


def test_the_undo_takes_back_what_a_camera_has_seen_since_the_page_was_shown(
    live: Tab, watching: RunningServer
) -> None:
    (stranger,) = read_strangers(watching)
    page, number = live.page, stranger["number"]
    page.click("#pause")
    page.click('[data-action="name"]')
    try:
        see_again(watching, number, camera="hall")
        page.fill("dialog input", BEN)
        page.click("dialog .primary")
        await_text(live, ".undo", f"Stranger {number} is now {BEN}")
        assert people_of(watching) == {ANN: 1, BEN: len(stranger["template_ids"]) + 1}
        with page.expect_navigation():
            page.click("#undo")
        page.wait_for_selector(f'#strangers [data-item="{number}"]')
        assert people_of(watching) == {ANN: 1}
        (again,) = read_strangers(watching)
        assert (again["number"], len(again["template_ids"])) == (number, len(stranger["template_ids"]) + 1)
    finally:
        watching.request("DELETE", "/v1/strangers?camera=hall")


def see_again(server: RunningServer, number: int, *, camera: str) -> None:
    """Store another sighting of a stranger, as the process of the cameras does."""
    with Gallery(server.folder / "faces.db") as opened:
        faces = opened.faces()
        (row,) = np.flatnonzero(faces.ids == number)
        good = Quality(0.9, *[0.99] * 10)
        strangers = Strangers(opened, days=30, fpir=0.01, threshold=0.4)
        strangers.remember(faces.embeddings[row], good, number=number, camera=camera, seconds=0, at=datetime.now(UTC))


def test_a_name_like_another_is_asked_about(live: Tab, watching: RunningServer) -> None:
    (stranger,) = read_strangers(watching)
    page = live.page
    page.click('[data-action="name"]')
    page.fill("dialog input", ANN.upper())
    page.click("dialog .primary")
    page.wait_for_selector("dialog .warning")
    assert people_of(watching) == {ANN: 1}
    page.click("dialog .warning button:first-child")
    await_text(live, ".undo", f"is now {ANN}")
    assert people_of(watching) == {ANN: 1 + len(stranger["template_ids"])}
    with page.expect_navigation():  # after it is undone
        page.click("#undo")
    assert people_of(watching) == {ANN: 1}
    live.errors.clear()  # the answer 409


def test_events_of_a_person_lead_to_the_person_and_new_ones_keep_the_filter(live: Tab, watching: RunningServer) -> None:
    page = live.page
    (person,) = watching.get("/v1/people").json()["people"]
    page.fill("#person", "lee ann")
    page.click("#filter button:not(#pause)")
    page.wait_for_url("**/live?*person=lee+ann*")
    await_value(page, lambda: read_names(live), {ANN})
    add_events(watching, 1, person_id=None, name=None)
    add_events(watching, 1, person_id=person["id"], name=ANN)
    await_text(live, "#events tbody", "hall")
    await_value(page, lambda: read_names(live), {ANN})
    expect(page.locator("#person")).to_have_value("lee ann")
    page.click("#events tbody a")
    page.wait_for_url(f"**/people/{person['id']}?gallery=default")
    page.goto("/live?person=nowhere")
    expect(page.locator("#events")).to_contain_text("No event matches", use_inner_text=True)


def test_older_events_are_pages_on_which_nothing_moves(live: Tab, watching: RunningServer) -> None:
    add_events(watching, 40, camera="lift", name=None)
    page = live.page
    page.goto(f"{watching.url}/live?camera=lift")
    numbers = await_value(page, lambda: read_numbers(page), lambda shown: len(shown) == 30)
    page.click("text=Older events")
    page.wait_for_url("**/live?camera=lift&before=*")
    await_value(page, lambda: read_numbers(page), lambda older: len(older) == 10 and older.isdisjoint(numbers))
    expect(page.locator("text=Older events")).to_have_count(0)
    with page.expect_response(lambda answer: "x-refresh" in answer.request.headers):
        add_events(watching, 1, camera="lift", name=None)
    expect(page.locator("#events tbody tr")).to_have_count(10)
    expect(page.locator("#news")).to_have_text("", use_inner_text=True)
    page.click("text=Newest events")
    page.wait_for_url("**/live?camera=lift")


def test_times_are_those_of_the_reader(open_tab: OpenTab, watching: RunningServer) -> None:
    tab = open_tab(watching.url, timezone_id="Asia/Ho_Chi_Minh")
    tab.begin_session(watching.key or "")
    page = tab.open("/live")
    expect(page.locator("label[for=since] .zone-name").first).to_have_text("GMT+7", use_inner_text=True)
    page.fill("#since", "2020-11-29T06:30")
    page.fill("#until", "2126-11-29T06:30")
    page.click("#filter button:not(#pause)")
    page.wait_for_url("**/live?*since=2020-11-28T23%3A30%3A00.000Z*")
    expect(page.locator("#since")).to_have_value("2020-11-29T06:30")
    expect(page.locator("#events tbody tr").first).to_be_visible()
    page.goto("/live?since=2126-01-01T00:00")
    expect(page.locator("#events")).to_contain_text("No event matches", use_inner_text=True)
    page.goto("/live?since=yesterday")
    expect(page.locator("main .danger").first).to_contain_text("is not valid", use_inner_text=True)


def test_keys_see_what_they_may(open_tab: OpenTab, watching: RunningServer) -> None:
    tab = open_tab(watching.url)
    tab.begin_session(make_key(watching, "reader", "read"))
    page = tab.open("/live")
    page.wait_for_selector(f"{PICTURE} img")
    expect(page.locator("#strangers li")).to_have_count(1)
    expect(page.locator("[data-action]")).to_have_count(0)
    other = open_tab(watching.url)
    other.begin_session(make_key(watching, "of another gallery", "admin", ["elsewhere"]))
    page = other.open("/live?person=ann")
    expect(page.locator("#events")).to_be_visible()
    expect(page.locator("#strangers, .live-picture, #events tbody")).to_have_count(0)


def test_strangers_are_forgotten_after_a_question(live: Tab, watching: RunningServer) -> None:
    (stranger,) = read_strangers(watching)
    page = live.page
    page.click('[data-item="all"] [data-action="forget"]')
    expect(page.locator("dialog .erase").first).to_be_disabled()
    page.fill("dialog input", "1")
    page.click("dialog button:not(.erase)")
    page.wait_for_selector("dialog", state="detached")
    assert read_strangers(watching) == [stranger]
    page.click('[data-item="all"] [data-action="forget"]')
    page.fill("dialog input", "1")
    page.click("dialog .erase")
    await_text(live, "#strangers", "No strangers yet")
    assert read_strangers(watching) == []
    play(watching)
    page.click('[data-action="forget"] >> nth=0')
    page.click("dialog .erase")
    await_text(live, "#strangers", "No strangers yet")
    play(watching)


def play(server: RunningServer) -> None:
    """Let the door show the stranger again."""
    assert server.post("/v1/cameras/door/start").status_code == 200
    await_camera(server, "door", "ended")


@pytest.mark.slow(seconds=8)
def test_the_first_view_is_small(open_tab: OpenTab, watching: RunningServer) -> None:
    """In Vietnamese, with a page of events."""
    (person,) = watching.get("/v1/people").json()["people"]
    at = "2026-11-29T20:57:09.123456+00:00"
    add_events(watching, 40, person_id=person["id"], name=ANN, distance=0.123, liveness=0.9, **{"from": at, "to": at})
    tab = open_tab(watching.url, locale="vi-VN")
    tab.begin_session(watching.key or "")
    page = tab.open("/live")
    loaded = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
      .filter((entry) => !entry.name.includes("/v1/")).map((entry) => [entry.name, entry.decodedBodySize])"""
    sizes = await_value(page, lambda: page.evaluate(loaded), lambda sizes: len(sizes) > 10)
    assert sum(size for _, size in sizes) <= 100_000, sizes


@pytest.mark.slow(seconds=12)
def test_it_is_accessible_at_each_width(live: Tab, tmp_path: Path) -> None:
    live.page.wait_for_selector(f"{PICTURE} img")
    look_at(live, "live-strangers", tmp_path)
    live.page.click('[data-action="name"]')
    look_at(live, "live-naming", tmp_path)
