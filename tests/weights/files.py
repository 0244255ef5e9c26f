"""Writers of the file formats that the readers read, byte by byte and by nothing of the readers."""

from __future__ import annotations

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
