"""Interpreter of network definitions that emits one fused ONNX graph from named weights.

Beyond translating layer by layer it makes these changes, all of them exact up to rounding:

- normalization, affine and batch-norm layers are folded into the convolution or dense layer next to them (where that
  convolution pads with zeros, the mean of the picture is subtracted first);
- channels are padded with zeros to blocks of 16, so that ONNX Runtime keeps its blocked layout throughout;
- ``PRelu`` would leave that layout, so ``prelu(x)`` is written as ``a x + relu((1 - a) x)`` with two depthwise 1x1
  convolutions, into the first of which ONNX Runtime fuses the sum (a channel of slope a > 1 is carried negated, and
  the next layer's kernel reverses the sign). For a network that is to be quantized it is ``x + relu((a - 1) x)``:
  there a sum is a node of its own in either form, and this form has one convolution fewer;
- a PReLU before max-pooling moves behind it, onto a quarter of the pixels. Where a slope is negative the function is
  not monotone, but ``prelu(x) = max(x, a x)``: the convolution makes ``a x`` as a further channel, both are pooled,
  and the larger is ``u + relu(v - u)``. Where the further channels need a further block the PReLU stays in front:
  then a channel of slope a > 1 is ``x - relu((1 - a) x)``, for pooling needs the true sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visavis.nets import _fold as fold
from visavis.nets import onnx_bytes as onnx_file
from visavis.nets._fold import Conv, Dense, Tensor, Value, block, diagonal, padded
from visavis.nets.ops import Ops, Pad, Size
from visavis.types import Floats

NO_PADS = (0, 0, 0, 0)


class OnnxOps:
    """See :class:`visavis.nets.ops.Ops`; ``weights`` maps ``layer.part`` to float32 arrays.

    ``to_quantize`` chooses the form that is faster in 8 bits.
    """

    def __init__(self, weights: Mapping[str, Floats], *, to_quantize: bool = False) -> None:
        self._weights, self._to_quantize = weights, to_quantize
        self._nodes: list[bytes] = []
        self._emitted: dict[Conv | Dense, Tensor] = {}
        self._constants: list[bytes] = []

    # --- emitting -------------------------------------------------------------------------------------------------

    def _node(self, kind: str, inputs: Sequence[str], **attributes: int | Sequence[int]) -> str:
        name = f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(onnx_file.node(kind, inputs, name, attributes))
        return name

    def _constant(self, array: Floats | NDArray[np.int64]) -> str:
        name = f"w{len(self._constants)}"
        kept = array if array.dtype == np.int64 else array.astype(np.float32, copy=False)
        self._constants.append(onnx_file.tensor(name, kept))
        return name

    def _convolve(
        self, source: str, kernel: Floats, bias: Floats | None = None, **attributes: int | Sequence[int]
    ) -> str:
        parts = [source, self._constant(kernel)] + ([] if bias is None else [self._constant(bias)])
        return self._node("Conv", parts, **attributes)

    def _emit(self, x: Value) -> Tensor:
        """Emit a pending layer, once for all its uses."""
        if isinstance(x, Tensor):
            return x
        if x not in self._emitted:
            self._emitted[x] = self._emit_rows(x, x.channels) if isinstance(x, Dense) else self._activate(x)
        return self._emitted[x]

    def _activate(self, x: Conv) -> Tensor:
        """Emit a convolution with its activation."""
        if x.slope is None:
            raw = self._emit_raw(x, block(x.channels))
            return replace(raw, name=self._node("Relu", [raw.name])) if x.relu else raw
        sign = np.where(x.slope > 1, -1, 1).astype(np.float32)
        flipped = replace(x, kernel=x.kernel * sign[:, None, None, None], bias=x.bias * sign)
        raw = self._emit_raw(flipped, block(x.channels))
        straight, factor = raw.name, x.slope - 1
        if not self._to_quantize:
            straight, factor = self._multiply(raw.name, diagonal(x.slope, raw.width)), 1 - x.slope
        bent = self._node("Relu", [self._multiply(raw.name, diagonal(factor, raw.width))])
        return replace(raw, name=self._node("Add", [straight, bent]), sign=sign)

    def _activate_unsigned(self, x: Conv, slope: Floats) -> Tensor:
        """Emit a convolution with its PReLU, no channel negated; ONNX Runtime fuses the sum where a slope exceeds 1."""
        raw = self._emit_raw(x, block(x.channels))
        bent = self._node("Relu", [self._multiply(raw.name, diagonal(-abs(slope - 1), raw.width))])
        if (slope > 1).any():
            bent = self._multiply(bent, diagonal(np.where(slope > 1, -1, 1).astype(np.float32), raw.width))
        return replace(raw, name=self._node("Add", [raw.name, bent]))

    def _emit_raw(self, x: Conv, width: int) -> Tensor:
        """Emit the bare convolution, its kernel padded to the blocks on both sides."""
        kernel, bias = fold.fold_source(x)
        groups: dict[str, int] = {}
        if x.depthwise:
            width = x.source.width
            groups["group"] = width
        else:
            kernel = padded(kernel, x.source.width, axis=1)
        kernel, bias = padded(kernel, width, axis=0), padded(bias, width, axis=0)
        name = self._convolve(x.source.name, kernel, bias, strides=[x.stride] * 2, pads=list(x.pads), **groups)
        return Tensor(name, x.channels, width, x.side)

    def _emit_rows(self, x: Dense, width: int) -> Tensor:
        """Emit a dense layer; its kernel takes the sign and the shift of its source, and zeros for padded channels."""
        channels, offset = fold.fold_rows(x)
        rows = padded(channels, x.source.width, axis=0).reshape(-1, x.channels)
        kernel, bias = padded(rows, width, axis=1), padded(offset, width, axis=0)
        out = self._node("Gemm", [x.source.name, self._constant(kernel), self._constant(bias)])
        return Tensor(out, x.channels, width, 1, dense=True, rows=True)

    def _multiply(self, source: str, matrix: Floats) -> str:
        """Multiply channels by ``matrix``; depthwise where it is diagonal."""
        if matrix.shape[0] == matrix.shape[1] and np.array_equal(matrix, np.diag(np.diag(matrix))):
            return self._convolve(source, np.diag(matrix)[:, None, None, None], group=len(matrix))
        return self._convolve(source, matrix[:, :, None, None])

    # --- layers ---------------------------------------------------------------------------------------------------

    def picture(self, side: int | None, kind: int) -> Tensor:
        """Emit the graph input ``x``: ``(n, h, w, 3)`` of that kind of number."""
        planes = self._node("Transpose", ["x"], perm=[0, 3, 1, 2])
        return Tensor(planes if kind == onnx_file.FLOAT else self._node("Cast", [planes], to=1), 3, 3, side)

    def normalize(self, x: Value, *, mean: tuple[float, ...], scale: float) -> Value:
        """Defer, and fold into the next convolution."""
        factor = np.full(len(mean), scale, np.float64)
        return replace(self._emit_plain(x), shift=(factor, -np.asarray(mean, np.float64) * scale))

    def conv(
        self, x: Value, name: str, *, width: int | None = None, size: Size | None = None, stride: int = 1, pad: Pad = 0
    ) -> Value:
        """Defer until the next layer is known."""
        return self._defer(x, name, stride, pad, depthwise=False)

    def depthwise(self, x: Value, name: str, *, size: Size | None = None, stride: int = 1, pad: Pad = 0) -> Value:
        """Defer until the next layer is known."""
        return self._defer(x, name, stride, pad, depthwise=True)

    def _defer(self, x: Value, name: str, stride: int, pad: Pad, *, depthwise: bool) -> Conv:
        kernel = self._weights[f"{name}.kernel"]
        bias = self._weights.get(f"{name}.bias", np.zeros(len(kernel), np.float32))
        source = self._emit(x)
        pads = fold.pads(source, kernel, stride, pad)
        if any(pads):
            source = self._center(source)
        return Conv(source, kernel, bias, stride, pads, depthwise)

    def _center(self, x: Tensor) -> Tensor:
        """Shift a normalized picture now, so that zero padding is the mean; its factor is folded later."""
        if x.shift is None or not x.shift[1].any():
            return x
        factor, offset = x.shift
        if x.width == block(x.width):  # not a picture
            return self._shift(x)
        shift = self._constant((offset / factor).astype(np.float32)[:, None, None])
        return replace(x, name=self._node("Add", [x.name, shift]), shift=(factor, np.zeros_like(offset)))

    def _shift(self, x: Tensor) -> Tensor:
        """Apply the deferred normalization, by a depthwise 1x1 convolution."""
        pending = Conv(
            x, np.ones((x.channels, 1, 1, 1), np.float32), np.zeros(x.channels, np.float32), 1, NO_PADS, True
        )
        return self._emit_raw(pending, x.width)

    def affine(self, x: Value, name: str) -> Value:
        """Fold into the convolution before it."""
        if not isinstance(x, Conv) or not x.bare:
            raise TypeError(f"affine layer {name} must follow a convolution")
        return fold.scaled(x, self._weights[f"{name}.gamma"], self._weights[f"{name}.beta"])

    def batch_norm(self, x: Value, name: str, *, eps: float) -> Value:
        """Fold into the layer before it; behind an activation defer, and fold into the layer that follows."""
        factor, offset = fold.batch_norm(self._weights, name, eps)
        if isinstance(x, Dense) or (isinstance(x, Conv) and x.bare):
            return fold.scaled(x, factor, offset)
        tensor = self._emit(x)
        if tensor.shift is not None or tensor.rows:
            raise TypeError(f"batch normalization {name} must follow a convolution, its activation or a dense layer")
        return replace(tensor, shift=(factor.astype(np.float64), offset.astype(np.float64)))

    def scale(self, x: Value, factor: float) -> Value:
        """Fold into the convolution or the dense layer before it."""
        if isinstance(x, Tensor) or (isinstance(x, Conv) and not x.bare):
            raise TypeError("only a convolution or a dense layer can be scaled")
        return fold.scaled(x, np.full(x.channels, factor, np.float32), np.zeros(x.channels, np.float32))

    def prelu(self, x: Value, name: str) -> Value:
        """Defer in a pending convolution; emit a plain PRelu behind a dense layer."""
        slope = self._weights[f"{name}.slope"]
        if isinstance(x, Conv) and x.bare:
            return replace(x, slope=slope)
        rows = self._emit(x)
        if not rows.dense:
            raise TypeError(f"activation {name} must follow a convolution or a dense layer")
        return replace(rows, name=self._node("PRelu", [rows.name, self._constant(slope)]))

    def relu(self, x: Value) -> Value:
        """Defer in a pending convolution, else emit."""
        if isinstance(x, Conv) and x.slope is None:
            return replace(x, relu=True)
        tensor = self._emit_plain(x)
        return replace(tensor, name=self._node("Relu", [tensor.name]))

    def sigmoid(self, x: Value) -> Value:
        """Emit, with rows as wide as the channels they will gate."""
        tensor = self._emit_rows(x, block(x.channels)) if isinstance(x, Dense) else self._emit_plain(x)
        return replace(tensor, name=self._node("Sigmoid", [tensor.name]), dense=False)

    def gate(self, x: Value, by: Value) -> Value:
        """Emit one product, the rows laid out as pictures of one pixel."""
        tensor, rows = self._emit_plain(x), self._emit_plain(by)
        if tensor.rows or not rows.rows or rows.width != tensor.width:
            raise TypeError("channels are gated by rows that come out of a sigmoid")
        if tensor.channels != rows.channels:
            raise TypeError(f"{tensor.channels} channels cannot be gated by {rows.channels} figures")
        pixels = self._node("Unsqueeze", [rows.name, self._constant(np.array([2, 3]))])
        return replace(tensor, name=self._node("Mul", [tensor.name, pixels]))

    def max_pool(self, x: Value, size: int, *, stride: int, ceil: bool = False) -> Value:
        """Move a PReLU behind the pooling, onto fewer pixels, where that needs no further block of channels."""
        if not isinstance(x, Conv) or x.slope is None:
            return self._pool(self._emit_plain(x), size, stride, ceil)
        negative = np.flatnonzero(x.slope < 0)
        if x.depthwise or block(len(x.slope) + len(negative)) > block(len(x.slope)):
            return self._pool(self._activate_unsigned(x, x.slope), size, stride, ceil)
        both = replace(
            x,
            kernel=np.concatenate([x.kernel, x.kernel[negative] * x.slope[negative, None, None, None]]),
            bias=np.concatenate([x.bias, x.bias[negative] * x.slope[negative]]),
        )
        pooled = self._pool(self._emit_raw(both, block(len(both.bias))), size, stride, ceil)
        linear, bent, sign = fold.prelu_after_pool(x.slope, negative, pooled.width)
        straight = pooled.name if fold.is_identity(linear) else self._multiply(pooled.name, linear)
        curved = self._node("Relu", [self._multiply(pooled.name, bent)])
        name = self._node("Add", [straight, curved])
        return replace(pooled, name=name, channels=len(x.slope), width=len(linear), sign=sign)

    def _emit_plain(self, x: Value) -> Tensor:
        """Emit, and restore the sign of negated channels, for layers that cannot do so themselves."""
        out = self._emit(x)
        if out.shift is not None:
            raise TypeError("normalized values must go through a convolution or a dense layer first")
        if out.sign is None or (out.sign > 0).all():
            return out
        return replace(out, name=self._multiply(out.name, diagonal(out.sign, out.width)), sign=None)

    def _pool(self, x: Tensor, size: int, stride: int, ceil: bool) -> Tensor:
        name = self._node("MaxPool", [x.name], kernel_shape=[size] * 2, strides=[stride] * 2, ceil_mode=int(ceil))
        over = stride - 1 if ceil else 0
        side = None if x.side is None else (x.side - size + over) // stride + 1
        return replace(x, name=name, side=side)

    def average_pool(self, x: Value, size: int, *, stride: int) -> Value:
        """Return a pending convolution, so that the sum behind it is fused."""
        source = self._emit(x)
        kernel = np.zeros((source.channels, source.channels, size, size), np.float32)
        kernel[np.arange(source.channels), np.arange(source.channels)] = 1 / size**2
        return Conv(source, kernel, np.zeros(source.channels, np.float32), stride, (0, 0, 0, 0))

    def global_average(self, x: Value) -> Value:
        """Emit rows ``(n, c)``."""
        tensor = self._emit(x)
        return self.flatten(replace(tensor, name=self._node("GlobalAveragePool", [tensor.name]), side=1))

    def flatten(self, x: Value) -> Value:
        """Emit rows; the layout is kept in channels and side for the dense layer that follows."""
        tensor = self._emit(x)
        return replace(tensor, name=self._node("Flatten", [tensor.name]), rows=True)

    def dense(self, x: Value, name: str, *, width: int | None = None) -> Value:
        """Defer until the next layer is known: one Gemm."""
        source, kernel = self._emit(x), self._weights[f"{name}.kernel"]
        return Dense(source, kernel, self._weights.get(f"{name}.bias", np.zeros(kernel.shape[1], np.float32)))

    def add(self, a: Value, b: Value) -> Value:
        """Emit a sum of equal shapes."""
        if (a.channels, a.side) != (b.channels, b.side):
            raise TypeError(f"{a.channels} channels of side {a.side} cannot be added to {b.channels} of side {b.side}")
        return self.add_padded(a, b)

    def add_padded(self, a: Value, b: Value) -> Value:
        """Emit a sum; pad channels in the kernel of the narrower side, rows and columns by a Pad node."""
        channels = max(a.channels, b.channels)
        first, second = (self._emit_plain(fold.widened(x, channels)) for x in (a, b))
        if first.width != second.width:
            raise TypeError("a sum with the picture itself is not supported")
        side = fold.larger_side(first, second)
        first, second = self._pad_side(first, side), self._pad_side(second, side)
        return replace(first, name=self._node("Add", [first.name, second.name]))

    def _pad_side(self, x: Tensor, side: int | None) -> Tensor:
        if side is None or x.side is None or x.side == side:
            return x
        behind = self._constant(np.array([0, 0, 0, 0, 0, 0, side - x.side, side - x.side], np.int64))
        return replace(x, name=self._node("Pad", [x.name, behind]), side=side)

    def concat(self, parts: Sequence[Value]) -> Value:
        """Emit a Concat; a 1x1 convolution removes padding between the parts."""
        tensors = [self._emit_plain(part) for part in parts]
        if any(tensor.rows or tensor.side != tensors[0].side for tensor in tensors):
            raise TypeError("only pictures of one size can be laid side by side")
        name = self._node("Concat", [tensor.name for tensor in tensors], axis=1)
        channels, width = (sum(sizes) for sizes in zip(*((x.channels, x.width) for x in tensors), strict=True))
        if any(tensor.channels != tensor.width for tensor in tensors[:-1]) or width != block(width):
            name, width = self._multiply(name, fold.moved(tensors)), block(channels)
        return Tensor(name, channels, width, tensors[0].side)

    # --- the graph ------------------------------------------------------------------------------------------------

    def serialize(self, outputs: Sequence[Value], side: int | None, kind: int) -> bytes:
        """Return the ONNX file with these outputs."""
        tensors = [self._emit_output(output) for output in outputs]
        picture = onnx_file.value("x", kind, ("n", side or "h", side or "w", 3))
        shapes = [("n", "c") if tensor.rows else ("n", "c", "h", "w") for tensor in tensors]
        results = [
            onnx_file.value(tensor.name, onnx_file.FLOAT, shape) for tensor, shape in zip(tensors, shapes, strict=True)
        ]
        return onnx_file.model(self._nodes, self._constants, [picture], results)

    def _emit_output(self, x: Value) -> Tensor:
        """Emit an output: without padded or negated channels."""
        if isinstance(x, Conv) and x.bare and not x.depthwise:
            return self._emit_raw(x, x.channels)
        tensor = self._emit_plain(x)
        if tensor.width == tensor.channels:
            return tensor
        kept = np.eye(tensor.channels, tensor.width, dtype=np.float32)
        if not tensor.rows:
            name = self._multiply(tensor.name, kept)
        elif tensor.side == 1:
            name = self._node("Gemm", [tensor.name, self._constant(kept.T)])
        else:
            raise TypeError("a picture laid in rows can only end a network if its channels are a full block")
        return replace(tensor, name=name, width=tensor.channels)


def to_onnx(
    net: Callable[[Ops[Value], Value], tuple[Value, ...]],
    weights: Mapping[str, Floats],
    *,
    side: int | None,
    pixels: Literal["uint8", "float32"] = "uint8",
    to_quantize: bool = False,
) -> bytes:
    """Emit ``net`` with these weights as an ONNX file; ``to_quantize``: it will run in 8 bits only.

    Its input ``x`` is ``(n, side, side, 3)``, any height and width where ``side`` is None: RGB from 0 to 255, of the
    type that ``pixels`` names.
    """
    ops, kind = (
        OnnxOps(weights, to_quantize=to_quantize),
        {"uint8": onnx_file.UINT8, "float32": onnx_file.FLOAT}[pixels],
    )
    return ops.serialize(net(ops, ops.picture(side, kind)), side, kind)
