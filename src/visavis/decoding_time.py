"""How long the command line waits for the decoding of one photo, before it ends with a sentence.

The work of decoding is bounded before it begins, but a defect of a decoder may keep it busy for ever, and nothing can
stop a thread that runs in C. Worker processes are ended from outside; a single command ends itself. The library never
does this to the program that uses it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from visavis.errors import UnreadableImageError

SECONDS = 60.0
"""Limit of the command line: the costliest photos that are accepted take about three seconds."""

_seconds: float | None = None


def end_after(seconds: float | None) -> None:
    """End the process where the decoding of one photo takes longer; None: wait for any time."""
    global _seconds  # noqa: PLW0603 - one command line per process
    _seconds = seconds


@contextmanager
def watched(photo: str) -> Iterator[None]:
    """Watch the decoding in this block; ``photo`` is the name in the message."""
    if _seconds is None:
        yield
        return
    timer = Timer(_seconds, _end, [photo, _seconds])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(photo: str, seconds: float) -> None:
    message = f"visavis: {photo} was not decoded within {seconds:g} seconds: leave it out, or save it anew as JPEG."
    try:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
    finally:
        os._exit(UnreadableImageError.exit_code)
