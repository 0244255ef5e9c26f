"""What employees and managers do: many requests at once by keyboard, the own data; and punches that count again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from server.running_server import RunningServer
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

from .appearance import look_at
from .conftest import OpenTab, Tab, open_as_administrator
from .expectation import expect

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]

JOINED = date(2024, 5, 1)
BOSS = Employee("4100", "Bo Approver", "Approvals", joined=JOINED, manages=("Approvals",))
ASKING = Employee("4101", "Ana Asker", "Approvals", joined=JOINED)
KEPT = Employee("4102", "Kit Kept", "Office", joined=JOINED)


@pytest.fixture(scope="session")
def own_site(server: RunningServer) -> Iterator[Site]:
    with Site(server.folder / "site") as opened:
        opened.put_employees([BOSS, ASKING, KEPT], actor="test")
        yield opened


@pytest.fixture
def site(own_site: Site) -> Site:
    return own_site


@pytest.fixture(scope="session")
def keys(server: RunningServer, own_site: Site) -> dict[str, str]:
    made = {}
    for role, number in (("manager", BOSS.number), ("employee", ASKING.number)):
        answer = server.post("/v1/keys", json={"name": f"own {role}", "role": role, "employee": number})
        assert answer.status_code == 201, answer.text
        made[role] = answer.json()["key"]
    return made


def open_as(open_tab: OpenTab, server: RunningServer, key: str, path: str) -> Tab:
    tab = open_tab(server.url)
    tab.begin_session(key)
    tab.open(path)
    return tab


def ask_for_punch(server: RunningServer, at: str) -> str:
    order = {"kind": "punch", "employee": ASKING.number, "at": at, "reason": f"forgot {at}"}
    answer = server.post("/v1/attendance/requests", json=order)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


def read_states(server: RunningServer) -> dict[str, tuple[str, str]]:
    answer = server.get(f"/v1/attendance/requests?employee={ASKING.number}&state=all").json()
    return {each["id"]: (each["state"], each["decision"]) for each in answer["requests"]}


def test_several_requests_are_decided_by_keyboard_alone(
    open_tab: OpenTab, server: RunningServer, site: Site, keys: dict[str, str]
) -> None:
    for waiting, (state, _) in read_states(server).items():  # of another test
        if state == "pending":
            assert server.post(f"/v1/attendance/requests/{waiting}/decline", json={}).status_code == 200
    ids = [ask_for_punch(server, f"2024-05-0{day}T08:00") for day in (6, 7, 8)]
    tab = open_as(open_tab, server, keys["manager"], "/attendance/requests")
    page = tab.page
    expect(page.locator("#approve-picked")).to_be_disabled()
    for key in ("j", "x", "j", "j", "x"):  # the first and the third
        page.keyboard.press(key)
    for each, is_picked in zip(ids, (True, False, True), strict=True):
        expect(page.locator(f"#pick-{each}")).to_be_checked(checked=is_picked)
    # One of them is decided by another manager in the meantime.
    site.decide(ids[2], approve=False, actor="other", reason="not that day")
    page.keyboard.press("a")
    page.wait_for_selector("dialog")
    expect(page.locator("dialog li")).to_have_count(2)
    page.keyboard.type("as agreed")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result [role=status]")
    expect(page.locator("#result [role=status]").first).to_have_text("1 request is decided.", use_inner_text=True)
    expect(page.locator("#result [role=alert]").first).to_contain_text("Not decided: Ana Asker", use_inner_text=True)
    states = read_states(server)
    assert [states[each] for each in ids] == [
        ("approved", "as agreed"), ("pending", ""), ("declined", "not that day")
    ]  # fmt: skip
    expect(page.locator("[data-pick]")).to_have_count(1)
    page.keyboard.press("Tab")
    for key in ("*", "d"):
        page.keyboard.press(key)
    page.wait_for_selector("dialog")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert read_states(server)[ids[1]] == ("pending", "")
    tab.errors.clear()


def test_the_own_page_shows_who_looked_and_gives_the_own_data(
    open_tab: OpenTab, server: RunningServer, site: Site, keys: dict[str, str]
) -> None:
    looked = server.get(f"/v1/attendance/employees/{ASKING.number}/days?month=2024-05")
    assert looked.status_code == 200
    tab = open_as(open_tab, server, keys["employee"], f"/attendance/people/{ASKING.number}?month=2024-05")
    expect(tab.page.locator(".looks").first).to_contain_text("first admin, person 2024-05", use_inner_text=True)
    expect(tab.page.locator(".looks")).not_to_contain_text("own employee")  # the own looks are not listed
    with tab.page.expect_download() as download:
        tab.page.click("text=Download my data")
    content = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (content["employee"]["number"], download.value.suggested_filename) == (
        ASKING.number,
        f"attendance-{ASKING.number}.json",
    )
    other = open_as_administrator(open_tab, server, f"/attendance/people/{ASKING.number}?month=2024-05")
    expect(other.page.locator("h1")).to_contain_text(ASKING.name)
    expect(other.page.locator(".looks")).to_have_count(0)


def test_a_void_punch_is_shown_and_counts_again(open_tab: OpenTab, server: RunningServer, site: Site) -> None:
    for clock, direction in (("08:00", "in"), ("16:40", "out")):
        at = datetime.fromisoformat(f"2024-05-13 {clock}+01:00")
        last = site.punch(KEPT.number, actor="test", at=at, direction=direction)  # type: ignore[arg-type]
    site.ledger.void(last.id, reason="not <b>hers</b>", actor="ann")
    tab = open_as_administrator(open_tab, server, f"/attendance/people/{KEPT.number}/2024-05-13")
    page = tab.page
    expect(page.locator("#record .card").first).to_contain_text("undecided", use_inner_text=True)
    card = f"[data-item='{last.id}']"
    expect(page.locator(card).first).to_contain_text("not <b>hers</b>", use_inner_text=True)
    page.click(f"{card} summary")
    page.fill(f"{card} input", "it was hers")
    page.click(f"{card} button")
    page.wait_for_selector("#result [role=status]")
    expect(page.locator("#result")).to_have_text("The punch counts again.", use_inner_text=True)
    expect(page.locator("#record .card").first).to_contain_text("present", use_inner_text=True)
    expect(page.locator(card)).to_have_count(0)
    newest = site.ledger.history(punch_id=last.id)[-1]
    assert (newest.kind, newest.actor, newest.reason) == ("restore", "first admin", "it was hers")


@pytest.mark.slow(seconds=20)
def test_what_employees_and_managers_see_is_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, site: Site, keys: dict[str, str], tmp_path: Path
) -> None:
    ask_for_punch(server, "2024-05-10T08:00")
    tab = open_as(open_tab, server, keys["manager"], "/attendance/requests")
    tab.page.click("[data-pick]")
    look_at(tab, "attendance-approvals", tmp_path)
    tab = open_as(open_tab, server, keys["employee"], f"/attendance/people/{ASKING.number}?month=2024-05")
    look_at(tab, "attendance-own-data", tmp_path)
    at = datetime.fromisoformat("2024-05-14 08:00+01:00")
    punch = site.punch(KEPT.number, actor="test", at=at, direction="in")
    site.ledger.void(punch.id, reason="double", actor="ann")
    tab = open_as_administrator(open_tab, server, f"/attendance/people/{KEPT.number}/2024-05-14")
    look_at(tab, "attendance-void", tmp_path)
