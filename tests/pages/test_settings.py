"""The pages of the settings: models, keys and the log, by mouse and by keyboard; what was done is asked of the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from server.running_server import RunningServer
from server.test_keys import make_key
from visavis.server.pages.catalogs import read_catalog
from visavis.server.pages.settings_sections import ORDER
from visavis.server.state.database import StateDatabase
from visavis.server.state.keys import Keys

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import await_value, expect, expect_text
from .held_requests import hold, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
SOURCE = Path(__file__).parents[2] / "src/visavis"


@pytest.fixture
def ask(server: RunningServer) -> Callable[[str], Any]:
    """Asks the API with the administrator's key."""
    return lambda path: server.get(path).json()


def find_key(ask: Callable[[str], Any], name: str) -> dict[str, Any] | None:
    return next((key for key in ask("/v1/keys")["keys"] if key["name"] == name), None)


def works(server: RunningServer, key: str) -> bool:
    return requests.get(f"{server.url}/v1/models", headers={"x-api-key": key}, timeout=30).status_code == 200


def test_a_key_is_created_rotated_and_revoked_by_mouse(
    signed_in: Tab, server: RunningServer, ask: Callable[[str], Any]
) -> None:
    page = signed_in.open("/settings/keys")
    page.fill("#name", "front door")
    page.check('[name="role"][value="enroll"]')
    page.click("text=Create the key")
    first = await_value(page, lambda: page.input_value("#key"), lambda key: works(server, key))
    stored = find_key(ask, "front door")
    assert stored is not None
    assert (stored["role"], stored["galleries"]) == ("enroll", None)
    page.click('[aria-label="Rotate front door"]')
    expect_text(page, "dialog", "refused at once")
    page.click("dialog >> text=Cancel")
    assert works(server, first)
    page.click('[aria-label="Rotate front door"]')
    page.click("dialog >> button.primary")
    page.wait_for_function("key => document.getElementById('key')?.value !== key", arg=first)
    second = await_value(page, lambda: page.input_value("#key"), lambda key: works(server, key))
    assert not works(server, first)
    page.click('[aria-label="Revoke front door"]')
    page.click("dialog >> button.primary")
    page.wait_for_selector("text=The key front door is revoked.")
    page.wait_for_selector('[aria-label="Revoke front door"]', state="detached")
    assert not works(server, second)
    await_value(page, page.content, lambda content: second not in content)


def test_a_key_of_a_gallery_is_created_by_keyboard_alone(
    signed_in: Tab, server: RunningServer, ask: Callable[[str], Any]
) -> None:
    page = signed_in.open("/settings/keys")
    signed_in.tab_to("#name")
    page.keyboard.type("kiosk <b>1</b>")
    signed_in.tab_to('[name="role"]')
    signed_in.tab_to('[name="all"]')
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # no gallery is chosen yet: nothing is made
    expect(page.locator(":focus")).to_have_attribute("name", "gallery")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("#key")
    expect(page.locator(":focus")).to_have_text("The key kiosk <b>1</b>")
    stored = find_key(ask, "kiosk <b>1</b>")
    assert stored is not None
    assert (stored["role"], stored["galleries"]) == ("read", ["default"])
    expect(page.locator("table")).to_contain_text("kiosk <b>1</b>")


def test_fields_follow_the_role_that_a_browser_has_restored(signed_in: Tab) -> None:
    """A browser that comes back to the page chooses again what was chosen, and tells no script of it."""
    page = signed_in.open("/settings/keys")
    expect(page.locator("#new")).to_be_visible()
    for role, shows_employee in (("employee", True), ("kiosk", False), ("manager", True), ("read", False)):
        page.evaluate(
            """role => {
                document.querySelector(`[name="role"][value="${role}"]`).checked = true;
                dispatchEvent(new PageTransitionEvent("pageshow", {persisted: false}));
            }""",
            role,
        )
        expect(page.locator("#employee")).to_be_visible(visible=shows_employee)
        expect(page.locator("#employee")).to_have_js_property("required", shows_employee)
        expect(page.locator("#of-galleries")).to_be_visible(visible=role == "read")


def test_a_name_that_another_key_has_is_refused(signed_in: Tab, server: RunningServer) -> None:
    make_key(server, "twice", "read")
    page = signed_in.open("/settings/keys")
    page.fill("#name", "twice")
    page.click("text=Create the key")
    expect_text(page, "#result [role=alert]", "twice")
    expect(page.locator("#name")).to_have_value("twice")
    expect(page.locator("#key")).to_have_count(0)
    signed_in.errors.clear()


def test_the_own_key_is_shown_after_its_rotation(open_tab: OpenTab, server: RunningServer) -> None:
    """The session ends with the former secret, but the new one must not be lost with it."""
    tab = open_tab(server.url)
    tab.begin_session(make_key(server, "own key", "admin"))
    page = tab.open("/settings/keys")
    page.click('[aria-label="Rotate own key"]')
    page.click("dialog >> button.primary")
    await_value(page, lambda: works(server, page.input_value("#key")), True)


@pytest.mark.parametrize(
    ("role", "galleries", "sections"),
    [
        ("read", None, ["Models", "Thresholds", "Display"]),
        ("enroll", None, ["Models", "Thresholds", "Display"]),
        ("admin", ["default"], ["Models", "Thresholds", "Cameras", "Log", "Display"]),
    ],
)
def test_pages_that_a_key_may_not_see(
    server: RunningServer, role: str, galleries: list[str] | None, sections: list[str]
) -> None:
    key = make_key(server, f"settings {role}", role, **({"galleries": galleries} if galleries else {}))
    with requests.Session() as visitor:
        visitor.trust_env = False
        visitor.post(f"{server.url}/sign-in", data={"key": key}, timeout=30)
        seen = visitor.get(f"{server.url}/settings/models", timeout=30).text
        navigation = seen.partition('class="sections"')[2].partition("</nav>")[0]
        assert re.findall(r">(\w+)</a>", navigation) == sections
        answer = visitor.get(f"{server.url}/settings/keys", timeout=30)
        assert (answer.status_code, "front door" in answer.text) == (403, False)
        log = visitor.get(f"{server.url}/settings/log", timeout=30)
        assert log.status_code == (200 if "Log" in sections else 403)
        statuses = [visitor.get(f"{server.url}/settings/{name}", timeout=30).status_code for name in ORDER]
        assert [name.capitalize() for name, status in zip(ORDER, statuses, strict=True) if status == 200] == sections
        assert "created a key" not in log.text
        assert visitor.get(f"{server.url}/settings/log?gallery=other", timeout=30).status_code == 403


def test_a_key_of_a_gallery_that_is_gone_sees_no_log(server: RunningServer) -> None:
    database = StateDatabase(f"sqlite:///{server.folder / 'default.server.db'}")
    key = Keys(database).create("of a gallery that is gone", "admin", galleries=["gone"], actor="test").key
    database.close()
    with requests.Session() as visitor:
        visitor.trust_env = False
        visitor.post(f"{server.url}/sign-in", data={"key": key}, timeout=60)
        answer = visitor.get(f"{server.url}/settings/log", timeout=60)
        assert (answer.status_code, answer.url) == (403, f"{server.url}/settings/log")


def test_a_second_press_makes_no_second_request(signed_in: Tab, ask: Callable[[str], Any]) -> None:
    """The answer to it, that the name is taken, would stand in the place of the secret."""
    page = signed_in.open("/settings/keys")
    page.fill("#name", "pressed twice")
    page.dblclick("text=Create the key")
    page.wait_for_selector("#key")
    page.wait_for_selector("tr[data-key='pressed twice']")
    expect(page.locator("#result [role=alert]")).to_have_count(0)
    assert find_key(ask, "pressed twice") is not None


def test_a_table_that_comes_late_does_not_replace_a_newer_one(signed_in: Tab, server: RunningServer) -> None:
    """The first of two keys is revoked, and the table that shows the second one as valid comes last."""
    for name in ("revoked first", "revoked second"):
        make_key(server, name, "read")
    page = signed_in.open("/settings/keys")
    held = hold(page, "**/settings/keys", "GET")
    revoke(page, "revoked first")
    wait_until(page, lambda: len(held) == 1)
    answer = held[0].fetch()
    revoke(page, "revoked second")
    wait_until(page, lambda: len(held) == 2)
    held[1].continue_()
    buttons = page.locator('[aria-label^="Revoke revoked "]')
    expect(buttons).to_have_count(0)
    with page.expect_response("**/settings/keys"):
        held[0].fulfill(response=answer)
    page.wait_for_timeout(200)
    expect(buttons).to_have_count(0)


def revoke(page: Any, name: str) -> None:
    page.click(f'[aria-label="Revoke {name}"]')
    page.click("dialog >> button.primary")


def test_the_log_names_who_did_what_and_goes_back(
    signed_in: Tab, server: RunningServer, ask: Callable[[str], Any]
) -> None:
    make_key(server, "turned", "read")
    for _ in range(100):
        assert server.post("/v1/keys/turned/rotate").status_code == 200
    page = signed_in.open("/settings/log")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(100)
    expect(rows.first.locator("td")).to_have_text([re.compile("."), "first admin", "rotated a key", "turned"])
    page.click("text=Older entries")
    page.wait_for_selector("text=Newest entries")
    expect(rows.first.locator("td:last-child")).to_have_text("turned (read)")
    page.click("text=Gallery default")
    page.wait_for_url("**/settings/log?gallery=default")
    entries = ask("/v1/galleries/default/audit?limit=1000")["entries"]
    expect(rows).to_have_count(min(len(entries), 100))


def test_times_are_those_of_the_reader(open_tab: OpenTab, server: RunningServer) -> None:
    tab = open_tab(server.url, timezone_id="Asia/Ho_Chi_Minh", locale="vi-VN")
    tab.begin_session(server.key or "")
    page = tab.open("/settings/log")
    time = page.locator("tbody tr time").first
    expect(time).to_have_attribute("datetime", re.compile(r"\+00:00$"))
    clock = "time => new Date(time.dateTime).toLocaleString('vi', {hour: '2-digit', minute: '2-digit'})"
    expect(time).to_contain_text(time.evaluate(clock))
    expect(time).to_contain_text(re.compile(r"GMT\+7|ICT"))
    zone = "Intl.DateTimeFormat().resolvedOptions().timeZone"
    await_value(page, lambda: page.evaluate(zone), lambda name: name in {"Asia/Ho_Chi_Minh", "Asia/Saigon"})


def test_models_are_those_of_the_api(signed_in: Tab, ask: Callable[[str], Any]) -> None:
    page = signed_in.open("/settings/models")
    read_cells = "rows => rows.map((row) => ['th', 'td'].map((cell) => row.querySelector(cell).innerText))"

    def read_states() -> dict[str, str]:
        shown = page.eval_on_selector_all("tbody tr", read_cells)  # in one step: the table is taken anew by itself
        return {name: state.split(" ", 1)[1].split("\n")[0] for name, state in shown}

    expected = {model["name"]: "present" if model["present"] else "missing" for model in ask("/v1/models")["models"]}
    await_value(page, read_states, expected)
    assert {"sface", "mtcnn-pnet"} <= expected.keys()


def test_each_action_of_the_logs_has_a_text() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    actions = {*re.findall(r'\.log(?:_actions?)?\(\s*conn, (?:[\w.]+, )?"([a-z ]+)"', source), "start camera"}
    assert {"create key", "enroll", "merge", "start camera", "sign in"} <= actions
    assert {f"action.{action.replace(' ', '_')}" for action in actions} - read_catalog("en").keys() == set()


@pytest.mark.slow(seconds=18)
def test_they_are_accessible_at_each_width(signed_in: Tab, tmp_path: Path) -> None:
    for name in ("models", "keys", "log"):
        signed_in.open(f"/settings/{name}")
        signed_in.page.wait_for_function(
            "() => ![...document.querySelectorAll('time')].some((at) => /^\\d{4}-/.test(at.textContent))"
        )
        look_at(signed_in, name, tmp_path)
