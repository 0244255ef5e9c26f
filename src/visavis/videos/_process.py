"""The parent's side of a reader process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from visavis.videos import reader_process
from visavis.videos._frame_memory import FrameMemory
from visavis.videos.reader_process import ReaderOrder, encode_order

END_SECONDS = 1.0
"""Seconds that a process has to say goodbye to its camera, some of which allow few connections."""


class ReaderProcess:
    """A reader process, its messages, and the memory that it shares.

    The order goes to its standard input: other users of the machine can read command lines, and the order may hold a
    password.
    """

    def __init__(self, order: ReaderOrder) -> None:
        self.memory = FrameMemory.create()
        key = self.memory.key
        command = [sys.executable, "-P", "-m", reader_process.__name__]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            pass_fds=(key,) if isinstance(key, int) else (), bufsize=0,
        )  # fmt: skip
        self._write(encode_order(order, self.memory))

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def request(self) -> None:
        """Ask for the next frame."""
        self._write(b"next\n")

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield the messages until the process ends."""
        with suppress(OSError, ValueError):  # its last line may be cut off
            for line in self._process.stdout or ():
                yield json.loads(line)

    def end(self, *, patience: float = END_SECONDS) -> str:
        """End the process, by force after ``patience`` seconds; return how it ended, in words."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        code = self._process.wait()
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"exit code {code}"

    def release(self) -> None:
        """Close the output and the memory, after the last message."""
        if self._process.stdout is not None:
            self._process.stdout.close()
        self.memory.close()

    def _write(self, line: bytes) -> None:
        with suppress(OSError, ValueError):  # it has ended, which is noticed elsewhere
            if self._process.stdin is not None:
                self._process.stdin.write(line)
