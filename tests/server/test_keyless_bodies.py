"""Clients without a key: their bodies are not read, and a server that is full says so."""

from __future__ import annotations

import re
import select
import time
from pathlib import Path

import pytest

from .raw_connection import RawConnection, read_problem, read_statuses
from .running_server import RunningServer, Start
from .test_keys import make_key

SECONDS = 60


def test_no_body_is_read_without_a_key(server: RunningServer) -> None:
    paths = server.get("/openapi.json").json()["paths"]
    changing = [(method.upper(), path) for path, methods in paths.items() for method in methods if method != "get"]
    assert len(changing) > 20
    for method, path in changing:
        if path == "/v1/setup":
            continue
        stranger = RawConnection(server)
        address = re.sub("{.*?}", "1", path)
        head = f"{method} {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json"
        stranger.send(f"{head}\r\nContent-Length: 1000\r\n\r\n{{".encode())  # the rest never comes
        answer = stranger.read_answer()
        stranger.socket.close()
        assert answer.startswith(b"HTTP/1.1 401 "), (method, path, answer)


def begin_slow_bodies(
    server: RunningServer, key: str | None, number: int, path: str = "/v1/detect"
) -> list[RawConnection]:
    """Announce bodies that do not come."""
    connections = [RawConnection(server) for _ in range(number)]
    form = "Content-Type: multipart/form-data; boundary=b"
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", form, "Content-Length: 1000"]
    lines += [] if key is None else [f"x-api-key: {key}"]
    for connection in connections:
        connection.send("\r\n".join([*lines, "", "--b"]).encode())
    return connections


def test_a_server_that_is_full_is_not_ready(start: Start, tmp_path: Path) -> None:
    """Each of two keys takes its half of the places; what one has taken alone leaves room for the other."""
    (tmp_path / "server.toml").write_text("[limits]\nwaiting = 4\n")
    server = start("--config", "server.toml")
    server.set_up()
    keys = [make_key(server, name, "read") for name in ("door", "yard")]
    end = time.monotonic() + SECONDS
    slow = begin_slow_bodies(server, keys[0], 12)
    refused = [connection.read_answer() for connection in _with_answers(slow, 10, end)]
    assert {(read_statuses(answer)[0], read_problem(answer)["code"]) for answer in refused} == {(503, "busy")}
    assert server.get("/v1/people", key=keys[1]).status_code == 200
    while server.get("/v1/people").ok:  # a place may still be that of an answer which was just read
        assert time.monotonic() < end, "the server is never full"
        slow += begin_slow_bodies(server, keys[1], 2)
    while (full := server.get("/readyz")).ok:
        assert time.monotonic() < end, "the server does not say that it is full"
    others = {"database": True, "model": True, "disk": True}
    assert (full.status_code, full.json()["checks"]) == (503, {**others, "queue": False})
    for connection in slow:
        connection.socket.close()
    while not server.get("/readyz").ok:
        assert time.monotonic() < end, "the server stays full"
        time.sleep(0.05)


def test_strangers_leave_room_for_clients_of_deepstack_that_show_a_key_in_a_header(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "server.toml").write_text("[limits]\nwaiting = 6\n")
    server = start("--config", "server.toml")
    server.set_up()
    path = "/v1/vision/face/list"
    strangers = begin_slow_bodies(server, None, 4, path) + begin_slow_bodies(server, "vv_0_wrong", 4, path)
    try:
        refused = _with_answers(strangers, 5, time.monotonic() + SECONDS)
        assert {read_statuses(connection.read_answer())[0] for connection in refused} == {503}
        form = {"note": "x"}
        assert server.post(path, key=None, data={**form, "api_key": server.key}).status_code == 503
        answer = server.post(path, data=form)
        assert (answer.status_code, answer.json()["faces"]) == (200, [])
    finally:
        for connection in strangers:
            connection.socket.close()


def _with_answers(connections: list[RawConnection], number: int, end: float) -> list[RawConnection]:
    """Wait until so many connections have an answer; return these."""
    while time.monotonic() < end:
        readable = select.select([connection.socket for connection in connections], [], [], 0.1)[0]
        if len(readable) >= number:
            return [connection for connection in connections if connection.socket in readable]
    pytest.fail(f"no {number} answers")


@pytest.mark.parametrize("path", ["/v1/setup", "/sign-in", "/start", "/preferences"])
def test_small_bodies_are_bounded_also_in_chunks(server: RunningServer, path: str) -> None:
    kind = "application/json" if path == "/v1/setup" else "application/x-www-form-urlencoded"
    answer = server.post(path, data=iter([b"a" * 50_000] * 3), headers={"Content-Type": kind}, key=None)
    assert answer.status_code == 413


def test_monitors_may_ask_by_head(server: RunningServer) -> None:
    for path in ("/livez", "/readyz"):
        answer = server.request("HEAD", path, key=None)
        assert (answer.status_code, answer.content) == (200, b"")
