"""dlib's own serialisation: packed integers, tensors, convolution networks, shape predictors.

An integer is one byte, whose low nibble counts the little-endian bytes that follow and whose high bit is the sign. A
float inside structures is written as two integers, mantissa and exponent; tensors hold raw little-endian float32.
Layout facts: dlib 20.0, ``serialize.h``, ``dnn/layers.h``, ``image_processing/shape_predictor.h``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.errors import WeightsError
from visavis.types import Floats

MAX_EXPONENT = 200
"""More than float32 can have. Far beyond it stand dlib's marks for infinity and not-a-number."""
LARGEST = float(np.finfo(np.float32).max)


class _Stream:
    """A cursor over the bytes of one file; every read is checked against the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        self.at = 0

    def fail(self, why: str) -> WeightsError:
        return WeightsError(f"{self.path} is damaged or not dlib's: {why} at byte {self.at}.")

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise self.fail(f"{count} bytes are wanted, {len(self.data) - self.at} are left")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self) -> int:
        head = self.take(1)[0]
        size = head & 0x0F
        if size > 8:
            raise self.fail(f"an integer of {size} bytes")
        value = int.from_bytes(self.take(size), "little")
        return -value if head & 0x80 else value

    def real(self) -> float:
        """A float: mantissa and exponent as two integers."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > MAX_EXPONENT or abs(value := math.ldexp(mantissa, exponent)) > LARGEST:
            raise self.fail(f"a float of {mantissa} * 2**{exponent}")
        return value

    def matrix(self) -> list[float]:
        """A matrix, row by row; its sizes are written negated."""
        count = self.integer() * self.integer()
        return [self.real() for _ in range(count)]

    def floats(self, count: int) -> Floats:
        return np.frombuffer(self.take(4 * count), "<f4")

    def tensor(self) -> Floats:
        version, *shape = (self.integer() for _ in range(5))
        if version != 2 or min(shape) < 0:
            raise self.fail(f"a tensor of version {version} and shape {shape}")
        return self.floats(math.prod(shape)).reshape(shape)

    def find(self, name: bytes) -> bool:
        """Move behind the next layer name (length, then the letters); False where there is none."""
        mark = bytes((1, len(name))) + name
        at = self.data.find(mark, self.at)
        self.at = at + len(mark) if at >= 0 else self.at
        return at >= 0


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """One ``con_`` layer with the ``affine_`` behind it: kernel ``(out, in, h, w)``; the rest ``(out,)``."""

    kernel: Floats
    bias: Floats
    gamma: Floats
    beta: Floats


def read_network(path: Path) -> tuple[list[Convolution], Floats]:
    """Convolutions in order input -> output, and the final matrix ``(inputs, outputs)`` of a dlib ResNet.

    The layers are nested templates in the file; each is found by its name, and its tensor follows at once.
    Raises WeightsError where the file ends early or holds other layers.
    """
    stream = _Stream(path)
    layers: list[Convolution] = []
    channels = 3
    while stream.find(b"con_4"):
        weights = stream.tensor().ravel()
        filters, rows, columns = (stream.integer() for _ in range(3))
        size = filters * channels * rows * columns
        if min(filters, rows, columns) < 1 or weights.size != size + filters:
            raise stream.fail(f"{filters} filters of {rows}x{columns} over {channels} channels do not fill the tensor")
        if not stream.find(b"affine_"):
            raise stream.fail("a convolution without its affine layer")
        both = stream.tensor().ravel()
        if both.size != 2 * filters:
            raise stream.fail("an affine layer of another width than its convolution")
        kernel = weights[:size].reshape(filters, channels, rows, columns)
        layers.append(Convolution(kernel, weights[size:], both[:filters], both[filters:]))
        channels = filters
    if not layers or not stream.find(b"fc_2"):
        raise stream.fail("no convolutions, or no final layer")
    outputs, inputs = stream.integer(), stream.integer()
    matrix = stream.tensor().ravel()
    if min(inputs, outputs) < 1 or matrix.size != inputs * outputs:
        raise stream.fail("the final matrix has another size than it says")
    return layers, matrix.reshape(inputs, outputs)


@dataclass(frozen=True, slots=True, eq=False)
class ShapePredictor:
    """A cascade of regression forests (Kazemi and Sullivan 2014), ``k`` points, ``c`` stages of ``t`` trees.

    ``initial`` is ``(k, 2)`` in units of the face box. A stage looks at ``f`` pixels, at ``offsets`` (c, f, 2) from the
    points ``anchors`` (c, f). A tree compares two of them at each inner node: ``first``, ``second`` (c, t, s) and
    ``limits`` (c, t, s); its ``leaves`` (c, t, s + 1, k, 2) are moves of the points.
    """

    initial: Floats
    anchors: NDArray[np.int32]
    offsets: Floats
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    limits: Floats
    leaves: Floats


def read_shape_predictor(path: Path) -> ShapePredictor:
    """Trees of a ``shape_predictor_*.dat``. Raises WeightsError where the file ends early or is not regular."""
    stream = _Stream(path)
    if stream.integer() != 1:
        raise stream.fail("another version of the format than 1")
    initial = stream.matrix()
    points = len(initial) // 2
    stages, (trees, splits) = stream.integer(), (0, 0)
    pixels, limits, leaves = [], [], []
    for _ in range(stages):
        trees = stream.integer()
        for _ in range(trees):
            splits = stream.integer()
            for _ in range(splits):
                pixels.append((stream.integer(), stream.integer()))
                limits.append(stream.real())
            if stream.integer() != splits + 1:
                raise stream.fail("a tree whose leaves do not fit its splits")
            leaves += [stream.matrix() for _ in range(splits + 1)]
    anchors = [[stream.integer() for _ in range(stream.integer())] for _ in range(stream.integer())]
    offsets = [[(stream.real(), stream.real()) for _ in range(stream.integer())] for _ in range(stream.integer())]
    try:
        pairs = np.array(pixels, np.int32).reshape(stages, trees, splits, 2)
        return ShapePredictor(
            initial=np.array(initial, np.float32).reshape(points, 2),
            anchors=np.array(anchors, np.int32),
            offsets=np.array(offsets, np.float32),
            first=pairs[..., 0],
            second=pairs[..., 1],
            limits=np.array(limits, np.float32).reshape(stages, trees, splits),
            leaves=np.array(leaves, np.float32).reshape(stages, trees, splits + 1, points, 2),
        )
    except (ValueError, OverflowError) as error:
        raise stream.fail(f"trees of different sizes, or numbers that are none ({error})") from error
