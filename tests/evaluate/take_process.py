"""Takes templates and says so: ``python -m evaluate.take_process FOLDER [STATEMENT NUMBER]``.

Prints a line a photo, and "done" with a digest of all embeddings. Given the beginning of an SQL statement and a number,
it dies by SIGKILL just before SQLite runs the so-manieth of these.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from visavis.embedding_cache import photo_cache
from visavis.evaluate.data.templates import take

from .tiny_photos import MIN_FACE, recognizer

T = TypeVar("T")


def told(answers: Iterable[T], total: int) -> Iterator[T]:
    for n, answer in enumerate(answers, 1):
        say(n)
        yield answer


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def die_at(beginning: str, number: int) -> None:
    left = [number]

    def look(statement: str) -> None:
        left[0] -= statement.lower().startswith(beginning)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    opened = photo_cache._open_file

    def watched(path: Path, key: str) -> sqlite3.Connection:
        connection = opened(path, key)
        connection.set_trace_callback(look)
        return connection

    photo_cache._open_file = watched


def main(folder: str) -> None:
    one = recognizer()
    with photo_cache.EmbeddingCache(one, min_face=MIN_FACE) as cache:
        photos = sorted(map(str, Path(folder).iterdir()))
        taken = take(photos, one, min_face=MIN_FACE, cache=cache, progress=told)
    say(f"done {sha256(taken.embeddings.tobytes()).hexdigest()} {cache.notes}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        die_at(sys.argv[2], int(sys.argv[3]))
    main(sys.argv[1])
