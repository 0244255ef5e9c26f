"""Terminals at a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from server.running_server import RunningServer
from visavis.attendance.integrations.zkteco.terminals import read_states
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

from .conftest import ZONE, configure
from .zkteco_terminal import Terminal

LOCAL = datetime.now(UTC) + timedelta(hours=7)
TIME = f"{LOCAL - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zkteco") / "site"
    with Site.create(folder, SiteSettings("Plant", ZONE)) as site:
        site.put_employees([Employee("7", "Ann Li"), Employee("8", "Bo Ek")], actor="test")
    here, away = "addresses = ['127.0.0.1']", "addresses = ['10.0.0.5']"
    for name, serial, addresses in (("door", "ZK1", here), ("yard", "ZK2", away), ("lab", "ZK3", here)):
        configure(folder, f"[zkteco.{name}]\nserial = '{serial}'\n{addresses}")
    return folder


@pytest.fixture(scope="module")
def running(site_folder: Path) -> Iterator[RunningServer]:
    """A server whose administrator has a key, so that nothing else is open to all."""
    folder = site_folder.parent
    (folder / "server.toml").write_text("[server]\nattendance_site = 'site'\n[limits]\nupload_mb = 1\n")
    server = RunningServer("--config", "server.toml", folder=folder)
    server.set_up()
    yield server
    server.stop()
    assert "Traceback" not in server.text


def count(site_folder: Path, employee: str) -> int:
    with Site(site_folder) as site:
        return len(site.punches(employees=[employee]))


def test_a_terminal_is_greeted_and_its_punches_recorded_once(running: RunningServer, site_folder: Path) -> None:
    terminal = Terminal("ZK1", running.url)
    greeting = terminal.greet()
    assert greeting.status_code == 200
    assert greeting.headers["Content-Type"].startswith("text/plain")
    lines = greeting.text.split("\r\n")
    assert lines[:2] == ["GET OPTION FROM: ZK1", "ATTLOGStamp=0"]
    assert {"TimeZone=7", "Realtime=1", "Encrypt=None"} <= {*lines}
    assert "Date" in greeting.headers  # by which terminals set their clocks
    assert terminal.poll().text == "OK"
    terminal.punch("7", TIME)
    terminal.punch("7", "nonsense")
    lost = [*terminal.waiting]
    terminal.stamp = 41
    assert terminal.upload().text == "OK: 2"
    assert terminal.waiting == []
    terminal.waiting = lost
    assert terminal.upload().text == "OK: 2"
    assert count(site_folder, "7") == 1
    assert "ATTLOGStamp=42\r\n" in terminal.greet().text
    with Site(site_folder) as site:
        state = next(state for state in read_states(site) if state.serial == "ZK1")
    assert state.contact is not None
    assert [line.reason for line in state.held] == ["its time is not written as 2026-11-30 07:42:00"]


def test_other_tables_are_not_stored(running: RunningServer, site_folder: Path) -> None:
    terminal = Terminal("ZK3", running.url)
    assert terminal.upload(table="OPERLOG", body=b"FP PIN=7\tFID=1\tTMP=c2VjcmV0").text == "OK"
    for path in site_folder.iterdir():
        assert b"c2VjcmV0" not in path.read_bytes()


@pytest.mark.parametrize("serial", ["ZK2", "ZK9", "", "zk1"])
def test_a_wrong_serial_number_or_address_is_refused(running: RunningServer, site_folder: Path, serial: str) -> None:
    terminal = Terminal(serial, running.url)
    terminal.punch("8", TIME)
    for answer in (terminal.greet(), terminal.poll(), terminal.upload()):
        assert (answer.status_code, answer.text) == (403, "ERROR: forbidden\n")
    assert len(terminal.waiting) == 1  # it sends them again once it is let in
    assert count(site_folder, "8") == 0


def test_what_a_client_says_of_its_address_does_not_count(running: RunningServer) -> None:
    headers = {"X-Forwarded-For": "10.0.0.5", "X-Real-IP": "10.0.0.5"}
    answer = running.get("/iclock/getrequest?SN=ZK2", key=None, headers=headers)
    assert answer.status_code == 403


def test_an_upload_is_bounded(running: RunningServer) -> None:
    answer = Terminal("ZK3", running.url).upload(body=b"x" * 1_100_000)
    assert (answer.status_code, answer.text) == (413, "ERROR: too_large\n")


def test_the_way_of_terminals_opens_nothing_else(running: RunningServer) -> None:
    for path in ("/v1/people", "/iclock/../v1/people", "/iclock/unknown"):
        answer = requests.Request("GET", running.url).prepare()
        answer.url = f"{running.url}{path}?SN=ZK1"
        assert running.session.send(answer, timeout=60).status_code in {401, 404}


@pytest.mark.slow(seconds=15)
def test_nothing_is_received_unless_a_site_is_named(tmp_path: Path) -> None:
    server = RunningServer("--gallery", "faces.db", folder=tmp_path)
    try:
        terminal = Terminal("ZK1", server.url)
        terminal.punch("7", TIME)
        assert [answer.status_code for answer in (terminal.greet(), terminal.poll(), terminal.upload())] == [404] * 3
    finally:
        server.stop()


def test_a_server_with_a_wrong_site_does_not_start(tmp_path: Path) -> None:
    from visavis.errors import AttendanceError
    from visavis.server.config import read_config
    from visavis.server.run import prepare

    (tmp_path / "server.toml").write_text("[server]\nattendance_site = 'nothing'\n")
    with pytest.raises(AttendanceError, match="nothing is not a site"):
        prepare(read_config(tmp_path / "server.toml", port=0), lambda text: None)
