"""The beginning of a process of the server that answers no requests: its log, and the signal to end."""

from __future__ import annotations

import logging
import signal
import threading

from visavis.server.lifeline import end_with_supervisor


def begin_child(life: int) -> threading.Event:
    """Set up logging; return an event that is set by SIGTERM, and when the supervisor is gone.

    ``life`` is the reading end of a pipe whose other end only the supervisor holds.
    """
    logging.basicConfig(format="visavis: %(message)s", level=logging.WARNING)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    end_with_supervisor(life, stopping.set)
    return stopping
