"""Values of a graph while it is emitted, and the arithmetic that folds one layer into another.

Nothing here writes a graph: arrays are mapped to arrays, equal up to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visavis.nets.ops import Pad, same_pad
from visavis.types import Doubles, Floats

BLOCK = 16
"""Channels of a block of ONNX Runtime's layout on AVX-512; also a multiple of the smaller blocks of other machines."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A value in the graph: ``channels`` used of ``width`` in memory; ``side`` is None if open.

    ``sign`` holds -1 for a channel carried negated; ``dense``: the output of a dense layer; ``rows``: of shape
    ``(n, c)``.
    """

    name: str
    channels: int
    width: int
    side: int | None
    sign: Floats | None = None
    shift: tuple[Doubles, Doubles] | None = None  # normalization still to be applied: (factor, offset) a channel
    dense: bool = False
    rows: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """A convolution not emitted yet, so that the next layers can be folded into it.

    ``pads`` are top, left, bottom, right; ``depthwise`` has a kernel (c, 1, h, w).
    """

    source: Tensor
    kernel: Floats
    bias: Floats
    stride: int
    pads: tuple[int, int, int, int]
    depthwise: bool = False
    slope: Floats | None = None
    relu: bool = False

    @property
    def side(self) -> int | None:
        """Rows, and columns, of the output."""
        if self.source.side is None:
            return None
        return (self.source.side + self.pads[0] + self.pads[2] - int(self.kernel.shape[2])) // self.stride + 1

    @property
    def channels(self) -> int:
        """Channels of the output."""
        return len(self.bias)

    @property
    def bare(self) -> bool:
        """Whether no activation follows."""
        return not self.relu and self.slope is None


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A dense layer not emitted yet; kernel (in, out)."""

    source: Tensor
    kernel: Floats
    bias: Floats

    @property
    def channels(self) -> int:
        """Numbers per row of the output."""
        return len(self.bias)

    @property
    def side(self) -> int:
        """1, as of a picture of one pixel."""
        return 1


Value = Tensor | Conv | Dense


def block(channels: int) -> int:
    """Return the width of ``channels`` channels in memory."""
    return -(-channels // BLOCK) * BLOCK


def padded(array: Floats, size: int, *, axis: int) -> Floats:
    """Append zeros along ``axis`` up to ``size``."""
    if array.shape[axis] == size:
        return array
    missing = [(0, size - array.shape[axis] if i == axis else 0) for i in range(array.ndim)]
    return np.pad(array, missing)


def diagonal(values: Floats, width: int) -> Floats:
    """Return the square matrix ``(width, width)`` with these values first on its diagonal."""
    return np.diag(padded(np.asarray(values, np.float32), width, axis=0))


def is_identity(matrix: Floats) -> bool:
    """Return whether multiplying with it changes nothing."""
    return np.array_equal(matrix, np.eye(len(matrix)))


def pads(x: Tensor, kernel: Floats, stride: int, pad: Pad) -> tuple[int, int, int, int]:
    """Return the zeros (top, left, bottom, right) around ``x``. TypeError where they depend on an open side."""
    rows, columns = (int(size) for size in kernel.shape[2:])
    if pad != "same":
        if rows != columns:
            raise TypeError("a kernel that is not square must be padded 'same'")
        return pad, pad, pad, pad
    if x.side is None and stride > 1:
        raise TypeError("'same' with a stride needs a picture of known side")
    (top, bottom), (left, right) = (same_pad(x.side or 1, size, stride) for size in (rows, columns))
    return top, left, bottom, right


def scaled(x: Conv | Dense, factor: Floats, offset: Floats) -> Conv | Dense:
    """Fold ``x * factor + offset``, a number per channel."""
    if isinstance(x, Dense):
        return replace(x, kernel=x.kernel * factor, bias=x.bias * factor + offset)
    return replace(x, kernel=x.kernel * factor[:, None, None, None], bias=x.bias * factor + offset)


def batch_norm(weights: Mapping[str, Floats], name: str, eps: float) -> tuple[Floats, Floats]:
    """Return factor and offset per channel, equal to the layer in inference, computed in float64."""
    mean, variance, beta = (weights[f"{name}.{part}"].astype(np.float64) for part in ("mean", "variance", "beta"))
    factor = 1 / np.sqrt(variance + eps)
    if f"{name}.gamma" in weights:
        factor = factor * weights[f"{name}.gamma"]
    return factor.astype(np.float32), (beta - mean * factor).astype(np.float32)


def fold_source(x: Conv) -> tuple[Floats, Floats]:
    """Return kernel and bias with the source's sign and normalization folded in."""
    kernel, bias = x.kernel.astype(np.float64), x.bias.astype(np.float64)
    # Axis of the kernel along which the source's channels lie.
    shape = (-1, 1, 1, 1) if x.depthwise else (1, -1, 1, 1)
    if x.source.shift is not None:
        factor, offset = x.source.shift
        if any(x.pads) and offset.any():
            raise TypeError("what is still to be shifted cannot be padded with zeros")
        bias = bias + (kernel.sum(axis=(1, 2, 3)) * offset if x.depthwise else np.einsum("oihw,i->o", kernel, offset))
        kernel = kernel * factor.reshape(shape)
    if x.source.sign is not None:
        kernel = kernel * x.source.sign.reshape(shape)
    return kernel.astype(np.float32), bias.astype(np.float32)


def fold_rows(x: Dense) -> tuple[Floats, Floats]:
    """Return kernel ``(channels, pixels, out)`` and bias with the source's sign and normalization folded in."""
    kernel, bias = x.kernel.reshape(x.source.channels, -1, x.channels).astype(np.float64), x.bias.astype(np.float64)
    if x.source.shift is not None:
        factor, offset = x.source.shift
        bias = bias + np.einsum("cpo,c->o", kernel, offset)
        kernel = kernel * factor[:, None, None]
    if x.source.sign is not None:
        kernel = kernel * x.source.sign[:, None, None]
    return kernel.astype(np.float32), bias.astype(np.float32)


def widened(x: Value, channels: int) -> Value:
    """Append channels of zeros; TypeError unless it is a convolution not emitted yet."""
    if x.channels == channels:
        return x
    if not isinstance(x, Conv) or x.depthwise:
        raise TypeError("only a pending convolution or average pool can be padded with channels")
    slope = None if x.slope is None else padded(x.slope, channels, axis=0)
    kernel, bias = (padded(array, channels, axis=0) for array in (x.kernel, x.bias))
    return replace(x, kernel=kernel, bias=bias, slope=slope)


def larger_side(a: Tensor, b: Tensor) -> int | None:
    """Return the larger side, None if a side is open."""
    return None if a.side is None or b.side is None else max(a.side, b.side)


def moved(parts: list[Tensor]) -> Floats:
    """Return the matrix that removes the zeros between the channels of parts that lie side by side."""
    channels, widths = sum(part.channels for part in parts), sum(part.width for part in parts)
    matrix = np.zeros((block(channels), widths), np.float32)
    row = column = 0
    for part in parts:
        matrix[range(row, row + part.channels), range(column, column + part.channels)] = 1
        row, column = row + part.channels, column + part.width
    return matrix


def prelu_after_pool(slope: Floats, negative: NDArray[np.intp], width: int) -> tuple[Floats, Floats, Floats]:
    """Return matrices ``D, B`` and signs such that ``D m + relu(B m)`` is ``sign * max_pool(prelu(x))``.

    ``m`` holds the pooled ``x`` of every channel, then the pooled ``slope * x`` of the negative ones: ``width`` in all.
    """
    n, rows = len(slope), block(len(slope))
    sign = np.where(slope > 1, -1, 1).astype(np.float32)
    linear = padded(diagonal(sign, rows), width, axis=1)
    bent = padded(diagonal(sign * (slope - 1), rows), width, axis=1)
    for extra, channel in enumerate(negative):
        bent[channel, channel] = -1
        bent[channel, n + extra] = 1
    return linear, bent, sign
