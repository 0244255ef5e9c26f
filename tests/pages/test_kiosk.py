"""The kiosk's page: PIN and badge, undo, punches that wait while the server is down, and the camera."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image, ImageEnhance, ImageOps

from browser import BROWSER, OPTIONS
from conftest import DATA
from server.running_server import RunningServer, photos
from visavis.attendance.consents import give_consent, link_person
from visavis.attendance.kiosk.credentials import set_badge, set_pin
from visavis.attendance.kiosk.refusals import count_refusals
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

from .appearance import look_at
from .conftest import CAMERA, WEIGHTS, OpenTab, Tab, serve

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
PIN = "580213"
NAMES = ("Nguyễn Thị Ánh", "Ben <b>Bold</b>", "Eve", "Kim", "Lee", "Mo", "Pia", "Quy", "Ray")
PEOPLE = [Employee(str(number), name) for number, name in enumerate(NAMES, 1)]
RUNNING = "() => document.getElementById('keys').childElementCount > 0"


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


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A server whose site has no faces."""
    folder = tmp_path_factory.mktemp("door")
    with closing(make_site(folder)) as site, serve(folder, environment=WEIGHTS) as running:
        yield Door(running, site, make_kiosk_key(running))


def read_answer(page: Any) -> tuple[str, list[str]]:
    """Return the state and the lines of what the page answers, once it does."""
    page.wait_for_selector("#answer:not([hidden])")
    state: str = page.get_attribute("#answer", "data-state")
    lines: list[str] = page.locator("#answer p").all_inner_texts()
    page.wait_for_selector("#answer", state="hidden")
    return state, lines


def type_pin(page: Any, number: str, pin: str = PIN) -> tuple[str, list[str]]:
    page.fill("#number", number)
    page.fill("#pin", pin)
    page.press("#pin", "Enter")
    return read_answer(page)


def test_a_pin_by_keyboard_is_recorded_and_undone(door: Door, open_tab: OpenTab) -> None:
    page = door.open(open_tab(door.server.url))
    assert page.evaluate("() => document.activeElement.id") == "number"
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    page.focus("#strip button")  # at once: it is there for 10 s
    name, verdict, moment = page.locator("#answer p").all_inner_texts()
    (punch,) = door.site.punches(employees=["1"])
    page.keyboard.press("Enter")
    assert (name, verdict) == ("Nguyễn Thị Ánh", "Recorded")
    assert moment.endswith("In")
    assert (punch.direction, punch.device, punch.method) == ("in", "door", "pin")
    page.wait_for_selector('#answer[data-state="undone"]', state="attached")
    assert door.site.punches(employees=["1"]) == []
    assert page.evaluate("() => document.activeElement.id") == "number"


def test_who_has_undone_a_punch_by_face_does_not_punch_again_at_once(door: Door, open_tab: OpenTab) -> None:
    """The answers about frames are those of a server that recognizes a face in each."""
    recorded = {"state": "recorded", "punch_id": "0" * 32, "name": "Kim", "at": "2026-03-02T09:00:00Z"}
    frames: list[int] = []

    def show_page(route: Any) -> None:
        page = route.fetch()
        route.fulfill(response=page, body=page.text().replace('"recognizes": false', '"recognizes": true'))

    def answer(route: Any) -> None:
        frames.append(route.request.post_data_buffer.count(b"filename="))
        route.fulfill(json={"state": "hold"} if frames[-1] == 1 else {**recorded, "direction": "in"})

    tab = open_tab(door.server.url)
    tab.page.route(f"{door.server.url}/kiosk", show_page)  # not /v1/kiosk
    tab.page.route("**/v1/kiosk/frames?*", answer)
    tab.page.route("**/undo", lambda route: route.fulfill(status=204))
    tab.page.clock.set_fixed_time(datetime(2026, 3, 2, 9, tzinfo=UTC))  # the time of who stands there is never over
    page = door.open(tab)
    tab.open("/kiosk")  # routes see no page to which the sign-in leads
    page.click("#strip button")
    page.wait_for_selector('#advice:text-is("Undone. Nothing is recorded.")')
    count = len(frames)
    while len(frames) < count + 3:
        with page.expect_request("**/v1/kiosk/frames?*"):
            pass
    assert frames[count:] == [1] * len(frames[count:])
    page.click('.way:has-text("Out")')
    page.wait_for_selector("#strip button")  # of another punch, in the direction that was chosen
    tab.open("about:blank")  # ends the requests before their routes
    page.unroute_all(behavior="ignoreErrors")
    tab.errors.clear()  # requests that ended so


def test_punches_wait_while_the_server_has_no_site(door: Door, open_tab: OpenTab) -> None:
    tab = open_tab(door.server.url)
    page = door.open(tab)
    page.route(f"{door.server.url}/v1/kiosk", lambda route: route.abort())  # by itself the page sends nothing
    page.route("**/v1/kiosk/punches", lambda route: route.abort())
    assert type_pin(page, "7")[0] == "saved"
    problem = {"code": "no_attendance", "detail": "this server has no site of attendance."}
    page.route("**/v1/kiosk/punches", lambda route: route.fulfill(status=404, json=problem))
    assert type_pin(page, "8")[0] == "saved"
    page.unroute("**/v1/kiosk/punches")
    assert type_pin(page, "9")[0] == "saved"
    page.wait_for_selector("#queued:empty", state="attached")
    assert page.locator("#refused li").count() == 0
    assert [punch.employee for punch in door.site.punches(employees=["7", "8", "9"])] == ["7", "8", "9"]
    tab.errors.clear()  # answers that did not come


def test_touch_a_badge_and_a_wrong_pin(door: Door, open_tab: OpenTab) -> None:
    tab = open_tab(door.server.url)
    page = door.open(tab)
    for digit in "2":
        page.click(f'#keys button:has-text("{digit}")')
    page.focus("#pin")
    for digit in PIN:
        page.click(f'#keys button:has-text("{digit}")')
    page.click('.way:has-text("Out")')
    page.click(".typing .primary")
    state, lines = read_answer(page)
    assert (state, lines[0]) == ("recorded", "Ben <b>Bold</b>")
    assert door.site.punches(employees=["2"])[0].direction == "out"
    assert page.input_value("#number") == page.input_value("#pin") == ""
    page.keyboard.type("0004711")  # as the reader of badges does
    page.keyboard.press("Enter")
    assert read_answer(page)[1][0] == "Eve"
    assert type_pin(page, "2", "000001")[0] == "wrong"
    tab.errors.clear()  # the answer of a wrong PIN
    assert [punch.method for punch in door.site.punches(employees=["2", "3"])] == ["pin", "badge"]


@pytest.mark.slow(seconds=60)
def test_punches_wait_while_the_server_is_down(tmp_path: Path, open_tab: OpenTab) -> None:
    with closing(make_site(tmp_path)) as site:
        first = RunningServer("--config", "server.toml", folder=tmp_path, environment=WEIGHTS)
        first.set_up()
        door = Door(first, site, make_kiosk_key(first))
        tab = open_tab(first.url)
        page = door.open(tab)
        assert type_pin(page, "4")[0] == "recorded"
        first.stop()
        begun = datetime.now(UTC)
        for number, pin in (("5", PIN), ("6", "000001"), ("6", PIN)):
            state, lines = type_pin(page, number, pin)
            assert (state, len(lines)) == ("saved", 2)  # whose it is shows the server alone
        assert page.inner_text("#queued") == "3 punches wait for the connection."
        page.wait_for_selector("#connection:not(:empty)")
        page.close()
        ended = datetime.now(UTC)
        second = RunningServer(
            "--config", "server.toml", folder=tmp_path, environment=WEIGHTS, port=int(first.url.rpartition(":")[2])
        )
        try:
            page = tab.context.new_page()
            page.goto(f"{first.url}/kiosk")
            page.wait_for_selector("#refused li")
            page.wait_for_selector("#queued:empty", state="attached")
            assert "wrong" in page.inner_text("#refused li")
            page.reload()
            page.wait_for_selector("#refused li")
            page.click("#refused button")
            page.wait_for_selector("#refused li", state="detached")
            waited = site.punches(employees=["5", "6"])
            assert [punch.employee for punch in waited] == ["5", "6"]
            assert all(begun - timedelta(seconds=1) <= punch.at <= ended + timedelta(seconds=1) for punch in waited)
            assert len(site.punches()) == 3
        finally:
            second.stop()
        tab.errors.clear()  # requests that had no answer
        assert "Traceback" not in first.text + second.text


def make_film(photo: Path, film: Path) -> Path:
    """Write a film of a photo, whose frames differ a little, as those of a camera do."""
    with Image.open(photo) as stored:
        picture, frames = ImageOps.exif_transpose(stored), []
        for row in range(12):
            data = io.BytesIO()
            ImageEnhance.Brightness(picture.convert("RGB")).enhance(1 + row / 200).save(data, "JPEG", quality=95)
            frames.append(data.getvalue())
    film.write_bytes(b"".join(frames))
    return film


@pytest.mark.slow(seconds=90)
def test_a_live_face_punches_and_a_photo_of_it_does_not(driver: Any, tmp_path: Path) -> None:
    spoof = DATA / "photos" / "spoof"
    if not spoof.is_dir():
        pytest.skip("the photos of attacks are not there")
    with closing(make_site(tmp_path, "sqlite:///../faces.db")) as site, serve(tmp_path, environment=WEIGHTS) as running:
        door = Door(running, site, make_kiosk_key(running))
        answer = running.post("/v1/people", data={"name": "live"}, files=photos("photo", spoof / "image_T1.jpg"))
        with site.ledger.write(actor="test") as writer:
            give_consent(writer, "1", text_version="2026-01", given=date(2026, 1, 2))
            link_person(writer, "1", answer.json()["person_id"])
        for name, expected in (("image_T1", "recorded"), ("image_F1", "attack"), ("image_F2", "attack")):
            film = make_film(spoof / f"{name}.jpg", tmp_path / f"{name}.mjpeg")
            arguments = [*OPTIONS, *CAMERA, f"--use-file-for-fake-video-capture={film}"]
            with closing(driver.chromium.launch(executable_path=BROWSER, args=arguments)) as chromium:
                tab = Tab(chromium, running.url)
                page = door.open(tab)
                page.wait_for_selector("#answer:not([hidden])")
                assert page.get_attribute("#answer", "data-state") == expected, name
                assert tab.errors == []
        (punch,) = site.punches()
        assert (punch.employee, punch.method, punch.device) == ("1", "face", "door")
        assert (punch.liveness or 0) >= 0.5
        counts = [count_refusals(site, datetime.now(UTC).date() + timedelta(days)) for days in (-1, 0, 1)]
        assert sum(count.get("attack", 0) for count in counts) >= 2


@pytest.mark.slow(seconds=40)
def test_how_it_looks(door: Door, open_tab: OpenTab, tmp_path: Path) -> None:
    tab = open_tab(door.server.url)
    page = door.open(tab)
    look_at(tab, "kiosk", tmp_path)
    page.set_viewport_size({"width": 1280, "height": 800})
    heights = "places => places.map((place) => place.getBoundingClientRect().height)"
    sizes = page.eval_on_selector_all(".typing button, .way", heights)
    assert min(sizes) >= 88
    page.fill("#number", "4")
    page.fill("#pin", PIN)
    page.press("#pin", "Enter")
    page.wait_for_selector("#answer:not([hidden])")
    page.evaluate(
        """() => {
             const answer = document.getElementById("answer");
             new MutationObserver(() => (answer.hidden = false)).observe(answer, {attributes: true});
           }"""
    )  # it stays
    look_at(tab, "kiosk-recorded", tmp_path)
