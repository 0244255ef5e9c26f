"""Sites with people and targets, and stand-ins of the systems that punches are sent to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import run
from visavis.attendance.settings import FILE, SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, Employee, Punch

from .frappe_server import Frappe
from .odoo_server import KEY, Odoo
from .stand_in import StandIn, System
from .webhook_receiver import SECRET, Receiver

__all__ = ["run"]

ZONE = "Asia/Ho_Chi_Minh"
PEOPLE = (Employee("7", "Ann Li"), Employee("8", "Bo Ek"), Employee("9", "Cem Oz"))
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

    def add(number: str, time: str, direction: Direction = "in", day: date = YESTERDAY, device: str = "door") -> Punch:
        at = datetime.fromisoformat(f"{day.isoformat()}T{time}+07:00")
        with Site(folder) as site:
            return site.punch(number, actor="test", direction=direction, at=at, device=device, method="face")

    return add


@pytest.fixture
def serve() -> Iterator[Callable[[System], StandIn]]:
    """Serves stand-ins until the test ends."""
    running: list[StandIn] = []

    def start(system: System) -> StandIn:
        running.append(StandIn(system))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def frappe(folder: Path, tmp_path: Path, serve: Callable[[System], StandIn]) -> StandIn:
    """Frappe HR that knows the employees 7 and 8, and the shift type Day since the day before yesterday."""
    system = Frappe(tmp_path / "frappe.db")
    system.employ("HR-EMP-7", "7")
    system.employ("HR-EMP-8", "8")
    system.add_shift("Day", YESTERDAY - timedelta(days=1))
    server = serve(system)
    configure(folder, target("frappe", server.url, shift_types=["Day"]), frappe="key-1:secret-1")
    return server


@pytest.fixture
def odoo(folder: Path, tmp_path: Path, serve: Callable[[System], StandIn]) -> StandIn:
    """Odoo that knows the employees 7 and 8, over JSON-2."""
    system = Odoo(tmp_path / "odoo.db")
    system.employ(70, "Ann", "7")
    system.employ(80, "Bo", "8")
    server = serve(system)
    configure(folder, target("odoo", server.url, database="company"), odoo=KEY)
    return server


@pytest.fixture
def webhook(folder: Path, tmp_path: Path, serve: Callable[[System], StandIn]) -> StandIn:
    """A receiver of webhooks."""
    server = serve(Receiver(tmp_path / "webhook.db"))
    configure(folder, target("webhook", server.url + "/hook"), webhook=SECRET)
    return server
