"""Types of columns whose values are encrypted where the gallery has a key, and stored as they are where it has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, Connection, Dialect, Engine, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from visavis.encryption import Cipher
from visavis.errors import GalleryError

Convert = Callable[[Any], Any]


class _Sealed(TypeDecorator[Any]):
    """Encrypts what the type ``impl`` stores.

    ``column`` is the purpose that a value is encrypted for. Values that are ``equal`` in queries stay equal.
    """

    def __init__(self, column: str, *, equal: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.column = column
        self.equal = equal

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        """Return the function that makes a value storable."""
        plain, cipher = super().bind_processor(dialect), cipher_of(dialect)
        if cipher is None:
            return plain
        seal, column = cipher.seal_equal if self.equal else cipher.seal, self.column.encode()

        def encrypt(value: Any) -> bytes | None:
            value = plain(value) if plain else value
            if value is None:
                return None
            return seal(value.encode("utf-8") if isinstance(value, str) else bytes(value), column)

        return encrypt

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        """Return the function that reads a stored value; GalleryError where the value is damaged."""
        plain, cipher = super().result_processor(dialect, coltype), cipher_of(dialect)
        if cipher is None:
            return plain
        unseal, column = cipher.open_equal if self.equal else cipher.open, self.column.encode()
        is_text = not isinstance(self.impl_instance, LargeBinary)

        def decrypt(value: Any) -> Any:
            if value is None:
                return plain(None) if plain else None
            try:
                data: Any = unseal(bytes(value), column)
            except (ValueError, TypeError) as error:
                raise GalleryError(f"a value of {self.column} is damaged: restore a copy of the gallery.") from error
            data = data.decode("utf-8") if is_text else data
            return plain(data) if plain else data

        return decrypt


class SealedText(_Sealed):
    """Text."""

    impl = Text
    cache_ok = True


class SealedJSON(_Sealed):
    """What JSON can hold."""

    impl = JSON
    cache_ok = True


class SealedBytes(_Sealed):
    """Bytes."""

    impl = LargeBinary
    cache_ok = True


def use_cipher(engine: Engine, cipher: Cipher | None) -> None:
    """Encrypt and decrypt the values of an engine that was not used yet."""
    engine.dialect.visavis_cipher = cipher  # type: ignore[attr-defined]


def cipher_of(source: Dialect | Connection) -> Cipher | None:
    """Return the cipher of a connection or its dialect."""
    dialect = source.dialect if isinstance(source, Connection) else source
    cipher: Cipher | None = getattr(dialect, "visavis_cipher", None)
    return cipher
