"""What a network's definition may use.

A definition is a function ``net(ops, x) -> outputs``. It names layers; the interpreter behind ``ops`` holds their
weights by those names. ``_onnx.py`` is the interpreter that emits a graph for ONNX Runtime. Tensors are
``(n, c, h, w)``.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

T = TypeVar("T")


class Ops(Protocol[T]):
    """The layers; ``name`` is the prefix of the layer's weights."""

    def normalise(self, x: T, *, mean: tuple[float, ...], scale: float) -> T:
        """``(x - mean) * scale`` a channel."""
        ...

    def conv(self, x: T, name: str, *, stride: int = 1, pad: int = 0) -> T:
        """Correlate with ``name.kernel`` (out, in, h, w); add ``name.bias`` (out,) where there is one."""
        ...

    def affine(self, x: T, name: str) -> T:
        """``x * name.gamma + name.beta`` a channel."""
        ...

    def prelu(self, x: T, name: str) -> T:
        """``x`` where positive, ``x * name.slope`` (a channel) elsewhere."""
        ...

    def relu(self, x: T) -> T:
        """``max(x, 0)``."""
        ...

    def max_pool(self, x: T, size: int, *, stride: int, ceil: bool = False) -> T:
        """Maxima of windows; ``ceil`` keeps a last window that hangs over the edge."""
        ...

    def average_pool(self, x: T, size: int, *, stride: int) -> T:
        """Means of windows that lie wholly inside."""
        ...

    def global_average(self, x: T) -> T:
        """Mean over rows and columns: ``(n, c)``."""
        ...

    def flatten(self, x: T) -> T:
        """``(n, c * h * w)`` in that order."""
        ...

    def dense(self, x: T, name: str) -> T:
        """Multiply rows with ``name.kernel`` (in, out); add ``name.bias`` (out,) where there is one."""
        ...

    def add_padded(self, a: T, b: T) -> T:
        """Sum; where shapes differ the smaller is padded with zeros behind (channels, rows, columns)."""
        ...
