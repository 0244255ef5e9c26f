"""Retry to connect to a server that cannot be reached.

SQLAlchemy's pool replaces a lost connection, but does not wait; tenacity would be a dependency for these lines.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

RETRY_SECONDS = 10.0
"""How long to retry connecting to a server; requests on an open connection are not retried."""
FIRST_PAUSE = 0.05


def retry_connecting(connect: Callable[[], T], is_lost: Callable[[E], bool], *, error: type[E]) -> T:
    """Call ``connect`` until it succeeds, with doubling pauses, for up to ``RETRY_SECONDS``.

    Raises an ``error`` at once if ``is_lost`` returns False for it, and otherwise at the end.
    """
    pause, end = FIRST_PAUSE, monotonic() + RETRY_SECONDS
    while True:
        try:
            return connect()
        except error as caught:
            if not is_lost(caught) or monotonic() + pause > end:
                raise
        sleep(pause)
        pause *= 2
