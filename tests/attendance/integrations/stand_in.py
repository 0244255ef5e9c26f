"""HTTP for stand-ins of other systems: one request at a time, and failures where a test wants them.

A stand-in keeps its state in SQLite, so that it may be killed: ``python -m attendance.integrations.frappe_server FILE
--kill after:3`` ends itself by SIGKILL when the third request has been committed, and before it is answered.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """A request: ``path`` without escapes, ``query`` by name."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer; ``body`` is JSON unless ``kind`` says otherwise."""

    status: int
    body: bytes
    kind: str = "application/json"


def json_answer(content: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())


class System(Protocol):
    """A stand-in: what it answers to a request, committed when the answer is there."""

    def handle(self, request: Request) -> Answer: ...


class StandIn(HTTPServer):
    """A server of a system in a thread.

    ``faults`` are used up by one request each: "" answers, "before" hangs up without doing anything, "after" hangs up
    when the request is committed, a number answers with this status without doing anything. ``moment`` is what ends
    the process: "before:3" or "after:3", by the number of the request.
    """

    def __init__(self, system: System, *, port: int = 0, moment: str = "") -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.system = system
        self.faults: list[str | int] = []
        self.requests: list[Request] = []
        self.moment = moment
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(10)

    def reply(self, request: Request) -> Answer | None:
        """Return the answer; None: hang up."""
        self.requests.append(request)
        self._die("before")
        fault = self.faults.pop(0) if self.faults else ""
        if isinstance(fault, int):
            return json_answer({"message": "stand-in out of order"}, fault)
        if fault == "before":
            return None
        answer = self.system.handle(request)
        self._die("after")
        return None if fault == "after" else answer

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a client go that has hung up, such as one that was killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def _die(self, when: str) -> None:
        if self.moment == f"{when}:{len(self.requests)}":
            os.kill(os.getpid(), signal.SIGKILL)


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        answer = self.server.reply(Request(self.command, unquote(parts.path), query, self.headers, body))
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Store:
    """The tables of a stand-in in a file; every statement is on the disk when it returns, unless in ``transaction``."""

    def __init__(self, path: Path, schema: str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(schema)

    def run(self, statement: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(statement, values)]

    def transaction(self, work: Callable[[], Answer]) -> Answer:
        """Return the answer of ``work``; what it changed is undone where it raises, or answers with an error."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            answer = work()
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT" if answer.status < 400 else "ROLLBACK")
        return answer

    def close(self) -> None:
        self._connection.close()


def serve_process(make: Callable[[Path], System]) -> None:
    """Serve a stand-in as a process of its own: print its port, and go on until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kill", default="")
    options = parser.parse_args()
    server = StandIn(make(options.file), port=options.port, moment=options.kill)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    signal.pause()
