"""Sites with people and targets, and stand-ins of the systems that punches are sent to."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance.peers.frappe import Frappe
from attendance.peers.frappe_shift import Employee as HrEmployee
from attendance.peers.frappe_shift import ShiftType
from attendance.peers.odoo import Odoo
from attendance.peers.webhook import Webhook
from cli.conftest import run
from visavis.attendance.settings import FILE, SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, Employee, Punch

__all__ = ["run"]

ZONE = "Asia/Ho_Chi_Minh"
PEOPLE = (Employee("7", "Ann Li"), Employee("8", "Bo Ek"), Employee("9", "Cem Oz"))
ODOO_KEY = "a1b2c3d4e5f6a7b8c9d0"
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two characters").decode()
YESTERDAY = date.today() - timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of a new site with three employees."""
    with Site.create(tmp_path / "site", SiteSettings("Plant", ZONE)) as site:
        site.put_employees(PEOPLE, actor="test")
    return tmp_path / "site"


def configure(folder: Path, text: str, **secrets: str) -> None:
    """Add tables to site.toml, and files with secrets."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    for name, secret in secrets.items():
        (folder / f"{name}.key").write_text(f"{secret}\n")
        (folder / f"{name}.key").chmod(0o600)


def target(kind: str, url: str, **options: Any) -> str:
    """Return the table of a target that is called like its kind."""
    lines = [f"{name} = {value!r}" for name, value in options.items()]
    return "\n".join([f"[targets.{kind}]", f"kind = '{kind}'", f"url = '{url}'", f"key_file = '{kind}.key'", *lines])


@pytest.fixture
def punch(folder: Path) -> Callable[..., Punch]:
    """Adds a punch of an employee on a day, by default yesterday, at a local time such as "08:00"."""

    def add(number: str, clock: str, direction: Direction = "in", day: date = YESTERDAY, device: str = "door") -> Punch:
        at = datetime.fromisoformat(f"{day.isoformat()}T{clock}+07:00")
        with Site(folder) as site:
            return site.punch(number, actor="test", direction=direction, at=at, device=device, method="face")

    return add


@pytest.fixture
def frappe(folder: Path) -> Iterator[Frappe]:
    """Frappe HR with the employees 7 and 8 on the shift Day, of which attendance is made since five days ago."""
    with Frappe(HrEmployee("HR-EMP-7", "7", "Day"), HrEmployee("HR-EMP-8", "8", "Day")) as system:
        system.token = "token key-1:secret-1"
        first, grace = YESTERDAY - timedelta(days=5), timedelta(minutes=15)
        system.shift_types["Day"] = ShiftType(time(8), time(17), first, late_entry_grace=grace)
        configure(folder, target("frappe", system.url, shift_types=["Day"]), frappe="key-1:secret-1")
        yield system


@pytest.fixture
def odoo(folder: Path) -> Iterator[Odoo]:
    """Odoo that knows the employees 7 and 8, over JSON-2."""
    with Odoo(database="company", key=ODOO_KEY) as system:
        for name, number in (("Ann", "7"), ("Bo", "8")):
            system.add_employee(name, barcode=number, pin=number)
        configure(folder, target("odoo", system.url, database="company"), odoo=ODOO_KEY)
        yield system


@pytest.fixture(params=["json2", "xmlrpc"])
def either_odoo(request: pytest.FixtureRequest, folder: Path, odoo: Odoo) -> Odoo:
    """Odoo, spoken to in both ways."""
    if request.param == "xmlrpc":
        odoo.has_json2 = False
        text = (folder / FILE).read_text()
        database = "database = 'company'"
        (folder / FILE).write_text(text.replace(database, f"protocol = 'xmlrpc'\nuser = '{odoo.login}'\n{database}"))
    return odoo


@pytest.fixture
def webhook(folder: Path) -> Iterator[Webhook]:
    """A receiver of webhooks."""
    with Webhook(b"a secret of thirty-two characters") as receiver:
        configure(folder, target("webhook", receiver.url + "/hook"), webhook=SECRET)
        yield receiver
