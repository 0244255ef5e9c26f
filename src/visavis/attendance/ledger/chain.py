"""The chain of the ledger: what is computed from a record, and the key that it is computed with.

The content of a record is hashed with a salt of its own. The code (HMAC-SHA-256) of a record covers that hash, the
number and the kind of the record, and the code of the record before it. Who has no key cannot change, remove, insert or
move a record so that the codes still agree. To erase a record, content and salt are deleted: the hash stays, from which
without the salt nothing can be learned, and the codes still agree.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from visavis import input_files, permissions
from visavis.errors import AttendanceError, reason_of

SALT_BYTES = 16
KEY_BYTES = 32
START = bytes(32)
"""What stands for the code of the record before the first."""
_to_json = json.JSONEncoder(separators=(",", ":")).encode


class LedgerKey:
    """The key of a ledger, from a file outside of the database."""

    def __init__(self, secret: bytes) -> None:
        self._chain = _derive(secret, b"chain")
        self._heads = _derive(secret, b"head")
        self._kiosks = _derive(secret, b"kiosk")
        self._badges = _derive(secret, b"badge")
        self._numbers = _derive(secret, b"number")
        self.mark = _derive(secret, b"mark")[:8].hex()
        """Tells the key from others, and nothing else about it."""

    def compute_code(self, before: bytes, number: int, kind: str, digest: bytes) -> bytes:
        """Return the code of a record; ``before`` is that of the record before it, ``digest`` that of its content."""
        return hmac.digest(self._chain, b"%b%d %b %b" % (before, number, kind.encode(), digest), "sha256")

    def sign_head(self, number: int, code: bytes) -> bytes:
        """Return the signature of the number and the code of the newest record."""
        return hmac.digest(self._heads, b"%d %b" % (number, code), "sha256")

    def derive_kiosk_key(self, kiosk: str) -> bytes:
        """Return the key with which a kiosk signs the punches that wait for a connection."""
        return hmac.digest(self._kiosks, kiosk.encode(), "sha256")

    def mark_badge(self, badge: str) -> str:
        """Return what the database holds instead of a badge number."""
        return hmac.digest(self._badges, badge.encode(), "sha256").hex()

    def mark_number(self, number: str) -> str:
        """Return what the database holds instead of a number that was typed, which may be part of a PIN."""
        return hmac.digest(self._numbers, number.encode(), "sha256").hex()


def digest_content(salt: bytes, content: Sequence[object]) -> bytes:
    """Return the hash of the content of a record: the values of its columns, in their order."""
    return hashlib.sha256(salt + _to_json(content).encode()).digest()


def create_key(path: Path) -> None:
    """Write a new key into a new file for this user alone; OSError where it cannot be, or the file is there."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, permissions.FILE)
    with os.fdopen(descriptor, "wb") as file:
        permissions.make_private(path)
        file.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> LedgerKey:
    """Return the key in a file; AttendanceError where there is none."""
    try:
        secret = bytes.fromhex(input_files.read_file(path, most=1000).decode("ascii"))
    except OSError as error:
        raise AttendanceError(
            f"the key of the ledger {path} cannot be read: {reason_of(error)}. Copy it back from its backup."
        ) from error
    except ValueError as error:
        raise AttendanceError(f"{path} is not the key of a ledger: copy it back from its backup.") from error
    if len(secret) != KEY_BYTES:
        raise AttendanceError(f"{path} is not the key of a ledger: copy it back from its backup.")
    permissions.warn_if_readable([path], contents="the key of the ledger")
    return LedgerKey(secret)


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"visavis attendance " + purpose, "sha256")
