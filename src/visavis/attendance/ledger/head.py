"""The head: number and code of the newest record, signed, in a file outside of the database.

The codes of a chain say nothing about records that are missing at its end. The head does: who removes the newest
records from the database does not change the file. It is written after each transaction, so that a process that is
killed between the two leaves a head that is a transaction behind, never ahead.
"""

from __future__ import annotations

import hmac
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from visavis import atomic, input_files
from visavis.attendance.ledger.chain import START, LedgerKey
from visavis.errors import AttendanceError, VisavisWarning, reason_of
from visavis.structured_text import parse_json

MOST_BYTES = 1000


class LedgerHead(NamedTuple):
    """Number and code of a record; of an empty ledger 0 and ``START``."""

    number: int
    code: bytes


EMPTY = LedgerHead(0, START)


class HeadFile:
    """The file of the head; ``lock`` is a file that is never replaced, which is locked while the head is written."""

    def __init__(self, path: Path, key: LedgerKey, *, lock: Path) -> None:
        self.path = path
        self._key, self._lock = key, lock

    def read(self) -> LedgerHead | None:
        """Return the head; None where there is no file, or it was not written with the key."""
        try:
            content = parse_json(input_files.read_file(self.path, most=MOST_BYTES))
            head = LedgerHead(int(content["number"]), bytes.fromhex(content["code"]))
            signature = bytes.fromhex(content["signature"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return head if hmac.compare_digest(signature, self._key.sign_head(*head)) else None

    def create(self) -> None:
        """Write the head of an empty ledger; OSError where it cannot be written."""
        self._write(EMPTY)

    def advance(self, head: LedgerHead) -> None:
        """Write a newer head; an older one than the file has is left out. Warns where it cannot be written.

        A missing file stays missing, so that ``verify`` names it.
        """
        try:
            with self._locked():
                before = self.read()
                if before is not None and before.number < head.number:
                    self._write(head)
        except OSError as error:
            warnings.warn(
                f"{self.path} cannot be written: {reason_of(error)}. The records are stored; until it can be, "
                "visavis attendance verify does not notice whether the newest are removed.",
                VisavisWarning,
                stacklevel=2,
            )

    def renew(self, head: LedgerHead) -> None:
        """Write this head whatever the file has; AttendanceError where it cannot be written."""
        try:
            with self._locked():
                self._write(head)
        except OSError as error:
            raise AttendanceError(f"{self.path} cannot be written: {reason_of(error)}.") from error

    def _write(self, head: LedgerHead) -> None:
        signature = self._key.sign_head(*head).hex()
        content = {"number": head.number, "code": head.code.hex(), "signature": signature}
        atomic.write_text(self.path, json.dumps(content) + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_RDONLY)
        try:
            atomic.lock(descriptor)
            yield
        finally:
            os.close(descriptor)
