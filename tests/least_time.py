"""The least time that a piece of work takes: what other processes do meanwhile only lengthens single runs."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 8.0
"""How long :func:`measure_least` goes on trying: longer than most moments in which a machine is busy."""
RUNS, PAUSE = 10, 0.2
"""Runs in a row, for which the caches are warm, and the pause before the next ones."""


def measure_least(
    work: Callable[[], object], *, bar: float, clock: Callable[[], float] = time.thread_time, seconds: float = SECONDS
) -> float:
    """Run ``work`` until a run takes less than ``bar`` seconds, or for ``seconds``; return the least time of a run.

    ``clock`` is by default the processor time of this thread, which does not count the time of other processes.
    """
    end, least = time.monotonic() + seconds, float("inf")
    while True:
        for _ in range(RUNS):
            begun = clock()
            work()
            least = min(least, clock() - begun)
            if least < bar or time.monotonic() > end:
                return least
        time.sleep(PAUSE)
