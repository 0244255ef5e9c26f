"""Events that are still to be delivered, in an SQLite file: they survive a restart, and their number is bounded.

They hold names, so with a key they are encrypted, and nothing of a delivered event is left in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from visavis.atomic import has_room
from visavis.encryption import Cipher
from visavis.errors import VisavisError
from visavis.permissions import create_file
from visavis.videos.delivery_claim import DeliveryClaim, claim_delivery

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

PURPOSE = b"event in an outbox"
"""What the bodies are encrypted for."""

IDENTITY = """
CREATE TABLE IF NOT EXISTS identity (name TEXT NOT NULL);
INSERT INTO identity SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM identity);
"""

TABLES = {"messages", "identity", "sqlite_sequence"}
"""Tables of an outbox; a file with others, such as a gallery, is left alone."""


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event to deliver: its place in the order, its id, and its JSON."""

    number: int
    event_id: str
    body: str


class Outbox:
    """The waiting messages of all targets, encrypted if there is a ``cipher``; may be used by several threads.

    Several processes may share an outbox. ``identity`` is a random name of this outbox, which stays.
    Raises VisavisError where ``path`` cannot be used, such as a file of another kind or on a full disk.
    """

    def __init__(self, path: Path, *, capacity: int = CAPACITY, cipher: Cipher | None = None) -> None:
        self._path = path
        self._capacity = capacity
        self._cipher = cipher
        self._lock = Lock()
        with self._explain_errors():
            create_file(path)
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA secure_delete=ON")  # overwrites removed rows with zeros
            query = "SELECT name FROM sqlite_master WHERE type <> 'index'"  # a trigger or a view too
            if {name for (name,) in self._connection.execute(query)} - TABLES:
                raise VisavisError(f"{path} holds something else than events to deliver. Give another --outbox.")
            self._connection.execute(SCHEMA)
            for statement in IDENTITY.split(";\n"):
                self._connection.execute(statement)
            ((self.identity,),) = self._connection.execute("SELECT name FROM identity LIMIT 1").fetchall()

    def add(self, target: str, event_id: str, body: str) -> int:
        """Add a message, unless the same event waits for the target; return how many old messages were dropped."""
        stored = body if self._cipher is None else self._cipher.seal(body.encode(), PURPOSE)
        with self._lock, self._explain_errors(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "INSERT OR IGNORE INTO messages (target, event_id, body) VALUES (?, ?, ?)", (target, event_id, stored)
            )
            return self._connection.execute(
                "DELETE FROM messages WHERE target = ? AND number NOT IN "
                "(SELECT number FROM messages WHERE target = ? ORDER BY number DESC LIMIT ?)",
                (target, target, self._capacity),
            ).rowcount

    def first(self, target: str) -> QueuedEvent | None:
        """Return the oldest message that waits for a target; VisavisError where another key has encrypted it."""
        with self._lock, self._explain_errors():
            row = self._connection.execute(
                "SELECT number, event_id, body FROM messages WHERE target = ? ORDER BY number LIMIT 1", (target,)
            ).fetchone()
        return None if row is None else QueuedEvent(row[0], row[1], self._read_body(row[2]))

    def remove(self, message: QueuedEvent) -> None:
        """Remove a message that was delivered, or cannot be, without a trace."""
        with self._lock, self._explain_errors():
            self._connection.execute("DELETE FROM messages WHERE number = ?", (message.number,))

    def count(self, target: str) -> int:
        """Return how many messages wait for a target."""
        with self._lock, self._explain_errors():
            number: int = self._connection.execute(
                "SELECT COUNT(*) FROM messages WHERE target = ?", (target,)
            ).fetchone()[0]
        return number

    def claim(self, target: str) -> DeliveryClaim | None:
        """Return the right to deliver the messages of a target; None while another process has it."""
        with self._explain_errors():
            return claim_delivery(self._path, target)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _read_body(self, stored: str | bytes) -> str:
        """Return the JSON of an event; those that wait since there was no key are not encrypted."""
        if isinstance(stored, str):
            return stored
        try:
            if self._cipher is not None:
                return self._cipher.open(stored, PURPOSE).decode()
        except ValueError:
            pass
        raise VisavisError(f"{self._path} holds events encrypted with another key: give its --key-file, or --outbox.")

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = error if has_room(self._path.absolute().parent) else "the disk is full"
            raise VisavisError(
                f"{self._path} cannot hold the events to deliver: {reason}. Give another --outbox."
            ) from error
