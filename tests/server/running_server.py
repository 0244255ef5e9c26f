"""A server as a process of its own, and requests to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

START_SECONDS = 180
PRINT_SECONDS = 60  # an answer may arrive before the line that the server prints about it
ADDRESS = re.compile(r"serving at (https?://\S+);")
CODE = re.compile(r"One-time code for the first key: ([\d-]+)")


class RunningServer:
    """``visavis serve`` on a free port; ``lines`` is what it printed, ``key`` what requests send (None: no key).

    ``prefix`` is a command that starts it.
    """

    def __init__(
        self,
        *options: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        command = [*prefix, sys.executable, "-m", "visavis", "serve", "--port", str(port), *options]
        self.process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stderr=subprocess.PIPE, text=True
        )
        self.folder = folder
        self.lines: list[str] = []
        self.key: str | None = None
        self._is_up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._is_up.wait(START_SECONDS) or self._match(ADDRESS) is None:
            self.stop()
            raise AssertionError(f"the server did not start: {self.text}")
        self.url = self._match(ADDRESS) or ""
        self.session = requests.Session()
        self.session.trust_env = False

    @property
    def text(self) -> str:
        """What the server printed so far."""
        return "".join(self.lines)

    def has_printed(self, text: str) -> bool:
        """Wait until the server has printed ``text``; return whether it has, within PRINT_SECONDS."""
        end = time.monotonic() + PRINT_SECONDS
        while text not in self.text:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self.url.rpartition(":")[2])

    def set_up(self) -> str:
        """Make the first administrator's key by the one-time code, send it from now on, and return it."""
        answer = self.post("/v1/setup", json={"code": self._match(CODE), "name": "first admin"})
        assert answer.status_code == 201, answer.text
        self.key = answer.json()["key"]
        return self.key

    def request(self, method: str, path: str, *, key: str | None = "own", **options: Any) -> requests.Response:
        """Send a request; ``key`` is another key than the server object's, None: without one."""
        sent = self.key if key == "own" else key
        headers = {**({} if sent is None else {"x-api-key": sent}), **options.pop("headers", {})}
        return self.session.request(method, self.url + path, headers=headers, timeout=120, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def stop(self) -> int:
        """End it by SIGTERM; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(120)
        finally:
            self.process.kill()
            self._reader.join(60)
            if self.process.stderr is not None:
                self.process.stderr.close()
            if hasattr(self, "session"):
                self.session.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if ADDRESS.search(line):
                self._is_up.set()
        self._is_up.set()

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.search(self.text)
        return None if match is None else match[1]


Start = Callable[..., RunningServer]
"""Starts a server in the folder of the test; it ends with the test."""


def photos(field: str, *paths: Path) -> list[tuple[str, tuple[str, bytes]]]:
    """Return photos as the parts of a form."""
    return [(field, (path.name, path.read_bytes())) for path in paths]
