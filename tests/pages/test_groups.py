"""Groups: named, merged, split, put aside, by mouse and by keyboard; thousands of faces; two users at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from server.running_server import RunningServer
from server.test_keys import make_key
from visavis import Client

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import await_value, expect, expect_text
from .held_requests import go_on, hold, wait_until
from .made_up_groups import add_groups

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
SCRIPT = "<img src=x onerror=document.title='run'>"


def open_groups(tab: Tab, gallery: str, group: int | None = None, *, more: str = "") -> Any:
    page = tab.open(f"/groups?gallery={gallery}{more}" + ("" if group is None else f"&group={group}"))
    page.wait_for_selector("#faces [role=option]")
    return page


def wait_for_heading(page: Any, text: str) -> None:
    expect(page.locator("#group-title")).to_have_text(text)


def ask(server: RunningServer, gallery: str) -> Client:
    return Client(server.url, server.key, gallery)


def name_by_mouse(page: Any, name: str) -> None:
    page.fill("#about input[role=combobox]", name)
    page.click("#about form button.primary")


def test_a_group_is_named_and_that_is_undone(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    ids = add_groups(server, people_gallery, {1: [(1, 4)], 2: [(2, 2)]}, photo=SCRIPT.replace("/", "") + "{face}.jpg")
    page = open_groups(signed_in, people_gallery)
    wait_for_heading(page, "Group 1: 4 faces")
    expect(page.locator("#list-title")).to_have_text("2 groups")
    name_by_mouse(page, SCRIPT)
    expect(page.locator(".undo p")).to_have_text(f"{SCRIPT} is a new person of the gallery, with 4 faces.")
    wait_for_heading(page, "Group 2: 2 faces")
    with ask(server, people_gallery) as client:
        (person,) = client.people()
        assert (person.name, [template.id for template in person.templates]) == (SCRIPT, ids[1])
        page.click("#undo")
        wait_for_heading(page, "Group 1: 4 faces")
        assert client.people() == []
        assert [(group.number, group.faces) for group in client.groups().groups] == [(1, 4), (2, 2)]
    expect(page).to_have_title("Groups - visavis")


def test_a_suggestion_is_made_for_the_near_person_alone(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    ids = add_groups(server, people_gallery, {1: [(1, 4)], 2: [(2, 2)]}, people={"Ann": 1, "Ben": 3})
    page = open_groups(signed_in, people_gallery)
    expect(page.locator(".suggestions button")).to_have_text([re.compile("^Ann")])
    page.click(".suggestions button")
    page.wait_for_selector("#undo")
    expect(page.locator(".undo p")).to_have_text("4 faces named Ann.")
    wait_for_heading(page, "Group 2: 2 faces")
    expect(page.locator(".suggestions")).to_have_count(0)
    with ask(server, people_gallery) as client:
        ann = next(person for person in client.people() if person.name == "Ann")
    assert {*ids[1]} < {template.id for template in ann.templates}


def test_two_people_in_a_group_are_said_and_not_named_at_once(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    ids = add_groups(server, people_gallery, {1: [(1, 5), (2, 2)]})
    page = open_groups(signed_in, people_gallery)
    expect_text(page, "#about .warning", "The faces disagree: 2 may show another person.")
    await_value(page, lambda: read_judgments(page), ["doubtful", "doubtful", *["good quality"] * 5])
    expect(page.locator("#about form button.primary")).to_have_text("Name 5 faces")
    name_by_mouse(page, "Ann")
    wait_for_heading(page, "Group 1: 2 faces")
    expect(page.locator("#about .warning")).to_have_count(0)
    with ask(server, people_gallery) as client:
        (ann,) = client.people()
        assert [template.id for template in ann.templates] == ids[1][:5]


def read_judgments(page: Any) -> list[str]:
    """What the page says about each face at the end."""
    labels: list[str] = page.eval_on_selector_all(
        "#faces [role=option]", "(options) => options.map((option) => option.getAttribute('aria-label'))"
    )
    return [label.split(", ")[-1] for label in labels]


def test_the_whole_job_by_keyboard_alone(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    """Split two people, merge the one with the rest of hers, name both, put a third aside, and undo that."""
    ids = add_groups(server, people_gallery, {1: [(1, 5), (2, 2)], 2: [(2, 3)], 3: [(3, 1)]})
    page = open_groups(signed_in, people_gallery)
    keyboard = page.keyboard
    signed_in.tab_to("#faces")
    for key in ("Space", "ArrowRight", "Space"):
        keyboard.press(key)
    expect_text(page, "#actions", "2 faces picked")
    keyboard.press("s")
    wait_for_heading(page, "Group 1: 5 faces")
    keyboard.press("n")
    keyboard.type("jkxmu")  # shortcuts do nothing in a field
    expect(page.locator("#about input[role=combobox]")).to_have_value("jkxmu")
    keyboard.press("Control+A")
    keyboard.type("Ann")
    keyboard.press("Enter")
    wait_for_heading(page, "Group 2: 3 faces")
    keyboard.press("m")
    expect_text(page, "dialog .suggestions button:focus", "Group 4, 2 faces")
    keyboard.press("Enter")
    wait_for_heading(page, "Group 4: 5 faces")
    keyboard.press("j")
    wait_for_heading(page, "Group 3: 1 face")
    keyboard.press("x")
    wait_for_heading(page, "Group 4: 5 faces")
    with ask(server, people_gallery) as client:
        assert [group.number for group in client.groups(aside=True).groups] == [3]
        keyboard.press("u")
        wait_for_heading(page, "Group 3: 1 face")
        page.wait_for_selector("#faces [role=option]")  # keys do nothing before
        assert client.groups().aside == 0
        keyboard.press("k")
        wait_for_heading(page, "Group 4: 5 faces")
        keyboard.press("n")
        keyboard.type("Ben")
        keyboard.press("Enter")
        wait_for_heading(page, "Group 3: 1 face")
        people = {person.name: {template.id for template in person.templates} for person in client.people()}
    assert people == {"Ann": {*ids[1][:5]}, "Ben": {*ids[1][5:], *ids[2]}}


def test_changes_are_undone_one_after_the_other(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    add_groups(server, people_gallery, {1: [(1, 3)], 2: [(2, 2)], 3: [(3, 1)]})
    page = open_groups(signed_in, people_gallery)
    page.keyboard.press("x")
    wait_for_heading(page, "Group 2: 2 faces")
    name_by_mouse(page, "Ben")
    wait_for_heading(page, "Group 3: 1 face")
    page.keyboard.press("u")
    wait_for_heading(page, "Group 2: 2 faces")
    expect(page.locator(".undo p")).to_have_text("Undone. The change before: Group 1 is put aside.")
    page.keyboard.press("u")
    wait_for_heading(page, "Group 1: 3 faces")
    expect(page.locator(".undo p")).to_have_text("Undone.")
    expect(page.locator("#undo")).to_have_count(0)
    with ask(server, people_gallery) as client:
        assert (client.people(), client.groups().aside) == ([], 0)


def test_a_key_changes_no_group_that_is_left_already(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    """The faces of the next group have not come yet: the page still shows those of the group before."""
    add_groups(server, people_gallery, {1: [(1, 3)], 2: [(2, 2)], 3: [(3, 1)]})
    page = open_groups(signed_in, people_gallery)
    held = hold(page, "**/v1/groups/2?*", "GET")
    page.keyboard.press("j")
    wait_until(page, lambda: len(held) == 1)
    page.keyboard.press("x")
    wait_until(page, lambda: len(held) == 2)
    with ask(server, people_gallery) as client:
        assert client.groups().aside == 0
        held.pop(0)
        go_on(page, held)
        wait_for_heading(page, "Group 2: 2 faces")
        page.keyboard.press("x")
        wait_for_heading(page, "Group 3: 1 face")
        assert [group.number for group in client.groups(aside=True).groups] == [2]


def test_a_key_that_is_held_down_changes_one_group_alone(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    add_groups(server, people_gallery, {1: [(1, 4)], 2: [(2, 3)], 3: [(3, 2)], 4: [(4, 1)]})
    page = open_groups(signed_in, people_gallery)
    page.keyboard.down("x")
    wait_for_heading(page, "Group 2: 3 faces")
    page.wait_for_timeout(300)
    page.keyboard.down("x")  # the browser says that it is held
    page.wait_for_timeout(300)
    page.keyboard.up("x")
    with ask(server, people_gallery) as client:
        assert [group.number for group in client.groups(aside=True).groups] == [1]
    page.keyboard.down("j")
    page.keyboard.down("j")
    page.keyboard.up("j")
    wait_for_heading(page, "Group 4: 1 face")


def test_faces_go_to_no_group_that_there_is_not(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    ids = add_groups(server, people_gallery, {1: [(1, 3)], 2: [(2, 2)]})
    page = open_groups(signed_in, people_gallery)
    page.keyboard.press("m")
    page.wait_for_selector("dialog .suggestions button")
    page.fill("#other-group", "99")
    page.press("#other-group", "Enter")
    expect_text(page, "dialog [role=alert]", "there is no group 99")
    page.fill("#other-group", "2")
    page.press("#other-group", "Enter")
    wait_for_heading(page, "Group 2: 5 faces")
    with ask(server, people_gallery) as client:
        assert {face.template_id for face in client.group(2).faces} == {*ids[1], *ids[2]}
    signed_in.errors.clear()  # the answer 404


def test_a_face_is_dragged_to_another_group_and_back(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    ids = add_groups(server, people_gallery, {1: [(1, 3)], 2: [(2, 2)]})
    page = open_groups(signed_in, people_gallery)
    page.drag_and_drop("#faces [role=option] >> nth=0", "#list [data-number='2']")
    wait_for_heading(page, "Group 1: 2 faces")
    expect(page.locator(".undo p")).to_have_text("1 face of group 1 now in group 2.")
    with ask(server, people_gallery) as client:
        assert {face.template_id for face in client.group(2).faces} == {ids[1][0], *ids[2]}
        page.click("#undo")
        wait_for_heading(page, "Group 1: 3 faces")
        assert {face.template_id for face in client.group(1).faces} == {*ids[1]}


def test_what_another_user_changed_is_said_and_the_typed_name_stays(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    ids = add_groups(server, people_gallery, {1: [(1, 4)], 2: [(2, 2)]})
    page = open_groups(signed_in, people_gallery)
    with ask(server, people_gallery) as client:
        client.move_to_group(1, ids[1][:1], 2)
        name_by_mouse(page, "Ann")
        expect_text(page, "#notices [role=alert]", "changed elsewhere in the meantime")
        expect_text(page, "#notices [role=alert]", "group_changed")
        assert client.people() == []
        wait_for_heading(page, "Group 1: 3 faces")
        expect(page.locator("#about input[role=combobox]")).to_have_value("Ann")
        page.click("#about form button.primary")
        wait_for_heading(page, "Group 2: 3 faces")
        client.move(ids[1][1:2], client.name_faces("Ben", ids[2]).id)
        page.click("#undo")
        expect_text(page, ".undo [role=alert]", "changed elsewhere in the meantime")
        assert [(person.name, len(person.templates)) for person in client.people()] == [("Ann", 2), ("Ben", 3)]
    signed_in.errors.clear()  # two answers of 409


def test_a_name_that_the_gallery_has_is_asked_about(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    add_groups(server, people_gallery, {1: [(1, 2)]}, people={"Ann": 5})
    page = open_groups(signed_in, people_gallery)
    name_by_mouse(page, "ann")
    page.wait_for_selector("#about fieldset")
    page.click("#about fieldset label >> nth=1")
    page.click("#about form button.primary")
    page.wait_for_selector("#empty:not([hidden])")
    with ask(server, people_gallery) as client:
        assert [(person.name, len(person.templates)) for person in client.people()] == [("Ann", 1), ("ann", 2)]


def test_shortcuts_are_listed_and_turned_off(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    add_groups(server, people_gallery, {1: [(1, 2)], 2: [(2, 1)]})
    page = open_groups(signed_in, people_gallery)
    page.keyboard.press("?")
    expect(page.locator("dialog kbd")).to_have_text(["j", "k", "n", "1", "m", "x", "s", "g", "u", "?"])
    page.keyboard.press("x")  # a dialog has the keyboard
    page.uncheck("#shortcuts-on")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_have_count(0)
    wait_for_heading(page, "Group 1: 2 faces")
    page.reload()
    page.wait_for_selector("#faces [role=option]")
    page.click("#shortcuts")
    expect(page.locator("#shortcuts-on")).not_to_be_checked()
    page.check("#shortcuts-on")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    wait_for_heading(page, "Group 2: 1 face")
    with ask(server, people_gallery) as client:
        assert client.groups().aside == 0


def test_new_faces_are_grouped_and_an_empty_page_says_what_to_do(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    page = signed_in.open(f"/groups?gallery={people_gallery}")
    expect_text(page, "#empty:not([hidden])", "No group waits for a name.")
    expect(page.locator("#empty a")).to_have_attribute("href", "/jobs")
    add_groups(server, people_gallery, {-1: [(1, 3), (2, 2)]})
    page.reload()
    expect_text(page, "#ungrouped", "5 faces are in no group yet.")
    page.click("#cluster")
    wait_for_heading(page, "Group 1: 3 faces")
    expect(page.locator("#ungrouped")).to_be_hidden()


def test_without_scripts_and_with_a_key_that_reads_groups_are_there(
    open_tab: OpenTab, server: RunningServer, people_gallery: str
) -> None:
    add_groups(server, people_gallery, {1: [(1, 3)], 2: [(2, 1)]}, people={"Ann": 1})
    key = make_key(server, f"reader of {people_gallery}", "read")
    plain = open_tab(server.url, java_script_enabled=False)
    plain.begin_session(key)
    page = plain.open(f"/groups?gallery={people_gallery}")
    wait_for_heading(page, "Group 1: 3 faces")
    page.click("text=Group 2")
    wait_for_heading(page, "Group 2: 1 face")
    expect_text(page, "#faces", "2-3.jpg")
    tab = open_tab(server.url)
    tab.begin_session(key)
    page = open_groups(tab, people_gallery)
    expect_text(page, "#about", "Ann")
    expect(page.locator("#about button, #actions button, #about input")).to_have_count(0)
    page.keyboard.press("x")
    page.keyboard.press("j")
    wait_for_heading(page, "Group 2: 1 face")
    with ask(server, people_gallery) as client:
        assert client.groups().aside == 0


@pytest.mark.slow(seconds=40)
def test_five_thousand_faces(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    """A group of 2,000 and 1,500 of two; only what is in view is in the page, and a step takes the processor 0.1 s."""
    groups = {1: [(1, 2000)], **{number: [(number, 2)] for number in range(2, 1502)}}
    add_groups(server, people_gallery, groups, drawn=False)
    page = open_groups(signed_in, people_gallery)
    expect(page.locator("#list-title")).to_have_text("1,501 groups")
    has_few_nodes = "() => document.querySelectorAll('*').length < 1000"
    page.wait_for_function(has_few_nodes)
    option = page.locator("#list [role=option]").first
    expect(option).to_have_attribute("aria-setsize", "1501")
    expect(option).to_have_attribute("aria-posinset", "1")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def read_work() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    before = read_work()
    for _ in range(20):
        page.keyboard.press("j")
    wait_for_heading(page, "Group 21: 2 faces")
    assert (read_work() - before) / 20 < 0.1
    before = read_work()
    for place in range(0, 100_000, 5000):
        page.evaluate("(top) => { document.getElementById('list').scrollTop = top }", place)
        page.evaluate("() => new Promise((resume) => requestAnimationFrame(resume))")
    assert (read_work() - before) / 20 < 0.1
    page.wait_for_function(has_few_nodes)
    page.focus("#list")
    page.keyboard.press("End")
    wait_for_heading(page, "Group 1501: 2 faces")
    expect(page.locator("#list .active")).to_have_attribute("aria-posinset", "1501")


@pytest.mark.slow(seconds=20)
def test_the_page_is_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, people_gallery: str, tmp_path: Path
) -> None:
    """In Vietnamese, whose words are the longest."""
    tab = open_tab(server.url, locale="vi-VN")
    tab.begin_session(server.key or "")
    groups = {1: [(1, 9), (2, 2)], 2: [(2, 6)], **{number: [(number, 1)] for number in range(3, 40)}}
    add_groups(server, people_gallery, groups, people={"Ann": 1, "Nguyễn Văn An": 7})
    page = open_groups(tab, people_gallery)
    read_sizes = """['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind)
      .filter((entry) => !entry.name.includes('/v1/')).map((entry) => entry.encodedBodySize))"""
    await_value(page, lambda: page.evaluate(read_sizes), lambda sizes: 0 < sum(sizes) <= 100_000)
    page.click("#faces [role=option] >> nth=1")
    look_at(tab, "groups", tmp_path)
    page.click("#actions button >> nth=0")
    page.wait_for_selector("dialog .suggestions button")
    look_at(tab, "groups-merge", tmp_path)
    page.keyboard.press("Escape")
    page.click("#shortcuts")
    look_at(tab, "groups-keys", tmp_path)
