"""Python's garbage collector, which looks for objects that refer to each other in a circle."""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager


class _Pause(AbstractContextManager[None]):
    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_enabled:
            gc.enable()


def pause_collection() -> AbstractContextManager[None]:
    """Collect no circles in the block, which makes many objects and no circles; what nothing refers to goes at once.

    While objects are made the collector goes through all there are again and again: a third of the time. It is paused
    in all threads, so the block is to be short.
    """
    return _Pause()
