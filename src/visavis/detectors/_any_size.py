"""Published ONNX files that state one input size, made to take any: only the statement changes, no weight and no node.

A network of convolutions works at any size, but exporters write down the sizes they traced, and ONNX Runtime refuses
all others. Field numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from visavis.errors import WeightsError
from visavis.nets._onnx_file import FLOAT, value

GRAPH = 7
"""Of a model."""
INPUT, OUTPUT, TRACED = 11, 12, 13
"""Of a graph: what goes in, what comes out, and the sizes of what is between."""
NAME = 1
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5


def any_size(model: bytes) -> bytes:
    """Return the model with an input of ``(n, 3, height, width)`` float32, all but the channels open.

    Raises WeightsError where it is no ONNX file with one graph and one such input.
    """
    parts = [(number, part, content) for number, part, content in _fields(model)]
    graphs = [content for number, _, content in parts if number == GRAPH]
    if len(graphs) != 1:
        raise WeightsError(f"an ONNX file has one graph, this one has {len(graphs)}.")
    return b"".join(_field(GRAPH, _opened(content)) if number == GRAPH else part for number, part, content in parts)


def outputs(model: bytes) -> list[str]:
    """Names of what comes out, in order."""
    graph = next(content for number, _, content in _fields(model) if number == GRAPH)
    return [_name(content) for number, _, content in _fields(graph) if number == OUTPUT]


def _opened(graph: bytes) -> bytes:
    inside: list[bytes] = []
    for number, part, content in _fields(graph):
        if number == INPUT:
            inside.append(_field(INPUT, value(_name(content), FLOAT, ("n", 3, "height", "width"))))
        elif number == OUTPUT:
            name = _name(content)
            inside.append(_field(OUTPUT, value(name, FLOAT, (f"{name} n", f"{name} cells", f"{name} values"))))
        elif number != TRACED:
            inside.append(part)
    return b"".join(inside)


def _name(described: bytes) -> str:
    return next((content.decode("utf-8", "replace") for number, _, content in _fields(described) if number == NAME), "")


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
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


def _field(number: int, content: bytes) -> bytes:
    return _write(number << 3 | BYTES) + _write(len(content)) + content


def _write(number: int) -> bytes:
    digits: Sequence[int] = [number >> 7 * place & 0x7F for place in range(max(1, -(-number.bit_length() // 7)))]
    return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])
