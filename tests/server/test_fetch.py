"""Photos by URL: off by default, and never from an address that is not public, whatever the name of the host."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic, sleep
from typing import Any

import pytest

from visavis.server import fetch
from visavis.server.problems import ProblemError

from .running_server import RunningServer

PUBLIC = "93.184.216.34"


class Handler(BaseHTTPRequestHandler):
    """Photos, redirects, and a host without an end."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(f"{self.headers['Host']}{self.path}")
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(b"x" * (5000 if self.path == "/large" else 5))

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a host that resolves to a public address, whose connections arrive at a server of this test."""
    Handler.seen = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    names = {"photos.example": PUBLIC, "inside.example": "10.0.0.7", "two.example": (PUBLIC, "127.0.0.1")}
    real_connect = socket.create_connection

    def look_up(name: str, port: int, *_: Any, **__: Any) -> list[Any]:
        answers = names.get(name, name)
        return [(2, 1, 6, "", (ip, port)) for ip in ([answers] if isinstance(answers, str) else answers)]

    def connect(address: tuple[str, int], *options: Any, **more: Any) -> socket.socket:
        if threading.current_thread().name.startswith("paho"):  # a listener of other tests, which connects again
            return real_connect(address, *options, **more)
        assert address[0] == PUBLIC
        return real_connect(("127.0.0.1", server.server_port), *options, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    yield "http://photos.example"
    monkeypatch.undo()
    server.shutdown()
    thread.join()
    server.server_close()


def get(url: str, *, most: int = 1000) -> tuple[bytes, str]:
    return fetch.fetch_photo(url, most_bytes=most, deadline=monotonic() + 30)


def code_of(url: str, **options: int) -> str:
    with pytest.raises(ProblemError) as caught:
        get(url, **options)
    assert "127.0.0.1" not in caught.value.detail
    return caught.value.code


def test_a_photo_is_fetched_from_the_checked_address(host: str) -> None:
    assert get(f"{host}/a%20b.jpg?x=1") == (b"xxxxx", "a b.jpg")
    assert get(f"{host}/to/http://photos.example:8080/b.jpg") == (b"xxxxx", "b.jpg")
    assert Handler.seen[0] == "photos.example/a%20b.jpg?x=1"
    assert Handler.seen[2] == "photos.example:8080/b.jpg"


@pytest.mark.parametrize(
    "url",
    [
        "http://inside.example/x", "http://two.example/x", "http://127.0.0.1/x", "http://[::1]/x", "http://0.0.0.0/x",
        "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/x", "http://[fc00::1]/x", "http://224.0.0.1/x",
        "http://[::ffff:127.0.0.1]/x", "http://[64:ff9b::a9fe:a9fe]/x", "http://[2002:7f00:1::]/x", "http://100.64.0.1/",
        "ftp://photos.example/x", "file:///etc/passwd", "http://a:b@photos.example/x", "http:///x", "http://x:99999/",
        "//photos.example/x", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(host: str, url: str) -> None:
    assert code_of(url) == "url_refused"
    assert Handler.seen == []


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "http://inside.example/x", "file:///etc/passwd"])
def test_a_redirect_to_an_inner_address_is_not_followed(host: str, url: str) -> None:
    assert code_of(f"{host}/to/{url}") == "url_refused"
    assert len(Handler.seen) == 1


def test_limits(host: str) -> None:
    assert code_of(f"{host}/large") == "too_large"
    assert code_of(f"{host}/none") == "url_failed"
    assert code_of(f"{host}/to//to//to//to//x") == "url_failed"
    with pytest.raises(ProblemError, match="too long"):
        fetch.fetch_photo(f"{host}/x", most_bytes=10, deadline=monotonic() - 1)


SLOW = {
    "https": b"\x16\x03\x03\x40\x00\x02",  # a record of 16 KiB, the first of a handshake of TLS
    "headers": b"HTTP/1.1 200 OK\r\nX: ",
    "length of a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
}


@pytest.mark.parametrize("place", SLOW)
def test_a_host_that_sends_a_byte_now_and_then_is_given_up_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Wherever it does: in the handshake of TLS, in the headers, in the length of a chunk, in the photo."""
    ours, theirs = socket.socketpair()
    ours.settimeout(fetch.IDLE_SECONDS)
    connect = socket.create_connection

    def connect_here(address: tuple[str, int], *rest: Any, **options: Any) -> socket.socket:
        """Connect to the slow host; threads of other tests reach what they reach."""
        return ours if address[0] == PUBLIC else connect(address, *rest, **options)

    monkeypatch.setattr(fetch, "resolve", lambda host, port, **_: PUBLIC)
    monkeypatch.setattr(socket, "create_connection", connect_here)
    started = monotonic()

    def drip() -> None:
        with suppress(OSError):
            theirs.sendall(SLOW[place])
            while monotonic() < started + 30:
                theirs.sendall(b"1")
                sleep(0.05)
        theirs.close()

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    with pytest.raises(ProblemError, match="it took too long"):
        fetch.fetch_photo(
            f"{'https' if place == 'https' else 'http'}://photos.example/a.jpg",
            most_bytes=1000,
            deadline=started + 0.5,
        )
    assert monotonic() - started < 25  # the host goes on for 30
    thread.join(60)
    assert (thread.is_alive(), ours.fileno()) == (False, -1)


@pytest.fixture
def silent_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The system's resolver, as it is without an answer of any name server; until the event is set."""
    answered = threading.Event()

    def look_up(name: str, *_: Any, **__: Any) -> list[Any]:
        answered.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answered
    answered.set()


def test_a_host_whose_name_is_not_resolved_is_given_up_at_the_deadline(silent_resolver: threading.Event) -> None:
    started = monotonic()
    with pytest.raises(ProblemError, match="its host was not looked up in time") as caught:
        fetch.fetch_photo("http://photos.example/a.jpg", most_bytes=10, deadline=started + 0.3)
    assert (caught.value.status, caught.value.code) == (422, "url_failed")
    assert 0.3 <= monotonic() - started < 25  # the resolver is silent for 30


def test_lookups_that_hang_are_bounded_and_leave_no_trace(silent_resolver: threading.Event) -> None:
    def ask() -> None:
        with pytest.raises(ProblemError):
            fetch.fetch_photo("http://photos.example/a.jpg", most_bytes=10, deadline=monotonic() + 0.5)

    await_lookups(0)  # of other tests
    clients = [threading.Thread(target=ask) for _ in range(fetch.MOST_LOOKUPS + 8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert count_lookups() == fetch.MOST_LOOKUPS
    silent_resolver.set()
    await_lookups(0)


def test_lookups_without_a_thread_fail_and_leave_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    await_lookups(0)  # of other tests
    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", fail)
        for _ in range(fetch.MOST_LOOKUPS):
            with pytest.raises(ProblemError, match="its host was not looked up in time") as caught:
                fetch.resolve("photos.example", 80, deadline=monotonic() + 60)
            assert (caught.value.status, caught.value.code) == (422, "url_failed")
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    assert fetch.resolve("photos.example", 80, deadline=monotonic() + 60) == "93.184.215.14"


def test_a_connection_without_a_thread_that_ends_it_is_not_read(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", fail)
    with pytest.raises(ProblemError, match="no thread left to watch over its connection"):
        get(f"{host}/a.jpg")
    assert Handler.seen == []


def count_lookups() -> int:
    return sum(thread.name == "look up" for thread in threading.enumerate())


def await_lookups(number: int) -> None:
    until = monotonic() + 60
    while count_lookups() != number:
        assert monotonic() < until
        sleep(0.01)


def test_a_server_fetches_nothing_unless_it_is_configured_to(server: RunningServer) -> None:
    answer = server.post("/v1/detect", json={"photo": {"url": f"{server.url}/livez"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert "fetches no photos" in answer.json()["detail"]


def test_a_server_that_fetches_refuses_its_own_machine(tmp_path: Any) -> None:
    running = RunningServer(folder=tmp_path, environment={"VISAVIS_SERVER_FETCH_URLS": "true"})
    try:
        for url in (f"{running.url}/livez", "http://169.254.169.254/latest/meta-data", "http://localhost:1/x"):
            answer = running.post("/v1/detect", json={"photo": [{"url": url}]})
            assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
            assert "public addresses" in answer.json()["detail"]
    finally:
        running.stop()
