"""People: the list, and its search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from server.running_server import RunningServer
from server.test_keys import make_key
from visavis import Gallery
from visavis.gallery.types import Template

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import expect

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
    listed = page.locator(".people b").all_inner_texts()
    page.click("text=Next page")
    expect(page.locator(".pages")).to_contain_text("Page 2 of 3")
    listed += page.locator(".people b").all_inner_texts()
    page.click("text=Next page")
    expect(page.locator(".pages")).to_contain_text("Page 3 of 3")
    listed += page.locator(".people b").all_inner_texts()
    assert listed == names
    page.fill("#search", "person 07")
    page.click("#find button")
    expect(page.locator(".people b")).to_have_text([name for name in names if "07" in name])
    assert "12 of 125 people match." in page.inner_text("#list")
    page.goto(f"/people?gallery={people_gallery}&page=9")
    assert "Page 3 of 3" in page.inner_text(".pages")
    page.goto(f"/people?gallery={people_gallery}")
    assert page.locator("text=Enroll").count() == 0
    page.click("text=Person 003")
    expect(page.locator("h1")).to_have_text("Person 003")
    assert page.locator("button[data-act]").count() == 0
    page.goto(f"/people/new?gallery={people_gallery}")
    assert page.url.startswith(f"{server.url}/people?")


def test_the_list_follows_what_is_typed(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    ids = add_people(server, people_gallery, ["Nguyễn Văn An", "Đỗ Ánh", SCRIPT])
    page = signed_in.open(f"/people?gallery={people_gallery}")
    assert page.locator(".people b").all_inner_texts() == [SCRIPT, "Đỗ Ánh", "Nguyễn Văn An"]
    signed_in.tab_to("#search")
    page.keyboard.type("nguyen")
    page.wait_for_url(lambda url: url.endswith("search=nguyen"))
    assert "1 of 3 people match." in page.inner_text("#list")
    assert page.evaluate("document.activeElement.id") == "search"
    signed_in.tab_to(".people a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{ids[0]}?**")
    page.go_back()
    assert "search=nguyen" in page.url
    page.fill("#search", "nothing like it")
    page.click("text=Show all people")
    page.wait_for_url(lambda url: "search=" not in url)
    assert page.locator(".people b").all_inner_texts() == [SCRIPT, "Đỗ Ánh", "Nguyễn Văn An"]


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
    assert page.locator(".people b").all_inner_texts() == ["Ben"]

    page.route("**/people?*search=a", lambda route: route.fulfill(status=503, body="<p>busy</p>"))
    page.fill("#search", "a")
    page.wait_for_selector("#list [role=alert]")
    assert "http_503" in page.inner_text("#list")
    page.unroute("**/people?*search=a")
    page.click("#list [role=alert] button")
    page.wait_for_url(lambda url: url.endswith("search=a"))
    assert page.locator(".people b").all_inner_texts() == ["Ann"]
    signed_in.errors.clear()  # the answer of 503


def test_the_pages_are_about_the_gallery_chosen_last(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    (person,) = add_people(server, people_gallery, ["Ann"])
    page = signed_in.open(f"/identify?gallery={people_gallery}")
    page.goto("/people")
    assert page.locator(".people b").all_inner_texts() == ["Ann"]
    page.click("text=Ann")
    page.wait_for_url(f"**/people/{person}?gallery={people_gallery}")
    page.goto("/people/new")
    assert page.inner_text("#in-gallery") == f"Gallery: {people_gallery}"
    assert page.get_attribute("#enroll", "data-gallery") == people_gallery
    page.goto("/people?gallery=default")
    page.goto("/identify")
    assert page.get_attribute("#page", "data-gallery") == "default"
    page.goto("/people")
    assert page.get_attribute("main a.primary >> nth=0", "href") == "/people/new?gallery=default"


def test_what_is_not_there_is_said_in_a_page(signed_in: Tab, server: RunningServer, open_tab: OpenTab) -> None:
    page = signed_in.open("/people/999999")
    assert "no longer in the gallery" in page.inner_text("[role=alert]")
    page.goto("/people?gallery=nothing")
    assert "no gallery of this name" in page.inner_text("[role=alert]")
    page.click("main .button")
    page.wait_for_url("**/people")
    signed_in.errors.clear()  # two answers of 404
    tab = open_tab(server.url)
    answer = server.post("/v1/keys", json={"name": "of one", "role": "read", "galleries": ["people1"]})
    tab.begin_session(answer.json()["key"])
    page = tab.open("/people?gallery=default")
    assert "may not use it" in page.inner_text("[role=alert]")
    tab.open("/people")
    assert page.locator("select").count() == 0
    tab.errors.clear()


@pytest.mark.slow(seconds=7)
def test_the_list_is_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, people_gallery: str, tmp_path: Path
) -> None:
    """In Vietnamese, whose words are the longest."""
    tab = open_tab(server.url, locale="vi-VN")
    tab.begin_session(server.key or "")
    page = tab.open(f"/people?gallery={people_gallery}")
    assert "chưa có ai" in page.inner_text("#list")
    add_people(server, people_gallery, ["Ann", "Ben " * 30, SCRIPT, *(f"Person {n}" for n in range(70))])
    tab.open(f"/people?gallery={people_gallery}")
    size = page.evaluate("performance.getEntriesByType('navigation')[0].encodedBodySize")
    files = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.encodedBodySize)")
    assert size + sum(files) <= 100_000
    look_at(tab, "people", tmp_path)
