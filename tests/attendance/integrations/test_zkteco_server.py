"""Terminals at a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from attendance.peers.zk_terminal import CHECK_OUT, LostAnswerError, ZkTerminal
from server.running_server import RunningServer
from visavis.attendance.integrations.zkteco.terminals import read_states
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

from .conftest import ZONE, configure

LOCAL = (datetime.now(UTC) + timedelta(hours=7)).replace(tzinfo=None, microsecond=0)
TIME = LOCAL - timedelta(minutes=1)


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zkteco") / "site"
    with Site.create(folder, SiteSettings("Plant", ZONE)) as site:
        site.put_employees([Employee("7", "Ann Li"), Employee("8", "Bo Ek"), Employee("9", "Cem Oz")], actor="test")
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
    terminal = ZkTerminal(running.url, "ZK1")
    greeting = terminal.handshake()
    assert greeting.status == 200
    assert greeting.headers["content-type"].startswith("text/plain")
    assert greeting.text.split("\r\n")[:2] == ["GET OPTION FROM: ZK1", "ATTLOGStamp=0"]
    assert {"TimeZone": "7", "Realtime": "1", "Encrypt": "None"}.items() <= terminal.options.items()
    assert "date" in greeting.headers  # by which terminals set their clocks
    assert terminal.poll().text == "OK"
    terminal.punch("7", TIME)
    terminal.stamp = "42"
    with pytest.raises(LostAnswerError):
        terminal.upload(lose_answer=True)
    assert terminal.upload().text == "OK: 1"
    assert terminal.memory == []
    assert count(site_folder, "7") == 1
    assert "ATTLOGStamp=42\r\n" in terminal.handshake().text
    with Site(site_folder) as site:
        state = next(state for state in read_states(site) if state.serial == "ZK1")
    assert state.contact is not None


def lines_of(day: date, pin: str, clocks: Sequence[str]) -> list[bytes]:
    return [f"{pin}\t{day} {clock}:00\t{number % 2}\t15".encode() for number, clock in enumerate(clocks)]


@pytest.mark.parametrize(
    ("days_ago", "manners"),
    [
        (1, {"table": "attlog"}),
        (2, {"table": "AttLog", "newline": b"\r\n"}),
        (3, {"chunked": True}),
        (4, {"chunked": True, "newline": b"\r\n", "parameters": "&pushcommkey=x"}),
        (5, {"newline": b"\n\n"}),
    ],
)
def test_the_manners_of_terminals_lose_no_punch(
    running: RunningServer, site_folder: Path, days_ago: int, manners: dict[str, Any]
) -> None:
    day = LOCAL.date() - timedelta(days=days_ago)
    terminal = ZkTerminal(running.url, "ZK3", **manners)
    assert terminal.send_lines(lines_of(day, "8", ["08:00", "17:00"])).text == "OK: 2"
    with Site(site_folder) as site:
        stored = [(punch.at.strftime("%H:%M"), punch.direction) for punch in site.punches(day, day, ["8"])]
    assert stored == [("08:00", "in"), ("17:00", "out")]


def test_lines_that_are_no_punches_cost_only_themselves(running: RunningServer, site_folder: Path) -> None:
    day = LOCAL.date() - timedelta(days=6)
    good = lines_of(day, "8", ["08:00", "17:00"])
    bad = [b"8\tnonsense\t0\t15", b"\x00\xff\xfe\x80\x00", b"8", b"\t\t\t", b"8\t2026-02-30 08:00:00\t0\t15"]
    terminal = ZkTerminal(running.url, "ZK3")
    assert terminal.send_lines([bad[0], good[0], *bad[1:], good[1]]).text == "OK: 7"
    assert terminal.send_body(bytes(range(256)) * 4).is_ok
    with Site(site_folder) as site:
        assert len(site.punches(day, day, ["8"])) == 2
        state = next(state for state in read_states(site) if state.serial == "ZK3")
    reasons = [line.reason for line in state.held]
    assert {"its time is not written as 2026-11-30 07:42:00", "there is no such time"} <= {*reasons}


def test_a_clock_that_is_wrong_makes_no_punch_of_the_future_and_is_shown(
    running: RunningServer, site_folder: Path
) -> None:
    ahead = ZkTerminal(running.url, "ZK3", clock_error=timedelta(hours=3))
    ahead.punch("7", datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=7), CHECK_OUT)
    assert ahead.upload().is_ok
    with Site(site_folder) as site:
        state = next(state for state in read_states(site) if state.serial == "ZK3")
        assert [punch for punch in site.punches(employees=["7"]) if punch.device == "lab"] == []
    assert state.clock_seconds is not None
    assert 0 <= 3 * 3600 - state.clock_seconds < 3600  # minus what passed since then, rounded


def test_an_upload_that_ends_early_is_no_upload(running: RunningServer, site_folder: Path) -> None:
    day = LOCAL.date() - timedelta(days=7)
    terminal = ZkTerminal(running.url, "ZK3")
    body = b"".join(line + b"\n" for line in lines_of(day, "8", ["08:00", "17:00"]))
    terminal.leave_early(body, body.index(b"\n") + 1)
    assert terminal.poll().is_ok
    with Site(site_folder) as site:
        assert site.punches(day, day, ["8"]) == []
    assert terminal.send_body(body).text == "OK: 2"


def test_other_tables_are_not_stored(running: RunningServer, site_folder: Path) -> None:
    terminal = ZkTerminal(running.url, "ZK3")
    assert terminal.send_body(b"FP PIN=7\tFID=1\tTMP=c2VjcmV0", table="OPERLOG").text == "OK"
    for path in site_folder.iterdir():
        assert b"c2VjcmV0" not in path.read_bytes()


@pytest.mark.parametrize("serial", ["ZK2", "ZK9", "", "zk1"])
def test_a_wrong_serial_number_or_address_is_refused(running: RunningServer, site_folder: Path, serial: str) -> None:
    terminal = ZkTerminal(running.url, serial)
    terminal.punch("9", TIME)
    for answer in (terminal.handshake(), terminal.poll(), terminal.upload()):
        assert (answer.status, answer.text) == (403, "ERROR: forbidden\n")
    assert len(terminal.memory) == 1  # it sends them again once it is let in
    assert count(site_folder, "9") == 0


def test_what_a_client_says_of_its_address_does_not_count(running: RunningServer) -> None:
    headers = {"X-Forwarded-For": "10.0.0.5", "X-Real-IP": "10.0.0.5"}
    answer = running.get("/iclock/getrequest?SN=ZK2", key=None, headers=headers)
    assert answer.status_code == 403


def test_an_upload_is_bounded(running: RunningServer) -> None:
    answer = ZkTerminal(running.url, "ZK3").send_body(b"x" * 1_100_000)
    assert (answer.status, answer.text) == (413, "ERROR: too_large\n")


def test_the_way_of_terminals_opens_nothing_else(running: RunningServer) -> None:
    for path in ("/v1/people", "/iclock/../v1/people", "/iclock/unknown"):
        answer = requests.Request("GET", running.url).prepare()
        answer.url = f"{running.url}{path}?SN=ZK1"
        assert running.session.send(answer, timeout=60).status_code in {401, 404}


@pytest.mark.slow(seconds=40)
def test_a_server_that_is_killed_during_uploads_has_each_punch_once(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with Site.create(folder, SiteSettings("Plant", ZONE)) as site:
        site.put_employees([Employee("7", "Ann Li")], actor="test")
    configure(folder, "[zkteco.door]\nserial = 'ZK1'\naddresses = ['127.0.0.1']")
    (tmp_path / "server.toml").write_text("[server]\nattendance_site = 'site'\n")
    terminal = ZkTerminal("http://127.0.0.1:1", "ZK1")
    for day, delay in enumerate((0.0, 0.03, 0.1), start=1):
        server = RunningServer("--config", "server.toml", folder=tmp_path)
        terminal.port = server.port
        for minute in range(100):
            terminal.punch("7", LOCAL - timedelta(days=day, minutes=minute))
        kill = threading.Timer(delay, server.process.kill)
        kill.start()
        with suppress(OSError, LostAnswerError):
            terminal.upload()
        kill.join()
        server.stop()
    server = RunningServer("--config", "server.toml", folder=tmp_path)
    try:
        terminal.port = server.port
        terminal.handshake()
        assert terminal.upload().is_ok
    finally:
        server.stop()
    assert count(folder, "7") == 300


@pytest.mark.slow(seconds=15)
def test_nothing_is_received_unless_a_site_is_named(tmp_path: Path) -> None:
    server = RunningServer("--gallery", "faces.db", folder=tmp_path)
    try:
        terminal = ZkTerminal(server.url, "ZK1")
        terminal.punch("7", TIME)
        assert [answer.status for answer in (terminal.handshake(), terminal.poll(), terminal.upload())] == [404] * 3
    finally:
        server.stop()


def test_a_server_with_a_wrong_site_does_not_start(tmp_path: Path) -> None:
    from visavis.errors import AttendanceError
    from visavis.server.config import read_config
    from visavis.server.run import prepare

    (tmp_path / "server.toml").write_text("[server]\nattendance_site = 'nothing'\n")
    with pytest.raises(AttendanceError, match="nothing is not a site"):
        prepare(read_config(tmp_path / "server.toml", port=0), lambda text: None)
