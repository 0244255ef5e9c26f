"""Writers of the file formats that the readers read, byte by byte and by nothing of the readers."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import lz4.frame
import numpy as np

# --- pickles, opcode by opcode


def text(words: str) -> bytes:
    return b"\x8c" + bytes([len(words)]) + words.encode()


def whole(number: int) -> bytes:
    """LONG1: any size of number."""
    data = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def several(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def dtype(name: str = "f4", order: str = "<", *, flags: int = 0) -> bytes:
    """``numpy.dtype(name, False, True)``, then its state."""
    state = several(whole(3), text(order), b"N", b"N", b"N", whole(-1), whole(-1), whole(flags))
    return named("numpy", "dtype") + several(text(name), b"\x89", b"\x88") + b"R" + state + b"b"


def wrapper(shape: Sequence[int], *, order: str = "C", kind: bytes | None = None, align: int | None = 16) -> bytes:
    """joblib's wrapper of one array, without its bytes."""
    state = [
        text("subclass") + named("numpy", "ndarray"),
        text("shape") + several(*(whole(n) for n in shape)),
        text("order") + text(order),
        text("dtype") + (dtype() if kind is None else kind),
        text("allow_mmap") + b"\x88",
    ]
    if align is not None:
        state.append(text("numpy_array_alignment_bytes") + whole(align))
    made = named("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"
    return made + b"}(" + b"".join(state) + b"ub"


def array(values: np.ndarray, *, padding: int = 5, align: int | None = 16) -> bytes:
    """One array: its wrapper, a byte that counts the padding, the padding, the raw bytes."""
    order = "F" if values.flags.f_contiguous and not values.flags.c_contiguous else "C"
    gap = b"" if align is None else bytes([padding]) + b"\xff" * padding
    return wrapper(values.shape, order=order, align=align) + gap + values.tobytes(order="A")


def listed(*items: bytes) -> bytes:
    return b"\x80\x04](" + b"".join(items) + b"e."


def packed(pickled: bytes) -> bytes:
    return bytes(lz4.frame.compress(pickled))


# --- dlib's serialisation


def integer(number: int) -> bytes:
    """One byte with the count of bytes and the sign, then the bytes, lowest first; at least one."""
    size = max(1, -(-abs(number).bit_length() // 8))
    return bytes([size | (0x80 if number < 0 else 0)]) + abs(number).to_bytes(size, "little")


def integers(*numbers: int) -> bytes:
    return b"".join(integer(number) for number in numbers)


def label(name: str) -> bytes:
    return integer(len(name)) + name.encode()


def tensor(values: np.ndarray, *, version: int = 2, shape: Sequence[int] | None = None) -> bytes:
    """A tensor of four sizes, one-dimensional ones as ``(n, 1, 1, 1)``."""
    sizes = shape or (*values.shape, 1, 1, 1)[:4]
    return integers(version, *sizes) + values.astype("<f4").tobytes()


def convolution(kernel: np.ndarray, bias: np.ndarray, *, filters: int | None = None) -> bytes:
    values = np.concatenate([kernel.ravel(), bias])
    count, _, rows, columns = kernel.shape
    head = label("con_4") + tensor(values)
    # Number of filters, rows, columns, strides, paddings; then factors of the learning rate as doubles.
    return head + integers(filters or count, rows, columns, 2, 2, 0, 0) + struct.pack("<d", 1.0)


def affine(gamma: np.ndarray, beta: np.ndarray) -> bytes:
    return label("affine_") + tensor(np.concatenate([gamma, beta])) + integers(0, 0)


def dense(matrix: np.ndarray, *, sizes: tuple[int, int] | None = None) -> bytes:
    inputs, outputs = sizes or matrix.shape
    return label("fc_2") + integers(outputs, inputs) + tensor(matrix)


def real(number: float) -> bytes:
    """Mantissa and exponent of a float32, as two integers."""
    mantissa, exponent = math.frexp(number)
    return integers(int(mantissa * 2**24), exponent - 24) if number else integers(0, 0)


def matrix(values: np.ndarray) -> bytes:
    """A dense matrix: sizes negated, then its values."""
    rows, columns = values.reshape(-1, values.shape[-1]).shape if values.ndim > 1 else (len(values), 1)
    return integers(-rows, -columns) + b"".join(real(float(value)) for value in values.ravel())


def tree(nodes: Sequence[tuple[int, int, float]], leaves: np.ndarray, *, count: int | None = None) -> bytes:
    splits = b"".join(integers(first, second) + real(limit) for first, second, limit in nodes)
    ends = b"".join(matrix(leaf.ravel()) for leaf in leaves)
    return integer(len(nodes)) + splits + integer(len(leaves) if count is None else count) + ends


def shape_predictor(
    initial: np.ndarray,
    forests: Sequence[Sequence[bytes]],
    anchors: np.ndarray,
    offsets: np.ndarray,
    *,
    version: int = 1,
) -> bytes:
    """The initial shape, the trees of each stage, the anchors and offsets of the pixels of each stage."""
    stages = b"".join(integer(len(trees)) + b"".join(trees) for trees in forests)
    tied = b"".join(integer(len(row)) + integers(*row.tolist()) for row in anchors)
    places = b"".join(integer(len(row)) + b"".join(real(float(value)) for value in row.ravel()) for row in offsets)
    head = integer(version) + matrix(initial.ravel()) + integer(len(forests)) + stages
    return head + integer(len(anchors)) + tied + integer(len(offsets)) + places
