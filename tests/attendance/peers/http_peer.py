"""An HTTP server in a thread which fails on demand: before or after it stored, with or without an answer.

The servers of this folder were written from the public protocols, before their author had read our clients.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import unquote, urlsplit

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing the socket resets the connection."""


class Fault(Enum):
    """What goes wrong with the next request."""

    RESET_BEFORE = auto()
    """The connection is reset; nothing was stored."""
    RESET_AFTER = auto()
    """The request was processed, then the connection is reset before any answer."""
    ERROR_BEFORE = auto()
    """Status 500; nothing was stored."""
    GATEWAY_TIMEOUT_AFTER = auto()
    """The request was processed, but a proxy in front answers 504."""
    SILENCE_AFTER = auto()
    """The request was processed; there is no answer until the client goes away."""
    HALF_ANSWER_AFTER = auto()
    """The request was processed; the connection ends within the answer."""
    DEATH_AFTER = auto()
    """The request was processed, then the server dies: all connections are reset until ``revive``."""
    DEATH_BEFORE = auto()
    """The server dies before it stored anything."""
    UNAVAILABLE_BEFORE = auto()
    """Status 503 with ``Retry-After: 1``; nothing was stored."""


BEFORE = {Fault.RESET_BEFORE, Fault.ERROR_BEFORE, Fault.DEATH_BEFORE, Fault.UNAVAILABLE_BEFORE}


@dataclass(frozen=True)
class Request:
    """A request as it arrived; names of headers are in lower case, the path is decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer to send."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class Peer:
    """A server on a free port of 127.0.0.1; a context manager. Subclasses answer requests, one at a time."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """All that arrived whole, also those which failed."""
        self.faults: deque[Fault | int | None] = deque()
        """What happens to the next requests, in their order: a number is the status of an answer without any effect,
        None is for a request that succeeds."""
        self.dead = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answer(self, request: Request) -> Answer:
        """Process a request."""
        raise NotImplementedError

    def failure(self) -> Answer:
        """Return the body which this kind of server sends with status 500."""
        return Answer(500, b"<html><h1>Internal Server Error</h1></html>", {"Content-Type": "text/html"})

    def revive(self) -> None:
        """Start a dead server again; what it stored is still there."""
        self.dead = False

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.reset_connections()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def process(self, request: Request) -> tuple[Answer | None, Fault | int | None]:
        """Return what to send, None for nothing, and the fault that befalls the answer."""
        with self._lock:
            fault = self.faults.popleft() if self.faults else None
            self.requests.append(request)
            if isinstance(fault, int):
                return Answer(fault, b'{"message": "out of order"}'), None
            answer = None if fault in BEFORE else self.answer(request)
            if fault in {Fault.DEATH_AFTER, Fault.DEATH_BEFORE}:
                self.dead = True
        if fault is Fault.ERROR_BEFORE:
            return self.failure(), None
        if fault is Fault.UNAVAILABLE_BEFORE:
            return Answer(503, b"", {"Retry-After": "1"}), None
        if fault is Fault.GATEWAY_TIMEOUT_AFTER:
            return Answer(504, b"<html><h1>504 Gateway Time-out</h1></html>", {"Content-Type": "text/html"}), None
        if fault is Fault.SILENCE_AFTER:
            self._closed.wait()
        return (answer, fault) if fault in {None, Fault.HALF_ANSWER_AFTER} else (None, fault)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Bind without asking for the name of this machine."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        self._open.discard(request)
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET)) == RESET:
            request.close()  # without the polite end of a connection
        else:
            super().shutdown_request(request)

    def reset_connections(self) -> None:
        """End the connections on which clients may still send: their threads end with them."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: clients of these tests go away on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body are sent at once: the body would otherwise wait 40 ms for an acknowledgment
    server: _Server
    methods: ClassVar = ("GET", "POST", "PUT", "DELETE", "PATCH")

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_") and name[3:] in self.methods:
            return self.respond
        raise AttributeError(name)

    def respond(self) -> None:
        if self.server.peer.dead:
            self._reset()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        headers = {name.lower(): text for name, text in self.headers.items()}
        request = Request(self.command, unquote(address.path), address.query, headers, body)
        answer, fault = self.server.peer.process(request)
        if answer is None:
            self._reset()
        else:
            self._send(answer, half=fault is Fault.HALF_ANSWER_AFTER)

    def _send(self, answer: Answer, *, half: bool) -> None:
        self.send_response(answer.status)
        for name, text in answer.headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if half else answer.body)
        self.close_connection = self.close_connection or half

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Write nothing to the terminal."""
