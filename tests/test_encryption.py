"""Values and files are encrypted and decrypted, and nothing that was changed, moved or left out is accepted."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from visavis import encryption
from visavis.encryption import BLOCK_BYTES, HEAD, Cipher, read_key
from visavis.errors import MissingExtraError, UsageError, VisavisWarning

pytest.importorskip("cryptography")

SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def cipher() -> Cipher:
    return Cipher(SECRET)


def test_a_value_is_read_with_its_key_and_purpose_alone(cipher: Cipher) -> None:
    sealed = cipher.seal(b"Ann", b"name")
    assert (cipher.open(sealed, b"name"), b"Ann" in sealed) == (b"Ann", False)
    assert cipher.seal(b"Ann", b"name") != sealed
    other = Cipher(SECRET[::-1])
    for wrong in (
        lambda: cipher.open(sealed, b"note"),
        lambda: other.open(sealed, b"name"),
        lambda: cipher.open(sealed[:-1], b"name"),
        lambda: cipher.open(b"", b"name"),
        lambda: cipher.open(bytes([sealed[0] ^ 1]) + sealed[1:], b"name"),
        lambda: cipher.open_equal(sealed, b"name"),
    ):
        with pytest.raises(ValueError, match="it is damaged, or encrypted with another key"):
            wrong()


def test_equal_values_of_one_purpose_become_equal(cipher: Cipher) -> None:
    sealed = cipher.seal_equal(b"Ann", b"name")
    assert cipher.open_equal(sealed, b"name") == b"Ann"
    assert Cipher(SECRET).seal_equal(b"Ann", b"name") == sealed
    assert cipher.seal_equal(b"Ann", b"folded")[12:] != sealed[12:]
    assert cipher.seal_equal(b"Anna", b"name")[:12] != sealed[:12]


def test_the_form_of_what_is_stored_does_not_change() -> None:
    """A gallery that is encrypted today is read in years."""
    cipher = Cipher(SECRET)
    assert cipher.mark == "723588925eece34c"
    assert cipher.seal_equal(b"Ann", b"name").hex() == "cb9cecc1128ed8febf92351069df76b4a20233289c04168d7827c32c2b761c"


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_a_file_is_read_as_it_was(cipher: Cipher, size: int) -> None:
    plain, sealed = os.urandom(size), io.BytesIO()
    cipher.seal_file(io.BytesIO(plain), sealed, b"a")
    sealed.seek(0)
    assert cipher.open_file(sealed, b"a").read() == plain


def test_a_file_without_a_block_or_with_blocks_exchanged_is_refused(
    cipher: Cipher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "BLOCK_BYTES", 10)
    file = io.BytesIO()
    cipher.seal_file(io.BytesIO(bytes(25)), file, b"a")
    sealed, start, size = file.getvalue(), len(HEAD) + 12, 12 + 10 + 16
    first, second = sealed[start : start + size], sealed[start + size : start + 2 * size]
    head, rest = sealed[:start], sealed[start + 2 * size :]
    assert cipher.open_file(io.BytesIO(head + first + second + rest), b"a").read() == bytes(25)
    for wrong in (head + first + second, head + second + first + rest, head + second + rest, head + rest, head):
        with pytest.raises(ValueError, match="it is damaged, or encrypted with another key"):
            cipher.open_file(io.BytesIO(wrong), b"a")
    with pytest.raises(ValueError, match="it is damaged, or encrypted with another key"):
        cipher.open_file(io.BytesIO(sealed), b"b")
    with pytest.raises(ValueError, match="it is not encrypted"):
        cipher.open_file(io.BytesIO(b"PK\x03\x04"), b"a")


def test_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "faces.key"
    with pytest.raises(UsageError, match=r"faces\.key cannot be read: No such file .* openssl rand -hex 32 >"):
        read_key(path)
    with pytest.raises(UsageError, match=r"~no-such-user/faces\.key cannot be read: No such file"):
        read_key("~no-such-user/faces.key")
    path.write_bytes(SECRET[:31])
    with pytest.raises(UsageError, match=r"must hold 32 to 4096 random bytes"):
        read_key(path)
    path.write_bytes(SECRET + b"\r\n")
    assert read_key(path).mark == Cipher(SECRET).mark  # type: ignore[union-attr]
    assert read_key(None) is None


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_key_file_that_others_can_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "faces.key"
    path.write_bytes(SECRET)
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    with pytest.warns(VisavisWarning, match=r"can read .*faces\.key, which holds a key: run chmod go= "):
        read_key(path)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'visavis\[encrypt\]'"):
        Cipher(SECRET)
