"""What goes into an ONNX file's network, what comes out, and how much its constants take; nothing of it is run.

Field numbers are those of ``onnx.proto`` (version 1.16).
"""

from __future__ import annotations

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
        tuple(_sides(one) for one in graphs[0].messages(INPUT) if one.text(NAME) not in names),
        tuple(_sides(one) for one in graphs[0].messages(OUTPUT)),
        sum(end - start for tensor in tensors for part in (FLOATS, RAW) for start, end in tensor.spans(part)),
    )


def _sides(value: Message) -> Sides:
    """Sides of an input or an output, none where it is no tensor or its shape is not told."""
    told = [
        shape for kind in value.messages(TYPE) for one in kind.messages(TENSOR_TYPE) for shape in one.messages(SHAPE)
    ]
    return tuple(side.integer(DIM_VALUE) or None for shape in told[:1] for side in shape.messages(DIM))
