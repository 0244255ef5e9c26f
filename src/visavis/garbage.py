"""Python's garbage collector, which looks for objects that refer to each other in a circle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collection() -> Iterator[None]:
    """Collect no circles in the block, which makes many objects and no circles; what nothing refers to goes at once.

    While objects are made the collector goes through all there are again and again: a third of the time. It is paused
    in all threads, so the block is to be short.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
