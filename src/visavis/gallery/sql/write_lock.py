"""Wait for SQLite's write lock so that the writers that wait longest get it first.

SQLite's own waiting favors those that have just come: the longer a writer has waited, the longer it pauses between its
attempts, up to 100 ms. With many writers some wait for seconds while others get the lock again and again.
"""

from __future__ import annotations

import sqlite3
from random import uniform
from time import monotonic, sleep

LONGEST_PAUSE, SHORTEST_PAUSE = 0.1, 0.001
"""Bounds in seconds of the pause between two attempts. A pause is about as long as the writer has waited, so that few
writers hardly wait; the longest falls to the shortest over ``AGED_SECONDS``."""
AGED_SECONDS = 0.4


def execute_locking(raw: sqlite3.Connection, statement: str, *, seconds: float) -> None:
    """Execute a statement that begins by taking the write lock; wait for the lock for ``seconds``.

    Raises sqlite3.OperationalError (SQLITE_BUSY) after that time.
    """
    raw.execute("PRAGMA busy_timeout=0")
    try:
        start = monotonic()
        while not _try(raw, statement, last=monotonic() - start > seconds):
            sleep(_pause(monotonic() - start))
    finally:
        raw.execute(f"PRAGMA busy_timeout={round(1000 * seconds)}")


def _try(raw: sqlite3.Connection, statement: str, *, last: bool) -> bool:
    """Execute the statement; return whether it got the lock. The ``last`` attempt raises."""
    try:
        raw.execute(statement)
    except sqlite3.OperationalError as error:
        if last or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise
        return False
    return True


def _pause(waited: float) -> float:
    """Return how long to sleep after having waited so long, in seconds; random, so that writers do not meet.

    While many wait, those that have just come sleep long: the one that has the lock gets it again, with all that it has
    read still in its memory, until one that has waited for ``AGED_SECONDS`` comes between.
    """
    age = min(waited / AGED_SECONDS, 1.0)
    longest = LONGEST_PAUSE + (SHORTEST_PAUSE - LONGEST_PAUSE) * age
    return uniform(0.5, 1.0) * min(max(waited, SHORTEST_PAUSE), longest)
