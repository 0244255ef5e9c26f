"""Encrypt what is stored with the key in a file: AES-256-GCM of the package cryptography (extra ``encrypt``).

The file holds 32 random bytes or more, in any form; who has it can read all. Keys for values, for values that are
looked up, and for files are derived from it, so that none is used for two purposes.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
from typing import TYPE_CHECKING, Protocol

from visavis import input_files, permissions
from visavis.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE = "VISAVIS_KEY_FILE"
"""Environment variable with the path of the key file."""
LEAST_BYTES, MOST_BYTES = 32, 4096
"""Size of a key file."""
NONCE_BYTES, TAG_BYTES = 12, 16
BLOCK_BYTES = 1 << 24
"""Bytes of a file that are encrypted at a time."""
HEAD = b"visavis sealed 1\n"
"""First bytes of an encrypted file."""
MAKE_KEY = "(umask 077; openssl rand -hex 32 > faces.key)"


KeyFile = str | os.PathLike[str] | None
"""Path of a key file; None for no key."""


class Readable(Protocol):
    """A file open for reading."""

    def read(self, size: int = ..., /) -> bytes:
        """Read up to ``size`` bytes."""
        ...


class Cipher:
    """Encrypts and decrypts with one key. Safe to use from several threads."""

    def __init__(self, secret: bytes) -> None:
        """Derive the keys from a secret of ``LEAST_BYTES`` or more; MissingExtraError without cryptography."""
        self._values = _make_cipher(_derive(secret, b"values"))
        self._equals = _make_cipher(_derive(secret, b"values that are looked up"))
        self._nonces = _derive(secret, b"nonces of values that are looked up")
        self._files = _make_cipher(_derive(secret, b"files"))
        self.mark = _derive(secret, b"mark")[:8].hex()
        """Tells the key from others, and nothing else about it."""

    def seal(self, data: bytes, purpose: bytes) -> bytes:
        """Encrypt a value; ``purpose`` is needed to decrypt it, so that it cannot be moved to another column."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._values.encrypt(nonce, data, purpose)

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        """Decrypt a value; ValueError where it was not encrypted with this key for this purpose."""
        return _decrypt(self._values, sealed, purpose)

    def seal_equal(self, data: bytes, purpose: bytes) -> bytes:
        """Encrypt a value so that it can be looked up: equal values of one purpose become equal."""
        nonce = hmac.digest(self._nonces, purpose + b"\0" + data, "sha256")[:NONCE_BYTES]
        return nonce + self._equals.encrypt(nonce, data, purpose)

    def open_equal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Decrypt a value of :meth:`seal_equal`; ValueError as :meth:`open`."""
        return _decrypt(self._equals, sealed, purpose)

    def seal_file(self, file: Readable, target: io.BufferedIOBase, purpose: bytes) -> None:
        """Encrypt a file, block by block: no block can be changed, left out, added or moved."""
        number, salt = 0, os.urandom(NONCE_BYTES)
        target.write(HEAD + salt)
        block = file.read(BLOCK_BYTES)
        while True:
            following = file.read(BLOCK_BYTES)
            nonce = os.urandom(NONCE_BYTES)
            target.write(nonce + self._files.encrypt(nonce, block, _place(purpose, salt, number, last=not following)))
            if not following:
                return
            block, number = following, number + 1

    def open_file(self, file: Readable, purpose: bytes) -> io.BytesIO:
        """Decrypt a file into memory; ValueError where it is damaged or of another key."""
        if file.read(len(HEAD)) != HEAD:
            raise ValueError("it is not encrypted")
        salt, plain, number = file.read(NONCE_BYTES), io.BytesIO(), 0
        size = NONCE_BYTES + BLOCK_BYTES + TAG_BYTES
        block = file.read(size)
        while True:
            following = file.read(size)
            plain.write(_decrypt(self._files, block, _place(purpose, salt, number, last=not following)))
            if not following:
                plain.seek(0)
                return plain
            block, number = following, number + 1


def read_key(path: KeyFile) -> Cipher | None:
    """Return the cipher of a key file; None for None. UsageError for an unusable file, MissingExtraError."""
    if path is None:
        return None
    file = input_files.expand_home(path)
    try:
        with input_files.open_stream(file) as opened:
            secret = (opened.read(MOST_BYTES + 1) or b"").strip()
    except OSError as error:
        raise UsageError(f"the key file {file} cannot be read: {error.strerror}. Make one: {MAKE_KEY}") from error
    if not LEAST_BYTES <= len(secret) <= MOST_BYTES:
        raise UsageError(f"the key file {file} must hold {LEAST_BYTES} to {MOST_BYTES} random bytes: {MAKE_KEY}")
    permissions.warn_if_readable([file], contents="a key")
    return Cipher(secret)


def named_key_file() -> str | None:
    """Return the key file that the environment names."""
    return os.environ.get(VARIABLE) or None


def _derive(secret: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes for a purpose: HKDF's second step for one block, on a secret that is random already."""
    return hmac.digest(hashlib.sha256(secret).digest(), b"visavis " + purpose + b"\x01", "sha256")


def _make_cipher(key: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise MissingExtraError("encryption takes the package cryptography: pip install 'visavis[encrypt]'.") from error
    return AESGCM(key)


def _decrypt(cipher: AESGCM, sealed: bytes, purpose: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose)
    except (InvalidTag, ValueError) as error:
        raise ValueError("it is damaged, or encrypted with another key") from error


def _place(purpose: bytes, salt: bytes, number: int, *, last: bool) -> bytes:
    return b"%s %s %d %d" % (purpose, salt, number, last)
