"""The pipe by which a child notices that the supervisor is gone: only the supervisor holds the writing end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

GRACE_SECONDS = 20
"""Time that requests have to finish after SIGTERM."""
KILL_SECONDS = GRACE_SECONDS + 5
"""Time after which a process that was asked to end is ended."""


def end_with_supervisor(life: int, stop: Callable[[], None]) -> None:
    """Call ``stop`` once the supervisor has ended, and end this process where that did not within ``KILL_SECONDS``."""

    def wait() -> None:
        while os.read(life, 1):
            pass
        stop()
        time.sleep(KILL_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="life", daemon=True).start()
