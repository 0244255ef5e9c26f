"""Wire format of protocol buffers: the fields of a message in bytes, read and written.

By hand, since the protobuf package reads only formats that were compiled to classes (28 MB in the onnx package), and a
message as a whole: a hostile file would decide how much memory that takes. Here nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
SIZES = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
VARINT_BYTES = 10


class WireError(ValueError):
    """Bytes that are no message, from the byte ``at``."""

    def __init__(self, fault: str, at: int) -> None:
        super().__init__(fault)
        self.at = at


class Field(NamedTuple):
    """A field: its number, its first byte, its number as ``value`` (None for bytes), and where the content lies."""

    number: int
    first: int
    value: int | None
    start: int
    end: int


def read_fields(data: bytes | mmap, at: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message in ``data[at:end]``, in their order; WireError where it is none."""
    while at < end:
        first = at
        key, at = read_varint(data, at, end)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, start = read_varint(data, at, end)
            yield Field(number, first, value, start, start)
            at = start
            continue
        size, at = read_varint(data, at, end) if kind == BYTES else (SIZES.get(kind, -1), at)
        if size < 0 or at + size > end:
            raise WireError(f"a field of kind {kind} with {size} bytes, where {end - at} are left", at)
        yield Field(number, first, None, at, at + size)
        at += size


def read_varint(data: bytes | mmap, at: int, end: int) -> tuple[int, int]:
    """Return an integer of 64 bits, written as seven bits a byte, lowest first, and where it ends."""
    value = 0
    for place in range(at, min(at + VARINT_BYTES, end)):
        byte = data[place]
        value |= (byte & 0x7F) << 7 * (place - at)
        if byte < 0x80:
            return value & (2**64 - 1), place + 1
    raise WireError("an integer that does not end", at)


def write_field(number: int, content: bytes) -> bytes:
    """Return the content as a field of that number."""
    return write_head(number, len(content)) + content


def write_text(number: int, text: str) -> bytes:
    """Return a field of text."""
    return write_field(number, text.encode())


def write_integer(number: int, value: int) -> bytes:
    """Return a field of an integer from 0 up."""
    return _base128(number << 3) + _base128(value)


def write_head(number: int, size: int) -> bytes:
    """Return what stands before a content of ``size`` bytes."""
    return _base128(number << 3 | BYTES) + _base128(size)


def _base128(value: int) -> bytes:
    """Return seven bits a byte, lowest first, with the high bit set on all but the last."""
    if value < 0:
        raise ValueError("negative numbers are not used in these files")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
