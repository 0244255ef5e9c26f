"""People: the list, and its search."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from server.running_server import RunningServer
from server.test_keys import make_key
from visavis import Gallery
from visavis.gallery.types import Template

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import await_value, expect

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
SCRIPT = "<img src=x onerror=document.title='run'>"


def add_people(server: RunningServer, gallery: str, names: list[str], *, templates: int = 1) -> list[int]:
    """Add people with random embeddings; return their ids."""
    rows = np.random.default_rng(7).normal(size=(len(names), templates, 128)).astype(np.float32)
    people = [
        (name, [Template(row, photo=f"{n}.jpg") for n, row in enumerate(of)])
        for name, of in zip(names, rows, strict=True)
    ]
    with Gallery(server.folder / f"{gallery}.db") as opened:
        return [result.person_id for result in opened.add_many(people)]


def test_the_list_has_pages_and_is_read_without_scripts(
    open_tab: OpenTab, server: RunningServer, people_gallery: str
) -> None:
    names = [f"Person {number:03}" for number in range(125)]
    add_people(server, people_gallery, names[::-1])
    tab = open_tab(server.url, java_script_enabled=False)
    tab.begin_session(make_key(server, f"reader of {people_gallery}", "read"))
    page = tab.open(f"/people?gallery={people_gallery}")
    expect(page.locator(".people b")).to_have_text(names[:60], use_inner_text=True)
    page.click("text=Next page")
    expect(page.locator(".pages")).to_contain_text("Page 2 of 3")
    expect(page.locator(".people b")).to_have_text(names[60:120], use_inner_text=True)
    page.click("text=Next page")
    expect(page.locator(".pages")).to_contain_text("Page 3 of 3")
    expect(page.locator(".people b")).to_have_text(names[120:], use_inner_text=True)
    page.fill("#search", "person 07")
    page.click("#find button")
    expect(page.locator(".people b")).to_have_text([name for name in names if "07" in name])
    expect(page.locator("#list")).to_contain_text("12 of 125 people match.", use_inner_text=True)
    page.goto(f"/people?gallery={people_gallery}&page=9")
    expect(page.locator(".pages").first).to_contain_text("Page 3 of 3", use_inner_text=True)
    page.goto(f"/people?gallery={people_gallery}")
    expect(page.locator(".pages")).to_contain_text("Page 1 of 3")
    expect(page.locator("text=Enroll")).to_have_count(0)
    page.click("text=Person 003")
    expect(page.locator("h1")).to_have_text("Person 003")
    expect(page.locator("button[data-act]")).to_have_count(0)
    page.goto(f"/people/new?gallery={people_gallery}")
    expect(page).to_have_url(re.compile(rf"^{re.escape(server.url)}/people\?"))


def test_the_list_follows_what_is_typed(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    ids = add_people(server, people_gallery, ["Nguyễn Văn An", "Đỗ Ánh", SCRIPT])
    page = signed_in.open(f"/people?gallery={people_gallery}")
    expect(page.locator(".people b")).to_have_text([SCRIPT, "Đỗ Ánh", "Nguyễn Văn An"], use_inner_text=True)
    signed_in.tab_to("#search")
    page.keyboard.type("nguyen")
    page.wait_for_url(lambda url: url.endswith("search=nguyen"))
    expect(page.locator("#list")).to_contain_text("1 of 3 people match.", use_inner_text=True)
    expect(page.locator("#search")).to_be_focused()
    signed_in.tab_to(".people a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{ids[0]}?**")
    page.go_back()
    expect(page).to_have_url(re.compile("search=nguyen"))
    page.fill("#search", "nothing like it")
    page.click("text=Show all people")
    page.wait_for_url(lambda url: "search=" not in url)
    expect(page.locator(".people b")).to_have_text([SCRIPT, "Đỗ Ánh", "Nguyễn Văn An"], use_inner_text=True)


def test_a_search_ends_the_one_before_and_says_what_failed(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    add_people(server, people_gallery, ["Ann", "Ben"])
    page = signed_in.open(f"/people?gallery={people_gallery}")
    page.route("**/people?*search=ann", lambda _: None)  # it is never answered
    with page.expect_request("**/people?*search=ann"):
        page.fill("#search", "ann")
    with page.expect_event("requestfailed") as ended:
        page.fill("#search", "ben")
    assert ended.value.url.endswith("search=ann")
    page.wait_for_url(lambda url: url.endswith("search=ben"))
    expect(page.locator(".people b")).to_have_text(["Ben"], use_inner_text=True)

    page.route("**/people?*search=a", lambda route: route.fulfill(status=503, body="<p>busy</p>"))
    page.fill("#search", "a")
    page.wait_for_selector("#list [role=alert]")
    expect(page.locator("#list")).to_contain_text("http_503", use_inner_text=True)
    page.unroute("**/people?*search=a")
    page.click("#list [role=alert] button")
    page.wait_for_url(lambda url: url.endswith("search=a"))
    expect(page.locator(".people b")).to_have_text(["Ann"], use_inner_text=True)
    signed_in.errors.clear()  # the answer of 503


def test_the_pages_are_about_the_gallery_chosen_last(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    (person,) = add_people(server, people_gallery, ["Ann"])
    page = signed_in.open(f"/identify?gallery={people_gallery}")
    page.goto("/people")
    expect(page.locator(".people b")).to_have_text(["Ann"], use_inner_text=True)
    page.click("text=Ann")
    page.wait_for_url(f"**/people/{person}?gallery={people_gallery}")
    page.goto("/people/new")
    expect(page.locator("#in-gallery")).to_have_text(f"Gallery: {people_gallery}", use_inner_text=True)
    expect(page.locator("#enroll")).to_have_attribute("data-gallery", people_gallery)
    page.goto("/people?gallery=default")
    page.goto("/identify")
    expect(page.locator("#page")).to_have_attribute("data-gallery", "default")
    page.goto("/people")
    expect(page.locator("main a.primary").first).to_have_attribute("href", "/people/new?gallery=default")


def test_what_is_not_there_is_said_in_a_page(signed_in: Tab, server: RunningServer, open_tab: OpenTab) -> None:
    page = signed_in.open("/people/999999")
    expect(page.locator("[role=alert]").first).to_contain_text("no longer in the gallery", use_inner_text=True)
    page.goto("/people?gallery=nothing")
    expect(page.locator("[role=alert]").first).to_contain_text("no gallery of this name", use_inner_text=True)
    page.click("main .button")
    page.wait_for_url("**/people")
    signed_in.errors.clear()  # two answers of 404
    tab = open_tab(server.url)
    answer = server.post("/v1/keys", json={"name": "of one", "role": "read", "galleries": ["people1"]})
    tab.begin_session(answer.json()["key"])
    page = tab.open("/people?gallery=default")
    expect(page.locator("[role=alert]").first).to_contain_text("may not use it", use_inner_text=True)
    tab.open("/people")
    expect(page.locator("#list")).to_be_visible()
    expect(page.locator("select")).to_have_count(0)
    tab.errors.clear()


@pytest.mark.slow(seconds=7)
def test_the_list_is_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, people_gallery: str, tmp_path: Path
) -> None:
    """In Vietnamese, whose words are the longest."""
    tab = open_tab(server.url, locale="vi-VN")
    tab.begin_session(server.key or "")
    page = tab.open(f"/people?gallery={people_gallery}")
    expect(page.locator("#list")).to_contain_text("chưa có ai", use_inner_text=True)
    add_people(server, people_gallery, ["Ann", "Ben " * 30, SCRIPT, *(f"Person {n}" for n in range(70))])
    tab.open(f"/people?gallery={people_gallery}")
    loaded = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
      .map((entry) => entry.encodedBodySize)"""
    sizes = await_value(page, lambda: page.evaluate(loaded), lambda sizes: len(sizes) > 10)
    assert sum(sizes) <= 100_000
    look_at(tab, "people", tmp_path)
