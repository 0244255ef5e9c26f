"""Writers that wait for one another: the one that waits longest goes first, and an enrollment writes little."""

from __future__ import annotations

import json
import sqlite3
import statistics
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from example_counts import LONG
from visavis.gallery import Gallery
from visavis.gallery.sql.write_lock import execute_locking

from .faces import MODEL, child, embedding, person, template

WRITERS = 13
SECONDS = 20 if LONG else 8
LONGEST = 3.0
"""Seconds that one enrollment may wait among so many writers."""
LATE = 1.0 if LONG else 2.0
"""Seconds that 99 of 100 enrollments may wait."""


@pytest.mark.slow(seconds=16)
def test_many_writers_wait_for_their_turn_and_lose_nothing(tmp_path: Path) -> None:
    """Nothing is lost in any round; how long they wait is that of the best round, as the machine does other things."""
    for number in range(5):
        waits = _write_for_a_while(tmp_path / f"{number}.db")
        everything = sorted(wait for own in waits for wait in own)
        longest, late = everything[-1], statistics.quantiles(everything, n=100)[-1]
        fewest, most = min(map(len, waits)), max(map(len, waits))
        # with SQLite's own waiting, some get a fiftieth
        if longest <= LONGEST and fewest >= most / 4 and late <= LATE:
            break
    assert longest <= LONGEST
    assert fewest >= most / 4
    assert late <= LATE


def _write_for_a_while(path: Path) -> list[list[float]]:
    """Let all writers enroll for ``SECONDS``; return how long each enrollment of each took."""
    with Gallery(path, model=MODEL) as gallery:
        gallery.add("first", person(1)[1])
    processes = [child("enroll_for_a_while", path, number, SECONDS) for number in range(WRITERS)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    waits = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * WRITERS
    with Gallery(path) as gallery:
        assert len(gallery) == 1 + sum(map(len, waits))
        assert {problem.kind for problem in gallery.check()} <= {"doubtful"}
    return waits


def test_the_lock_is_waited_for_as_long_as_asked(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as first,
        closing(sqlite3.connect(path, isolation_level=None)) as second,
    ):
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            execute_locking(second, "BEGIN IMMEDIATE", seconds=0.2)
        assert second.execute("PRAGMA busy_timeout").fetchone() == (200,)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            execute_locking(second, "SELECT * FROM nowhere", seconds=5)
        first.execute("ROLLBACK")
        execute_locking(second, "BEGIN IMMEDIATE", seconds=0.2)
        assert second.in_transaction


@pytest.mark.parametrize("dimension", [128, 512])
def test_an_enrollment_writes_little_to_the_log(path: Path, dimension: int) -> None:
    """About ten pages, and more where pages are divided."""
    people = [
        (f"person {i}", [replace(template(1000 * i), embedding=embedding(i, dimension=dimension))]) for i in range(650)
    ]
    log, written = path.with_name("faces.db-wal"), []
    with Gallery(path, model=MODEL) as gallery:
        gallery.add_many(people[:500])
        for name, templates in people[500:]:
            before = log.stat().st_size
            gallery.add(name, templates)
            written.append(log.stat().st_size - before)
    assert statistics.median(written) <= 36_000
    assert max(written) <= 64_000
