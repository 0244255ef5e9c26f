"""Connections to a file of SQLite that cannot be written: on read-only media, without the right, or on a full disk.

SQLite reads a file with a write-ahead log by a file of shared memory beside it (``-shm``), which cannot be made there.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from visavis.atomic import has_room

WITHOUT_LOCKS = "win32-none" if os.name == "nt" else "unix-none"
"""The part of SQLite that reads and writes files without locks; where nothing can be written, no lock is needed."""
SHARED_BYTES = 32_768
"""The least size of the file of shared memory; on a full disk an attempt to make it leaves a shorter one."""
WORDS = ("SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
"""Starts of the names of SQLite's errors where the files beside a gallery cannot be made."""


def connector(path: Path, *, seconds: float) -> Callable[[], sqlite3.Connection]:
    """Return a function that connects for one transaction, since another user may begin to write to the file.

    Without a log the file alone is read. A log that another process has open is read with its shared memory, any other
    log without shared memory.
    """

    def connect() -> sqlite3.Connection:
        uri = path.absolute().as_uri()
        log, shared = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
        if not _size(log):
            options = "mode=ro&immutable=1"
        else:
            options = "mode=ro" if _size(shared) >= SHARED_BYTES else f"mode=ro&vfs={WITHOUT_LOCKS}"
        raw = sqlite3.connect(f"{uri}?{options}", uri=True, timeout=seconds)
        if options.endswith(WITHOUT_LOCKS):
            raw.execute("PRAGMA locking_mode=EXCLUSIVE")  # the index of the log is in this process's memory
        return raw

    return connect


def has_room_to_open(path: Path) -> bool:
    """Return whether the disk has room for the shared memory beside a file, or that is there already.

    SQLite does not allocate all of it: on a file system with small blocks the process would be killed (SIGBUS).
    """
    return _size(path.with_name(f"{path.name}-shm")) >= SHARED_BYTES or has_room(path.absolute().parent)


def _size(path: Path) -> int:
    """Return the size of a file in bytes; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def is_needed(error: Exception) -> bool:
    """Return whether an error of opening a file says that nothing can be written beside it."""
    return (getattr(error, "sqlite_errorname", None) or "").startswith(WORDS)
