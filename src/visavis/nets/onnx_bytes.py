"""Writer of ONNX files: the few messages that a plain graph needs; :mod:`visavis.protobuf` writes their fields.

Field numbers are those of ``onnx.proto`` (version 1.16); the tests check the files with the onnx package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from visavis.protobuf import write_field, write_head, write_integer, write_text

OPSET, IR_VERSION = 17, 8
FLOAT, UINT8, INT8, INT32, INT64 = 1, 2, 3, 6, 7
_TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.uint8): UINT8, np.dtype(np.int64): INT64}
_INT, _INTS = 2, 7

Dimension = int | str
"""A fixed size, or the name of an open one."""


def node(kind: str, inputs: Sequence[str], output: str, attributes: Mapping[str, int | Sequence[int]]) -> bytes:
    """Return a NodeProto with one output; attributes are whole numbers or lists of them."""
    return b"".join(
        [
            *(write_text(1, name) for name in inputs),
            write_text(2, output),
            write_text(4, kind),
            *(write_field(5, _attribute(name, value)) for name, value in attributes.items()),
        ]
    )


def tensor(name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    """Return a TensorProto with raw little-endian data."""
    data = np.ascontiguousarray(array)
    shape = b"".join(write_integer(1, size) for size in data.shape)
    raw = data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes()
    return b"".join([shape, write_integer(2, _TYPES[data.dtype]), write_text(8, name), write_head(9, len(raw)), raw])


def value(name: str, kind: int, shape: Sequence[Dimension]) -> bytes:
    """Return the ValueInfoProto of a tensor."""
    sizes = (write_text(2, size) if isinstance(size, str) else write_integer(1, size) for size in shape)
    dimensions = write_field(2, b"".join(write_field(1, size) for size in sizes))
    return write_text(1, name) + write_field(2, write_field(1, write_integer(1, kind) + dimensions))


def model(
    nodes: Sequence[bytes], constants: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    """Return the ModelProto of one graph, joined only once: the constants may be half a gigabyte."""
    fields = [(1, nodes), (2, [b"visavis"]), (5, constants), (11, inputs), (12, outputs)]
    graph = [piece for number, parts in fields for part in parts for piece in (write_head(number, len(part)), part)]
    opset = write_text(1, "") + write_integer(2, OPSET)
    before = write_integer(1, IR_VERSION) + write_text(2, "visavis") + write_head(7, sum(len(piece) for piece in graph))
    return b"".join([before, *graph, write_field(8, opset)])


def _attribute(name: str, number: int | Sequence[int]) -> bytes:
    if isinstance(number, int):
        return write_text(1, name) + write_integer(3, number) + write_integer(20, _INT)
    return write_text(1, name) + b"".join(write_integer(8, item) for item in number) + write_integer(20, _INTS)
