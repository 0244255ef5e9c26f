"""Attendance from the first photo to payroll, in a real browser: the camera is a film, and no score is made up.

The live face, and the photos and screens held before the camera, are pictures that are known to be these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.integrations.conftest import configure, target
from attendance.peers.frappe import Frappe
from attendance.peers.frappe_shift import Employee as HrEmployee
from attendance.peers.frappe_shift import ShiftType
from browser import BROWSER, OPTIONS
from cli.conftest import Run, run
from conftest import DATA
from server.running_server import RunningServer
from visavis.attendance.kiosk.refusals import count_refusals
from visavis.attendance.site import Site

from .conftest import CAMERA, WEIGHTS, Tab, serve
from .kiosk_door import READ_ANSWER
from .test_kiosk import make_film

__all__ = ["run"]

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]

SPOOF = DATA / "photos" / "spoof"
LIVE = SPOOF / "image_T1.jpg"
TEXT = "2026-01"
RULES = """
[[versions]]
from = 2000-01-01
cooldown = 3600
[versions.shifts.day]
start = "08:00"
end = "17:00"
direction = "strict"
[[assignments]]
shifts = ["day"]
"""


def find_noon_zone(now: datetime) -> str:
    """Return a zone in which it is between 12:00 and 13:00, at whatever hour the test runs."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@pytest.fixture
def site_folder(run: Run, tmp_path: Path) -> Path:
    """Folder of a site with two employees, made by the commands."""
    if not SPOOF.is_dir():
        pytest.skip("the photos of attacks are not there")
    zone = find_noon_zone(datetime.now(UTC))
    assert run("attendance", "init", "--zone", zone, "--gallery", "faces.db", "--site", "site").code == 0
    (tmp_path / "site" / "rules.toml").write_text(RULES)
    (tmp_path / "people.csv").write_text("number,name\n7,Ann Li\n8,Ben Ek\n")
    assert run("attendance", "import-people", "people.csv", "--site", "site").code == 0
    tables = "[server]\nattendance_site = 'site'\n[galleries]\ndefault = 'faces.db'\n"
    (tmp_path / "server.toml").write_text(tables)
    return tmp_path / "site"


class Door:
    """A server with a site; what is on a photo is before the camera of a browser of its own."""

    def __init__(self, server: RunningServer, driver: Any, folder: Path) -> None:
        self.server, self._driver, self._folder = server, driver, folder
        self._browsers: dict[Path, Any] = {}
        answer = server.post("/v1/keys", json={"name": "front door", "role": "kiosk"})
        self._kiosk_key: str = answer.json()["key"]

    def _launch(self, photo: Path) -> Any:
        film = make_film(photo, self._folder / f"{photo.stem}.mjpeg")
        arguments = [*OPTIONS, *CAMERA, f"--use-file-for-fake-video-capture={film}"]
        return self._driver.chromium.launch(executable_path=BROWSER, args=arguments)

    def close(self) -> None:
        """Close the browsers."""
        for browser in self._browsers.values():
            browser.close()

    @contextmanager
    def open(self, path: str, photo: Path = LIVE) -> Iterator[Any]:
        """A page, signed in as the kiosk, or as an administrator for another page than the kiosk's."""
        if photo not in self._browsers:
            self._browsers[photo] = self._launch(photo)
        tab = Tab(self._browsers[photo], self.server.url)
        tab.begin_session(self._kiosk_key if path == "/kiosk" else self.server.key or "")
        yield tab.open(path)
        assert (tab.errors, tab.elsewhere) == ([], [])
        tab.context.close()

    def show(self, photo: Path) -> tuple[str, str]:
        """Hold what is on a photo before the kiosk; return the state and the text of the first answer."""
        with self.open("/kiosk", photo) as page:
            state, lines = page.wait_for_function(READ_ANSWER).json_value()
            return state, "\n".join(lines)


def enroll_with_consent(door: Door, run: Run, name: str, number: str) -> int:
    """Enroll a photo on the page, note the consent there, and link the person; return the id of the person."""
    with door.open("/people/new") as page:
        page.fill("#name", name)
        page.set_input_files("#files", str(LIVE))
        page.wait_for_selector("#photos .quality")
        page.click("summary")
        page.fill("#consent", TEXT)
        page.fill("#consented", "2026-01-02")
        page.click("#send")
        page.wait_for_selector("#result .card")
    (person,) = door.server.get("/v1/people").json()["people"]
    assert (person["name"], person["consent"], person["consented"]) == (name, TEXT, "2026-01-02")
    words = ("--text", TEXT, "--on", "2026-01-02", "--person", person["id"], "--site", "site")
    assert run("attendance", "consent", number, *words).code == 0
    return int(person["id"])


def punch_in_and_out(door: Door, site: Site) -> None:
    """Stand before the kiosk, do so again, and leave."""
    state, text = door.show(LIVE)
    assert (state, "Ann Li" in text) == ("recorded", True)
    (punch,) = site.punches()
    assert (punch.employee, punch.direction, punch.method, punch.device) == ("7", "in", "face", "front door")
    assert (punch.liveness or 0) >= 0.5
    state, text = door.show(LIVE)
    assert (state, "Ann Li" in text) == ("already", True)
    assert site.punches() == [punch]
    with door.open("/kiosk") as page:
        page.click('.way:has-text("Out")')
        page.wait_for_selector("#strip button")
    assert [(each.employee, each.direction) for each in site.punches()] == [("7", "in"), ("7", "out")]


def count_all_refusals(site: Site) -> Counter[str]:
    """Return the refusals of today; also of the days beside it, as midnight may pass."""
    today = datetime.now(ZoneInfo(site.zone)).date()
    totals: Counter[str] = Counter()
    for days in (-1, 0, 1):
        totals.update(count_refusals(site, today + timedelta(days)))
    return totals


def correct_arrival(door: Door, day: date) -> None:
    """Put the arrival of employee 7 at 8:00, on the page of the day."""
    with door.open(f"/attendance/people/7/{day}") as page:
        page.select_option("#correct-punch", index=0)
        page.fill("#correct-at", f"{day}T08:00")
        page.fill("#correct-reason", "the kiosk had no power")
        page.click("#correct button")
        page.wait_for_selector("#result [role=status]")


@pytest.mark.slow(seconds=40)
def test_from_the_first_photo_to_payroll_and_erasure(
    site_folder: Path, tmp_path: Path, run: Run, driver: Any, sample_photos: Path
) -> None:
    in_site = partial(run, "attendance")
    with (
        closing(Site(site_folder)) as site,
        serve(tmp_path, environment=WEIGHTS) as server,
        closing(Door(server, driver, tmp_path)) as door,
    ):
        person = enroll_with_consent(door, run, "Ann Li", "7")
        punch_in_and_out(door, site)

        stranger = sample_photos / "biden.jpg"
        attacks = [SPOOF / "image_F1.jpg", SPOOF / "image_F2.jpg"]
        for photo, state in ((stranger, "unknown"), *((attack, "attack") for attack in attacks)):
            answer, text = door.show(photo)
            assert (answer, "Ann" in text) == (state, False), photo
        refused = count_all_refusals(site)
        assert (refused["stranger"] >= 1, refused["attack"] >= 2) == (True, True)
        assert len(site.punches()) == 2

        arrival, departure = site.punches()
        zone = ZoneInfo(site.zone)
        day = arrival.at.astimezone(zone).date()
        correct_arrival(door, day)
        begin = datetime.combine(day, time(8), zone)
        minutes = (departure.at.astimezone(zone).replace(second=0, microsecond=0) - begin) // timedelta(minutes=1)
        (computed,) = in_site("day", day, "--employee", "7", "--site", "site", "--json").lines
        assert computed["worked"] == minutes
        records = in_site("history", "7", "--punch", arrival.id, "--site", "site", "--json").lines
        assert [(each["kind"], each["reason"]) for each in records][-1] == ("correction", "the kiosk had no power")

        leaves_at = f"{departure.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        rows = in_site("export", "--to", "frappe", "--site", "site").out.splitlines()
        assert rows[1:] == [f"7,IN,{day} 08:00:00,front door,0", f"7,OUT,{leaves_at},front door,0"]

        with Frappe(HrEmployee("HR-EMP-7", "7", "Day")) as frappe:
            frappe.token = "token key-1:secret-1"
            frappe.shift_types["Day"] = ShiftType(time(8), time(17), day)
            configure(site_folder, target("frappe", frappe.url, shift_types=["Day"]), frappe="key-1:secret-1")
            assert in_site("push", "--to", "frappe", "--site", "site").code == 0
            sent = [(each.employee, each.log_type, str(each.time)) for each in frappe.checkins]
            assert sorted(sent) == [("HR-EMP-7", "IN", f"{day} 08:00:00"), ("HR-EMP-7", "OUT", leaves_at)]

        reason = "left, asked for it"
        (erased,) = in_site("erase-person", "7", "--reason", reason, "--yes", "--site", "site", "--json").lines
        assert (erased["employee"], erased["people"]) == ("7", 1)
        assert server.get(f"/v1/people/{person}").status_code == 404
        assert door.show(LIVE)[0] == "unknown"
        assert site.punches() == []
        (verified,) = in_site("verify", "--site", "site", "--json").lines
        assert verified["whole"] is True
