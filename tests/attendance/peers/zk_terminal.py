"""A ZKTeco terminal as a client of the push protocol, on a bare socket: also with the manners that terminals have.

Attendance stays in its memory until the server has answered "OK", as the protocol has it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

CHECK_IN, CHECK_OUT, BREAK_OUT, BREAK_IN, OVERTIME_IN, OVERTIME_OUT = range(6)
FACE = 15


@dataclass(frozen=True)
class Punch:
    """A record of ATTLOG, with the time of the terminal's clock."""

    pin: str
    time: datetime
    status: int = CHECK_IN
    verify: int = FACE

    def line(self) -> bytes:
        return f"{self.pin}\t{self.time:%Y-%m-%d %H:%M:%S}\t{self.status}\t{self.verify}\t0\t0\t0".encode()


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def is_ok(self) -> bool:
        return self.status == 200 and self.text.strip().split(":")[0].upper() == "OK"


class LostAnswerError(Exception):
    """The connection ended before there was an answer, by the terminal's or the server's doing."""


class ZkTerminal:
    """A terminal with a serial number; ``clock_error`` is added to the time of each punch."""

    def __init__(
        self,
        url: str,
        serial: str,
        *,
        clock_error: timedelta = timedelta(0),
        table: str = "ATTLOG",
        newline: bytes = b"\n",
        chunked: bool = False,
        timeout: float = 60,
        headers: Mapping[str, str] | None = None,
        parameters: str = "",
    ) -> None:
        address = urlsplit(url)
        self.host, self.port = address.hostname or "", address.port or 80
        self.serial, self.clock_error, self.table = serial, clock_error, table
        self.newline, self.chunked, self.timeout = newline, chunked, timeout
        self.headers, self.parameters = dict(headers or {}), parameters
        self.memory: list[Punch] = []
        """Punches that no server has confirmed yet."""
        self.stamp = "0"
        self.options: dict[str, str] = {}

    def punch(self, pin: str, time: datetime, status: int = CHECK_IN, verify: int = FACE) -> None:
        """Record a punch; ``time`` is the right one."""
        self.memory.append(Punch(pin, time + self.clock_error, status, verify))

    def handshake(self) -> Reply:
        """Ask for options, and keep those of the answer."""
        reply = self.get("cdata", f"&options=all&language=69&pushver=2.4.1{self.parameters}")
        first, *lines = reply.text.replace("\r\n", "\n").split("\n")
        if reply.status == 200 and first.strip() == f"GET OPTION FROM: {self.serial}":
            self.options = dict(line.split("=", 1) for line in lines if "=" in line)
            self.stamp = self.options.get("ATTLOGStamp", self.options.get("Stamp", "0"))
        return reply

    def poll(self) -> Reply:
        """Ask for commands: "OK" if there are none."""
        return self.get("getrequest", self.parameters)

    def upload(self, *, lose_answer: bool = False) -> Reply:
        """Send all of the memory, and forget it when the server says OK.

        Raises LostAnswerError when the answer is lost: the memory stays, and the next upload repeats it.
        """
        sent = list(self.memory)
        reply = self.send_lines([punch.line() for punch in sent], lose_answer=lose_answer)
        if reply.is_ok:
            del self.memory[: len(sent)]
            if sent:
                self.stamp = str(int(max(punch.time for punch in sent).timestamp()))
        return reply

    def send_lines(self, lines: Sequence[bytes], *, lose_answer: bool = False) -> Reply:
        """Send lines as they are, malformed or not."""
        return self.send_body(b"".join(line + self.newline for line in lines), lose_answer=lose_answer)

    def send_body(self, body: bytes, *, lose_answer: bool = False, table: str | None = None) -> Reply:
        """Send any bytes as a table."""
        query = f"&table={quote(self.table if table is None else table)}&Stamp={self.stamp}{self.parameters}"
        target = f"/iclock/cdata?SN={quote(self.serial)}{query}"
        framing = {"Transfer-Encoding": "chunked"} if self.chunked else {"Content-Length": str(len(body))}
        content = b"".join(_chunks(body)) if self.chunked else body
        head = self._head("POST", target, {"Content-Type": "text/plain", **framing})
        return self.exchange(head + content, lose_answer=lose_answer)

    def get(self, page: str, parameters: str = "") -> Reply:
        return self.exchange(self._head("GET", f"/iclock/{page}?SN={quote(self.serial)}{parameters}", {}))

    def exchange(self, message: bytes, *, lose_answer: bool = False) -> Reply:
        """Send bytes on a new connection and read the answer."""
        with socket.create_connection((self.host, self.port), timeout=self.timeout) as connection:
            try:
                with suppress(ConnectionError):  # a server that refuses a long body does not read all of it
                    connection.sendall(message)
                answer = _read_answer(connection)
            except (ConnectionError, TimeoutError) as error:
                raise LostAnswerError(str(error)) from error
        if lose_answer:
            raise LostAnswerError("the network failed")
        return answer

    def leave_early(self, body: bytes, sent: int) -> None:
        """Send a request whose connection ends after so many bytes of its body."""
        target = f"/iclock/cdata?SN={quote(self.serial)}&table={self.table}&Stamp={self.stamp}{self.parameters}"
        with socket.create_connection((self.host, self.port), timeout=self.timeout) as connection:
            head = self._head("POST", target, {"Content-Type": "text/plain", "Content-Length": str(len(body))})
            connection.sendall(head + body[:sent])

    def _head(self, method: str, target: str, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}", "User-Agent: iClock Proxy/1.09"]
        lines += [f"{name}: {text}" for name, text in (self.headers | dict(headers)).items()]
        return ("\r\n".join([*lines, "Connection: close", "Accept: */*"]) + "\r\n\r\n").encode()


def _chunks(body: bytes, size: int = 7) -> Iterable[bytes]:
    """Yield chunks that end anywhere, in the middle of a line too."""
    for start in range(0, len(body), size):
        part = body[start : start + size]
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"


def _read_answer(connection: socket.socket) -> Reply:
    received = b""
    with suppress(ConnectionResetError):  # what came before that can be the whole answer
        while part := connection.recv(65536):
            received += part
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        raise ConnectionError("the server ended the connection before its answer")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    if len(body) < int(headers.get("content-length", "0")):
        raise ConnectionError("the server ended the connection within its answer")
    return Reply(int(first.split()[1]), body.decode("utf-8", "replace"), headers)
