"""Waiting for a server that went away."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

RETRY_SECONDS = 10.0
"""How long a server is waited for before anything was asked of it; later nothing is tried again."""
FIRST_PAUSE = 0.05


def patiently(connect: Callable[[], T], gone: Callable[[E], bool], *, error: type[E]) -> T:
    """Call ``connect`` until it succeeds, with pauses that double, for as long as ``RETRY_SECONDS``.

    An ``error`` is raised again at once where the server is not ``gone``, and at the end in any case.
    """
    pause, end = FIRST_PAUSE, monotonic() + RETRY_SECONDS
    while True:
        try:
            return connect()
        except error as found:
            if not gone(found) or monotonic() + pause > end:
                raise
        sleep(pause)
        pause *= 2
