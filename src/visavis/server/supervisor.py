"""The supervisor: keeps the workers alive, runs jobs and cameras in processes of their own, and stops them all.

It forks its children before it loads any network, so that they share its imported modules; what one child alone needs
is imported there, so that the others start sooner. It waits for a signal, and for the end of a child.
"""

from __future__ import annotations

import logging
import os
import secrets
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from visavis.errors import ServerError
from visavis.server.camera_pictures import CameraPictures
from visavis.server.config import ServerConfig
from visavis.server.lifeline import KILL_SECONDS
from visavis.server.worker import FAILED, run_worker

if TYPE_CHECKING:
    from visavis.videos.camera_file import CameraFile

YOUNG_SECONDS = 5.0
MOST_YOUNG_DEATHS = 5
"""Deaths soon after a start, with no other death between, after which the server gives up."""
RESTART_SECONDS = 1.0
"""Pause before a child is started again that died young, or could not start since the database is away."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

log = logging.getLogger("visavis.server")


@dataclass(frozen=True, slots=True)
class _Child:
    """What a child runs, when it began, whether another ran before it, and whether the server gives up without it."""

    run: Callable[[], int]
    started: float
    restarted: bool
    vital: bool


class Supervisor:
    """The parent of all processes of a server."""

    def __init__(self, config: ServerConfig, listener: socket.socket, cameras: CameraFile | None = None) -> None:
        self._config, self._listener, self._cameras = config, listener, cameras
        names = [] if cameras is None else [camera.name for camera in cameras.cameras]
        self._pictures = CameraPictures(names) if names and config.video.pictures else None
        self._id = secrets.token_hex(8)
        self._life = os.pipe()
        self._signals = os.pipe()
        for end in self._signals:
            os.set_blocking(end, False)
        self._children: dict[int, _Child] = {}
        self._waiting: list[tuple[float, _Child]] = []  # when to start what again
        self._young_deaths = 0
        self._stopping: float | None = None
        self._code = 0

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code."""
        previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        wakeup = signal.set_wakeup_fd(self._signals[1], warn_on_full_buffer=False)
        try:
            for _ in range(self._config.workers):
                self._fork(self._run_worker)
            self._fork(self._run_jobs, vital=False)
            if self._cameras is not None:
                self._fork(self._run_cameras, vital=False)
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
            self._listener.close()  # the last process to close it makes the system refuse new connections
            for child in self._children:
                _send(child, signal.SIGTERM)

    def _watch(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._signals[0], selectors.EVENT_READ)
        while self._children or (self._waiting and self._stopping is None):
            for key, _ in selector.select(1.0):
                with suppress(BlockingIOError):
                    os.read(key.fd, 4096)
            self._reap()
            self._start_waiting()
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
            failed = os.WIFEXITED(status) and os.WEXITSTATUS(status) == FAILED
            young = monotonic() - child.started < YOUNG_SECONDS
            if not failed and child.vital:
                self._young_deaths = self._young_deaths + 1 if young else 0
            if child.vital and ((failed and not child.restarted) or self._young_deaths > MOST_YOUNG_DEATHS):
                self._give_up()
            elif failed or young:
                self._waiting.append((monotonic() + RESTART_SECONDS, child))
            else:
                self._fork(child.run, restarted=True, vital=child.vital)

    def _start_waiting(self) -> None:
        """Start the children again whose pause is over."""
        due = [entry for entry in self._waiting if entry[0] <= monotonic()]
        for entry in due:
            self._waiting.remove(entry)
            self._fork(entry[1].run, restarted=True, vital=entry[1].vital)

    def _give_up(self) -> None:
        self._code = ServerError.exit_code
        self._note(signal.SIGTERM, None)

    def _run_worker(self) -> int:
        cameras = () if self._cameras is None else self._cameras.cameras
        return run_worker(self._config, self._listener, self._life[0], cameras=cameras, pictures=self._pictures)

    def _run_jobs(self) -> int:
        from visavis.server.job_runner import run_jobs

        self._listener.close()
        return run_jobs(self._config, self._life[0], self._id)

    def _run_cameras(self) -> int:
        from visavis.server.camera_runner import run_cameras

        self._listener.close()
        if self._cameras is None:
            return 0
        return run_cameras(self._config, self._cameras, self._id, self._life[0], pictures=self._pictures)

    def _fork(self, run: Callable[[], int], *, restarted: bool = False, vital: bool = True) -> None:
        """Start a child. Signals wait meanwhile, so that one that stops the server reaches this child too."""
        previous = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        child = os.fork() if self._stopping is None else None
        if child != 0:
            if child is not None:
                self._children[child] = _Child(run, monotonic(), restarted, vital)
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)
            os.close(self._life[1])
            code = run()
        except Exception:  # else nothing would say why it ended
            log.exception("a process of the server failed")
            raise
        finally:
            os._exit(code)


def _send(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)
