"""Writers of the file formats that the readers read, byte by byte and by nothing of the readers."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Sequence
from functools import cache

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


# --- dlib's serialization


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


# --- torch: the pickle of a state dict, in an archive or in a row of pickles


def storage(key: str, count: int, *, kind: str = "FloatStorage", view: bytes = b"") -> bytes:
    """A persistent id; older files add None or the place of a view."""
    return several(text("storage"), named("torch", kind), text(key), text("cpu"), whole(count), view) + b"Q"


def rebuilt(stored: bytes, shape: Sequence[int], strides: Sequence[int], *, offset: int = 0) -> bytes:
    """A tensor: its storage, where it begins there, its shape and strides; then what does not matter to weights."""
    sides, steps = (several(*(whole(n) for n in numbers)) for numbers in (shape, strides))
    ordered = named("collections", "OrderedDict") + b")R"
    return (
        named("torch._utils", "_rebuild_tensor_v2")
        + several(stored, whole(offset), sides, steps, b"\x89", ordered)
        + b"R"
    )


def state_dict(**tensors: bytes) -> bytes:
    entries = b"".join(text(name) + tensor for name, tensor in tensors.items())
    return b"\x80\x02" + named("collections", "OrderedDict") + b")R(" + entries + b"u."


def torch_zip(pickled: bytes, storages: dict[str, bytes], *, folder: str = "archive", **more: bytes) -> bytes:
    """The archive that torch writes since 1.6; ``more`` are further members of its folder."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", pickled)
        for name, data in {**more, **{f"data/{key}": data for key, data in storages.items()}}.items():
            archive.writestr(f"{folder}/{name}", data)
    return made.getvalue()


def zip64(members: dict[str, bytes], *, last: int | None = None) -> bytes:
    """An archive whose sizes all stand in the extra fields, as beyond 4 GB; ``last`` is a lie about the last one."""
    body, directory = b"", b""
    for name, data in members.items():
        size = len(data) if last is None or name != [*members][-1] else last
        place = struct.pack("<HHQQQ", 1, 24, size, size, len(body))
        sizes = struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF)
        directory += b"PK\1\2" + bytes(16) + sizes + struct.pack("<HH", len(name), len(place) + 4)
        directory += bytes(10) + b"\xff" * 4 + name.encode() + struct.pack("<HH", 0xFBFB, 0) + place
        body += b"PK\3\4" + bytes(14) + sizes + struct.pack("<HH", len(name), 0) + name.encode() + data
    end = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, *[len(members)] * 2, len(directory), len(body))
    locator = b"PK\6\7" + struct.pack("<IQI", 0, len(body) + len(directory), 1)
    return body + directory + end + locator + b"PK\5\6" + bytes(4) + b"\xff" * 12 + bytes(2)


def torch_legacy(pickled: bytes, storages: dict[str, bytes], *, width: int = 4, little: bytes = b"\x88") -> bytes:
    """Mark, protocol, system, the state dict, keys of storages; then the count and the bytes of each."""
    head = b"\x80\x02" + whole(0x1950A86A20F9469CFC6C) + b"." + b"\x80\x02" + whole(1001) + b"."
    system = b"\x80\x02}" + text("little_endian") + little + b"s."
    keys = b"\x80\x02](" + b"".join(text(key) for key in storages) + b"e."
    raw = b"".join(struct.pack("<q", len(data) // width) + data for data in storages.values())
    return head + system + pickled + keys + raw


# --- protocol buffers, and TensorFlow's graphs in them


def varint(number: int) -> bytes:
    """Seven bits a byte, lowest first; negative numbers as 64 bits."""
    number &= 2**64 - 1
    data = bytearray()
    while number >= 0x80:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(data) + bytes([number])


def field(number: int, value: int | float | bytes | str) -> bytes:
    """One field: whole numbers as varints, floats of 32 bits, all else with its length."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


@cache
def _graph_side(side: int) -> bytes:
    return field(2, field(1, side))


def graph_tensor(kind: int, shape: Sequence[int], *values: bytes) -> bytes:
    """A TensorProto; ``values`` are its further fields."""
    sides = b"".join(map(_graph_side, shape))
    return field(1, kind) + field(2, sides) + b"".join(values)


def graph_node(name: str, op: str, *inputs: str, **attributes: bytes) -> bytes:
    """A node as a field of its graph; attributes are AttrValues."""
    entries = b"".join(field(5, field(1, key) + field(2, value)) for key, value in attributes.items())
    return field(1, field(1, name) + field(2, op) + b"".join(field(3, one) for one in inputs) + entries)


def constant(name: str, tensor: bytes) -> bytes:
    return graph_node(name, "Const", value=field(8, tensor), dtype=field(6, 1))
