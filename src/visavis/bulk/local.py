"""The local engine: worker processes on this machine, each with one model."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from multiprocessing import connection, get_context
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

from visavis import runtime
from visavis.bulk import worker
from visavis.bulk.embed_stage import EmbedStage
from visavis.bulk.engine import Admit
from visavis.bulk.types import Answer, Failure, Task
from visavis.errors import EngineError, UsageError
from visavis.images import shown

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

CHUNK = 8
"""Photos in a chunk: with 4, the parent needs 1.5 times as long per photo."""
CHUNKS = 2
"""Chunks that a worker has at a time: it computes one, and reads and hashes the other meanwhile."""
STARTS = 3
"""How many workers in a row may end before they are ready."""
MOST_WORKERS = 1024
"""Most processes that a caller can ask for."""
TICK = 0.25
"""Seconds after which control returns to the caller although there is no answer."""
PHOTO_SECONDS = 120.0
"""How long a worker may be silent, for each photo that it has begun since it last answered, before it is ended."""
PATIENCE = 5.0
"""Seconds to wait for an idle worker to end."""

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LocalEngine:
    """Run ``workers`` processes (default: one per processor) of ``threads`` threads each.

    Memory depends on the workers, not on the number of photos: each has up to ``CHUNK * CHUNKS`` photos at a time.
    """

    def __init__(self, *, workers: int | None = None, threads: int = 1) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be at least 1, got {workers}.")
        if workers is not None and workers > MOST_WORKERS:
            raise UsageError(f"workers must be at most {MOST_WORKERS:,}: each is a process with networks of its own.")
        self.workers = runtime.processors() if workers is None else workers
        self.threads = runtime.thread_count(threads)

    def run(self, tasks: Iterable[Task], stage: EmbedStage, admit: Admit) -> Generator[Sequence[Answer], None, None]:
        """See :class:`visavis.bulk.Engine`."""
        with Crew(stage, workers=self.workers, threads=self.threads) as crew:
            yield from crew.work(tasks, admit)


class _Worker:
    """The parent's side of a worker process: its connection, and the tasks that it has not answered."""

    def __init__(self, stage: EmbedStage, threads: int) -> None:
        context = get_context("spawn")
        self.link, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=worker.main, args=(theirs, stage, threads), daemon=True)
        with theirs, _limit_threads(threads), _block_interrupts():
            self.process.start()
        self.loads = False
        self.ready = False
        self.alone = False
        self.tasks: dict[int, Task] = {}
        self.heard = monotonic()
        self.begun = 0

    def load(self) -> None:
        """Request the worker to load the networks, once."""
        if not self.loads:
            self.loads = True
            self.send(worker.Load())

    def give(self, tasks: Sequence[Task], *, alone: bool) -> None:
        """Send a chunk; a worker that has ended is noticed later, by :meth:`Crew._hear`."""
        self.alone = alone
        self.tasks |= {task.number: task for task in tasks}
        self.send(worker.Chunk(tuple(tasks)))

    def send(self, message: worker.WorkerMessage) -> None:
        with suppress(OSError):
            self.link.send(message)

    def receive(self) -> worker.WorkerMessage:
        """Return the next message; raises EOFError or OSError where the worker has ended."""
        message: worker.WorkerMessage = self.link.recv()
        self.heard = monotonic()
        self.begun = self.begun + 1 if isinstance(message, worker.Working) else 0
        return message

    @property
    def is_stuck(self) -> bool:
        """Whether it has been silent too long with the photos that it has begun."""
        return bool(self.ready and self.tasks) and monotonic() - self.heard > PHOTO_SECONDS * max(self.begun, 1)

    def take_answer(self, answer: Answer) -> Answer:
        del self.tasks[answer.task.number]
        return answer

    def end(self, *, patience: float) -> int:
        """End the process, by force after ``patience`` seconds; return its exit code."""
        self.link.close()
        self.process.join(patience)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return self.process.exitcode or 0


class Crew:
    """Worker processes and the tasks that wait for them; the processes stay for the next list of tasks."""

    def __init__(self, stage: EmbedStage, *, workers: int, threads: int) -> None:
        self._stage, self._size, self._threads = stage, workers, threads
        self._tasks: Iterator[Task] = iter(())
        self._more = False
        self._suspects: deque[Task] = deque()
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def work(self, tasks: Iterable[Task], admit: Admit) -> Generator[list[Answer], None, None]:
        """Process tasks; see :class:`visavis.bulk.Engine`."""
        self._tasks, self._more = iter(tasks), True
        while self._deal():
            yield self._listen(admit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers: wait for them after normal work, kill them after an error."""
        for member in self._workers:
            member.link.close()
        for member in self._workers:
            member.end(patience=PATIENCE if error is None else 0.0)

    def _deal(self) -> bool:
        """Send tasks to each worker that has room, and start missing workers; return False when all is done."""
        for member in self._workers:
            self._give(member)
        while len(self._workers) < self._size and (self._more or self._suspects):
            self._workers.append(_Worker(self._stage, self._threads))
            self._give(self._workers[-1])
        self._let_load()
        return any(member.tasks for member in self._workers)

    def _let_load(self) -> None:
        """Let one worker load the networks first: the others then use the files that it downloaded or converted."""
        if any(member.ready for member in self._workers):
            for member in self._workers:
                member.load()
        elif self._workers and not any(member.loads for member in self._workers):
            self._workers[0].load()

    def _listen(self, admit: Admit) -> list[Answer]:
        """Wait up to ``TICK`` seconds for messages of the workers; return the answers in them."""
        links = {member.link: member for member in self._workers}
        readable = connection.wait(list(links), TICK)
        answers = [answer for link, member in links.items() if link in readable for answer in self._hear(member, admit)]
        for link, member in links.items():
            if link not in readable and member.is_stuck:
                member.process.kill()
                answers += self._remove_ended(member, f"stopped after {PHOTO_SECONDS:.0f} s")
        return answers

    def _give(self, member: _Worker) -> None:
        """Send a worker the next chunk; a photo that was lost with another worker is sent alone."""
        if self._suspects:
            if not member.tasks:
                member.give([self._suspects.popleft()], alone=True)
        elif not member.tasks or (member.ready and not member.alone and len(member.tasks) <= CHUNK * (CHUNKS - 1)):
            chunk = list(islice(self._tasks, CHUNK))
            self._more = len(chunk) == CHUNK
            if chunk:
                member.give(chunk, alone=False)

    def _hear(self, member: _Worker, admit: Admit) -> list[Answer]:
        try:
            message = member.receive()
        except (EOFError, OSError):
            return self._remove_ended(member)
        match message:
            case worker.Ready():
                member.ready, self._failed_starts = True, 0
            case worker.Refused(error):
                raise error
            case worker.Hashed(tasks, unread):
                admitted = admit(tasks)
                member.send(worker.Admitted(frozenset(admitted)))
                for task, _ in tasks:
                    if task.number not in admitted:
                        del member.tasks[task.number]
                return [member.take_answer(answer) for answer in unread]
            case Answer():
                return [member.take_answer(message)]
        return []

    def _remove_ended(self, member: _Worker, why: str = "") -> list[Answer]:
        """Remove a worker that has ended (``why``, if not by itself); report, queue again or suspect its tasks."""
        self._workers.remove(member)
        exit_text, lost = _describe_exit(member.end(patience=PATIENCE)), list(member.tasks.values())
        exit_text = why or exit_text
        if member.ready and member.alone:
            return [Answer(task, _crash_failure(task, exit_text)) for task in lost]
        if member.ready or member.alone:
            self._suspects.extend(lost)
        else:
            self._tasks, self._more = chain(lost, self._tasks), True
        self._failed_starts += not member.ready
        if self._failed_starts >= STARTS:
            if not any(other.ready for other in self._workers):
                raise EngineError(
                    f"{STARTS} worker processes in a row ended while they loaded the networks ({exit_text})."
                )
            self._size, self._failed_starts = len(self._workers), 0  # no memory for more workers: go on with these
        return []


def _crash_failure(task: Task, exit_text: str) -> Failure:
    return Failure("crashed", f"{shown(task.photo)} ended the process that worked on it, twice ({exit_text}).")


def _describe_exit(code: int) -> str:
    """Return the signal or exit code that a process ended with, as text."""
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


@contextmanager
def _limit_threads(threads: int) -> Iterator[None]:
    """Set the environment of processes started inside, for libraries that read their thread count when loaded."""
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _block_interrupts() -> Iterator[None]:
    """Block Ctrl-C in processes started inside, also before they can ignore it themselves."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
