"""Constants of frozen TensorFlow graphs (``.pb``), read without TensorFlow.

A frozen graph is one message of protocol buffers: nodes with a name, an operation, inputs and attributes; weights
are the nodes of operation ``Const``. Field numbers: TensorFlow 2.21, ``graph.proto``, ``node_def.proto``,
``attr_value.proto``, ``tensor.proto``, ``tensor_shape.proto``, ``types.proto``. The fields are read by
:mod:`visavis.protobuf`, which says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.weights.readers._file_bytes import MAX_RANK, FileBytes
from visavis.weights.readers._protobuf import Message, floats, single

KINDS = {
    **{1: "f4", 2: "f8", 3: "i4", 4: "u1", 5: "i2", 6: "i1", 9: "i8", 10: "b1", 14: "bf16", 17: "u2", 19: "f2"},
    **{22: "u4", 23: "u8"},
}
"""TensorFlow's numbers of types."""
VALUES = {"f4": 5, "f8": 6, "i8": 10, "b1": 11, "bf16": 13, "f2": 13, "u4": 16, "u8": 17}
"""The field that holds single values of a type; small integers lie in INTEGERS."""
INTEGERS = 7
CONTENT = 4
MAX_NAME = 4096


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: inputs are names of nodes (``name:1`` is an output, ``^name`` only an order).

    ``attributes`` holds those that are a number, a text (``data_format``, ``padding``) or a list of whole numbers
    (``strides``); types are TensorFlow's numbers.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: dict[str, int | float | str | tuple[int, ...]]


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the constants that are numbers, under the names of their nodes; bfloat16 becomes float32.

    Raises WeightsError where the file is damaged or has no constants.
    """
    return read_graph(path)[1]


def read_graph(path: Path) -> tuple[list[Node], dict[str, NDArray[Any]]]:
    """Return all nodes in the order of the file, and the constants as :func:`read` does."""
    file = FileBytes(path, "a frozen graph of TensorFlow")
    nodes: list[Node] = []
    constants: dict[str, NDArray[Any]] = {}
    names: set[str] = set()
    for message in _read_nodes(file):
        name, op = message.text(1), message.text(2)
        if not 0 < len(name) <= MAX_NAME or not op or name in names:
            raise file.fail(f"a node that has no name, or the name of another: {name[:50]!r}")
        names.add(name)
        attributes = dict(_read_attributes(message))
        inputs = tuple(file.take(start, end - start).decode("utf-8", "replace") for start, end in message.spans(3))
        values_by_key = ((key, _read_value(file, attribute)) for key, attribute in attributes.items())
        nodes.append(Node(name, op, inputs, {key: value for key, value in values_by_key if value is not None}))
        if op == "Const" and "value" in attributes:
            values = _constant(file, attributes["value"])
            if values is not None:
                constants[name] = values
    if not constants:
        raise file.fail("it holds no constants")
    return nodes, constants


def _read_nodes(file: FileBytes) -> Iterator[Message]:
    for span in Message(file, (0, file.size)).spans(1):
        yield Message(file, span)


def _read_attributes(node: Message) -> Iterator[tuple[str, Message]]:
    for entry in node.messages(5):
        for value in entry.messages(2):
            yield entry.text(1), value


def _read_value(file: FileBytes, value: Message) -> int | float | str | tuple[int, ...] | None:
    """Return a text, a whole number, a float, a truth value, a type or a list of whole numbers."""
    for start, end in value.spans(2):
        return file.take(start, min(end - start, MAX_NAME)).decode("utf-8", "replace")
    for number in (3, 5, 6):
        if number in value.fields:
            return value.integer(number)
    for span in value.spans(4):
        return single(file, span)
    for listed in value.messages(1):
        return tuple(listed.integers(3))
    return None


# --- tensors


def _constant(file: FileBytes, value: Message) -> NDArray[Any] | None:
    """Return the tensor of a Const, or None where it does not hold numbers."""
    for tensor in value.messages(8)[-1:]:
        kind = KINDS.get(tensor.integer(1))
        return None if kind is None else _read_tensor(file, tensor, kind)
    return None


def _read_tensor(file: FileBytes, tensor: Message, kind: str) -> NDArray[Any]:
    dtype = np.dtype("<u2" if kind == "bf16" else "u1" if kind == "b1" else f"<{kind}")
    shape: tuple[int, ...] = ()
    for sides in tensor.messages(2)[-1:]:
        if sides.integer(3) or len(sides.spans(2)) > MAX_RANK:
            raise file.fail("a constant of unknown or absurd rank")
        shape = tuple(side.integer(1) for side in sides.messages(2))
    content = [span for span in tensor.spans(CONTENT) if span[0] < span[1]]
    if content:
        start, end = content[-1]
        if end - start != file.elements(shape) * dtype.itemsize:
            raise file.fail(f"{end - start} bytes for a constant of {' x '.join(map(str, shape))}", start)
        values = file.array(start, dtype, shape)
    else:
        values = _fill(file, _read_singles(file, tensor, kind, dtype), shape)
    if kind == "bf16":
        file.spend(values.nbytes)
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values != 0 if kind == "b1" else values


def _read_singles(file: FileBytes, tensor: Message, kind: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return single values: floats raw, all others as integers, 16-bit floats as their bits."""
    field = VALUES.get(kind, INTEGERS)
    if kind in ("f4", "f8"):
        return np.frombuffer(floats(file, tensor.spans(field), dtype.itemsize), dtype)
    wide = np.array(tensor.integers(field), np.int64)
    if kind == "u8":
        return wide.view(np.uint64)
    values = wide.astype(np.uint16 if kind == "f2" else dtype)
    if np.any(values != wide):
        raise file.fail(f"an integer beyond {kind}")
    return values.view(np.float16) if kind == "f2" else values


def _fill(file: FileBytes, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return values in that shape: the last one is repeated to the end, and no value at all means zeros."""
    count = file.elements(shape)
    file.spend(count * values.itemsize)
    if values.size > count:
        raise file.fail(f"{values.size} values for a constant of {' x '.join(map(str, shape))}")
    filled = np.full(count, values[-1] if values.size else 0, values.dtype.newbyteorder("="))
    filled[: values.size] = values
    return filled.reshape(shape)
