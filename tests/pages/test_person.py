"""The page of a person: changes with their undo, what cannot be undone, findings, and changes of others meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.running_server import RunningServer, photos
from server.test_keys import make_key
from visavis import Gallery
from visavis.gallery.types import Template
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import Events

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import await_value, expect
from .test_enroll import read_people
from .test_people import SCRIPT, add_people

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


def read_person(server: RunningServer, gallery: str, person_id: int) -> dict[str, Any]:
    person: dict[str, Any] = server.get(f"/v1/people/{person_id}", params={"gallery": gallery}).json()
    return person


def enroll(server: RunningServer, gallery: str, name: str, *paths: Path) -> int:
    answer = server.post(f"/v1/people?gallery={gallery}&new=true", data={"name": name}, files=photos("photo", *paths))
    number: int = answer.json()["person_id"]
    return number


def undo(page: Any) -> None:
    """Press the button that undoes the last change, and wait for the page after it."""
    page.click("#undo")
    page.wait_for_selector(".undo :text('Undone.')")


def test_what_was_typed_and_is_restored_by_the_browser_is_stored(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    """The page was left before it was saved; what another tab stored meanwhile in other fields stays."""
    (person,) = add_people(server, people_gallery, ["Ann"])
    address = f"/people/{person}?gallery={people_gallery}"
    page = signed_in.open(address)
    page.fill("#note", "typed")
    page.click("nav a[href='/compare']")
    page.wait_for_url("**/compare")
    server.request("PATCH", f"/v1/people/{person}?gallery={people_gallery}", json={"consent": "form 7"})
    page.go_back()
    page.wait_for_function("() => document.getElementById('note').value === 'typed'")
    page.click("#save")
    page.wait_for_selector(".undo #undo")
    stored = read_person(server, people_gallery, person)
    assert (stored["note"], stored["consent"]) == ("typed", "form 7")


def test_changes_are_undone_by_mouse(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    first, second = add_people(server, people_gallery, ["Ann", "Ben"], templates=2)
    before = read_person(server, people_gallery, first)
    page = signed_in.open(f"/people/{first}?gallery={people_gallery}")

    page.click("#rename")
    page.fill("#new-name", SCRIPT)
    page.click("dialog .primary")
    page.wait_for_selector(".undo #undo")
    page.locator("h1", has_text=SCRIPT).wait_for()
    assert read_person(server, people_gallery, first)["name"] == SCRIPT
    undo(page)
    expect(page.locator("h1").first).to_have_text("Ann", use_inner_text=True)
    assert read_person(server, people_gallery, first)["name"] == "Ann"

    page.fill("#note", SCRIPT)
    page.fill("#consent", "form 7")
    page.click("#save")
    page.wait_for_selector("#withdraw")
    assert read_person(server, people_gallery, first)["consent"] == "form 7"
    undo(page)
    assert read_person(server, people_gallery, first) == before

    template = before["templates"][0]["id"]
    page.click(f"#move-{template}")
    page.fill("#pick", "ben")
    page.click(".candidates button:has-text('Ben')")
    page.wait_for_selector(".undo :text('moved to Ben')")
    assert len(read_person(server, people_gallery, second)["templates"]) == 3
    page.wait_for_selector(".templates li + li", state="detached")
    undo(page)
    assert read_person(server, people_gallery, first) == before
    expect(page.locator("#history-title ~ ul li")).to_have_count(7)


def test_details_that_were_changed_elsewhere_stay(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    (person,) = add_people(server, people_gallery, ["Ann"])
    details = {"note": "guest", "consent": "form 7\nsigned", "consented": "2026-11-29"}
    server.request("PATCH", f"/v1/people/{person}", params={"gallery": people_gallery}, json=details)
    page = signed_in.open(f"/people/{person}?gallery={people_gallery}")
    other = signed_in.context.new_page()
    other.goto(page.url)

    def read() -> tuple[str | None, ...]:
        stored = read_person(server, people_gallery, person)
        return tuple(stored[field] for field in details)

    page.fill("#note", "staff")
    page.click("#save")
    page.wait_for_selector(".undo #undo")
    assert read() == ("staff", "form 7\nsigned", "2026-11-29")
    undo(page)
    other.click("#withdraw")
    other.wait_for_selector(".undo #undo")
    assert read() == ("guest", None, None)
    page.fill("#note", "staff")
    page.click("#save")
    page.wait_for_selector(".undo #undo")
    assert read() == ("staff", None, None)
    undo(page)
    assert read() == ("guest", None, None)
    undo(other)
    assert read() == tuple(details.values())

    page.reload()
    changes: list[str] = []
    page.on("request", lambda request: request.method != "GET" and changes.append(request.method))
    page.fill("#consent", "form 8")
    page.fill("#consented", "")
    page.click("#save")
    page.wait_for_selector(".undo :text('Saved.')")
    assert (read(), changes) == (("guest", "form 8", None), ["PATCH"])


def test_a_change_is_undone_although_the_page_was_not_loaded(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    (person,) = add_people(server, people_gallery, ["Ann"])
    page = signed_in.open(f"/people/{person}?gallery={people_gallery}")
    page.route(f"{server.url}/people/**", lambda route: route.abort())
    page.click("#rename")
    page.fill("#new-name", "Anne")
    page.keyboard.press("Enter")
    page.wait_for_selector("#notices [role=alert]")
    expect(page.locator("#notices")).to_contain_text("The page may not show the last change yet.", use_inner_text=True)
    expect(page.locator("#notices")).not_to_contain_text("was not made", use_inner_text=True)
    assert read_person(server, people_gallery, person)["name"] == "Anne"
    page.unroute(f"{server.url}/people/**")
    page.click("#notices button")
    page.wait_for_selector("h1:text('Anne')")
    undo(page)
    assert read_person(server, people_gallery, person)["name"] == "Ann"
    signed_in.errors.clear()  # the request that was broken off


def test_the_last_change_is_not_shown_to_another_key(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    (person,) = add_people(server, people_gallery, ["Ann"])
    address = f"/people/{person}?gallery={people_gallery}"
    page = signed_in.open(address)

    def rename(name: str) -> None:
        page.click("#rename")
        page.fill("#new-name", name)
        page.keyboard.press("Enter")
        page.wait_for_selector(".undo #undo")
        page.locator("h1", has_text=name).wait_for()
        page.wait_for_selector("#findings .empty, #findings .lines")

    rename("Anne")
    signed_in.context.clear_cookies()
    signed_in.sign_in(make_key(server, f"other of {people_gallery}", "enroll"))
    page.goto(address)
    page.wait_for_selector("#findings .empty, #findings .lines")
    expect(page.locator(".undo").first).to_have_text("", use_inner_text=True)
    await_value(page, lambda: page.evaluate("sessionStorage.length"), 0)
    rename("Annette")
    await_value(page, lambda: page.evaluate("sessionStorage.length"), 1)
    page.click("form.session button")
    page.wait_for_url("**/sign-in")
    await_value(page, lambda: page.evaluate("sessionStorage.length"), 0)


def test_a_merge_is_undone_on_the_page_of_the_other(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    """What was changed elsewhere meanwhile is restored too, after an undo that failed at the first try."""
    first, second = add_people(server, people_gallery, ["Ann", "Ben"], templates=2)
    query = {"gallery": people_gallery}
    details = {"note": "guest", "consent": "form 7", "consented": "2026-11-29"}
    metadata = {"room": "<b>\"3'", "card": 12345678901234567890}
    server.request("PATCH", f"/v1/people/{first}", params=query, json={**details, "metadata": metadata})
    page = signed_in.open(f"/people/{first}?gallery={people_gallery}")
    expect(page.locator("dl").first).to_contain_text("<b>\"3'", use_inner_text=True)
    page.click("#merge")
    page.wait_for_selector(".candidates button")
    expect(page.locator(".candidates button")).to_have_text(["Ben\n#2 · 2 templates"], use_inner_text=True)
    details = {"note": "staff", "consent": "form 8", "consented": "2026-11-30"}
    server.request("PATCH", f"/v1/people/{first}", params=query, json=details)
    order = {"template_ids": [read_person(server, people_gallery, second)["templates"][0]["id"]]}
    server.post(f"/v1/people/{first}/faces?gallery={people_gallery}", json=order)
    templates = [template["id"] for template in read_person(server, people_gallery, first)["templates"]]
    page.click(".candidates button")
    page.wait_for_url(f"**/people/{second}?**")
    assert [len(person["templates"]) for person in read_people(server, people_gallery)] == [4]
    page.route("**/v1/people/**", lambda route: route.abort())
    page.click("#undo")
    page.wait_for_selector(".undo [role=alert]")
    assert [person["note"] for person in read_people(server, people_gallery)] == ["", ""]
    page.unroute("**/v1/people/**")
    page.reload()
    undo(page)
    other, restored = read_people(server, people_gallery)
    expect(page).to_have_url(f"{server.url}/people/{restored['id']}?gallery={people_gallery}")
    assert ([template["id"] for template in restored["templates"]], len(other["templates"])) == (templates, 1)
    assert {key: restored[key] for key in details} == details
    assert (len(templates), restored["metadata"]) == (3, metadata)
    signed_in.errors.clear()  # the requests that were broken off


def test_what_cannot_be_undone_is_confirmed_by_keyboard_alone(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    (person,) = add_people(server, people_gallery, ["Ann \u00a0 B"], templates=2)
    first, second = (template["id"] for template in read_person(server, people_gallery, person)["templates"])
    page = signed_in.open(f"/people/{person}?gallery={people_gallery}")
    signed_in.tab_to(f"#delete-{second}")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_text("Cancel")
    page.keyboard.press("Escape")
    expect(page.locator(f"#delete-{second}")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".undo p")
    assert [template["id"] for template in read_person(server, people_gallery, person)["templates"]] == [first]
    page.wait_for_selector("[data-act=delete]", state="detached")  # the last one stays

    page.evaluate("document.getElementById('content').focus()")
    signed_in.tab_to("#erase")
    page.keyboard.press("Enter")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    expect(page.locator("dialog .erase").first).to_be_disabled()
    page.keyboard.type(" B")  # as it is shown
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people?gallery={people_gallery}")
    expect(page.locator(".undo").first).to_contain_text("The person is erased.", use_inner_text=True)
    assert read_people(server, people_gallery) == []


def test_a_person_that_was_removed_elsewhere(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    first, second = add_people(server, people_gallery, ["Ann", "Ben"], templates=2)
    query = {"gallery": people_gallery}
    page = signed_in.open(f"/people/{first}?gallery={people_gallery}")
    page.click("#merge")
    page.wait_for_selector(".candidates button")
    server.request("DELETE", f"/v1/people/{second}", params=query)
    page.click(".candidates button")
    page.wait_for_selector("#notices [role=alert]")
    expect(page.locator("#notices")).to_contain_text("The page shows what is there now.", use_inner_text=True)
    expect(page.locator("#near-title ~ .empty").first).to_have_text(
        "There is no other person in this gallery.", use_inner_text=True
    )
    server.request("DELETE", f"/v1/people/{first}", params=query)
    page.click("#rename")
    page.fill("#new-name", "Cyd")
    page.keyboard.press("Enter")
    page.wait_for_selector("#content > [role=alert]")
    expect(page.locator("#content")).to_contain_text("no longer in the gallery", use_inner_text=True)
    signed_in.errors.clear()  # answers of 404


def test_findings_lead_to_what_helps(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    rows = np.eye(128, dtype=np.float32)
    with Gallery(server.folder / f"{people_gallery}.db") as opened:
        near = rows[0] + 0.05 * rows[1]
        first = opened.add("Ann", [Template(rows[0]), Template(near)]).person_id
        second = opened.add("Anna", [Template(near + 0.05 * rows[2])]).person_id
        third = opened.add("Ben", [Template(rows[n]) for n in (9, 9, 20)]).person_id
    page = signed_in.open(f"/people/{first}?gallery={people_gallery}")
    page.wait_for_selector("#findings .lines")
    expect(page.locator("#findings")).to_contain_text("Anna seems to be the same person.", use_inner_text=True)
    expect(page.locator("#findings")).to_contain_text("2 templates that are nearly equal", use_inner_text=True)
    expect(page.locator("#near-title ~ ul").first).to_contain_text(
        "would be taken for this person", use_inner_text=True
    )
    page.click("#findings button")
    page.wait_for_url(f"**/people/{second}?**")
    assert [person["id"] for person in read_people(server, people_gallery)] == [second, third]


def test_findings_of_the_whole_gallery_lead_to_the_people(
    signed_in: Tab, server: RunningServer, people_gallery: str, tmp_path: Path
) -> None:
    rows = np.eye(128, dtype=np.float32)
    with Gallery(server.folder / f"{people_gallery}.db") as opened:
        opened.add("Ann", [Template(rows[0]), Template(rows[0] + 0.05 * rows[1])])
        second = opened.add(SCRIPT, [Template(rows[0] + 0.05 * rows[2])]).person_id
    page = signed_in.open(f"/people?gallery={people_gallery}")
    page.click("text=Findings")
    expect(page.locator("#report h2")).to_have_text(
        ["One person, enrolled twice (1)", "People with few or nearly equal photos (2)"], use_inner_text=True
    )
    expect(page.locator("#report")).to_contain_text(f"{SCRIPT} and Ann seem to be one person.", use_inner_text=True)
    look_at(signed_in, "findings", tmp_path)
    page.click(f"#report a[href*='/{second}?']")
    page.wait_for_selector("#findings .lines")
    expect(page.locator("h1").first).to_have_text(SCRIPT, use_inner_text=True)


@pytest.mark.slow(seconds=6)
def test_the_page_of_a_person_is_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, faces: Path, people_gallery: str, tmp_path: Path
) -> None:
    """In Vietnamese, whose words are the longest."""
    tab = open_tab(server.url, locale="vi-VN")
    tab.begin_session(server.key or "")
    with Gallery(server.folder / f"{people_gallery}.db") as opened:
        opened.keep_crops(True)
    person = enroll(server, people_gallery, "Barack Obama", faces / "obama.jpg", faces / "obama2.jpg")
    enroll(server, people_gallery, "Joe Biden", faces / "biden.jpg")
    add_people(server, people_gallery, ["Ann"])
    database = StateDatabase(f"sqlite:///{server.folder / 'default.server.db'}")
    content = {"id": "e1", "event": "recognized", "camera": "door", "person_id": person, "name": "Barack Obama"}
    Events(database).add(people_gallery, content)
    database.close()
    page = tab.open(f"/people/{person}?gallery={people_gallery}")
    page.wait_for_selector("#findings .lines, #findings .empty")
    expect(page.locator("#seen-title ~ ul").first).to_contain_text("door", use_inner_text=True)
    widths = "Promise.all([...document.images].map((image) => image.decode().then(() => image.naturalWidth)))"
    await_value(page, lambda: page.evaluate(widths), [192] * 3)
    look_at(tab, "person", tmp_path)
    page.click("#erase")
    look_at(tab, "person-erase", tmp_path)
