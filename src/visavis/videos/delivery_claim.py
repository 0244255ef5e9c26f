"""Which of the processes that share an outbox delivers to a target: the one that holds a lock on a file beside it.

The system releases the lock of a process that ends in any way.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from visavis.permissions import FILE

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """The right to deliver to one target, until it is released or the process ends."""

    path: Path
    descriptor: int

    def release(self) -> None:
        """Let another process deliver."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


def claim_delivery(outbox: Path, target: str) -> DeliveryClaim | None:
    """Return the right to deliver the messages of a target in an outbox; None while another process has it.

    Raises OSError where the file of the lock cannot be made.
    """
    digest = hashlib.sha256(target.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    path = outbox.with_name(f"{outbox.name}.{digest}.lock")
    while True:
        descriptor = os.open(path, FLAGS, FILE)
        if not _lock(descriptor):
            os.close(descriptor)
            return None
        if _is_at(path, descriptor):
            return DeliveryClaim(path, descriptor)
        os.close(descriptor)  # the process that had the right has deleted this file since


def _lock(descriptor: int) -> bool:
    """Lock a file; False where another process has locked it. A file system without locks grants each claim."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
