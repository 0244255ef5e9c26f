"""Ctrl-C and SIGTERM during a run whose results are stored: it ends after it has reported what is stored."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from inspect import GEN_CLOSED, getgeneratorstate
from threading import current_thread, main_thread
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class Stopped(KeyboardInterrupt):
    """An interrupt by a signal; ``exit_code`` is 128 + its number, as shells report it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


class Interrupts:
    """Handles signals: raises the first where the run waits, not while a result is reported, and the second at once."""

    def __init__(self) -> None:
        self._first: Stopped | None = None
        self._reports = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Raise the signal as :class:`Stopped`, or keep it until the result is reported."""
        again, self._first = self._first is not None, self._first or Stopped(number)
        if again or not self._reports:
            raise self._first

    def each(self, results: Generator[T, None, None]) -> Iterator[T]:
        """Yield the results; raise a signal inside ``results``, which may yield more before it raises it again."""
        delivered = False
        while True:
            self._reports = False
            try:
                if self._first is not None and not delivered:
                    delivered = True
                    result = results.throw(self._first)
                else:
                    result = next(results)
                self._reports = True
            except StopIteration:
                return
            except Stopped:
                if getgeneratorstate(results) == GEN_CLOSED:
                    raise
                continue
            yield result


@contextmanager
def catch_signals() -> Iterator[Interrupts]:
    """Handle Ctrl-C and SIGTERM during the block, in the main thread."""
    interrupts = Interrupts()
    if current_thread() is not main_thread():
        yield interrupts
        return
    before = {number: signal.signal(number, interrupts.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
