"""A worker process of the local engine: receives photos over its connection, and sends answers back.

For each chunk of tasks the worker reads and hashes the photos, sends the hashes, and receives the numbers of those to
compute. It reads the next chunk before it computes this one, so that it need not wait. It never uses the gallery, and
ends by itself when its parent process is gone.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

from visavis import images
from visavis.bulk.embed_stage import EmbedStage, read
from visavis.bulk.types import Answer, Failure, Task
from visavis.errors import VisavisError

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer

HELD_BYTES = 64 << 20
"""Keep at most this many bytes of encoded photos in memory; read others again when they are computed."""

MIN_MEMORY = 2 << 30
"""Bytes of memory that a worker may take for photos in any case."""

Connection: TypeAlias = "connection.Connection[Any, Any]"


@dataclass(frozen=True, slots=True)
class Chunk:
    """To the worker: photos to read and hash."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """To the worker, one for each :class:`Hashed`: which photos of the chunk to compute."""

    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Load:
    """To the worker, once: load the networks."""


@dataclass(frozen=True, slots=True)
class Ready:
    """From the worker: the networks are loaded."""


@dataclass(frozen=True, slots=True)
class Refused:
    """From the worker: the networks cannot be loaded."""

    error: VisavisError


@dataclass(frozen=True, slots=True)
class Hashed:
    """From the worker: tasks of a chunk with their SHA-256, and answers for those that cannot be read."""

    tasks: tuple[tuple[Task, str], ...]
    unread: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Working:
    """From the worker: it begins to read or to decode a photo. The parent ends a worker that then says nothing."""


WorkerMessage = Chunk | Admitted | Load | Ready | Refused | Hashed | Working | Answer


def main(link: Connection, stage: EmbedStage, threads: int) -> None:
    """Serve until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: the parent ends its workers
    Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, ConnectionError):
        stage.prepare()
        early = _wait_for_load(link)
        try:
            recognizer = stage.load(threads=threads)
        except VisavisError as error:
            link.send(Refused(error))
            return
        _limit_memory()
        link.send(Ready())
        _Desk(link, stage, recognizer).serve(early)


def _limit_memory() -> None:
    """Let this process take no more than the memory at hand: a photo that needs more ends it, and no other process."""
    if sys.platform != "linux":
        return
    import resource

    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * os.sysconf("SC_PAGESIZE")
    most = held + max(images.memory_at_hand() or 0, MIN_MEMORY)
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))


def _wait_for_load(link: Connection) -> list[Chunk]:
    """Wait for :class:`Load`; return the chunks that arrive before it."""
    early = []
    while isinstance(message := link.recv(), Chunk):
        early.append(message)
    return early


def _end_with_parent() -> None:
    """End this process as soon as the parent is gone, whatever it is doing."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


class _Desk:
    """The chunks that a worker has: read and not yet admitted, admitted and not yet computed."""

    def __init__(self, link: Connection, stage: EmbedStage, recognizer: Recognizer) -> None:
        self._link, self._stage, self._recognizer = link, stage, recognizer
        self._read: deque[list[_Photo]] = deque()
        self._admitted: deque[list[_Photo]] = deque()

    def serve(self, early: Sequence[Chunk]) -> None:
        """Process chunks; raises EOFError when the connection is closed."""
        for chunk in early:
            self._take(chunk)
        while True:
            while not self._admitted or self._link.poll():
                self._take(self._link.recv())
            self._compute(self._admitted.popleft())

    def _take(self, message: Chunk | Admitted) -> None:
        if isinstance(message, Admitted):
            self._admitted.append([photo for photo in self._read.popleft() if photo.task.number in message.numbers])
        else:
            photos, unread = _read_all(message.tasks, self._begin)
            self._read.append(photos)
            self._link.send(Hashed(tuple((photo.task, photo.sha256) for photo in photos), tuple(unread)))

    def _compute(self, photos: Sequence[_Photo]) -> None:
        loaded = [(photo.task, read(photo.task) if photo.data is None else photo.data) for photo in photos]
        for task, failure in loaded:
            if isinstance(failure, Failure):
                self._link.send(Answer(task, failure))
        photos_read = [(task, data) for task, data in loaded if isinstance(data, bytes)]
        for answer in self._stage.answers(self._recognizer, photos_read, begin=self._begin):
            self._link.send(answer)

    def _begin(self) -> None:
        self._link.send(Working())


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo that was read and hashed; ``data`` is None where it was too large to keep."""

    task: Task
    sha256: str
    data: bytes | None


def _read_all(tasks: Sequence[Task], begin: Callable[[], None] = lambda: None) -> tuple[list[_Photo], list[Answer]]:
    """Read and hash photos; return them, and failures for those that cannot be read. Call ``begin`` before each."""
    photos, unread, kept_bytes = [], [], 0
    for task in tasks:
        begin()
        data = read(task)
        if isinstance(data, Failure):
            unread.append(Answer(task, data))
            continue
        keep = kept_bytes + len(data) <= HELD_BYTES
        kept_bytes += len(data) if keep else 0
        photos.append(_Photo(task, sha256(data).hexdigest(), data if keep else None))
    return photos, unread
