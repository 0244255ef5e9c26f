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
    """Handles signals: raises the first where the run waits, and the second at once.

    The first is kept while a result is reported, and after the last one while the outputs are completed.
    """

    def __init__(self) -> None:
        self._first: Stopped | None = None
        self._reports = False
        self._due = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Raise the signal as :class:`Stopped`, or keep it until the result is reported."""
        again, self._first = self._first is not None, self._first or Stopped(number)
        self._due = self._reports and not again
        if not self._due:
            raise self._first

    def each(self, results: Generator[T, None, None]) -> Iterator[T]:
        """Yield the results; raise a signal inside ``results``, which may yield more before it raises it again."""
        try:
            while True:
                self._reports = False
                try:
                    if self._first is not None and self._due:
                        self._due = False
                        result = results.throw(self._first)
                    else:
                        result = next(results)
                    self._reports = True
                except StopIteration:
                    return
                except Stopped:
                    if getgeneratorstate(results) == GEN_CLOSED:
                        raise
                    self._due = True  # it was raised beside the results
                    continue
                yield result
        finally:
            self._reports = True

    def raise_kept(self) -> None:
        """Raise a signal that was kept."""
        if self._first is not None and self._due:
            raise self._first


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
        interrupts.raise_kept()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
