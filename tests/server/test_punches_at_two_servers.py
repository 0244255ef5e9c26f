"""Two servers with one site of attendance in PostgreSQL: both record punches, one of them is killed meanwhile."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

from .running_server import RunningServer
from .test_cameras import kill_all

if TYPE_CHECKING:
    from servers import Postgres

EMPLOYEES = 8
BEFORE, AFTER = 15, 10  # answered punches of an employee until the server is killed, and from then on
SECONDS = 120


@pytest.fixture
def folders(postgres: Postgres, tmp_path: Path) -> list[Path]:
    """Two folders of servers: each has a copy of the folder of the site, whose ledger is in PostgreSQL."""
    settings = SiteSettings("Berlin", "Europe/Berlin", database=postgres.new())
    with closing(Site.create(tmp_path / "first" / "site", settings)) as site:
        site.put_employees([Employee(str(number), f"Person {number}") for number in range(EMPLOYEES)], actor="test")
    config = "[server]\nattendance_site = 'site'\n"
    (tmp_path / "first" / "server.toml").write_text(config)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    return [tmp_path / "first", tmp_path / "second"]


class Terminal:
    """Punches for one employee at one server after another; ``answered`` are the ids that were acknowledged."""

    def __init__(self, employee: int, servers: list[RunningServer], key: str) -> None:
        self._employee = str(employee)
        self._addresses = [server.url for server in (servers if employee % 2 else servers[::-1])]
        self._key = key
        self.answered: list[str] = []
        self.sent_again = 0

    def punch_until(self, count: int) -> None:
        end = time.monotonic() + SECONDS
        while len(self.answered) < count:
            assert time.monotonic() < end
            self._punch(f"{self._employee} {len(self.answered)}")

    def _punch(self, punch_id: str) -> None:
        """Send a punch; where no answer comes, send it to the other server from then on."""
        order = {"employee": self._employee, "device": "door", "method": "badge", "id": punch_id}
        try:
            answer = requests.post(
                f"{self._addresses[0]}/v1/attendance/punches", json=order, headers={"x-api-key": self._key}, timeout=60
            )
        except requests.ConnectionError:
            self._addresses.reverse()
            self.sent_again += 1
            return
        assert answer.status_code == 201, answer.text
        assert answer.json()["id"] == punch_id
        self.answered.append(punch_id)


@pytest.mark.slow(seconds=15)
def test_a_killed_server_loses_no_punch_and_the_other_goes_on(postgres: Postgres, folders: list[Path]) -> None:
    gallery = postgres.new()
    servers = [RunningServer("--gallery", gallery, "--config", "server.toml", folder=folder) for folder in folders]
    try:
        key = servers[1].set_up()  # its code came last
        terminals = [Terminal(number, servers, key) for number in range(EMPLOYEES)]
        with ThreadPoolExecutor(EMPLOYEES) as threads:
            work = [threads.submit(terminal.punch_until, BEFORE + AFTER) for terminal in terminals]
            end = time.monotonic() + SECONDS
            while min(len(terminal.answered) for terminal in terminals) < BEFORE and time.monotonic() < end:
                time.sleep(0.005)
            kill_all(servers[0])
            for each in work:
                each.result()
    finally:
        for server in servers:
            server.stop()
    assert sum(terminal.sent_again > 0 for terminal in terminals) == EMPLOYEES // 2  # those of the killed server
    answered = [punch_id for terminal in terminals for punch_id in terminal.answered]
    assert len(answered) == EMPLOYEES * (BEFORE + AFTER)
    for folder in folders:
        with closing(Site(folder / "site")) as site:
            assert sorted(punch.id for punch in site.punches()) == sorted(answered)
            assert site.verify() == []
