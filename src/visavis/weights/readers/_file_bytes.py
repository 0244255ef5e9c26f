"""The bytes of one weight file, read on demand and never beyond its end.

A file with wrong lengths, circular references or repetitions must cost neither memory nor time: bytes read and arrays
made are counted, and both are bounded by the file's own size.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis import input_files
from visavis.errors import WeightsError

MAX_STEPS = 2**19
"""Structures, or fields of them, in one file; the largest known files have a fifth of that."""
SLACK = 2**20
"""Bytes that the arrays may take beyond the file's size."""
MAX_RANK = 32
MAX_ELEMENTS = 2**40
"""Elements that an array with a side of 0 would have without that side."""


class FileBytes:
    """A file that is mapped, not loaded.

    ``kind`` names its format in messages ("a state dict of torch").
    Its arrays may take ``copies`` times its size, and ``SLACK`` bytes more.
    """

    def __init__(self, path: Path, kind: str, *, copies: int = 1) -> None:
        self.path = path
        self._kind = kind
        try:
            with input_files.open_file(path) as file:
                self.size = os.fstat(file.fileno()).st_size
                self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if self.size else b""
        except (OSError, ValueError) as error:
            raise WeightsError(f"{path} cannot be read: {error}.") from error
        self._steps, self._bytes, self._room = MAX_STEPS, 4 * self.size + 64 * SLACK, copies * self.size + SLACK

    def fail(self, why: str, at: int | None = None) -> WeightsError:
        """Return the error to raise, with the reason and the byte."""
        place = "" if at is None else f" at byte {at}"
        return WeightsError(f"{self.path} is damaged or not {self._kind}: {why}{place}.")

    def check(self, at: int, count: int) -> None:
        """Raise an error for a piece that does not lie within the file."""
        if at < 0 or count < 0 or at + count > self.size:
            raise self.fail(f"{count} bytes are wanted, {max(0, self.size - max(0, at))} are left", at)

    def take(self, at: int, count: int) -> bytes:
        """Copy a small piece: a structure or a name."""
        self.check(at, count)
        self.step(at, count)
        return self.data[at : at + count]

    def step(self, at: int, count: int = 1) -> None:
        """Count one structure of that many bytes."""
        self._steps -= 1
        self._bytes -= count
        if self._steps < 0 or self._bytes < 0:
            raise self.fail("it holds more structures than any weights do", at)

    def integer(self, at: int, size: int) -> int:
        """Return an unsigned little-endian integer of that many bytes."""
        return int.from_bytes(self.take(at, size), "little")

    def spend(self, count: int) -> None:
        """Count bytes of arrays to be made; together they may exceed the file's size only a little."""
        if count > self._room:
            raise self.fail(f"its arrays would take more than the file's {self.size} bytes")
        self._room -= count

    def elements(self, shape: Sequence[int]) -> int:
        """Return the number of elements of an array of that shape; an error for an impossible shape."""
        if len(shape) > MAX_RANK or min(shape, default=0) < 0 or math.prod(n or 1 for n in shape) > MAX_ELEMENTS:
            sides = " x ".join(str(n) for n in shape[:MAX_RANK])
            raise self.fail(f"an array of {sides} elements")
        return math.prod(shape)

    def array(self, at: int, kind: np.dtype[Any], shape: Sequence[int], *, columns_first: bool = False) -> NDArray[Any]:
        """Return a copy of an array stored raw in the file: of native byte order, rows first in memory."""
        count = self.elements(shape)
        self.check(at, count * kind.itemsize)
        self.spend(count * kind.itemsize)
        native = kind.newbyteorder("=")
        if count == 0:
            return np.empty(tuple(shape), native)
        flat = np.frombuffer(self.data, kind, count, at)
        return np.array(flat.reshape(shape, order="F" if columns_first else "C"), native, order="C", copy=True)
