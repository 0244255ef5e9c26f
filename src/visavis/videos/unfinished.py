"""A large file written over hours: under another name until it is complete, and kept if the run is killed.

``film.mp4`` is ``film.unfinished.mp4`` while it is written and private. What a killed run left can be played, so it is
not deleted by the next write as the unfinished files of :mod:`visavis.atomic` are, but once ``film.mp4`` is complete.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from visavis import atomic
from visavis.permissions import FILE


def create(path: Path) -> tuple[Path, BinaryIO]:
    """Return the path of a new file beside ``path``, and the file, open to be written; OSError where it fails.

    What earlier runs left is not replaced: a number is added to the name.
    """
    for number in count(1):
        suffix = ".unfinished" if number == 1 else f".unfinished-{number}"
        part = path.with_name(f"{_stem(path)}{suffix}{path.suffix}")
        with suppress(FileExistsError):
            file = os.fdopen(os.open(part, atomic.EXCLUSIVE, FILE), "w+b")
            atomic.lock(file.fileno())
            return part, file
    raise AssertionError("count() does not end")


def finish(part: Path, path: Path) -> None:
    """Give a complete file its name; what had it is replaced, and what killed runs left of it is deleted."""
    atomic.move(part, path)
    left = re.compile(rf"{re.escape(_stem(path))}\.unfinished(-\d+)?{re.escape(path.suffix)}")
    for other in path.parent.iterdir():
        if left.fullmatch(other.name):
            with suppress(OSError):
                if atomic.is_abandoned(other):
                    other.unlink()


def _stem(path: Path) -> str:
    return path.stem[:200]
