"""Writer of ONNX files: the few messages that a plain graph needs, in protobuf's wire format.

The ``onnx`` package would do the same with 28 MB more to install. Field numbers are those of ``onnx.proto`` (version
1.16); the tests check the files with the package itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

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
            *(_text(1, name) for name in inputs),
            _text(2, output),
            _text(4, kind),
            *(field(5, _attribute(name, value)) for name, value in attributes.items()),
        ]
    )


def tensor(name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    """Return a TensorProto with raw little-endian data."""
    data = np.ascontiguousarray(array)
    shape = b"".join(_varint(1, size) for size in data.shape)
    raw = data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes()
    return b"".join([shape, _varint(2, _TYPES[data.dtype]), _text(8, name), _head(9, len(raw)), raw])


def value(name: str, kind: int, shape: Sequence[Dimension]) -> bytes:
    """Return the ValueInfoProto of a tensor."""
    sizes = (_text(2, size) if isinstance(size, str) else _varint(1, size) for size in shape)
    dimensions = field(2, b"".join(field(1, size) for size in sizes))
    return _text(1, name) + field(2, field(1, _varint(1, kind) + dimensions))


def model(
    nodes: Sequence[bytes], constants: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    """Return the ModelProto of one graph, joined only once: the constants may be half a gigabyte."""
    fields = [(1, nodes), (2, [b"visavis"]), (5, constants), (11, inputs), (12, outputs)]
    graph = [piece for number, parts in fields for part in parts for piece in (_head(number, len(part)), part)]
    opset = _text(1, "") + _varint(2, OPSET)
    before = _varint(1, IR_VERSION) + _text(2, "visavis") + _head(7, sum(len(piece) for piece in graph))
    return b"".join([before, *graph, field(8, opset)])


def _attribute(name: str, number: int | Sequence[int]) -> bytes:
    if isinstance(number, int):
        return _text(1, name) + _varint(3, number) + _varint(20, _INT)
    return _text(1, name) + b"".join(_varint(8, item) for item in number) + _varint(20, _INTS)


def _text(number: int, text: str) -> bytes:
    return field(number, text.encode())


def field(number: int, content: bytes) -> bytes:
    """Return the content as a field of that number."""
    return _head(number, len(content)) + content


def _head(field: int, size: int) -> bytes:
    return _base128(field << 3 | 2) + _base128(size)


def _varint(field: int, number: int) -> bytes:
    return _base128(field << 3) + _base128(number)


def _base128(number: int) -> bytes:
    """Return seven bits a byte, lowest first, with the high bit set on all but the last."""
    if number < 0:
        raise ValueError("negative numbers are not used in these files")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
