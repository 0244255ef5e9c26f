"""A door for the tests of the kiosk's page: a site whose employees have a PIN, and a server with the key of a kiosk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from server.running_server import RunningServer
from visavis.attendance.kiosk.credentials import set_badge, set_pin
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

from .conftest import Tab

PIN = "580213"
NAMES = ("Nguyễn Thị Ánh", "Ben <b>Bold</b>", "Eve", "Kim", "Lee", "Mo", "Pia", "Quy", "Ray")
PEOPLE = [Employee(str(number), name) for number, name in enumerate(NAMES, 1)]
RUNNING = "() => document.getElementById('keys').childElementCount > 0"


RECOGNIZES = '"recognizes": false', '"recognizes": true'


class Door(NamedTuple):
    """A server with a site, and the key of its kiosk."""

    server: RunningServer
    site: Site
    key: str

    def open(self, tab: Tab) -> Any:
        """Sign in, and return the page of the kiosk once it works."""
        tab.open("/sign-in")
        tab.page.fill("#key", self.key)
        with tab.page.expect_response("**/v1/kiosk/signing-key"):
            tab.page.press("#key", "Enter")
            tab.page.wait_for_url("**/kiosk")
        tab.page.wait_for_function(RUNNING)
        return tab.page


def make_site(folder: Path, gallery: str = "") -> Site:
    site = Site.create(folder / "site", SiteSettings("Office", "Asia/Ho_Chi_Minh", gallery=gallery))
    site.put_employees(PEOPLE, actor="test")
    for employee in PEOPLE:
        set_pin(site, employee.number, PIN, actor="test")
    set_badge(site, "3", "0004711", actor="test")
    tables = "[server]\nattendance_site = 'site'\n[galleries]\ndefault = 'faces.db'\n"
    (folder / "server.toml").write_text(tables)
    return site


def make_kiosk_key(server: RunningServer) -> str:
    return str(server.post("/v1/keys", json={"name": "door", "role": "kiosk"}).json()["key"])


READ_ANSWER = """() => {
  const answer = document.getElementById("answer");
  return !answer.hidden && [answer.dataset.state, [...answer.querySelectorAll("p")].map((line) => line.innerText)];
}"""


def read_answer(page: Any) -> tuple[str, list[str]]:
    """Return the state and the lines of what the page answers, once it does: both of one moment."""
    state, lines = page.wait_for_function(READ_ANSWER).json_value()
    page.wait_for_selector("#answer", state="hidden")
    return state, lines


def type_pin(page: Any, number: str, pin: str = PIN) -> tuple[str, list[str]]:
    page.fill("#number", number)
    page.fill("#pin", pin)
    page.press("#pin", "Enter")
    return read_answer(page)


def enter(page: Any, number: str, state: str) -> None:
    """Type a number and a PIN, and wait for what the page says; the next one need not wait until that is gone."""
    page.evaluate("document.getElementById('answer').dataset.state = ''")
    page.fill("#number", number)
    page.fill("#pin", PIN)
    page.press("#pin", "Enter")
    page.wait_for_selector(f'#answer[data-state="{state}"]', state="attached")


def change_page(route: Any, *texts: str) -> None:
    """Answer with the page of the server, in which each first text of two has become the second."""
    page = route.fetch()
    body = page.text()
    for before, after in zip(texts[::2], texts[1::2], strict=True):
        assert before in body
        body = body.replace(before, after)
    route.fulfill(response=page, body=body)
