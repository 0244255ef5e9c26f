"""Each open day, and each unknown face, is settled in two clicks; the page of today follows what happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import insert

from server.running_server import RunningServer
from visavis.attendance.accesses import read_accesses
from visavis.attendance.site import Site
from visavis.attendance.tables import KIOSK_REFUSALS
from visavis.attendance.types import Employee, Outage
from visavis.sql_database import write_time

from .appearance import look_at
from .conftest import OpenTab, Tab, open_as_administrator
from .expectation import await_value, expect

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]

NUMBER = "4001"
BOSS = Employee("4000", "Bea Settler", "Office", joined=date(2024, 5, 1))
OWN = Employee(NUMBER, "Quin Settled", "Office", joined=date(2024, 5, 1))
"""Employees of these tests alone, of days after those of the others: their shift is from 8:00 to 16:30."""
COUNT_CLICKS = """() => {
  window.clicks = 0;
  addEventListener("click", (event) => { if (event.isTrusted && event.detail) window.clicks += 1; }, true);
}"""


@pytest.fixture(scope="session")
def settled_site(server: RunningServer) -> Iterator[Site]:
    with Site(server.folder / "site") as opened:
        opened.put_employees([BOSS, OWN], actor="test")
        failed = [datetime.fromisoformat(f"2024-05-22 {clock}+01:00") for clock in ("06:00", "18:00")]
        opened.add_outage(Outage("", *failed, "no power"), actor="test")
        yield opened


@pytest.fixture
def site(settled_site: Site) -> Site:
    return settled_site


def punch(site: Site, day: str, *clocks: str, **options: Any) -> None:
    for number, clock in enumerate(clocks):
        at, direction = datetime.fromisoformat(f"{day} {clock}+01:00"), ("in", "out")[number % 2]
        site.punch(NUMBER, **{"actor": "test", "at": at, "direction": direction, **options})


def read_day(server: RunningServer, day: str) -> dict[str, Any]:
    answer: dict[str, Any] = server.get(f"/v1/attendance/employees/{NUMBER}/days/{day}").json()
    return answer


def open_list(open_tab: OpenTab, server: RunningServer, day: str, show: str) -> Tab:
    """Return a tab on the page of a day of the department, with a mark."""
    tab = open_as_administrator(open_tab, server, f"/attendance?day={day}&department=Office&show={show}")
    tab.page.evaluate(COUNT_CLICKS)
    return tab


def settle(tab: Tab, choice: str) -> None:
    """Settle the employee in two clicks, with a reason that is typed in between."""
    tab.page.click(f"[data-settle='{NUMBER}']")
    tab.page.keyboard.type("as was said by telephone")  # the field has the focus
    tab.page.click(f"dialog >> text={choice}")
    tab.page.wait_for_selector("#result [role=status]")
    await_value(tab.page, lambda: tab.page.evaluate("() => window.clicks"), 2)
    expect(tab.page.locator(f"tr[data-item='{NUMBER}']")).to_have_count(0)


def test_a_late_arrival_is_accepted_in_two_clicks(open_tab: OpenTab, server: RunningServer, site: Site) -> None:
    punch(site, "2024-05-13", "08:25", "16:40")
    tab = open_list(open_tab, server, "2024-05-13", "late")
    settle(tab, "Accept the late arrival")
    assert read_day(server, "2024-05-13")["late"] == 25  # the figures stay
    tab.open("/attendance?day=2024-05-13&department=Office")
    expect(tab.page.locator("#rows")).to_contain_text(
        "accepted by first admin: as was said by telephone", use_inner_text=True
    )
    records = server.get(f"/v1/attendance/employees/{NUMBER}/history").json()["records"]
    assert (records[-1]["actor"], records[-1]["reason"]) == ("first admin", "as was said by telephone")


def test_who_comes_later_than_was_accepted_is_late_again(open_tab: OpenTab, server: RunningServer, site: Site) -> None:
    punch(site, "2024-05-14", "08:25", "16:40")
    path = f"/v1/attendance/employees/{NUMBER}/days/2024-05-14/excuse"
    assert server.post(path, json={"reason": "snow"}).json()["minutes"] == 25
    (first,) = [each for each in site.punches(date(2024, 5, 14), date(2024, 5, 14), [NUMBER]) if each.direction == "in"]
    site.ledger.correct(first.id, reason="wrong", actor="test", at=datetime.fromisoformat("2024-05-14 08:40+01:00"))
    tab = open_list(open_tab, server, "2024-05-14", "late")
    expect(tab.page.locator(f"tr[data-item='{NUMBER}']")).to_have_count(1)


def test_a_missing_punch_is_added_at_the_time_of_the_shift_in_two_clicks(
    open_tab: OpenTab, server: RunningServer, site: Site
) -> None:
    punch(site, "2024-05-15", "07:58")
    assert read_day(server, "2024-05-15")["status"] == "undecided"
    settle(open_list(open_tab, server, "2024-05-15", "unpaired"), "Add out at 16:30")
    day = read_day(server, "2024-05-15")
    assert (day["status"], day["parts"][0]["intervals"][0]["departure"]) == ("present", "2024-05-15T16:30:00+01:00")


def test_who_was_there_without_a_punch_is_settled_in_two_clicks(
    open_tab: OpenTab, server: RunningServer, site: Site
) -> None:
    settle(open_list(open_tab, server, "2024-05-16", "missing"), "Was there: add in at 08:00 and out at 16:30")
    day = read_day(server, "2024-05-16")
    assert (day["status"], day["late"], day["early"]) == ("present", 0, 0)


def test_an_undecided_day_is_decided_as_leave_in_two_clicks(
    open_tab: OpenTab, server: RunningServer, site: Site
) -> None:
    """All devices failed on this day, so that no employee is called absent."""
    assert read_day(server, "2024-05-22")["status"] == "undecided"
    settle(open_list(open_tab, server, "2024-05-22", "undecided"), "Leave: vacation")
    day = read_day(server, "2024-05-22")
    assert (day["status"], day["leave"]) == ("leave", "vacation")
    (leave,) = site.leaves(date(2024, 5, 22), date(2024, 5, 22), [NUMBER])
    assert (leave.first, leave.last) == (date(2024, 5, 22), date(2024, 5, 22))


def test_a_day_of_a_failed_device_is_decided_as_present_in_two_clicks(
    open_tab: OpenTab, server: RunningServer, site: Site
) -> None:
    tab = open_list(open_tab, server, "2024-05-22", "undecided")
    tab.page.click(f"[data-settle='{BOSS.number}']")
    tab.page.keyboard.type("seen at work")
    tab.page.click("dialog >> text=Was there")
    tab.page.wait_for_selector("#result [role=status]")
    await_value(tab.page, lambda: tab.page.evaluate("() => window.clicks"), 2)
    day = server.get(f"/v1/attendance/employees/{BOSS.number}/days/2024-05-22").json()
    assert day["status"] == "present"


def refuse(site: Site, at: datetime, *attempts: str, device: str = "kiosk of settling") -> None:
    with site.database.write() as conn:
        for attempt in attempts:
            row = {"attempt": attempt, "kind": "stranger", "kiosk": device, "at": write_time(at.astimezone(UTC))}
            conn.execute(insert(KIOSK_REFUSALS).values(row))


def test_unknown_faces_are_dismissed_as_visitors_in_two_clicks(
    open_tab: OpenTab, server: RunningServer, site: Site
) -> None:
    refuse(site, datetime.fromisoformat("2024-05-17 09:00+01:00"), "first", "second")
    tab = open_as_administrator(open_tab, server, "/attendance?day=2024-05-17")
    tab.page.evaluate(COUNT_CLICKS)
    expect(tab.page.locator("#show-refused")).to_have_text("2\nunknown faces", use_inner_text=True)
    tab.page.click("#show-refused")
    tab.page.evaluate(COUNT_CLICKS)  # of the second page
    expect(tab.page.locator("tr[data-item='kiosk of settling']").first).to_contain_text(
        "unknown faces: 2", use_inner_text=True
    )
    enroll = tab.page.locator("a:has-text('Enroll a person')")  # the other second click
    expect(enroll.first).to_have_attribute("href", "/people/new")
    tab.page.click("text=They were visitors")
    tab.page.wait_for_selector("#result [role=status]")
    await_value(tab.page, lambda: tab.page.evaluate("() => window.clicks"), 1)
    expect(tab.page.locator("#show-refused")).to_have_text("0\nunknown faces", use_inner_text=True)
    expect(tab.page.locator("#rows")).to_contain_text("settled by first admin", use_inner_text=True)
    (device,) = server.get("/v1/attendance/refused?day=2024-05-17").json()["devices"]
    assert (device["counts"], device["open_counts"], device["settled_by"]) == ({"stranger": 2}, {}, "first admin")


def test_enter_settles_nothing_and_a_refused_order_says_why(
    open_tab: OpenTab, server: RunningServer, site: Site
) -> None:
    punch(site, "2024-05-23", "08:30", "16:40")
    tab = open_list(open_tab, server, "2024-05-23", "late")
    tab.page.click(f"[data-settle='{NUMBER}']")
    tab.page.keyboard.type("said so")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("dialog").first).to_be_visible()
    (first,) = [each for each in site.punches(date(2024, 5, 23), date(2024, 5, 23), [NUMBER]) if each.direction == "in"]
    site.ledger.correct(first.id, reason="wrong", actor="test", at=datetime.fromisoformat("2024-05-23 07:55+01:00"))
    tab.page.click("dialog >> text=Accept the late arrival")
    tab.page.wait_for_selector("dialog [role=alert]")
    expect(tab.page.locator("dialog").first).to_contain_text("was not late on 2024-05-23", use_inner_text=True)
    expect(tab.page.locator("dialog input").first).to_have_value("said so")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector("dialog", state="detached")
    tab.errors.clear()


def test_today_follows_what_happens_and_keeps_the_open_dialog(
    open_tab: OpenTab, server: RunningServer, site: Site
) -> None:
    tab = open_as_administrator(open_tab, server, "/attendance?show=refused")
    before = tab.page.inner_text("#show-refused")
    tab.page.focus("#show-all")
    for minutes in (0, 5):  # one of them is today, also where the day ends meanwhile
        refuse(site, datetime.now(UTC) + timedelta(minutes=minutes), f"newest {minutes}")
    tab.page.wait_for_selector("tr[data-item='kiosk of settling']")
    await_value(tab.page, lambda: tab.page.inner_text("#show-refused"), lambda text: text != before)
    expect(tab.page.locator("#show-all")).to_be_focused()
    tab.page.click("#pause")
    expect(tab.page.locator("#pause")).to_have_attribute("aria-pressed", "true")


def test_a_page_that_shows_the_newest_state_gets_no_second_answer(server: RunningServer, site: Site) -> None:
    with closing(requests.Session()) as browser:
        browser.trust_env = False
        browser.post(f"{server.url}/sign-in", data={"key": server.key}, allow_redirects=False, timeout=60)

        def look(day: str, **headers: str) -> requests.Response:
            headers["accept"] = "text/html"
            return browser.get(f"{server.url}/attendance?day={day}", headers=headers, timeout=60)

        def ask_again(day: str) -> tuple[int, int]:
            """Return the status of the next answer to what is shown; asked twice, since a minute may end in between."""
            answers = []
            for _ in range(2):
                state = re.findall('data-state="([^"]+)"', look(day).text)[0]
                answers.append(look(day, **{"x-refresh": "1", "x-state": state}).status_code)
            return min(answers), max(answers)

        assert 204 in ask_again("2024-05-24")
        state = re.findall('data-state="([^"]+)"', look("2024-05-24").text)[0]
        punch(site, "2024-05-24", "08:00", "16:40")
        assert look("2024-05-24", **{"x-refresh": "1", "x-state": state}).status_code == 200
        # A look that goes on is logged once, also where its header was sent at once.
        for header in ({"x-refresh": "1"}, {"x-refresh": "1"}):
            assert look("2024-05-27", **header).status_code == 200
        with site.database.read() as conn:
            logged = [each for each in read_accesses(conn, limit=None) if each.action == "page day 2024-05-27"]
        assert [(each.actor, each.employee) for each in logged] == [("first admin", "")]


@pytest.mark.slow(seconds=20)
def test_what_is_settled_is_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, site: Site, tmp_path: Path
) -> None:
    refuse(site, datetime.fromisoformat("2024-05-28 09:00+01:00"), "seen")
    tab = open_as_administrator(open_tab, server, "/attendance?day=2024-05-28&show=refused")
    look_at(tab, "attendance-refused", tmp_path)
    punch(site, "2024-05-28", "08:40")
    tab.open("/attendance?day=2024-05-28&department=Office")
    look_at(tab, "attendance-open", tmp_path)
    tab.page.click(f"[data-settle='{NUMBER}']")
    look_at(tab, "attendance-settle", tmp_path)
