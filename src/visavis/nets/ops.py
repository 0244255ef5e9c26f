"""The operations of network definitions.

A definition is a function ``net(ops, x) -> outputs``. It names layers; the interpreter behind ``ops`` holds their
weights by those names. ``onnx_graph.py`` is the interpreter that emits a graph for ONNX Runtime, ``shapes.py`` lists
names and shapes of the weights, and ``torch_module.py`` computes with PyTorch for training. Tensors are
``(n, c, h, w)``, or rows ``(n, c)``.

``width`` (channels of the output) and ``size`` (rows and columns of the kernel) describe the published network; the
computation follows the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")

Size = int | tuple[int, int]
"""Rows and columns of a kernel, one number where they are equal."""
Pad = int | Literal["same"]
"""Zeros on every side; or as in TensorFlow, for an output of ``ceil(side / stride)``, the odd zero behind."""


def same_pad(side: int, size: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and behind an axis of length ``side``, as TensorFlow's "same" adds them."""
    total = max((-(-side // stride) - 1) * stride + size - side, 0)
    return total // 2, total - total // 2


class Ops(Protocol[T]):
    """The layers; ``name`` is the prefix of the layer's weights."""

    def normalize(self, x: T, *, mean: tuple[float, ...], scale: float) -> T:
        """Return ``(x - mean) * scale`` per channel."""
        ...

    def conv(
        self, x: T, name: str, *, width: int | None = None, size: Size | None = None, stride: int = 1, pad: Pad = 0
    ) -> T:
        """Correlate with ``name.kernel`` (out, in, h, w); add ``name.bias`` (out,) where there is one."""
        ...

    def depthwise(self, x: T, name: str, *, size: Size | None = None, stride: int = 1, pad: Pad = 0) -> T:
        """Correlate each channel with its own ``name.kernel`` (c, 1, h, w)."""
        ...

    def affine(self, x: T, name: str) -> T:
        """Return ``x * name.gamma + name.beta`` per channel."""
        ...

    def batch_norm(self, x: T, name: str, *, eps: float) -> T:
        """Return ``(x - name.mean) / sqrt(name.variance + eps)`` times ``name.gamma``, if any, plus ``name.beta``."""
        ...

    def scale(self, x: T, factor: float) -> T:
        """Return ``x * factor``."""
        ...

    def prelu(self, x: T, name: str) -> T:
        """Return ``x`` where positive, ``x * name.slope`` (per channel) elsewhere."""
        ...

    def relu(self, x: T) -> T:
        """Return ``max(x, 0)``."""
        ...

    def sigmoid(self, x: T) -> T:
        """Return ``1 / (1 + exp(-x))``."""
        ...

    def gate(self, x: T, by: T) -> T:
        """Multiply each channel of ``x`` by its number in the rows ``by`` (n, c)."""
        ...

    def max_pool(self, x: T, size: int, *, stride: int, ceil: bool = False) -> T:
        """Return the maxima of windows; ``ceil`` keeps a last window that reaches over the edge."""
        ...

    def average_pool(self, x: T, size: int, *, stride: int) -> T:
        """Return the means of windows that lie wholly inside."""
        ...

    def global_average(self, x: T) -> T:
        """Return the mean over rows and columns: ``(n, c)``."""
        ...

    def flatten(self, x: T) -> T:
        """Return ``(n, c * h * w)`` in that order."""
        ...

    def dense(self, x: T, name: str, *, width: int | None = None) -> T:
        """Multiply rows with ``name.kernel`` (in, out); add ``name.bias`` (out,) where there is one."""
        ...

    def add(self, a: T, b: T) -> T:
        """Add values of equal shapes."""
        ...

    def add_padded(self, a: T, b: T) -> T:
        """Add; where shapes differ, the smaller is padded with zeros behind (channels, rows, columns)."""
        ...

    def concat(self, parts: Sequence[T]) -> T:
        """Concatenate the channels of all parts, in their order."""
        ...


Net = Callable[[Ops[Any], Any], tuple[Any, ...]]
"""A definition: a function of the operations and the pictures ``(n, 3, h, w)``."""
