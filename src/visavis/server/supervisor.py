"""The supervisor: keeps the workers alive, runs jobs in a process of their own, and stops them all.

It forks its children before it loads any network, so that they share its imported modules. It waits for a
signal, and for the end of a child.
"""

from __future__ import annotations

import os
import secrets
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from visavis.errors import ServerError
from visavis.server.config import ServerConfig
from visavis.server.job_runner import run_jobs
from visavis.server.worker import FAILED, GRACE_SECONDS, run_worker

KILL_SECONDS = GRACE_SECONDS + 5
"""Time after which a child that was asked to end is killed."""
YOUNG_SECONDS = 5.0
MOST_YOUNG_DEATHS = 5
"""Deaths soon after a start, of all children, after which the server gives up."""


@dataclass(frozen=True, slots=True)
class _Child:
    """What a child runs, and when it began."""

    run: Callable[[], int]
    started: float


class Supervisor:
    """The parent of all processes of a server."""

    def __init__(self, config: ServerConfig, listener: socket.socket) -> None:
        self._config, self._listener = config, listener
        self._id = secrets.token_hex(8)
        self._life = os.pipe()
        self._signals = os.pipe()
        for end in self._signals:
            os.set_blocking(end, False)
        self._children: dict[int, _Child] = {}
        self._young_deaths = 0
        self._stopping: float | None = None
        self._code = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code."""
        previous = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._note)
        wakeup = signal.set_wakeup_fd(self._signals[1], warn_on_full_buffer=False)
        try:
            for _ in range(self._config.workers):
                self._fork(self._run_worker)
            self._fork(self._run_jobs)
            self._watch()
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in previous.items():
                signal.signal(number, handler)
            for end in (*self._life, *self._signals):
                os.close(end)
        return self._code

    def _note(self, number: int, _frame: object) -> None:
        """Begin to stop on SIGTERM and SIGINT; the loop wakes up by itself."""
        if number != signal.SIGCHLD and self._stopping is None:
            self._stopping = monotonic()
            for child in self._children:
                _send(child, signal.SIGTERM)

    def _watch(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._signals[0], selectors.EVENT_READ)
        while self._children:
            for key, _ in selector.select(1.0):
                with suppress(BlockingIOError):
                    os.read(key.fd, 4096)
            self._reap()
            if self._stopping is not None and monotonic() - self._stopping > KILL_SECONDS:
                for child in self._children:
                    _send(child, signal.SIGKILL)
        selector.close()

    def _reap(self) -> None:
        """Take note of children that ended, and start workers again that died."""
        for process, child in list(self._children.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended:
                continue
            del self._children[process]
            if self._stopping is not None:
                continue
            if monotonic() - child.started < YOUNG_SECONDS:
                self._young_deaths += 1
            failed = os.WIFEXITED(status) and os.WEXITSTATUS(status) == FAILED
            if failed or self._young_deaths > MOST_YOUNG_DEATHS:
                self._give_up()
            else:
                self._fork(child.run)

    def _give_up(self) -> None:
        self._code = ServerError.exit_code
        self._note(signal.SIGTERM, None)

    def _run_worker(self) -> int:
        return run_worker(self._config, self._listener, self._life[0])

    def _run_jobs(self) -> int:
        self._listener.close()
        return run_jobs(self._config, self._life[0], self._id)

    def _fork(self, run: Callable[[], int]) -> None:
        child = os.fork()
        if child:
            self._children[child] = _Child(run, monotonic())
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._life[1])
            code = run()
        finally:
            os._exit(code)


def _send(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)
