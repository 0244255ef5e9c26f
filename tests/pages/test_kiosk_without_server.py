"""The kiosk's page without its server, or with one that takes no punch: what waits, its order, and what is kept."""

from __future__ import annotations

import email
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from server.running_server import RunningServer
from visavis.server.pages.static_files import find_modules, make_worker

from .conftest import WEIGHTS, OpenTab, Tab, serve
from .expectation import await_value, expect
from .kiosk_door import PIN, RECOGNIZES, RUNNING, Door, change_page, enter, make_kiosk_key, make_site, type_pin

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
PUNCHES, SETTINGS = "**/v1/kiosk/punches", "**/v1/kiosk"
POLL = 15_000
"""Milliseconds between looks of the page at the connection."""
CACHED = """async () => {
  const entries = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      entries.push([new URL(request.url).pathname, await (await cache.match(request)).text()]);
    }
  }
  return entries;
}"""
IS_KEPT = "async () => Boolean(navigator.serviceWorker.controller && (await caches.match('/kiosk')))"
WAIT_SECONDS = 60
OFFLINE_FRAMES = '"offline_frames": false', '"offline_frames": true'
OTHER_VERSION = "0123456789abcdef"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A server whose site has no faces."""
    folder = tmp_path_factory.mktemp("door")
    with closing(make_site(folder)) as site, serve(folder, environment=WEIGHTS) as running:
        yield Door(running, site, make_kiosk_key(running))


@pytest.fixture
def tab(door: Door, open_tab: OpenTab) -> Iterator[Tab]:
    """A kiosk whose clock stands, so that by itself the page sends nothing; errors of answers are expected."""
    opened = open_tab(door.server.url, service_workers="block")
    opened.page.clock.install()
    door.open(opened)
    with opened.page.expect_response(SETTINGS):  # the page looks once more at the connection
        opened.page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=20))
    yield opened
    opened.page.unroute_all(behavior="ignoreErrors")
    opened.errors.clear()


def refuse(numbers: set[str], status: int, headers: dict[str, str]) -> tuple[list[str], Callable[[Any], None]]:
    """Return a handler that refuses punches of some employees, and the numbers that it was asked about."""
    asked: list[str] = []

    def answer(route: Any) -> None:
        number = route.request.post_data_json["number"]
        asked.append(number)
        if number in numbers:
            route.fulfill(status=status, headers=headers, json={"code": "internal", "detail": ""})
        else:
            route.continue_()

    return asked, answer


def wait_for_waiting(page: Any, count: int) -> None:
    texts = {0: "", 1: "1 punch waits for the connection."}
    text = texts.get(count, f"{count} punches wait for the connection.")
    page.wait_for_function("text => document.getElementById('queued').textContent === text", arg=text)


def test_a_punch_that_the_server_cannot_take_holds_those_of_its_employee_alone(door: Door, tab: Tab) -> None:
    page, (asked, answer) = tab.page, refuse({"4"}, 500, {})
    page.route(PUNCHES, answer)
    enter(page, "4", "saved")
    wait_for_waiting(page, 1)
    enter(page, "5", "saved")
    wait_for_waiting(page, 2)
    assert door.site.punches(employees=["4", "5"]) == []  # the order of all is kept for three tries
    page.click('.way:has-text("Out")')
    enter(page, "4", "saved")
    page.wait_for_selector("#stuck li")
    wait_for_waiting(page, 2)
    assert [punch.employee for punch in door.site.punches(employees=["4", "5"])] == ["5"]
    enter(page, "6", "recorded")  # at once, with its name
    assert asked == ["4", "4", "4", "4", "5", "6"]
    expect(page.locator("#stuck")).to_contain_text("could not take it", use_inner_text=True)
    page.unroute(PUNCHES)
    page.clock.fast_forward(30_000)
    wait_for_waiting(page, 0)
    page.wait_for_selector("#stuck:empty", state="attached")
    assert [punch.direction for punch in door.site.punches(employees=["4"])] == ["in", "out"]


def test_too_many_requests_let_all_punches_wait_as_long_as_the_server_says(door: Door, tab: Tab) -> None:
    page, (asked, answer) = tab.page, refuse({"7"}, 429, {"Retry-After": "40"})
    page.route(PUNCHES, answer)
    enter(page, "7", "saved")
    wait_for_waiting(page, 1)
    enter(page, "8", "saved")
    wait_for_waiting(page, 2)
    for _ in range(2):
        with page.expect_response(SETTINGS):
            page.clock.fast_forward(POLL)
    assert asked == ["7", "7"]  # as it was typed, and as the first of those that wait
    page.unroute(PUNCHES)
    page.clock.fast_forward(POLL)
    wait_for_waiting(page, 0)
    assert [punch.employee for punch in door.site.punches(employees=["7", "8"])] == ["7", "8"]


def test_punches_wait_while_the_server_has_no_site(door: Door, open_tab: OpenTab) -> None:
    tab = open_tab(door.server.url, service_workers="block")
    page = door.open(tab)
    page.route(f"{door.server.url}/v1/kiosk", lambda route: route.abort())  # by itself the page sends nothing
    page.route("**/v1/kiosk/punches", lambda route: route.abort())
    assert type_pin(page, "2")[0] == "saved"
    page.unroute("**/v1/kiosk/punches")
    problem = {"code": "no_attendance", "detail": "this server has no site of attendance."}
    page.route("**/v1/kiosk/punches", lambda route: route.fulfill(status=404, json=problem))
    assert type_pin(page, "3")[0] == "saved"
    page.unroute("**/v1/kiosk/punches")
    assert type_pin(page, "9")[0] == "saved"
    page.wait_for_selector("#queued:empty", state="attached")
    expect(page.locator("#refused li")).to_have_count(0)
    assert [punch.employee for punch in door.site.punches(employees=["2", "3", "9"])] == ["2", "3", "9"]
    tab.errors.clear()  # answers that did not come


def test_the_clock_of_the_kiosk_is_set_while_a_punch_waits(door: Door, tab: Tab) -> None:
    page, begun = tab.page, datetime.now(UTC)
    page.route(PUNCHES, lambda route: route.abort())
    enter(page, "1", "saved")
    wait_for_waiting(page, 1)
    page.clock.set_system_time(begun + timedelta(hours=3))
    page.unroute(PUNCHES)
    page.clock.fast_forward(POLL)
    wait_for_waiting(page, 0)
    (punch,) = door.site.punches(employees=["1"])
    assert begun - timedelta(minutes=1) <= punch.at <= datetime.now(UTC)
    reason = door.site.ledger.history(punch_id=punch.id)[0].reason
    assert re.search(r", whose clock was set forward by 10[78]\d\d s meanwhile", reason)


STORE_NOTHING = """() => {
  const { add } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.add = function (...row) {
    const request = add.apply(this, row);
    request.addEventListener("success", () => this.transaction.abort());
    return request;
  };
}"""
"""What a browser does whose disk is full: it takes a row, and cannot keep it."""


def test_a_punch_that_the_browser_cannot_store_is_not_called_saved(tab: Tab) -> None:
    page = tab.page
    page.route(PUNCHES, lambda route: route.abort())
    page.evaluate(STORE_NOTHING)
    enter(page, "6", "failed")
    wait_for_waiting(page, 0)


FRAMES = """() => new Promise((resolve) => {
  indexedDB.open("visavis-kiosk").onsuccess = ({ target }) => {
    const store = target.result.transaction("frames").objectStore("frames");
    store.getAll().onsuccess = ({ target }) => resolve(target.result.map((frames) => frames.map(({ data }) => {
      return Array.from(new Uint8Array(data).slice(0, 3));
    })));
  };
})"""


def read_parts(request: Any) -> list[bytes]:
    """Return the files of a form."""
    kind = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = email.message_from_bytes(kind + request.post_data_buffer)
    return [part.get_payload(decode=True) for part in form.walk() if not part.is_multipart()]


def test_frames_wait_encrypted_and_are_sent_signed(door: Door, tab: Tab) -> None:
    page, sent = tab.page, []
    page.route("**/v1/kiosk/frames?*", lambda route: route.abort())
    page.route(f"{door.server.url}/kiosk", lambda route: change_page(route, *RECOGNIZES, *OFFLINE_FRAMES))
    tab.open("/kiosk")
    page.clock.resume()  # the camera needs it
    page.click('.way:has-text("Out")')
    page.click("#keep")
    page.wait_for_selector('#answer[data-state="kept"]')
    expect(page.locator("#answer")).to_contain_text("recognized later", use_inner_text=True)
    wait_for_waiting(page, 1)
    (frames,) = await_value(page, lambda: page.evaluate(FRAMES), lambda stored: len(stored) == 1)
    assert len(frames) == 3
    assert all(start != [0xFF, 0xD8, 0xFF] for start in frames)  # that is a JPEG's

    def answer(route: Any) -> None:
        sent.append((parse_qs(urlsplit(route.request.url).query), read_parts(route.request)))
        route.fulfill(json={"state": "undecided", "punch_id": None, "name": None, "at": None, "direction": None})

    page.route("**/v1/kiosk/frames/waited?*", answer)
    page.clock.fast_forward(POLL)
    wait_for_waiting(page, 0)
    ((query, pictures),) = sent
    assert all(picture.startswith(b"\xff\xd8\xff") for picture in pictures)
    made, punch_id = query["made"][0], query["punch_id"][0]
    digests = [hashlib.sha256(each).hexdigest() for each in pictures]
    text = "\n".join((punch_id, made, "", "", "", "out", *digests, query["offset"][0]))
    key = door.site.key.derive_kiosk_key("door")
    assert query["signature"] == [hmac.new(key, text.encode(), "sha256").hexdigest()]
    assert query["direction"] == ["out"]
    assert int(query["sent"][0]) - int(made) >= POLL
    await_value(page, lambda: page.evaluate(FRAMES), [])
    tab.open("about:blank")  # ends the requests before their routes


def test_the_worker_has_a_version_and_keeps_the_files_of_the_page_alone() -> None:
    source = make_worker("kiosk_worker.js", page="kiosk.js", styles=["pages.css"])
    version, files = source.split("\n")[:2]
    assert re.fullmatch('const VERSION = "[0-9a-f]{16}";', version)
    kept = [name.rpartition("/")[2] for name in files.split('"')[1::2]]
    assert kept == [*find_modules("kiosk.js"), "pages.css", "icon.svg"]


def test_the_worker_answers_for_the_kiosk_alone(door: Door) -> None:
    answer = door.server.get("/kiosk/worker.js", key=None)
    assert answer.headers["Service-Worker-Allowed"] == "/kiosk"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
    assert answer.headers["Cache-Control"] == "no-cache"


STALLED = """async () => {
  const self = { addEventListener() {}, location };
  const caches = { open: async () => ({ match: async () => new Response("the page that is kept") }) };
  const fetch = async (request, { signal }) => {
    const start = (body) => {
      body.enqueue(new TextEncoder().encode("<!doctype html>"));
      signal.addEventListener("abort", () => body.error(signal.reason));
    };
    return new Response(new ReadableStream({ start }));
  };
  %s
  return (await showPage(new Request("http://door/kiosk"))).text();
}"""
"""What the worker answers where the server sends a part of the page, and no more."""


def test_the_worker_waits_no_longer_for_the_rest_of_a_page_than_for_its_begin(open_tab: OpenTab) -> None:
    source = make_worker("kiosk_worker.js", page="kiosk.js", styles=[])
    short = source.replace("const LONGEST = 8000", "const LONGEST = 50")
    assert short != source
    page = open_tab("http://door").page
    await_value(page, lambda: page.evaluate(STALLED % short), "the page that is kept")


HURRY = """const { timeout } = AbortSignal;
AbortSignal.timeout = (longest) => timeout.call(AbortSignal, longest / 100);"""


def test_a_server_that_does_not_answer_holds_nothing(door: Door, open_tab: OpenTab) -> None:
    tab = open_tab(door.server.url, service_workers="block")
    page = door.open(tab)
    page.add_init_script(HURRY)
    page.route(f"{door.server.url}/kiosk", lambda route: change_page(route, *RECOGNIZES))
    page.route(SETTINGS, lambda route: None)
    page.route("**/v1/kiosk/frames?*", lambda route: None)
    tab.open("/kiosk")
    page.wait_for_selector('#connection:text-is("No connection")')
    page.wait_for_selector('#advice:text-matches("^Faces are not recognized now")')
    tab.open("about:blank")  # ends the requests before their routes
    page.unroute_all(behavior="ignoreErrors")
    tab.errors.clear()


def test_signing_out_names_all_punches_that_it_deletes(tab: Tab) -> None:
    page = tab.page
    page.route(PUNCHES, lambda route: route.abort())
    page.click(".kiosk-settings summary")
    for count, sentence in ((1, "1 punch still waits"), (2, "2 punches still wait")):
        enter(page, "77", "saved")  # of no employee
        wait_for_waiting(page, count)
        page.click(".session button")
        page.wait_for_selector(f'#faults .warning:text-matches("^{sentence}")')
    page.unroute(PUNCHES)
    page.clock.fast_forward(POLL)
    wait_for_waiting(page, 0)
    page.wait_for_selector("#faults .warning", state="detached")


@pytest.mark.slow(seconds=60)
def test_the_page_is_loaded_and_punches_wait_while_the_server_is_down(tmp_path: Path, open_tab: OpenTab) -> None:
    with closing(make_site(tmp_path)) as site:
        first = RunningServer("--config", "server.toml", folder=tmp_path, environment=WEIGHTS)
        first.set_up()
        door = Door(first, site, make_kiosk_key(first))
        tab = open_tab(first.url)
        page = door.open(tab)
        assert type_pin(page, "4")[0] == "recorded"
        await_value(page, lambda: page.evaluate(IS_KEPT), True)
        first.stop()
        begun = datetime.now(UTC)
        page.reload()
        page.wait_for_function(RUNNING)
        for number, pin in (("5", PIN), ("6", "000001"), ("6", PIN)):
            state, lines = type_pin(page, number, pin)
            assert (state, len(lines)) == ("saved", 2)  # whose it is shows the server alone
        expect(page.locator("#queued")).to_have_text("3 punches wait for the connection.", use_inner_text=True)
        page.wait_for_selector("#connection:not(:empty)")
        page.click(".kiosk-settings summary")
        page.click(".session button")
        expect(page.locator("#faults .warning")).to_have_text(
            "3 punches still wait for the connection. Signing out deletes them: press again to sign out."
        )
        page.close()
        ended = datetime.now(UTC)
        cached = check_later(tab, site, first, tmp_path)
        waited = site.punches(employees=["5", "6"])
        assert [punch.employee for punch in waited] == ["5", "6"]
        assert all(begun - timedelta(seconds=1) <= punch.at <= ended + timedelta(seconds=1) for punch in waited)
        assert len(site.punches()) == 3
        assert {path for path, _ in cached if not path.startswith(f"/static/{OTHER_VERSION}/")} == {"/kiosk"}
        assert [path for path, text in cached if "Kim" in text or "Lee" in text] == []


def check_later(tab: Tab, site: Any, first: RunningServer, folder: Path) -> list[tuple[str, str]]:
    """Start a server of another version; return what the browser keeps of it once all that waited is sent."""
    (folder / "sitecustomize.py").write_text(
        f"from visavis.server.pages import static_files\nstatic_files.hash_static_files = lambda: '{OTHER_VERSION}'\n"
    )
    second = RunningServer(
        "--config", "server.toml",
        folder=folder, environment={**WEIGHTS, "PYTHONPATH": str(folder)}, port=first.port,
    )  # fmt: skip
    try:
        page = tab.context.new_page()
        page.set_default_timeout(1000 * WAIT_SECONDS)
        page.goto(f"{first.url}/kiosk")
        page.wait_for_selector("#refused li")
        page.wait_for_selector("#queued:empty", state="attached")
        expect(page.locator("#refused li").first).to_contain_text("wrong", use_inner_text=True)
        page.wait_for_function(f"() => document.querySelector('script[src*=\"/{OTHER_VERSION}/\"]')")
        await_value(page, lambda: page.evaluate("() => caches.keys()"), [f"visavis-kiosk-{OTHER_VERSION}"])
        page.reload()
        page.wait_for_selector("#refused li")
        page.click("#refused button")
        page.wait_for_selector("#refused li", state="detached")
        cached: list[tuple[str, str]] = await_value(
            page, lambda: page.evaluate(CACHED), lambda entries: "/kiosk" in dict(entries)
        )
        page.click(".kiosk-settings summary")
        page.click(".session button")
        page.wait_for_url("**/sign-in")
        await_value(page, lambda: page.evaluate("() => caches.keys()"), [])
        page.goto(f"{first.url}/kiosk")
        page.wait_for_url("**/sign-in")
    finally:
        second.stop()
    tab.errors.clear()  # requests that had no answer
    assert "Traceback" not in first.text + second.text
    return cached
