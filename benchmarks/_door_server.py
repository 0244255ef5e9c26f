"""A server with a site of employees, that can be killed and started again at the same address."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import requests
from _door_cameras import DoorCamera
from _door_client import Visitor, badge_of, read_person

from visavis.attendance.consents import give_consent, link_person
from visavis.attendance.kiosk.credentials import set_badge
from visavis.attendance.rules.starter import STARTER
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.gallery import Gallery

ADDRESS = re.compile(r"serving at (https?://[^;\s]+);")
CODE = re.compile(r"One-time code for the first key: ([\d-]+)")
START_SECONDS = 180
COOLDOWN = 3600
"""Seconds in which a punch is repeated: each person comes once, however long a killed server is away."""


def make_site(folder: Path, employees: Sequence[Visitor], cameras: Sequence[DoorCamera]) -> None:
    """Make a site with cameras at its entrance, and a gallery with a photo of each employee, who has agreed to that.

    Names begin with the number, so that an answer says who was named.
    """
    with Site.create(folder / "site", SiteSettings("Works", "Europe/Berlin", gallery="sqlite:///../faces.db")) as site:
        people = [Employee(each.number, f"{each.number} {each.name}") for each in employees]
        site.put_employees(people, actor="setup")
        with Gallery(folder / "faces.db") as gallery:
            rows = [(person.name, each.enrolled) for person, each in zip(people, employees, strict=True)]
            persons = [
                gallery.enroll(name, np.asarray(read_person(photo))).person_id
                for name, photo in rows
                if photo is not None
            ]
        with site.ledger.write(actor="setup") as writer:
            for person, person_id in zip(people, persons, strict=True):
                give_consent(writer, person.number, text_version="1", given=date(2026, 1, 2))
                link_person(writer, person.number, person_id)
        for person in people:
            set_badge(site, person.number, badge_of(person.number), actor="setup")
    (folder / "site" / "rules.toml").write_text(STARTER.replace("cooldown = 60", f"cooldown = {COOLDOWN}"))
    tables = '[galleries]\ndefault = "faces.db"\n[server]\nattendance_site = "site"\n'
    if cameras:
        tables += 'cameras = "cameras.toml"\n'
        rows = [f'[[camera]]\nname = "{each.name}"\nsource = "{each.address}"\n' for each in cameras]
        (folder / "cameras.toml").write_text("".join(f'{row}attendance = "entrance"\n' for row in rows))
    (folder / "server.toml").write_text(tables)
    with (folder / "site" / "site.toml").open("a") as file:
        file.write('[kiosk]\nliveness = "off"\n')


class DoorServer:
    """``visavis serve`` in a folder, as a group of processes."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port, self.key = folder, 0, ""
        self.url = ""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "visavis", "serve", "--config", "server.toml", "--port", str(self._port)]
        with (self._folder / "server.log").open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                command, cwd=self._folder, stderr=log, stdout=log, start_new_session=True, env=os.environ
            )
        end = time.monotonic() + START_SECONDS
        while not (address := ADDRESS.search(text := (self._folder / "server.log").read_bytes()[begin:].decode())):
            if time.monotonic() > end or self._process.poll() is not None:
                raise SystemExit(f"the server did not start: {text}")
            time.sleep(0.02)
        self.url, self._port = address[1], int(address[1].rpartition(":")[2])
        if not self.key:
            code = CODE.search(text)
            answer = requests.post(f"{self.url}/v1/setup", json={"code": code and code[1], "name": "setup"}, timeout=60)
            self.key = answer.json()["key"]

    def make_kiosk_key(self, name: str) -> str:
        """Return the key of a new kiosk."""
        order = {"name": name, "role": "kiosk"}
        answer = requests.post(f"{self.url}/v1/keys", json=order, headers={"x-api-key": self.key}, timeout=60)
        key: str = answer.json()["key"]
        return key

    def kill(self) -> None:
        """Kill it and its workers, as a failure of the power does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
