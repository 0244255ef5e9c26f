"""Constants of an ONNX file by name, with weights of 8 bits turned back into float32; nothing of the file is run.

A published file may hold its weights in 8 bits, in blocks: ``DequantizeLinear`` with ``block_size`` (opset 21) and a
``Reshape`` stand in front of each layer. Both are computed here, as ``onnx.proto`` and the operators' pages define
them, so that such a file reads like one of float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats
from visavis.weights.readers._file_bytes import FileBytes
from visavis.weights.readers._protobuf import Message, floats

Array = NDArray[Any]

GRAPH, NODE, INITIALIZER = 7, 1, 5
NODE_INPUT, NODE_OUTPUT, NODE_KIND, NODE_ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_INTEGER = 1, 3
DIMENSIONS, DATA_TYPE, NAME, RAW, EXTERNAL_DATA, DATA_LOCATION = 1, 2, 8, 9, 13, 14
TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
"""The numbers of ``TensorProto.DataType`` that are read; tensors of other types are skipped."""
SINGLE_FLOATS, SINGLE_INTEGERS = {"<f4": 4, "<f8": 10}, {"<i8": 7}
"""Fields of values that are not raw; small integers, and the bits of float16, lie in ``INTEGERS_OF_32_BITS``."""
INTEGERS_OF_32_BITS = 5
UNFOLDING = ("DequantizeLinear", "Reshape")
COPIES = 10
"""A weight of 8 bits takes 4 bytes as float32, once before and once after it is reshaped."""


@dataclass(frozen=True, slots=True)
class Unfolding:
    """A node that only computes weights: its ``kind``, inputs, and ``axis`` and ``block_size`` where it has them."""

    kind: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, int]


def read(path: Path) -> dict[str, Array]:
    """Return the constants of the graph, and the results of dequantizing and reshaping them, each by its own name.

    Raises WeightsError where the file is damaged, holds no graph, or keeps its constants in another file.
    """
    file = FileBytes(path, "an ONNX file", copies=COPIES)
    graphs = Message(file, (0, file.size)).messages(GRAPH)
    if len(graphs) != 1:
        raise file.fail(f"it holds {len(graphs)} graphs")
    arrays: dict[str, Array] = {}
    for tensor in graphs[0].messages(INITIALIZER):
        kind = TYPES.get(tensor.integer(DATA_TYPE))
        if kind is not None:
            arrays[tensor.text(NAME)] = _read_array(file, tensor, kind)
    for span in graphs[0].spans(NODE):
        name, node = _read_unfolding(file, Message(file, span))
        if node is not None and all(source in arrays for source in node.inputs):
            arrays[name] = _compute(file, node, [arrays[source] for source in node.inputs])
    return arrays


def dequantized(values: Array, scale: Floats, zero: Array | None, *, axis: int = 1, block: int = 0) -> Floats:
    """Return ``(values - zero) * scale`` in float32.

    ``scale`` and ``zero`` are one number, one per place along ``axis``, or, where ``block`` is not 0, of the shape of
    ``values`` with one place for every ``block`` of them along ``axis``. ValueError where the shapes do not fit.
    """
    factor, offset = (_spread(values, factors, axis, block) for factors in (scale, zero))
    return ((values.astype(np.float32) - offset) * factor).astype(np.float32, copy=False)


def _spread(values: Array, factors: Array | None, axis: int, block: int) -> Array:
    """Return scales or zero points in a shape that can be broadcast over the values."""
    if factors is None:
        return np.zeros((), np.float32)
    factors = factors.astype(np.float32)
    if factors.size == 1 and not block:
        return factors.reshape(())
    if not -values.ndim <= axis < values.ndim:
        raise ValueError(f"axis {axis} of {values.ndim}")
    side = values.shape[axis]
    if block:
        if block < 0 or factors.ndim != values.ndim or factors.shape[axis] != -(-side // block):
            raise ValueError(f"scales of {factors.shape} in blocks of {block} for {values.shape}")
        return np.repeat(factors, block, axis=axis).take(range(side), axis=axis)
    if factors.shape != (side,):
        raise ValueError(f"scales of {factors.shape} for {values.shape}")
    return factors.reshape([side if place == axis % values.ndim else 1 for place in range(values.ndim)])


def _read_array(file: FileBytes, tensor: Message, kind: str) -> Array:
    """Return the values of a tensor, raw or single."""
    if tensor.integer(DATA_LOCATION) or tensor.fields.get(EXTERNAL_DATA):
        raise file.fail(f"{tensor.text(NAME)[:50]!r} lies in another file")
    shape, dtype = tensor.integers(DIMENSIONS), np.dtype(kind)
    count = file.elements(shape)
    for start, end in tensor.spans(RAW)[-1:]:
        if end - start != count * dtype.itemsize:
            raise file.fail(f"{end - start} bytes for an array of {count} elements of {dtype.itemsize}", start)
        return file.array(start, dtype, shape)
    file.spend(count * dtype.itemsize)
    values = _read_singles(file, tensor, kind)
    if len(values) != count:
        raise file.fail(f"{len(values)} values for an array of {count}")
    return values.reshape(shape)


def _read_singles(file: FileBytes, tensor: Message, kind: str) -> Array:
    """Return values that are not raw, in a row."""
    dtype = np.dtype(kind)
    if kind in SINGLE_FLOATS:
        return np.frombuffer(floats(file, tensor.spans(SINGLE_FLOATS[kind]), dtype.itemsize), dtype)
    wide = np.array(tensor.integers(SINGLE_INTEGERS.get(kind, INTEGERS_OF_32_BITS)), np.int64)
    values = wide.astype(np.uint16 if kind == "<f2" else dtype)
    if (values != wide).any():
        raise file.fail(f"an integer beyond {dtype.name}")
    return values.view(np.float16) if kind == "<f2" else values


def _read_unfolding(file: FileBytes, node: Message) -> tuple[str, Unfolding | None]:
    """Return the name of the first output, and the node if it is of a kind that is computed here."""
    kind = node.text(NODE_KIND)
    names = [file.take(a, b - a).decode("utf-8", "replace") for a, b in node.spans(NODE_OUTPUT)[:1]]
    if kind not in UNFOLDING or not names:
        return "", None
    inputs = tuple(file.take(a, b - a).decode("utf-8", "replace") for a, b in node.spans(NODE_INPUT))
    attributes = {
        attribute.text(ATTRIBUTE_NAME): attribute.integer(ATTRIBUTE_INTEGER)
        for attribute in node.messages(NODE_ATTRIBUTE)
    }
    return names[0], Unfolding(kind, tuple(name for name in inputs if name), attributes)


def _compute(file: FileBytes, node: Unfolding, inputs: list[Array]) -> Array:
    """Return the result of a node for constants; WeightsError where they do not fit it."""
    values, *others = inputs
    try:
        if node.kind == "Reshape":
            (shape,) = others
            file.spend(values.nbytes)
            return values.reshape([int(side) or values.shape[place] for place, side in enumerate(shape)])
        scale, zero = others[0], others[1] if len(others) > 1 else None
        file.spend(4 * values.size)
        axis, block = node.attributes.get("axis", 1), node.attributes.get("block_size", 0)
        return dequantized(values, scale, zero, axis=axis, block=block)
    except (ValueError, IndexError) as error:
        raise file.fail(f"a {node.kind} that does not fit its weights ({error})") from error
