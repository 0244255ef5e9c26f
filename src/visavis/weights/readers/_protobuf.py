"""Protocol buffers as a sequence of fields: number, kind and value, each message within bounds set by its owner."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from visavis.weights.readers._file_bytes import FileBytes

VARINT, BYTES = 0, 2
SIZES = {1: 8, 5: 4}
Span = tuple[int, int]
"""Start and end of a message, a text or packed numbers."""


class Message:
    """The fields of one message; of a repeated number the last one counts, of a list all do."""

    def __init__(self, file: FileBytes, span: Span) -> None:
        self._file = file
        self.fields: dict[int, list[int | Span]] = {}
        for number, value in _read_fields(file, *span):
            self.fields.setdefault(number, []).append(value)

    def integer(self, number: int, default: int = 0) -> int:
        """Return a signed integer of 64 bits, an enumeration or a truth value."""
        return next(
            (_to_signed(value) for value in reversed(self.fields.get(number, ())) if isinstance(value, int)), default
        )

    def spans(self, number: int) -> list[Span]:
        """Return all messages, texts or packed numbers of that field."""
        return [value for value in self.fields.get(number, ()) if isinstance(value, tuple)]

    def messages(self, number: int) -> list[Message]:
        """Return all messages of that field."""
        return [Message(self._file, span) for span in self.spans(number)]

    def text(self, number: int) -> str:
        """Return a text, or "" where there is none."""
        for start, end in self.spans(number)[-1:]:
            try:
                return self._file.take(start, end - start).decode()
            except UnicodeDecodeError as error:
                raise self._file.fail("text that is not UTF-8", start) from error
        return ""

    def integers(self, number: int) -> list[int]:
        """Return a list of signed integers, packed or single."""
        numbers: list[int] = []
        for item in self.fields.get(number, ()):
            if isinstance(item, int):
                numbers.append(_to_signed(item))
            else:
                at, end = item
                while at < end:
                    self._file.step(at)
                    value, at = _read_varint(self._file, at, end)
                    numbers.append(_to_signed(value))
        return numbers


def _to_signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _read_fields(file: FileBytes, at: int, end: int) -> Iterator[tuple[int, int | Span]]:
    file.check(at, end - at)
    while at < end:
        file.step(at)
        key, at = _read_varint(file, at, end)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _read_varint(file, at, end)
            yield number, value
            continue
        size, at = _read_varint(file, at, end) if kind == BYTES else (SIZES.get(kind, -1), at)
        if size < 0 or at + size > end:
            raise file.fail(f"a field of kind {kind} with {size} bytes, where {end - at} are left", at)
        yield number, (at, at + size)
        at += size


def _read_varint(file: FileBytes, at: int, end: int) -> tuple[int, int]:
    """Return an integer of seven bits a byte, lowest first, and where it ends."""
    value = 0
    for place in range(at, min(at + 10, end)):
        byte = file.data[place]
        value |= (byte & 0x7F) << 7 * (place - at)
        if byte < 0x80:
            return value & (2**64 - 1), place + 1
    raise file.fail("an integer that does not end", at)


def floats(file: FileBytes, spans: list[Span], width: int) -> bytes:
    """Return the raw bytes of numbers of 4 or 8 bytes, packed or single."""
    data = b"".join(file.take(start, end - start) for start, end in spans)
    if len(data) % width:
        raise file.fail(f"{len(data)} bytes of numbers of {width}", spans[0][0])
    return data


def single(file: FileBytes, span: Span) -> float:
    """Return one float32."""
    start, end = span
    if end - start != 4:
        raise file.fail(f"a float of {end - start} bytes", start)
    return float(struct.unpack("<f", file.take(start, 4))[0])
