"""The local engine: worker processes, each with one model, on the processors of this machine."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from multiprocessing import connection, get_context
from types import TracebackType
from typing import TYPE_CHECKING, Self

from visavis import runtime
from visavis.bulk import worker
from visavis.bulk.embed_stage import Stage
from visavis.bulk.types import Admit, Answer, Failure, Task
from visavis.errors import EngineError, UsageError
from visavis.images import shown

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

CHUNK = 8
"""Photos that a worker is given at a time: of 4, the parent takes half as much time again a photo."""
CHUNKS = 2
"""Chunks that a worker has at a time: one to compute and one to read and hash meanwhile."""
STARTS = 3
"""Workers in a row that may end before they are ready."""
TICK = 0.25
"""Seconds after which the caller is given the word although there is no answer."""
PATIENCE = 5.0
"""Seconds that an idle worker has to end."""

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LocalEngine:
    """``workers`` processes (default: one a processor), of ``threads`` each: so as many processors are kept busy.

    Memory is bounded by the workers, however many photos there are: each has ``CHUNK * CHUNKS`` of them at a time.
    """

    def __init__(self, *, workers: int | None = None, threads: int = 1) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be at least 1, got {workers}.")
        self.workers = runtime.processors() if workers is None else workers
        self.threads = runtime.thread_count(threads)

    def run(self, tasks: Iterable[Task], stage: Stage, admit: Admit) -> Generator[Sequence[Answer], None, None]:
        """See :class:`visavis.bulk.Engine`."""
        with Crew(stage, workers=self.workers, threads=self.threads) as crew:
            yield from crew.work(tasks, admit)


class _Worker:
    """A worker process as its parent sees it: its connection, and the tasks that it has not answered."""

    def __init__(self, stage: Stage, threads: int) -> None:
        context = get_context("spawn")
        self.link, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=worker.main, args=(theirs, stage, threads), daemon=True)
        with theirs, _held_to(threads), _deaf_to_interrupts():
            self.process.start()
        self.loads = False
        self.ready = False
        self.alone = False
        self.tasks: dict[int, Task] = {}

    def load(self) -> None:
        """Have it load the networks, if it has not been told to."""
        if not self.loads:
            self.loads = True
            self.send(worker.Load())

    def give(self, tasks: Sequence[Task], *, alone: bool) -> None:
        """Hand over a chunk; if the worker is gone, that is noticed where it is listened to."""
        self.alone = alone
        self.tasks |= {task.number: task for task in tasks}
        self.send(worker.Chunk(tuple(tasks)))

    def send(self, message: worker.Message) -> None:
        with suppress(OSError):
            self.link.send(message)

    def answered(self, answer: Answer) -> Answer:
        del self.tasks[answer.task.number]
        return answer

    def end(self, *, patience: float) -> int:
        """End the process, by force once ``patience`` seconds are over; return its exit code."""
        self.link.close()
        self.process.join(patience)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return self.process.exitcode or 0


class Crew:
    """Worker processes, and what is still to be given to them; they are kept from one list of tasks to the next."""

    def __init__(self, stage: Stage, *, workers: int, threads: int) -> None:
        self._stage, self._wanted, self._threads = stage, workers, threads
        self._tasks: Iterator[Task] = iter(())
        self._more = False
        self._suspects: deque[Task] = deque()
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def work(self, tasks: Iterable[Task], admit: Admit) -> Generator[list[Answer], None, None]:
        """Work through tasks; see :class:`visavis.bulk.Engine`."""
        self._tasks, self._more = iter(tasks), True
        while self._deal():
            yield self._listen(admit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers: idle ones by themselves, in any other case at once."""
        for one in self._workers:
            one.link.close()
        for one in self._workers:
            one.end(patience=PATIENCE if error is None else 0.0)

    def _deal(self) -> bool:
        """Give every worker what it has room for, and start those that are missing; False when all is done."""
        for one in self._workers:
            self._give(one)
        while len(self._workers) < self._wanted and (self._more or self._suspects):
            self._workers.append(_Worker(self._stage, self._threads))
            self._give(self._workers[-1])
        self._let_load()
        return any(one.tasks for one in self._workers)

    def _let_load(self) -> None:
        """Have one load the networks first: what is fetched or converted for it is there for the others."""
        if any(one.ready for one in self._workers):
            for one in self._workers:
                one.load()
        elif self._workers and not any(one.loads for one in self._workers):
            self._workers[0].load()

    def _listen(self, admit: Admit) -> list[Answer]:
        """Wait for the workers, a short while at most, and take in what they say."""
        links = {one.link: one for one in self._workers}
        heard = connection.wait(list(links), TICK)
        return [answer for link, one in links.items() if link in heard for answer in self._hear(one, admit)]

    def _give(self, one: _Worker) -> None:
        """Give a worker the next chunk; a photo that was lost with another worker is given by itself."""
        if self._suspects:
            if not one.tasks:
                one.give([self._suspects.popleft()], alone=True)
        elif not one.tasks or (one.ready and not one.alone and len(one.tasks) <= CHUNK * (CHUNKS - 1)):
            chunk = list(islice(self._tasks, CHUNK))
            self._more = len(chunk) == CHUNK
            if chunk:
                one.give(chunk, alone=False)

    def _hear(self, one: _Worker, admit: Admit) -> list[Answer]:
        try:
            message: worker.Message = one.link.recv()
        except (EOFError, OSError):
            return self._bury(one)
        match message:
            case worker.Ready():
                one.ready, self._failed_starts = True, 0
            case worker.Refused(error):
                raise error
            case worker.Hashed(tasks, unread):
                admitted = admit(tasks)
                one.send(worker.Admitted(frozenset(admitted)))
                for task, _ in tasks:
                    if task.number not in admitted:
                        del one.tasks[task.number]
                return [one.answered(answer) for answer in unread]
            case Answer():
                return [one.answered(message)]
        return []

    def _bury(self, one: _Worker) -> list[Answer]:
        """Let a worker go that has ended, and decide what becomes of its tasks."""
        self._workers.remove(one)
        ending, lost = _ending(one.end(patience=PATIENCE)), list(one.tasks.values())
        if one.ready and one.alone:
            return [Answer(task, _crashed(task, ending)) for task in lost]
        if one.ready or one.alone:
            self._suspects.extend(lost)
        else:
            self._tasks, self._more = chain(lost, self._tasks), True
        self._failed_starts += not one.ready
        if self._failed_starts >= STARTS:
            if not any(other.ready for other in self._workers):
                raise EngineError(
                    f"{STARTS} worker processes in a row ended while they loaded the networks ({ending})."
                )
            self._wanted, self._failed_starts = len(self._workers), 0  # no memory for more: those there are go on
        return []


def _crashed(task: Task, ending: str) -> Failure:
    return Failure("crashed", f"{shown(task.photo)} ended the process that worked on it, twice ({ending}).")


def _ending(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


@contextmanager
def _held_to(threads: int) -> Iterator[None]:
    """Let processes started inside see how many threads libraries may use that look when they are loaded."""
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
def _deaf_to_interrupts() -> Iterator[None]:
    """Let processes started inside never see Ctrl-C, not even before they can say that they ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
