"""Values in HDF5: kinds of numbers and strings, shapes, and datasets (compact, contiguous, in chunks)."""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from visavis.types import Floats
from visavis.weights.readers._file_bytes import FileBytes

if TYPE_CHECKING:
    from visavis.weights.readers._hdf5 import Hdf5

UNDEFINED = 2**64 - 1
COMPACT, CONTIGUOUS, CHUNKED = 0, 1, 2
FIXED_STRING, VARIABLE = 3, 9
DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3

FLOATS = {
    struct.pack("<HHBBBBI", 0, 16, 10, 5, 0, 10, 15): "f2",
    struct.pack("<HHBBBBI", 0, 32, 23, 8, 0, 23, 127): "f4",
    struct.pack("<HHBBBBI", 0, 64, 52, 11, 0, 52, 1023): "f8",
}
"""First bit, bits; exponent: first bit, bits; mantissa: first bit, bits; bias of the exponent."""
DENSEST = 8
"""A compressed file's arrays may be this many times larger than the file (and a few megabytes)."""


def shape(file: FileBytes, at: int) -> tuple[int, ...]:
    """A dataspace."""
    version, rank, _, kind = file.take(at, 4)
    if version not in (1, 2) or (version == 2 and kind > 1):
        raise file.fail(f"a shape of version {version}, or of nothing", at)
    sides = file.take(at + (8 if version == 1 else 4), 8 * rank)
    return struct.unpack(f"<{rank}Q", sides)


def string_type(file: FileBytes, at: int) -> tuple[int, bool]:
    """Bytes that a string takes, and whether they only say where it lies."""
    kind, bits, size = file.integer(at, 1) & 0x0F, file.integer(at + 1, 1), file.integer(at + 4, 4)
    if kind == FIXED_STRING and 0 < size <= 2**16:
        return size, False
    if kind == VARIABLE and bits & 0x0F == 1 and size == 16:
        return size, True
    raise file.fail("an attribute of other things than strings", at)


def float_type(file: FileBytes, at: int) -> np.dtype[Any]:
    """A datatype of IEEE floats."""
    kind, order = file.take(at, 2)
    name = FLOATS.get(file.take(at + 8, 12))
    if kind & 0x0F != 1 or order & 0x40 or name is None or file.integer(at + 4, 4) != int(name[1]):
        raise file.fail("numbers that are not float16, float32 or float64", at)
    return np.dtype((">" if order & 1 else "<") + name)


def read(hdf5: Hdf5, *, space: int, kind: int, layout: int, filters: Sequence[int]) -> Floats:
    """A dataset, from where its messages lie: shape, kind of number, layout, filters (none or one)."""
    file = hdf5.file
    sides, number = shape(file, space), float_type(file, kind)
    version, way = file.take(layout, 2)
    if version not in (3, 4) or way > CHUNKED or (version == 4 and way == CHUNKED):
        raise file.fail(f"a dataset laid out in way {way} of version {version} (h5py's libver='latest')", layout)
    if way == CHUNKED:
        return _Chunks(hdf5, sides, number, layout, [one for at in filters for one in _filters(file, at)]).read()
    at, size = (layout + 4, file.integer(layout + 2, 2)) if way == COMPACT else _address(file, layout + 2)
    if size != file.elements(sides) * number.itemsize:
        raise file.fail(f"{size} bytes for {' x '.join(map(str, sides))} numbers", layout)
    return file.array(at if size else 0, number, sides)


def _address(file: FileBytes, at: int) -> tuple[int, int]:
    address, size = file.integer(at, 8), file.integer(at + 8, 8)
    if address == UNDEFINED and size:
        raise file.fail("a dataset whose values were never written", at)
    return address, size


@dataclass(frozen=True, slots=True)
class _Filter:
    number: int
    values: tuple[int, ...]


def _filters(file: FileBytes, at: int) -> list[_Filter]:
    version, count = file.take(at, 2)
    if version not in (1, 2):
        raise file.fail(f"filters of version {version}", at)
    found = []
    at += 8 if version == 1 else 2
    for _ in range(count):
        number = file.integer(at, 2)
        named = version == 1 or number >= 256
        name = file.integer(at + 2, 2) if named else 0
        at += 4 if named else 2
        values = file.integer(at + 2, 2)
        at += 4 + (-(-name // 8) * 8 if version == 1 else name)
        if number not in (DEFLATE, SHUFFLE, FLETCHER32):
            raise file.fail(f"a dataset packed with filter {number}; gzip and shuffle are read", at)
        found.append(_Filter(number, struct.unpack(f"<{values}I", file.take(at, 4 * values))))
        at += 4 * (values + values % 2 if version == 1 else values)
    return found


class _Chunks:
    """A dataset in pieces of one size, each perhaps packed, found through a B-tree by their first element."""

    def __init__(
        self, hdf5: Hdf5, sides: tuple[int, ...], number: np.dtype[Any], layout: int, filters: list[_Filter]
    ) -> None:
        self._hdf5, self._file, self._sides, self._number, self._filters = hdf5, hdf5.file, sides, number, filters
        rank = self._file.integer(layout + 2, 1)
        self._tree = self._file.integer(layout + 3, 8)
        *piece, size = struct.unpack(f"<{rank}I", self._file.take(layout + 11, 4 * rank)) or (0,)
        self._piece = tuple(piece)
        if len(piece) != len(sides) or not piece or min(piece) < 1 or size != number.itemsize:
            raise self._file.fail("chunks of another shape than their dataset", layout)
        self._bytes = self._file.elements(self._piece) * size

    def read(self) -> Floats:
        file, sides, piece = self._file, self._sides, self._piece
        packed = DENSEST if any(one.number == DEFLATE for one in self._filters) else 1
        file.spend(file.elements(sides) * self._number.itemsize // packed)
        file.spend(self._bytes // packed)
        wanted = math.prod(-(-side // step) for side, step in zip(sides, piece, strict=True))
        leaves = self._hdf5.tree(self._tree, 1, 8 + 8 * (len(sides) + 1)) if wanted else []
        if len(leaves) != wanted:
            raise file.fail(f"{len(leaves)} chunks of {wanted}", self._tree)
        values, seen = np.empty(sides, self._number.newbyteorder("=")), set()
        for key, address in leaves:
            size, mask, *first = struct.unpack(f"<II{len(sides)}Q", file.take(key, 8 + 8 * len(sides)))
            if any(at % step or at >= side for at, step, side in zip(first, piece, sides, strict=True)):
                raise file.fail("a chunk outside its dataset", key)
            seen.add(tuple(first))
            block = np.frombuffer(self._unpack(address, size, mask), self._number).reshape(piece)
            kept = [min(step, side - at) for at, step, side in zip(first, piece, sides, strict=True)]
            values[tuple(slice(at, at + n) for at, n in zip(first, kept, strict=True))] = block[tuple(map(slice, kept))]
        if len(seen) != wanted:
            raise file.fail("the same chunk twice", self._tree)
        return values

    def _unpack(self, address: int, size: int, mask: int) -> bytes:
        data = self._file.take(address, size)
        for place, one in reversed(list(enumerate(self._filters))):
            if mask >> place & 1:
                continue
            if one.number == DEFLATE:
                data = self._inflate(data, address)
            elif one.number == FLETCHER32:
                data = data[:-4]
            else:
                data = _unshuffle(data, *itertools.islice(one.values, 1))
        if len(data) != self._bytes:
            raise self._file.fail(f"a chunk of {len(data)} bytes instead of {self._bytes}", address)
        return data

    def _inflate(self, data: bytes, at: int) -> bytes:
        try:
            return zlib.decompressobj().decompress(data, self._bytes + 64)
        except zlib.error as error:
            raise self._file.fail(f"a chunk that cannot be unpacked ({error})", at) from error


def _unshuffle(data: bytes, size: int = 1) -> bytes:
    """Undo the sorting of bytes by their place within the numbers; what is over at the end was left in place."""
    count = len(data) // size if size else 0
    if count == 0:
        return data
    body = np.frombuffer(data, np.uint8, count * size).reshape(size, count)
    return body.T.tobytes() + data[count * size :]
