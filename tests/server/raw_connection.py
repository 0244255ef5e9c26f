"""Bytes to a server that no HTTP client would send."""

from __future__ import annotations

import json
import re
import socket
from contextlib import suppress
from typing import Any

from .running_server import RunningServer

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
SECONDS = 60


class RawConnection:
    """A connection; ``key`` of the server is sent by :meth:`begin` alone."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)

    def begin(self, method: str, path: str, *lines: str) -> None:
        """Send a head with the Host and the key of the server."""
        head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"x-api-key: {self._server.key}", *lines]
        self.send("\r\n".join([*head, "", ""]).encode())

    def send(self, data: bytes) -> None:
        """Send bytes, as far as the server takes them."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def read_answer(self) -> bytes:
        """Return the first answer; the connection stays open."""
        data = b""
        while not (match := re.search(rb"(?i)content-length: (\d+)", data)) or b"\r\n\r\n" not in data:
            data += self.socket.recv(65536)
        while len(data.partition(b"\r\n\r\n")[2]) < int(match[1]):
            data += self.socket.recv(65536)
        return data

    def read(self) -> bytes:
        """Return all that the server sends, until it closes the connection."""
        parts = []
        with suppress(ConnectionResetError):
            while part := self.socket.recv(65536):
                parts.append(part)
        self.socket.close()
        return b"".join(parts)


def read_statuses(answers: bytes) -> list[int]:
    """Return the statuses of the answers of a connection."""
    return [int(status) for status in STATUS.findall(answers)]


def read_problem(answer: bytes) -> dict[str, Any]:
    """Return the problem of the last answer."""
    head, _, body = answer[answer.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer
    problem: dict[str, Any] = json.loads(body)
    return problem


def count_failures(server: RunningServer) -> dict[str, float]:
    """Return how many requests a worker answered by a status of 500 and above, by their line in the metrics."""
    lines = re.findall(
        r'^(visavis_requests_total\{.*status="5\d\d"\}) (\S+)$', server.get("/metrics").text, re.MULTILINE
    )
    return {name: float(number) for name, number in lines}
