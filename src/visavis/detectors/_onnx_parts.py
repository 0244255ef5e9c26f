"""Parts of an ONNX file as bytes, so that some can be replaced and all others stay as they are.

Field numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from visavis.errors import WeightsError

GRAPH = 7
"""Of a model."""
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5


def in_graph(model: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return the model with its graph changed; WeightsError where it is no ONNX file with one graph."""
    parts = [(number, part, content) for number, part, content in fields(model)]
    graphs = [content for number, _, content in parts if number == GRAPH]
    if len(graphs) != 1:
        raise WeightsError(f"an ONNX file has one graph, this one has {len(graphs)}.")
    return b"".join(field(GRAPH, change(content)) if number == GRAPH else part for number, part, content in parts)


def texts(message: bytes, wanted: int) -> list[str]:
    """Return the texts in the fields of that number."""
    return [content.decode("utf-8", "replace") for number, _, content in fields(message) if number == wanted]


def fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, the whole field and its content (empty where it is a number), in the order of the file."""
    at = 0
    while at < len(message):
        start = at
        key, at = _read(message, at)
        kind, size = key & 7, 0
        if kind == VARINT:
            _, at = _read(message, at)
        elif kind == BYTES:
            size, at = _read(message, at)
        else:
            at += {EIGHT_BYTES: 8, FOUR_BYTES: 4}.get(kind, len(message))
        if at + size > len(message):
            raise WeightsError(
                f"this is no ONNX file, or not the whole of one: byte {start} of a message leads nowhere."
            )
        yield key >> 3, message[start : at + size], message[at : at + size]
        at += size


def _read(message: bytes, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, lowest first, and where it ends."""
    number = 0
    for place, byte in enumerate(message[at : at + 10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise WeightsError(
        f"this is no ONNX file, or not the whole of one: the integer at byte {at} of a message does not end."
    )


def field(number: int, content: bytes) -> bytes:
    return _write(number << 3 | BYTES) + _write(len(content)) + content


def _write(number: int) -> bytes:
    digits: Sequence[int] = [number >> 7 * place & 0x7F for place in range(max(1, -(-number.bit_length() // 7)))]
    return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])
