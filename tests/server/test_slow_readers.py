"""Clients that do not read their answers: the requests behind them end, and those who read slowly get all."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from visavis.server import connection
from visavis.server.config import ServerConfig
from visavis.server.guard import Guard
from visavis.server.metrics import Metrics

ANSWER = 2_000_000
"""Bytes of an answer: more than the system and the server hold for a client."""
SMALL = 4096
"""Buffers of the sockets, in bytes: what a client reads shows at once."""
STALL_SECONDS = 0.4
"""Time in which a client of these tests must read on."""
HEAD = b"GET /%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer by as many bytes as the path says, in parts of 64 kB; the last part has all where the path ends in 1."""
    size = int(scope["path"][1:])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
    part = size if size % 2 else 65_536
    for begin in range(0, size, part):
        data = bytes(min(part, size - begin))
        await send({"type": "http.response.body", "body": data, "more_body": begin + part < size})


class Slow(uvicorn.Server):
    """A server of :func:`answer` in a thread, whose guard counts the requests that run; ``begun`` are all."""

    def __init__(self) -> None:
        self.metrics, self.begun = Metrics(), 0
        app = Guard(self._answer, ServerConfig(), self.metrics, identify=lambda _, **__: None)
        settings = uvicorn.Config(
            app, log_config=None, lifespan="off", ws="none", http=connection.HttpConnection, timeout_keep_alive=1
        )
        super().__init__(settings)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # outside of the main thread there are none

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        await answer(scope, receive, send)

    @property
    def running(self) -> float | None:
        """Requests that are being answered."""
        return self.metrics.registry.get_sample_value("visavis_requests_running")

    @property
    def open(self) -> int:
        """Connections that are open."""
        return len(self.server_state.connections)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Slow, tuple[str, int]]]:
    """A server with short limits, and where it listens."""
    monkeypatch.setattr(connection, "STALL_SECONDS", STALL_SECONDS)
    monkeypatch.setattr(connection, "STALL_BYTES", 1000)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = Slow()
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        yield server, listener.getsockname()
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


def connect(address: tuple[str, int]) -> socket.socket:
    """Return a connection with a small window."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    client.settimeout(60)
    client.connect(address)
    return client


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_client_that_does_not_read_holds_no_request(address: tuple[Slow, tuple[str, int]]) -> None:
    """50 requests sent together, no answer read: the request that waits for that ends, and with it the connection."""
    server, place = address
    with closing(connect(place)) as client:
        client.sendall(HEAD % 100_000 * 50)
        assert wait_until(lambda: server.begun > 0)
        assert wait_until(lambda: server.open == 0)
        assert wait_until(lambda: server.running == 0)
        assert server.begun < 50


@pytest.mark.parametrize("size", [40_000, ANSWER + 1], ids=["below the mark", "in one part"])
def test_a_complete_answer_that_no_client_reads_holds_no_connection(
    address: tuple[Slow, tuple[str, int]], size: int
) -> None:
    server, place = address
    with closing(connect(place)) as client:
        client.sendall(HEAD % size)
        assert wait_until(lambda: server.begun == 1)
        assert wait_until(lambda: server.open == 0)


@pytest.mark.parametrize("size", [200_000, 200_001], ids=["in parts", "in one part"])
def test_a_client_that_reads_slowly_gets_all(address: tuple[Slow, tuple[str, int]], size: int) -> None:
    """Also when that takes many times the limit, and longer than a connection without requests may stay open.

    On a busy machine the client itself may stand still for as long as the limit: the best of several tries counts.
    """
    _, place = address
    for _ in range(6):
        started = time.monotonic()
        if (received := read_slowly(place, size)) == size:
            break
    assert received == size
    assert time.monotonic() - started > 4 * STALL_SECONDS


def read_slowly(place: tuple[str, int], size: int) -> int:
    """Read an answer of ``size`` bytes by and by; return how many came before the server broke it off."""
    data = b""
    with closing(connect(place)) as client:
        client.sendall(HEAD % size)
        with suppress(ConnectionResetError):
            while len(data.partition(b"\r\n\r\n")[2]) < size and (part := client.recv(2000)):
                data += part
                time.sleep(0.02)
    return len(data.partition(b"\r\n\r\n")[2])
