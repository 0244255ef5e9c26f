"""Days that go wrong: the server is stopped, its processes are killed, its port is taken, clients are slow."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from visavis.server.lifeline import GRACE_SECONDS, KILL_SECONDS

from .load import Load, fill_gallery
from .raw_connection import RawConnection, count_failures, read_problem, read_statuses
from .running_server import RunningServer, Start

GRAY = b"P5 64 64 255\n" + bytes([128]) * 64 * 64
BODY = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.pgm"\r\n\r\n' + GRAY + b"\r\n--b--\r\n"
HEAD = ("Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(BODY)}")


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


def processes_of(server: RunningServer) -> list[psutil.Process]:
    """Return the children of the supervisor: the workers in the order of their start, and the runner of jobs."""
    return sorted(psutil.Process(server.process.pid).children(), key=lambda process: process.create_time())


def test_sigterm_finishes_what_was_taken_and_refuses_the_rest(start: Start) -> None:
    server = start()
    server.set_up()
    begun, idle = RawConnection(server), RawConnection(server)
    begun.begin("POST", "/v1/detect", *HEAD)
    begun.send(BODY[:1000])
    idle.begin("GET", "/livez")
    assert read_statuses(idle.read_answer()) == [200]
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: is_refused(server.port))
    assert idle.read() == b"", "a connection without a request is closed"
    assert server.process.poll() is None
    begun.send(BODY[1000:])
    assert read_statuses(begun.read()) == [200], "the connection is closed after the answer"
    ended = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - ended < GRACE_SECONDS


@pytest.mark.slow
def test_sigterm_ends_within_the_limit_also_for_a_client_that_sends_nothing_more(start: Start) -> None:
    server = start()
    server.set_up()
    begun = RawConnection(server)
    begun.begin("POST", "/v1/detect", *HEAD)
    begun.send(BODY[:1000])
    time.sleep(0.5)
    assert server.get("/livez").status_code == 200  # the worker has read what was sent before
    started = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    answer = begun.read()
    assert read_problem(answer)["code"] == "busy"
    assert b"retry-after: " in answer.lower()
    assert server.process.wait(120) == 0
    assert time.monotonic() - started < 2 * KILL_SECONDS


@pytest.mark.slow(seconds=9)
def test_what_was_acknowledged_outlives_workers_and_the_supervisor(start: Start, tmp_path: Path) -> None:
    fill_gallery(tmp_path / "faces.db")
    server = start("--workers", "2")
    server.set_up()
    wait_until(lambda: server.get("/readyz").status_code == 200)
    before = processes_of(server)
    load = Load(server)
    for victim in before:  # both workers, and the runner of jobs
        begun = load.changes
        wait_until(lambda begun=begun: load.changes > begun + 5)  # type: ignore[misc]
        victim.send_signal(signal.SIGKILL)
    wait_until(
        lambda: len({process.pid for process in processes_of(server)} - {process.pid for process in before}) == 3
    )
    begun = load.changes
    wait_until(lambda: load.changes > begun + 5)
    load.stop()
    assert load.unhelpful == []
    load.check(server)
    load = Load(server)
    wait_until(lambda: load.changes > 5)
    orphans = processes_of(server)
    os.kill(server.process.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(orphans, timeout=60)
    assert (len(gone), alive) == (3, [])
    load.stop()
    again = start(port=server.port)
    again.key = server.key
    load.check(again)
    assert again.stop() == 0


def test_a_second_server_on_the_port_is_a_sentence_and_the_first_keeps_its_code(start: Start, tmp_path: Path) -> None:
    server = start()
    command = [sys.executable, "-m", "visavis", "serve", "--gallery", "faces.db", "--port", str(server.port)]
    second = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    reason = f"the server cannot listen at 127.0.0.1:{server.port}: Address already in use."
    assert (second.returncode, second.stdout, second.stderr) == (3, "", f"visavis: {reason}\n")
    assert server.set_up().startswith("vv_")
    assert server.stop() == 0


def test_a_body_that_comes_slowly_has_the_time_of_a_request(start: Start, tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("[limits]\nseconds = 1.5\n")
    server = start("--config", "server.toml")
    server.set_up()
    slow = RawConnection(server)
    slow.begin("POST", "/v1/detect", *HEAD)
    slow.send(BODY[:1000])
    started = time.monotonic()
    slow.socket.settimeout(0.2)
    answer = b""
    while not answer and time.monotonic() - started < 30:
        slow.send(b"x")
        try:
            answer = slow.socket.recv(65536)
        except TimeoutError:
            continue
    slow.socket.close()
    assert read_statuses(answer) in ([408], [503])
    assert 1.4 < time.monotonic() - started < 30
    assert all('status="503"' in line for line in count_failures(server))
    assert server.stop() == 0


@pytest.mark.slow
def test_connections_without_a_request_are_closed_and_keep_no_client_out(start: Start) -> None:
    server = start()
    server.set_up()
    idle = [RawConnection(server) for _ in range(1500)]
    for connection in idle[::2]:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: ")
    started = time.monotonic()
    while time.monotonic() - started < 15:
        for connection in idle[::100]:
            connection.send(b"x")  # a byte now and then gives no more time
        assert server.get("/livez").status_code == 200
        time.sleep(1)
    assert [connection.read() for connection in idle] == [b""] * 1500
    assert time.monotonic() - started < 150
    assert server.stop() == 0
