"""dlib's own serialization: packed integers, tensors, convolution networks, shape predictors.

An integer is one byte, with the number of the following little-endian bytes in its low nibble and the sign in its high
bit. A float in structures is written as two integers, mantissa and exponent; tensors hold raw little-endian float32.
dlib itself reads such a file only into a network of the type that it was compiled with. Layout facts: dlib 20.0,
``serialize.h``, ``dnn/layers.h``, ``image_processing/shape_predictor.h``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import input_files
from visavis.errors import WeightsError
from visavis.types import Floats

MAX_EXPONENT = 200
"""More than float32 can have. dlib's marks for infinity and not-a-number are far beyond it."""
LARGEST = float(np.finfo(np.float32).max)
USUAL = 6
"""Bytes of nearly every float: a head and three of mantissa, a head and one of exponent."""


class _Stream:
    """A cursor over the bytes of one file; every read is checked against the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = input_files.read_file(path, most=input_files.WEIGHTS)
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
        """Return a float from two integers, mantissa and exponent."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > MAX_EXPONENT or abs(value := math.ldexp(mantissa, exponent)) > LARGEST:
            raise self.fail(f"a float of {mantissa} * 2**{exponent}")
        return value

    def reals(self, count: int) -> bytes:
        """Return ``count`` floats, each in the usual number of bytes, for :meth:`decoded`."""
        if not 0 <= 2 * count <= len(self.data) - self.at:
            raise self.fail(f"{count} floats are wanted, {len(self.data) - self.at} bytes are left")
        parts, remaining = [], count
        while remaining:
            run = self._run(remaining)
            parts.append(self.take(run * USUAL))
            if remaining := remaining - run:
                parts.append(_encode_usual(self.real()))
                remaining -= 1
        return b"".join(parts)

    def _run(self, most: int) -> int:
        """Count the floats of the usual length up to the first other one, and up to ``most``."""
        end = self.at + USUAL * min(most, (len(self.data) - self.at) // USUAL)
        mantissas, exponents = self.data[self.at : end : USUAL], self.data[self.at + 4 : end : USUAL]
        return len(mantissas) - max(len(mantissas.lstrip(b"\x03\x83")), len(exponents.lstrip(b"\x01\x81")))

    def matrix(self) -> bytes:
        """Return a matrix, row by row, as :meth:`reals`; its sizes are written negated."""
        return self.reals(self.integer() * self.integer())

    def decoded(self, reals: bytes) -> Floats:
        """Return the values of floats in the usual number of bytes, all at once."""
        octets = np.frombuffer(reals, np.uint8).reshape(-1, USUAL)
        mantissa = octets[:, 1:4] @ np.array((1, 1 << 8, 1 << 16), np.int32)
        mantissa[octets[:, 0] > 0x7F] *= -1
        exponent = octets[:, 5].astype(np.int32)
        exponent[octets[:, 4] > 0x7F] *= -1
        values = np.ldexp(mantissa.astype(np.float64), exponent)
        if values.size and max(values.max(), -values.min()) > LARGEST:
            raise self.fail("a float that is none, somewhere")
        return values.astype(np.float32)

    def floats(self, count: int) -> Floats:
        return np.frombuffer(self.take(4 * count), "<f4")

    def tensor(self) -> Floats:
        version, *shape = (self.integer() for _ in range(5))
        if version != 2 or min(shape) < 0:
            raise self.fail(f"a tensor of version {version} and shape {shape}")
        return self.floats(math.prod(shape)).reshape(shape)

    def find(self, name: bytes) -> bool:
        """Move behind the next layer name (length, then the letters); return False where there is none."""
        mark = bytes((1, len(name))) + name
        at = self.data.find(mark, self.at)
        self.at = at + len(mark) if at >= 0 else self.at
        return at >= 0


def _encode_usual(number: float) -> bytes:
    """Write a float32 in the usual number of bytes."""
    mantissa, exponent = math.frexp(np.float32(number))
    whole, power = int(mantissa * (1 << 24)), exponent - 24
    heads = (0x83 if whole < 0 else 0x03, 0x81 if power < 0 else 0x01)
    return bytes((heads[0], *abs(whole).to_bytes(3, "little"), heads[1], abs(power)))


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """One ``con_`` layer with the ``affine_`` layer that follows: kernel ``(out, in, h, w)``; the rest ``(out,)``."""

    kernel: Floats
    bias: Floats
    gamma: Floats
    beta: Floats


def read_network(path: Path) -> tuple[list[Convolution], Floats]:
    """Return the convolutions in order input -> output, and the final matrix ``(inputs, outputs)`` of a dlib ResNet.

    The layers are nested templates in the file; each is located by its name, and its tensor follows directly.
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
    """Return the trees of a ``shape_predictor_*.dat``.

    Raises WeightsError where the file ends early, is not regular, or refers to points or pixels that do not exist.
    """
    stream = _Stream(path)
    if stream.integer() != 1:
        raise stream.fail("another version of the format than 1")
    initial = stream.decoded(stream.matrix())
    forests = [_read_forest(stream) for _ in range(stream.integer())]
    anchors = [[stream.integer() for _ in range(stream.integer())] for _ in range(stream.integer())]
    offsets = [stream.decoded(stream.reals(2 * stream.integer())) for _ in range(stream.integer())]
    try:
        nodes, limits, leaves = (np.stack(parts) for parts in zip(*forests, strict=True))
        predictor = ShapePredictor(
            initial=initial.reshape(-1, 2),
            anchors=np.array(anchors, np.int32),
            offsets=np.array(offsets, np.float32).reshape(len(offsets), -1, 2),
            first=nodes[..., 0],
            second=nodes[..., 1],
            limits=limits,
            leaves=leaves.reshape(*leaves.shape[:3], len(initial) // 2, 2),
        )
    except (ValueError, OverflowError) as error:
        raise stream.fail(f"trees of different sizes, or numbers that are none ({error})") from error
    if why := _find_fault(predictor):
        raise stream.fail(why)
    return predictor


def _read_forest(stream: _Stream) -> tuple[NDArray[np.int32], Floats, Floats]:
    """Return trees of a stage: pixels ``(t, s, 2)`` and limits ``(t, s)`` of inner nodes, leaves ``(t, s + 1, 2k)``."""
    trees, splits = stream.integer(), 0
    pixels, limits, leaves = [], [], []
    for _ in range(trees):
        splits = stream.integer()
        for _ in range(splits):
            pixels.append((stream.integer(), stream.integer()))
            limits.append(stream.reals(1))
        if stream.integer() != splits + 1:
            raise stream.fail("a tree whose leaves do not fit its splits")
        leaves += [stream.matrix() for _ in range(splits + 1)]
    try:
        nodes = np.array(pixels, np.int32).reshape(trees, splits, 2)
        values = stream.decoded(b"".join(leaves)).reshape(trees, splits + 1, -1)
        return nodes, stream.decoded(b"".join(limits)).reshape(trees, splits), values
    except (ValueError, OverflowError) as error:
        raise stream.fail(f"trees of different sizes, or numbers that are none ({error})") from error


def _find_fault(predictor: ShapePredictor) -> str:
    """Say why these arrays cannot be run; an empty text if they can."""
    stages, _, splits = predictor.limits.shape
    if min(predictor.leaves.shape) < 1 or len(predictor.initial) < 2 or (splits + 1) & splits:
        return f"trees of shape {predictor.leaves.shape}"
    if predictor.anchors.shape != predictor.offsets.shape[:2] or len(predictor.anchors) != stages:
        return f"{predictor.anchors.shape} anchors and {predictor.offsets.shape} offsets for {stages} stages"
    if not _are_within(predictor.anchors, len(predictor.initial)):
        return "a pixel that is tied to a point that there is not"
    if not (
        _are_within(predictor.first, predictor.anchors.shape[1])
        and _are_within(predictor.second, predictor.anchors.shape[1])
    ):
        return "a tree that looks at a pixel that there is not"
    return ""


def _are_within(numbers: NDArray[np.int32], count: int) -> bool:
    return not numbers.size or bool(numbers.min() >= 0 and numbers.max() < count)
