"""Inputs and outputs of an ONNX file's network, the size of its constants, and the other files that it reads.

Nothing in it is run. The format allows any tensor to lie in another file, with any path.
Field numbers are those of ``onnx.proto`` (version 1.16).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from visavis.weights.readers._file_bytes import FileBytes
from visavis.weights.readers._protobuf import Message

GRAPH = 7
INITIALIZER, INPUT, OUTPUT = 5, 11, 12
FLOATS, TENSOR_NAME, RAW = 4, 8, 9
NAME, TYPE, TENSOR_TYPE, SHAPE, DIM, DIM_VALUE = 1, 2, 1, 2, 1, 1

Sides = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """Shapes of inputs and outputs (None: open), and the bytes of the graph's constants that lie in the file itself."""

    inputs: tuple[Sides, ...]
    outputs: tuple[Sides, ...]
    constants: int


def read(path: Path) -> Outline:
    """Return the outline; WeightsError where the file is damaged or holds no graph."""
    file = FileBytes(path, "an ONNX file")
    graphs = Message(file, (0, file.size)).messages(GRAPH)
    if len(graphs) != 1:
        raise file.fail(f"it holds {len(graphs)} graphs")
    tensors = graphs[0].messages(INITIALIZER)
    names = {tensor.text(TENSOR_NAME) for tensor in tensors}
    return Outline(
        tuple(_read_sides(value) for value in graphs[0].messages(INPUT) if value.text(NAME) not in names),
        tuple(_read_sides(value) for value in graphs[0].messages(OUTPUT)),
        sum(end - start for tensor in tensors for part in (FLOATS, RAW) for start, end in tensor.spans(part)),
    )


def _read_sides(value: Message) -> Sides:
    """Return the sides of an input or an output; none where it is not a tensor or its shape is not stated."""
    shapes = [
        shape
        for kind in value.messages(TYPE)
        for tensor in kind.messages(TENSOR_TYPE)
        for shape in tensor.messages(SHAPE)
    ]
    return tuple(side.integer(DIM_VALUE) or None for shape in shapes[:1] for side in shape.messages(DIM))


MODEL = {7: "graph", 25: "function"}
INSIDE: dict[str, dict[int, str]] = {
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Kinds of the parts of each message that lead to a tensor, by field number."""
EXTERNAL_DATA, DATA_LOCATION = 13, 14
KEY, VALUE = 1, 2
DEPTH = 50
"""Limit of graphs within graphs; real networks have a few levels."""


def external_files(path: Path) -> tuple[str, ...]:
    """Return the names of the files, as written in the ONNX file; WeightsError where it is not an ONNX file."""
    file = FileBytes(path, "an ONNX file")
    model = Message(file, (0, file.size))
    names = set(_find_files(file, model, MODEL, DEPTH))
    return tuple(sorted(names))


def _find_files(file: FileBytes, message: Message, parts: dict[int, str], depth: int) -> Iterator[str]:
    if depth == 0:
        raise file.fail("graphs within graphs without end")
    for number, kind in parts.items():
        for part in message.messages(number):
            if kind == "tensor" and (part.integer(DATA_LOCATION) or part.fields.get(EXTERNAL_DATA)):
                yield _read_location(part)
            yield from _find_files(file, part, INSIDE[kind], depth - 1)


def _read_location(tensor: Message) -> str:
    entries = {entry.text(KEY): entry.text(VALUE) for entry in tensor.messages(EXTERNAL_DATA)}
    return entries.get("location", "")
