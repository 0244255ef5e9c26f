"""A large file written over hours: under another name until it is complete, and kept if the run is killed.

``film.mp4`` is ``film.unfinished.mp4`` while it is written and private. Unlike the
unfinished files of :mod:`visavis.atomic`, what a killed run left is not deleted: it is a part that can be played.
"""

from __future__ import annotations

import os
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
        part = path.with_name(f"{path.stem[:200]}{suffix}{path.suffix}")
        with suppress(FileExistsError):
            return part, os.fdopen(os.open(part, atomic.EXCLUSIVE, FILE), "w+b")
    raise AssertionError("count() does not end")


def finish(part: Path, path: Path) -> None:
    """Give a complete file its name; what had it is replaced."""
    atomic.move(part, path)
