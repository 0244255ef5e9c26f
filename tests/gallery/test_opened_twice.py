"""A gallery that a process opens twice, one after the other or in two threads, keeps SQLite's locks of the first."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from visavis.gallery import Gallery
from visavis.gallery.sql import sqlite

from .faces import MODEL, person

ANOTHER = """
import sqlite3, sys
raw = sqlite3.connect(sys.argv[1])
raw.execute("SELECT count(*) FROM people").fetchone()
raw.close()
"""
"""As the last process that has the file open, by SQLite's locks, it deletes the log when it closes the file."""


@pytest.fixture
def log(path: Path) -> Iterator[Path]:
    """The write-ahead log of a gallery that is open."""
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(1))
        yield path.with_name(f"{path.name}-wal")


def test_another_process_does_not_delete_the_log_of_a_gallery_that_was_opened_twice(path: Path, log: Path) -> None:
    with Gallery(path) as second:
        assert len(second) == 1
    number = log.stat().st_ino
    subprocess.run([sys.executable, "-c", ANOTHER, path], check=True)
    assert (log.exists() and log.stat().st_ino) == number


def test_no_thread_looks_at_a_file_while_another_opens_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gallery(path, model=MODEL) as gallery:
        gallery.add(*person(1))
    monkeypatch.setattr(sqlite, "_opened", set())
    reading, opened = threading.Event(), threading.Event()
    read_head = sqlite._read_head
    overlaps: list[bool] = []

    def read_slowly(file: Path) -> bytes:
        head = read_head(file)
        if not reading.is_set():  # the first thread, whose file is still open
            reading.set()
            overlaps.append(opened.wait(0.5))
        return head

    monkeypatch.setattr(sqlite, "_read_head", read_slowly)

    def open_later() -> None:
        assert reading.wait(60)
        with Gallery(path) as second:
            assert len(second) == 1
            opened.set()

    thread = threading.Thread(target=open_later)
    thread.start()
    with Gallery(path) as first:
        assert len(first) == 1
    thread.join()
    assert (overlaps, opened.is_set()) == ([False], True)
