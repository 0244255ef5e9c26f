"""Published ONNX files changed in parts as bytes, so that all others stay as they are.

Exporters write down the input size that they traced, and ONNX Runtime refuses all others (:func:`any_size`). It refuses
weights of 8 bits where a block is longer than a bias, and elsewhere computes them anew in each run (:func:`unfolded`).
Field numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from visavis.errors import WeightsError
from visavis.nets.onnx_bytes import FLOAT, field, tensor, value
from visavis.weights.readers import onnx_arrays

GRAPH = 7
"""Of a model."""
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
INPUT, OUTPUT, TRACED = 11, 12, 13
"""Of a graph: what goes in, what comes out, and the sizes of what is between."""
NAME = 1
NODE, INITIALIZER = 1, 5
NODE_INPUT, NODE_OUTPUT = 1, 2
TENSOR_NAME = 8


def any_size(model: bytes) -> bytes:
    """Return the model with an input of ``(n, 3, height, width)`` float32, all but the channels open.

    Raises WeightsError where it is no ONNX file with one graph and one such input.
    """
    return in_graph(model, _opened)


def _opened(graph: bytes) -> bytes:
    inside: list[bytes] = []
    for number, part, content in fields(graph):
        if number == INPUT:
            inside.append(field(INPUT, value(_name(content), FLOAT, ("n", 3, "height", "width"))))
        elif number == OUTPUT:
            name = _name(content)
            inside.append(field(OUTPUT, value(name, FLOAT, (f"{name} n", f"{name} cells", f"{name} values"))))
        elif number != TRACED:
            inside.append(part)
    return b"".join(inside)


def _name(described: bytes) -> str:
    return next(iter(texts(described, NAME)), "")


def unfolded(path: Path) -> bytes:
    """Return the model of ``path`` with its weights in float32; WeightsError where it is no ONNX file."""
    arrays = onnx_arrays.read(path)
    return in_graph(path.read_bytes(), lambda graph: _unfolded(graph, arrays))


def _unfolded(graph: bytes, arrays: Mapping[str, onnx_arrays.Array]) -> bytes:
    kept, used = [], set[str]()
    for number, part, content in fields(graph):
        if not _is_of_weights(number, content, arrays):
            kept.append(part)
            used |= set(texts(content, NODE_INPUT)) if number == NODE else set()
    weights = [field(INITIALIZER, tensor(name, array)) for name, array in arrays.items() if name in used]
    return b"".join([*kept, *weights])


def _is_of_weights(number: int, content: bytes, arrays: Mapping[str, onnx_arrays.Array]) -> bool:
    """Tell whether a part of the graph is a weight, or a node that computes one."""
    names = {NODE: NODE_OUTPUT, INITIALIZER: TENSOR_NAME}.get(number)
    return names is not None and any(name in arrays for name in texts(content, names))


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
