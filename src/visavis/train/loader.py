"""Prepare the next batches while the network works on this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Prepared = TypeVar("Prepared")

AHEAD = 2
"""Batches prepared ahead; each is as large in memory as its pictures."""


def prefetch(load: Callable[[int], Prepared], count: int) -> Iterator[Prepared]:
    """Yield ``load(0)`` to ``load(count - 1)`` in order, prepared in a thread, up to ``AHEAD`` ahead.

    Reading, resizing and changing pictures happen in numpy and OpenCV, which let other threads run.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="visavis-train") as pool:
        waiting = [pool.submit(load, number) for number in range(min(AHEAD, count))]
        for number in range(count):
            if number + AHEAD < count:
                waiting.append(pool.submit(load, number + AHEAD))
            yield waiting.pop(0).result()
