"""Events that are still to be delivered, in an SQLite file: they survive a restart, and their number is bounded."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from visavis.errors import VisavisError
from visavis.permissions import create_file

CAPACITY = 10_000
"""Most messages that wait for one target; the oldest are dropped for newer ones."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    event_id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (target, event_id)
)
"""

TABLES = {"messages", "sqlite_sequence"}
"""Tables of an outbox; a file with others, such as a gallery, is left alone."""


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event to deliver: its place in the order, its id, and its JSON."""

    number: int
    event_id: str
    body: str


class Outbox:
    """The waiting messages of all targets; may be used by several threads.

    Raises VisavisError where ``path`` cannot be used, such as a file of another kind.
    """

    def __init__(self, path: Path, *, capacity: int = CAPACITY) -> None:
        self._path = path
        self._capacity = capacity
        self._lock = Lock()
        try:
            create_file(path)
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
            if {name for (name,) in self._connection.execute(query)} - TABLES:
                raise VisavisError(f"{path} holds something else than events to deliver. Give another --outbox.")
            self._connection.execute(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise VisavisError(f"{path} cannot hold the events to deliver: {error}. Give another --outbox.") from error

    def add(self, target: str, event_id: str, body: str) -> int:
        """Add a message, unless the same event waits for the target; return how many old messages were dropped."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "INSERT OR IGNORE INTO messages (target, event_id, body) VALUES (?, ?, ?)", (target, event_id, body)
            )
            return self._connection.execute(
                "DELETE FROM messages WHERE target = ? AND number NOT IN "
                "(SELECT number FROM messages WHERE target = ? ORDER BY number DESC LIMIT ?)",
                (target, target, self._capacity),
            ).rowcount

    def first(self, target: str) -> QueuedEvent | None:
        """Return the oldest message that waits for a target."""
        with self._lock:
            row = self._connection.execute(
                "SELECT number, event_id, body FROM messages WHERE target = ? ORDER BY number LIMIT 1", (target,)
            ).fetchone()
        return None if row is None else QueuedEvent(*row)

    def remove(self, message: QueuedEvent) -> None:
        """Remove a message that was delivered, or cannot be."""
        with self._lock:
            self._connection.execute("DELETE FROM messages WHERE number = ?", (message.number,))

    def count(self, target: str) -> int:
        """Return how many messages wait for a target."""
        with self._lock:
            number: int = self._connection.execute(
                "SELECT COUNT(*) FROM messages WHERE target = ?", (target,)
            ).fetchone()[0]
        return number

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
