"""Pages of the settings about the server itself: retention, cameras; and the display of a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from server.running_server import RunningServer
from server.test_cameras import await_camera, await_that, encode
from server.test_keys import make_key
from visavis.server.pages.preferences import FORMATS
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events

from .appearance import look_at
from .conftest import OpenTab, open_as_administrator, serve
from .expectation import await_value, expect, expect_text

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
PASSWORD = "open-sesame"


@pytest.fixture(scope="module")
def kept(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a camera that is a folder of one frame, one that is not there, and days for all that expires."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "frames").mkdir()
    (folder / "frames/1.jpg").write_bytes(encode(np.full((240, 320, 3), 90, np.uint8)))
    address = f"rtsp://viewer:{PASSWORD}@127.0.0.1:9/stream?token={PASSWORD}"
    cameras = '[[camera]]\nname = "door <i>1"\nsource = "frames"\nevery = 2\nmin_face = 40\n'
    cameras += f'[[camera]]\nname = "hall"\nsource = "secret/none.mp4"\ndetect = "{address}"\n'
    (folder / "cameras.toml").write_text(cameras)
    (folder / "cameras.toml").chmod(0o600)
    tables = "[video]\nevent_days = 7\n[retention]\njob_days = 30\n"
    (folder / "server.toml").write_text(f"{tables}[galleries]\ndefault = 'faces.db'\nelsewhere = 'elsewhere.db'\n")
    add_old(folder, "old of the start")
    with serve(folder, "--cameras", "cameras.toml") as running:
        await_camera(running, "door <i>1", "ended")
        await_camera(running, "hall", "failed")
        await_that(lambda: list_old(running) == [], "what is old, removed", running)  # for ten minutes not again
        yield running


def test_how_cameras_are_configured_without_passwords_and_folders(open_tab: OpenTab, kept: RunningServer) -> None:
    page = open_as_administrator(open_tab, kept, "/settings/cameras").page
    door, hall = (page.locator(f"[data-item='{name}']") for name in ("door <i>1", "hall"))
    expect(door.locator("dd")).to_have_text(["frames", "one in 2", "40 pixels", "default"])
    expect(hall.locator("dd").nth(0)).to_have_text("none.mp4")
    expect(hall.locator("dd").nth(1)).to_have_text("rtsp://***@127.0.0.1:9/stream?token=***")
    expect(door.locator(".state")).to_have_text("at the end of its file")
    expect(hall.locator(".state")).to_have_text("failed")
    secrets = (PASSWORD, str(kept.folder), "secret")
    await_value(page, lambda: [secret for secret in secrets if secret in page.content()], [])


def test_sources_are_checked_by_mouse_and_by_keyboard_alone(open_tab: OpenTab, kept: RunningServer) -> None:
    tab = open_as_administrator(open_tab, kept, "/settings/cameras")
    tab.page.click("[aria-label='Check the source of door <i>1']")
    tab.page.wait_for_selector("#result :text('door <i>1 gives pictures of 320 x 240 pixels')")
    tab.tab_to("[aria-label='Check the source of hall']")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#result :text('hall gives no picture:')")
    expect_text(tab.page, "#result", "none.mp4")
    expect(tab.page.locator("#result")).not_to_contain_text("secret")
    answer = kept.post("/v1/cameras/hall/check").json()
    assert (answer["name"], answer["width"]) == ("hall", None)
    expect_text(tab.page, "#result", answer["message"])


def test_a_camera_is_started_from_the_settings(open_tab: OpenTab, kept: RunningServer) -> None:
    page = open_as_administrator(open_tab, kept, "/settings/cameras").page
    with page.expect_response("**/start") as started:  # until then it is still at the end of its file
        page.click("[aria-label='Start door <i>1']")
    assert started.value.ok
    await_camera(kept, "door <i>1", "ended")
    entry = kept.get("/v1/log?limit=1000").json()["entries"][-1]
    assert (entry["action"], entry["detail"]) == ("start camera", "door <i>1")


def test_cameras_of_other_galleries_are_not_shown_and_not_checked(open_tab: OpenTab, kept: RunningServer) -> None:
    tab = open_tab(kept.url)
    key = make_key(kept, "admin of elsewhere", "admin", ["elsewhere"])
    tab.begin_session(key)
    page = tab.open("/settings/cameras")
    expect_text(page, "#cameras", "This server watches no camera.")
    expect(page.locator(".camera")).to_have_count(0)
    assert kept.post("/v1/cameras/hall/check", key=key).status_code == 404
    reader = make_key(kept, "reader of cameras", "read")
    assert kept.post("/v1/cameras/hall/check", key=reader).status_code == 403


def add_old(folder: Path, name: str) -> None:
    """Add an event that is too old."""
    with closing(StateDatabase(f"sqlite:///{folder / 'faces.server.db'}")) as database:
        Events(database).add("default", {"id": name, "event": "ended", "camera": "gone"})
        with database.write() as conn:
            conn.execute(update(tables.EVENTS).where(tables.EVENTS.c.id == name).values(at="2020-01-01T00:00:00+00:00"))


def list_old(kept: RunningServer) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = kept.get("/v1/events?camera=gone").json()["events"]
    return events


def test_what_is_due_is_shown_and_removed_by_mouse_and_by_keyboard(open_tab: OpenTab, kept: RunningServer) -> None:
    for way in ("mouse", "keyboard"):
        add_old(kept.folder, f"old of {way}")
        tab = open_as_administrator(open_tab, kept, "/settings/retention")
        rows = [
            re.compile(r"^Events of cameras\t7 days\t\d+\tJan 1,[^\t]*\t1$"),
            re.compile(r"^Jobs that have ended\t30 days\t"),
            re.compile(r"^Log of the server\tfor ever\t"),
        ]
        expect(tab.page.locator("#kinds tbody tr")).to_have_text(rows, use_inner_text=True)
        if way == "mouse":
            tab.page.click("#run")
        else:
            tab.tab_to("#run")
            tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("#result :text('Removed: events 1, jobs 0, log entries 0.')")
        tab.page.wait_for_selector("[data-kind=events] td:last-child:text-is('0')")
        assert [kind["due"] for kind in kept.get("/v1/retention").json()["kinds"]] == [0, 0, 0]
        assert list_old(kept) == []


def test_the_form_of_dates_and_numbers_is_kept_for_a_browser(open_tab: OpenTab, kept: RunningServer) -> None:
    """Each button shows what the browser makes of its locale, and without a choice the language decides."""
    tab = open_as_administrator(open_tab, kept, "/settings/display")
    made = """locale => {
        const at = new Intl.DateTimeFormat(locale, {dateStyle: "medium", timeStyle: "short", timeZone: "UTC"});
        return `${at.format(Date.UTC(2026, 11, 31, 14, 5))}; ${new Intl.NumberFormat(locale).format(1234.5)}`;
    }"""
    for locale, sample in FORMATS.items():
        if sample:
            await_value(tab.page, lambda locale=locale: " ".join(tab.page.evaluate(made, locale).split()), sample)
    tab.page.click("button[value='de-DE']")
    tab.page.wait_for_selector("button[value='de-DE'][aria-pressed='true']")
    expect(tab.page.locator("html")).to_have_attribute("lang", "en")
    tab.tab_to("button[value='vi']")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("html[lang='vi'][data-format='de-DE']")
    add_old(kept.folder, "old of display")
    page = tab.open("/settings/retention")
    expect(page.locator("[data-kind=events] time")).to_have_text(re.compile(r"^1\. Jan\. 2020"))
    other = open_as_administrator(open_tab, kept, "/settings/display")
    expect(other.page.locator("button[value='de-DE']")).to_have_attribute("aria-pressed", "false")
    expect(other.page.locator("html:not([data-format])")).to_have_count(1)
    kept.post("/v1/retention/run")


@pytest.mark.slow(seconds=20)
def test_they_are_accessible_at_each_width(open_tab: OpenTab, kept: RunningServer, tmp_path: Path) -> None:
    for name in ("cameras", "retention", "display"):
        look_at(open_as_administrator(open_tab, kept, f"/settings/{name}"), name, tmp_path)
