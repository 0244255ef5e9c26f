"""Messages of protocol buffers in a weight file, within its bounds; :mod:`visavis.protobuf` reads the fields."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from visavis.protobuf import Field, WireError, read_fields, read_varint
from visavis.weights.readers._file_bytes import FileBytes

Span = tuple[int, int]
"""Start and end of a message, a text or packed numbers."""


class Message:
    """The fields of one message; of a repeated number the last one counts, of a list all do."""

    def __init__(self, file: FileBytes, span: Span) -> None:
        self._file = file
        self.fields: dict[int, list[int | Span]] = {}
        for field in _read_fields(file, *span):
            content = (field.start, field.end) if field.value is None else field.value
            self.fields.setdefault(field.number, []).append(content)

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
                numbers += map(_to_signed, self._unpack(*item))
        return numbers

    def _unpack(self, at: int, end: int) -> Iterator[int]:
        try:
            while at < end:
                self._file.step(at)
                value, at = read_varint(self._file.data, at, end)
                yield value
        except WireError as error:
            raise self._file.fail(str(error), error.at) from error


def _to_signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _read_fields(file: FileBytes, at: int, end: int) -> Iterator[Field]:
    file.check(at, end - at)
    try:
        for field in read_fields(file.data, at, end):
            file.step(field.first)
            yield field
    except WireError as error:
        raise file.fail(str(error), error.at) from error


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
