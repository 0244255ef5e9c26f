"""Interpreter of network definitions that emits one fused ONNX graph from named weights.

What it does beyond translating layer by layer, all of it exact up to rounding:

- normalisation and affine layers are folded into the convolution next to them;
- channels are padded with zeros to blocks of 16, so that ONNX Runtime keeps its blocked layout throughout;
- ``PRelu`` would leave that layout, so ``prelu(x)`` is written as ``x + relu((a - 1) x)`` with depthwise 1x1
  convolutions (a channel of slope a > 1 is carried negated, and the next layer's kernel takes the sign back);
- a PReLU before max-pooling moves behind it, onto a quarter of the pixels. Where a slope is negative the function is
  not monotone, but ``prelu(x) = max(x, a x)``: the convolution makes ``a x`` as a further channel, both are pooled,
  and the larger is ``u + relu(v - u)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visavis.nets import _onnx_file as onnx_file
from visavis.nets._ops import Ops
from visavis.types import Floats

Doubles = NDArray[np.float64]

BLOCK = 16
"""Channels of a block of ONNX Runtime's layout on AVX-512; on narrower machines it divides the same."""
PASS_COST = 80
"""Multiplications that take as long as the two passes of a PReLU over one value: above it, channels are not doubled."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tensor:
    """A value in the graph: ``channels`` that mean something, of ``width`` in memory; ``side`` is None if open.

    ``sign`` holds -1 for a channel carried negated; ``dense`` says that it came out of a dense layer.
    """

    name: str
    channels: int
    width: int
    side: int | None
    sign: Floats | None = None
    shift: tuple[Doubles, Doubles] | None = None  # normalisation still to be applied: (factor, offset) a channel
    dense: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Conv:
    """A convolution not emitted yet, so that what follows can be folded into it."""

    source: _Tensor
    kernel: Floats
    bias: Floats
    stride: int
    pad: int
    slope: Floats | None = None
    relu: bool = False

    @property
    def side(self) -> int | None:
        if self.source.side is None:
            return None
        return (self.source.side + 2 * self.pad - int(self.kernel.shape[2])) // self.stride + 1


_Value = _Tensor | _Conv


class OnnxOps:
    """See :class:`visavis.nets._ops.Ops`; ``weights`` maps ``layer.part`` to float32 arrays."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._weights = weights
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    # --- emitting -------------------------------------------------------------------------------------------------

    def _node(self, kind: str, inputs: Sequence[str], **attributes: int | Sequence[int]) -> str:
        name = f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(onnx_file.node(kind, inputs, name, attributes))
        return name

    def _constant(self, array: Floats | NDArray[np.int64]) -> str:
        name = f"w{len(self._constants)}"
        kept = array if array.dtype == np.int64 else array.astype(np.float32)
        self._constants.append(onnx_file.tensor(name, kept))
        return name

    def _convolve(
        self, source: str, kernel: Floats, bias: Floats | None = None, **attributes: int | Sequence[int]
    ) -> str:
        parts = [source, self._constant(kernel)] + ([] if bias is None else [self._constant(bias)])
        return self._node("Conv", parts, **attributes)

    def _emit(self, x: _Value) -> _Tensor:
        """Emit a pending convolution with its activation."""
        if isinstance(x, _Tensor):
            return x
        if x.slope is None:
            raw = self._raw(x, _block(len(x.bias)))
            return replace(raw, name=self._node("Relu", [raw.name])) if x.relu else raw
        sign = np.where(x.slope > 1, -1, 1).astype(np.float32)
        flipped = replace(x, kernel=x.kernel * sign[:, None, None, None], bias=x.bias * sign)
        raw = self._raw(flipped, _block(len(x.bias)))
        bent = self._pointwise(raw.name, _diagonal(x.slope - 1, raw.width))
        return replace(raw, name=self._node("Add", [raw.name, self._node("Relu", [bent])]), sign=sign)

    def _raw(self, x: _Conv, width: int) -> _Tensor:
        """Emit the bare convolution, its kernel padded to the blocks on both sides."""
        kernel, bias = _fold_source(x)
        kernel = _padded(_padded(kernel, width, axis=0), x.source.width, axis=1)
        name = self._convolve(
            x.source.name,
            kernel,
            _padded(bias, width, axis=0),
            strides=[x.stride] * 2,
            pads=[x.pad] * 4,
        )
        return _Tensor(name, len(x.bias), width, x.side)

    def _pointwise(self, source: str, matrix: Floats) -> str:
        """Multiply channels by ``matrix``; depthwise where it is diagonal."""
        if matrix.shape[0] == matrix.shape[1] and np.array_equal(matrix, np.diag(np.diag(matrix))):
            return self._convolve(source, np.diag(matrix)[:, None, None, None], group=len(matrix))
        return self._convolve(source, matrix[:, :, None, None])

    # --- layers ---------------------------------------------------------------------------------------------------

    def picture(self, side: int | None) -> _Tensor:
        """Graph input ``x``: uint8 ``(n, h, w, 3)``."""
        planes = self._node("Transpose", ["x"], perm=[0, 3, 1, 2])
        return _Tensor(self._node("Cast", [planes], to=1), 3, 3, side)

    def normalise(self, x: _Value, *, mean: tuple[float, ...], scale: float) -> _Value:
        """Noted, and folded into the next convolution (which must not pad: zeros would mean another colour)."""
        factor = np.full(len(mean), scale, np.float64)
        return replace(self._plain(x), shift=(factor, -np.asarray(mean, np.float64) * scale))

    def conv(self, x: _Value, name: str, *, stride: int = 1, pad: int = 0) -> _Value:
        """Pending until what follows is known."""
        kernel = self._weights[f"{name}.kernel"]
        bias = self._weights.get(f"{name}.bias", np.zeros(len(kernel), np.float32))
        return _Conv(self._emit(x), kernel, bias, stride, pad)

    def affine(self, x: _Value, name: str) -> _Value:
        """Folded into the convolution before it."""
        if not isinstance(x, _Conv) or x.relu or x.slope is not None:
            raise TypeError(f"affine layer {name} must follow a convolution")
        gamma, beta = self._weights[f"{name}.gamma"], self._weights[f"{name}.beta"]
        return replace(x, kernel=x.kernel * gamma[:, None, None, None], bias=x.bias * gamma + beta)

    def prelu(self, x: _Value, name: str) -> _Value:
        """Noted on a pending convolution; a plain PRelu behind a dense layer."""
        slope = self._weights[f"{name}.slope"]
        if isinstance(x, _Conv) and not x.relu and x.slope is None:
            return replace(x, slope=slope)
        if isinstance(x, _Conv) or not x.dense:
            raise TypeError(f"activation {name} must follow a convolution or a dense layer")
        return replace(x, name=self._node("PRelu", [x.name, self._constant(slope)]))

    def relu(self, x: _Value) -> _Value:
        """Noted on a pending convolution."""
        if isinstance(x, _Conv) and x.slope is None:
            return replace(x, relu=True)
        tensor = self._plain(x)
        return replace(tensor, name=self._node("Relu", [tensor.name]))

    def max_pool(self, x: _Value, size: int, *, stride: int, ceil: bool = False) -> _Value:
        """Move a PReLU behind the pooling, onto fewer pixels."""
        if not isinstance(x, _Conv) or x.slope is None:
            return self._pool(self._plain(x), size, stride, ceil)
        negative = np.flatnonzero(x.slope < 0)
        wider = _block(len(x.slope) + len(negative)) - _block(len(x.slope))
        if wider * x.kernel[0].size > PASS_COST * len(x.slope):
            return self._pool(self._plain(x), size, stride, ceil)
        both = replace(
            x,
            kernel=np.concatenate([x.kernel, x.kernel[negative] * x.slope[negative, None, None, None]]),
            bias=np.concatenate([x.bias, x.bias[negative] * x.slope[negative]]),
        )
        pooled = self._pool(self._raw(both, _block(len(both.bias))), size, stride, ceil)
        linear, bent, sign = _prelu_after_pool(x.slope, negative, pooled.width)
        straight = pooled.name if _is_identity(linear) else self._pointwise(pooled.name, linear)
        curved = self._node("Relu", [self._pointwise(pooled.name, bent)])
        name = self._node("Add", [straight, curved])
        return replace(pooled, name=name, channels=len(x.slope), width=len(linear), sign=sign)

    def _plain(self, x: _Value) -> _Tensor:
        """Emit, and take back the sign of channels carried negated, which only convolutions and dense layers can do."""
        out = self._emit(x)
        if out.shift is not None:
            raise TypeError("a normalised picture must go through a convolution first")
        if out.sign is None or (out.sign > 0).all():
            return out
        return replace(out, name=self._pointwise(out.name, _diagonal(out.sign, out.width)), sign=None)

    def _pool(self, x: _Tensor, size: int, stride: int, ceil: bool) -> _Tensor:
        name = self._node("MaxPool", [x.name], kernel_shape=[size] * 2, strides=[stride] * 2, ceil_mode=int(ceil))
        over = stride - 1 if ceil else 0
        side = None if x.side is None else (x.side - size + over) // stride + 1
        return replace(x, name=name, side=side)

    def average_pool(self, x: _Value, size: int, *, stride: int) -> _Value:
        """As a pending convolution, so that the sum behind it is fused."""
        source = self._emit(x)
        kernel = np.zeros((source.channels, source.channels, size, size), np.float32)
        kernel[np.arange(source.channels), np.arange(source.channels)] = 1 / size**2
        return _Conv(source, kernel, np.zeros(source.channels, np.float32), stride, 0)

    def global_average(self, x: _Value) -> _Value:
        """``(n, c)``."""
        tensor = self._emit(x)
        return self.flatten(replace(tensor, name=self._node("GlobalAveragePool", [tensor.name]), side=1))

    def flatten(self, x: _Value) -> _Value:
        """Rows; the layout is kept in channels and side for the dense layer that follows."""
        tensor = self._emit(x)
        if tensor.shift is not None:
            raise TypeError("a normalised picture must go through a convolution first")
        return replace(tensor, name=self._node("Flatten", [tensor.name]))

    def dense(self, x: _Value, name: str) -> _Value:
        """One Gemm; its kernel takes the sign of negated channels, and zeros for padded ones."""
        source = self._emit(x)
        kernel = self._weights[f"{name}.kernel"]
        outputs = kernel.shape[1]
        kernel = kernel.reshape(source.channels, -1, outputs)
        if source.sign is not None:
            kernel = kernel * source.sign[:, None, None]
        kernel = _padded(kernel, source.width, axis=0).reshape(-1, outputs)
        bias = self._weights.get(f"{name}.bias", np.zeros(outputs, np.float32))
        out = self._node("Gemm", [source.name, self._constant(kernel), self._constant(bias)])
        return _Tensor(out, outputs, outputs, 1, dense=True)

    def add_padded(self, a: _Value, b: _Value) -> _Value:
        """Channels are padded by widening the kernel of the narrower side, rows and columns by a Pad node."""
        channels = max(_channels(a), _channels(b))
        first, second = (self._plain(_widened(x, channels)) for x in (a, b))
        if first.width != second.width:
            raise TypeError("a sum with the picture itself is not supported")
        side = _largest_side(first, second)
        first, second = self._grown(first, side), self._grown(second, side)
        return replace(first, name=self._node("Add", [first.name, second.name]))

    def _grown(self, x: _Tensor, side: int | None) -> _Tensor:
        if side is None or x.side is None or x.side == side:
            return x
        behind = self._constant(np.array([0, 0, 0, 0, 0, 0, side - x.side, side - x.side], np.int64))
        return replace(x, name=self._node("Pad", [x.name, behind]), side=side)

    # --- the whole ------------------------------------------------------------------------------------------------

    def serialise(self, outputs: Sequence[_Value], side: int | None) -> bytes:
        """Return the ONNX file with these outputs."""
        names = [self._emit_plain(output) for output in outputs]
        picture = onnx_file.value("x", onnx_file.UINT8, ("n", side or "h", side or "w", 3))
        shapes = [("n", "c", "h", "w") if isinstance(output, _Conv) else ("n", "c") for output in outputs]
        results = [onnx_file.value(name, onnx_file.FLOAT, shape) for name, shape in zip(names, shapes, strict=True)]
        return onnx_file.model(self._nodes, self._constants, [picture], results)

    def _emit_plain(self, x: _Value) -> str:
        """Emit an output: without padded or negated channels."""
        if isinstance(x, _Conv) and x.slope is None and not x.relu:
            return self._raw(x, len(x.bias)).name
        tensor = self._plain(x)
        if tensor.width != tensor.channels:
            raise TypeError("a network must end in a convolution, a dense layer or a full block of channels")
        return tensor.name


def to_onnx(
    net: Callable[[Ops[_Value], _Value], tuple[_Value, ...]], weights: Mapping[str, Floats], *, side: int | None
) -> bytes:
    """Emit ``net`` with these weights as an ONNX file.

    Its input ``x`` is uint8 ``(n, side, side, 3)``, any height and width where ``side`` is None.
    """
    ops = OnnxOps(weights)
    return ops.serialise(net(ops, ops.picture(side)), side)


def _block(channels: int) -> int:
    return -(-channels // BLOCK) * BLOCK


def _padded(array: Floats, size: int, *, axis: int) -> Floats:
    """Append zeros along ``axis`` up to ``size``."""
    missing = [(0, size - array.shape[axis] if i == axis else 0) for i in range(array.ndim)]
    return np.pad(array, missing)


def _diagonal(values: Floats, width: int) -> Floats:
    return np.diag(_padded(np.asarray(values, np.float32), width, axis=0))


def _channels(x: _Value) -> int:
    return len(x.bias) if isinstance(x, _Conv) else x.channels


def _widened(x: _Value, channels: int) -> _Value:
    if _channels(x) == channels:
        return x
    if not isinstance(x, _Conv):
        raise TypeError("only a pending convolution or average pool can be padded with channels")
    slope = None if x.slope is None else _padded(x.slope, channels, axis=0)
    kernel, bias = (_padded(each, channels, axis=0) for each in (x.kernel, x.bias))
    return replace(x, kernel=kernel, bias=bias, slope=slope)


def _largest_side(a: _Tensor, b: _Tensor) -> int | None:
    return None if a.side is None or b.side is None else max(a.side, b.side)


def _fold_source(x: _Conv) -> tuple[Floats, Floats]:
    """Kernel and bias with the source's sign and normalisation folded in."""
    kernel, bias = x.kernel.astype(np.float64), x.bias.astype(np.float64)
    if x.source.sign is not None:
        kernel = kernel * x.source.sign[None, :, None, None]
    if x.source.shift is not None:
        if x.pad:
            raise TypeError("a normalised picture cannot be padded with zeros")
        factor, offset = x.source.shift
        bias = bias + np.einsum("oihw,i->o", kernel, offset)
        kernel = kernel * factor[None, :, None, None]
    return kernel.astype(np.float32), bias.astype(np.float32)


def _prelu_after_pool(slope: Floats, negative: NDArray[np.intp], width: int) -> tuple[Floats, Floats, Floats]:
    """Matrices ``D, B`` and signs such that ``D m + relu(B m)`` is ``sign * max_pool(prelu(x))``.

    ``m`` holds the pooled ``x`` of every channel, then the pooled ``slope * x`` of the negative ones: ``width`` in all.
    """
    n, rows = len(slope), _block(len(slope))
    sign = np.where(slope > 1, -1, 1).astype(np.float32)
    linear = _padded(_diagonal(sign, rows), width, axis=1)
    bent = _padded(_diagonal(sign * (slope - 1), rows), width, axis=1)
    for extra, channel in enumerate(negative):
        bent[channel, channel] = -1
        bent[channel, n + extra] = 1
    return linear, bent, sign


def _is_identity(matrix: Floats) -> bool:
    return np.array_equal(matrix, np.eye(len(matrix)))
