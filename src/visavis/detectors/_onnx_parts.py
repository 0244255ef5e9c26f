"""Edit parts of published ONNX files as bytes, so that all other parts stay the same.

Exporters store the input size that they traced, and ONNX Runtime refuses all others (:func:`open_sizes`). It refuses
8-bit weights with blocks longer than a bias, and computes others again in each run (:func:`unfold_weights`). Field
numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from visavis.errors import WeightsError
from visavis.nets.onnx_bytes import FLOAT, tensor, value
from visavis.protobuf import WireError, read_fields, write_field
from visavis.weights.readers import onnx_arrays

GRAPH = 7
"""Field of a model."""
INPUT, OUTPUT, TRACED = 11, 12, 13
"""Fields of a graph: its inputs, its outputs, and the traced sizes of the values between."""
NAME = 1
NODE, INITIALIZER = 1, 5
NODE_INPUT, NODE_OUTPUT = 1, 2
TENSOR_NAME = 8


def open_sizes(model: bytes) -> bytes:
    """Return the model with a float32 input of ``(n, 3, height, width)``, all sizes but the channels open.

    Raises WeightsError if the model is not an ONNX file with one graph and one such input.
    """
    return edit_graph(model, _open_graph)


def _open_graph(graph: bytes) -> bytes:
    inside: list[bytes] = []
    for number, part, content in iterate_fields(graph):
        if number == INPUT:
            inside.append(write_field(INPUT, value(_read_name(content), FLOAT, ("n", 3, "height", "width"))))
        elif number == OUTPUT:
            name = _read_name(content)
            inside.append(write_field(OUTPUT, value(name, FLOAT, (f"{name} n", f"{name} cells", f"{name} values"))))
        elif number != TRACED:
            inside.append(part)
    return b"".join(inside)


def _read_name(described: bytes) -> str:
    return next(iter(read_texts(described, NAME)), "")


def unfold_weights(path: Path) -> bytes:
    """Return the model of ``path`` with its weights in float32; raise WeightsError if it is not an ONNX file."""
    arrays = onnx_arrays.read(path)
    return edit_graph(path.read_bytes(), lambda graph: _unfold_graph(graph, arrays))


def _unfold_graph(graph: bytes, arrays: Mapping[str, onnx_arrays.Array]) -> bytes:
    kept, used = [], set[str]()
    for number, part, content in iterate_fields(graph):
        if not _is_weight(number, content, arrays):
            kept.append(part)
            used |= set(read_texts(content, NODE_INPUT)) if number == NODE else set()
    weights = [write_field(INITIALIZER, tensor(name, array)) for name, array in arrays.items() if name in used]
    return b"".join([*kept, *weights])


def _is_weight(number: int, content: bytes, arrays: Mapping[str, onnx_arrays.Array]) -> bool:
    """Return whether a part of the graph is a weight, or a node that computes a weight."""
    names = {NODE: NODE_OUTPUT, INITIALIZER: TENSOR_NAME}.get(number)
    return names is not None and any(name in arrays for name in read_texts(content, names))


def edit_graph(model: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return the model with its graph changed; raise WeightsError if it is not an ONNX file with one graph."""
    parts = [(number, part, content) for number, part, content in iterate_fields(model)]
    graphs = [content for number, _, content in parts if number == GRAPH]
    if len(graphs) != 1:
        raise WeightsError(f"an ONNX file has one graph, this one has {len(graphs)}.")
    return b"".join(write_field(GRAPH, change(content)) if number == GRAPH else part for number, part, content in parts)


def read_texts(message: bytes, requested: int) -> list[str]:
    """Return the texts in the fields with the number ``requested``."""
    return [content.decode("utf-8", "replace") for number, _, content in iterate_fields(message) if number == requested]


def iterate_fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the number, the bytes and the content (empty for a number) of each field, in the order of the file."""
    try:
        for part in read_fields(message, 0, len(message)):
            yield part.number, message[part.first : part.end], message[part.start : part.end]
    except WireError as error:
        raise WeightsError(
            f"this is no ONNX file, or not the whole of one: {error}, at byte {error.at} of a message."
        ) from error
