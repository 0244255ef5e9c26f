"""Safe forks: state that must not be copied half-changed, and objects that a forked child must renew.

``os.fork`` copies the memory of a process and only the thread that calls it. In the child a pool has no threads, the
destructor of a native session waits forever for missing threads, a lock that another thread held is never released,
and a database connection is shared with the parent. Objects with such parts register themselves here with
:func:`renew_in_child`; the child then drops the parts without running their destructors, and opens them again at their
next use. Objects that have to be consistent in the parent first register with :func:`guard_forks`. Processes started by
"spawn" or "forkserver" begin empty and need none of this.
"""

from __future__ import annotations

import ctypes
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock, RLock, get_ident
from types import TracebackType
from typing import Protocol, Self
from weakref import WeakSet

PATIENCE_SECONDS = 5.0
"""How long a fork waits for work that it must not interrupt."""


class Renewable(Protocol):
    """An object with parts that do not survive a fork."""

    def renew_in_child(self) -> None:
        """Drop, in a child that was just forked, the parts of the parent. Only one thread runs meanwhile."""
        ...


class Guarded(Renewable, Protocol):
    """An object that has to be consistent when the process is copied."""

    def before_fork(self) -> None:
        """Make the object consistent, and keep it so until one of the other two methods is called."""
        ...

    def after_fork_in_parent(self) -> None:
        """Continue as before."""
        ...


_renewable: WeakSet[Renewable] = WeakSet()
_guarded: WeakSet[Guarded] = WeakSet()
_during_fork: list[Guarded] = []
_one_fork_at_a_time = Lock()


def renew_in_child(item: Renewable) -> None:
    """Call ``item.renew_in_child()`` in each child that this process forks while ``item`` lives."""
    _renewable.add(item)


def guard_forks(item: Guarded) -> None:
    """Call the methods of ``item`` before and after each fork while it lives, in the parent and in the child."""
    _guarded.add(item)
    _renewable.add(item)


def keep_forever(item: object) -> None:
    """Never run the destructor of ``item``, not even at the end of the process.

    The destructor of an object of another process would wait for threads that this process does not have, or would
    close what the other process still uses.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))


class ForkSafeLock:
    """A reentrant lock that is free in a forked child, whichever thread held it; it is pickled as a free lock."""

    def __init__(self) -> None:
        self._lock = RLock()
        renew_in_child(self)

    def renew_in_child(self) -> None:
        """Replace a lock that another thread of the parent held; the forking thread keeps its own."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = RLock()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


class ForkGate:
    """Protects work that a fork must not interrupt: ``with gate.inside(): ...``, in any number of threads at once.

    A fork waits until no other thread is inside, for ``PATIENCE_SECONDS`` at most, and no thread enters meanwhile.
    ``interrupted`` says, in a child, whether another thread was inside when it was forked.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside: Counter[int] = Counter()
        self._closed = False
        self.interrupted = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Keep forks waiting until the block ends."""
        thread = get_ident()  # another thread may close a generator
        with self._changed:
            self._changed.wait_for(lambda: not self._closed or self._inside[thread])
            self._inside[thread] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[thread] -= 1
                self._changed.notify_all()

    def before_fork(self) -> None:
        """Wait for the other threads, and close the gate."""
        self._changed.acquire()
        self._closed = True
        self._changed.wait_for(lambda: not self._count_others(), PATIENCE_SECONDS)

    def _count_others(self) -> int:
        self._inside = +self._inside
        return self._inside.total() - self._inside[get_ident()]

    def after_fork_in_parent(self) -> None:
        """Open the gate."""
        self._closed = False
        self._changed.notify_all()
        self._changed.release()

    def renew_in_child(self) -> None:
        """Remove the threads that are not in the child."""
        self.interrupted = self._inside.total() > 0
        self._changed, self._closed = Condition(), False
        self._inside = Counter({get_ident(): self._inside[get_ident()]})


class UndisturbedByForks(ForkGate):
    """A lock for short work of a module: one thread at a time is inside, and a fork waits until it has finished."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = ForkSafeLock()
        guard_forks(self)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Keep forks and other threads waiting until the block ends."""
        with self._lock, super().inside():
            yield


def _prepare_fork() -> None:
    _one_fork_at_a_time.acquire()
    _during_fork[:] = _guarded
    for item in _during_fork:
        item.before_fork()


def _continue_parent() -> None:
    for item in reversed(_during_fork):
        item.after_fork_in_parent()
    _during_fork.clear()
    _one_fork_at_a_time.release()


def _renew_child() -> None:
    global _one_fork_at_a_time  # noqa: PLW0603 - the lock was acquired before the fork
    _one_fork_at_a_time = Lock()
    _during_fork.clear()
    for item in list(_renewable):
        item.renew_in_child()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_prepare_fork, after_in_parent=_continue_parent, after_in_child=_renew_child)
