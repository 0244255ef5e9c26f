"""Interpreter of network definitions that lists the arrays they need, by name and shape.

Weight files are checked against this list, and a network gets its first weights for training by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from visavis.nets.ops import Ops, Pad, Size, same_pad


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of a value: channels, and side of the picture (1 for rows); ``layer`` is the layer directly before it."""

    channels: int
    side: int
    layer: str = ""


class ShapeOps:
    """See :class:`visavis.nets.ops.Ops`; ``shapes`` collects the names in their order."""

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}

    def _add_numbers(self, x: Shape, name: str, *parts: str) -> Shape:
        self.shapes |= {f"{name}.{part}": (x.channels,) for part in parts}
        return replace(x, layer="")

    def normalize(self, x: Shape, *, mean: tuple[float, ...], scale: float) -> Shape:
        """Needs nothing."""
        return x

    def conv(
        self, x: Shape, name: str, *, width: int | None = None, size: Size | None = None, stride: int = 1, pad: Pad = 0
    ) -> Shape:
        """Needs kernel and bias."""
        if width is None:
            raise TypeError(f"the definition does not say how many channels come out of {name}")
        return self._conv(x, name, (width, x.channels), size, stride, pad)

    def depthwise(self, x: Shape, name: str, *, size: Size | None = None, stride: int = 1, pad: Pad = 0) -> Shape:
        """Needs kernel and bias."""
        return self._conv(x, name, (x.channels, 1), size, stride, pad)

    def _conv(self, x: Shape, name: str, channels: tuple[int, int], size: Size | None, stride: int, pad: Pad) -> Shape:
        if size is None:
            raise TypeError(f"the definition does not say how large the kernel of {name} is")
        rows, columns = (size, size) if isinstance(size, int) else size
        around = sum(same_pad(x.side, rows, stride)) if pad == "same" else 2 * pad
        out = Shape(channels[0], (x.side + around - rows) // stride + 1, name)
        if out.side < 1:
            raise TypeError(f"the picture is too small for {name}: {x.side} pixels")
        self.shapes |= {f"{name}.kernel": (*channels, rows, columns), f"{name}.bias": (out.channels,)}
        return out

    def affine(self, x: Shape, name: str) -> Shape:
        """Needs factor and offset."""
        return self._add_numbers(x, name, "gamma", "beta")

    def batch_norm(self, x: Shape, name: str, *, eps: float) -> Shape:
        """Needs all four, and makes the bias of the layer before it superfluous."""
        self.shapes.pop(f"{x.layer}.bias", None)
        return self._add_numbers(x, name, "gamma", "beta", "mean", "variance")

    def scale(self, x: Shape, factor: float) -> Shape:
        """Needs nothing."""
        return replace(x, layer="")

    def prelu(self, x: Shape, name: str) -> Shape:
        """Needs slopes."""
        return self._add_numbers(x, name, "slope")

    def relu(self, x: Shape) -> Shape:
        """Needs nothing."""
        return replace(x, layer="")

    def sigmoid(self, x: Shape) -> Shape:
        """Needs nothing."""
        return replace(x, layer="")

    def gate(self, x: Shape, by: Shape) -> Shape:
        """Needs as many numbers as channels."""
        if (x.channels, 1) != (by.channels, by.side):
            raise TypeError(f"{x.channels} channels cannot be gated by {by.channels} figures of side {by.side}")
        return replace(x, layer="")

    def max_pool(self, x: Shape, size: int, *, stride: int, ceil: bool = False) -> Shape:
        """Needs nothing."""
        over = x.side - size
        return Shape(x.channels, (-(-over // stride) if ceil else over // stride) + 1)

    def average_pool(self, x: Shape, size: int, *, stride: int) -> Shape:
        """Needs nothing."""
        return Shape(x.channels, (x.side - size) // stride + 1)

    def global_average(self, x: Shape) -> Shape:
        """Needs nothing."""
        return Shape(x.channels, 1)

    def flatten(self, x: Shape) -> Shape:
        """Needs nothing."""
        return Shape(x.channels * x.side**2, 1)

    def dense(self, x: Shape, name: str, *, width: int | None = None) -> Shape:
        """Needs kernel and bias."""
        if width is None:
            raise TypeError(f"the definition does not say how many figures come out of {name}")
        self.shapes |= {f"{name}.kernel": (x.channels, width), f"{name}.bias": (width,)}
        return Shape(width, 1, name)

    def add(self, a: Shape, b: Shape) -> Shape:
        """Needs equal shapes."""
        if (a.channels, a.side) != (b.channels, b.side):
            raise TypeError(f"{a.channels} channels of side {a.side} cannot be added to {b.channels} of side {b.side}")
        return replace(a, layer="")

    def add_padded(self, a: Shape, b: Shape) -> Shape:
        """Return the larger channels and the larger side."""
        return Shape(max(a.channels, b.channels), max(a.side, b.side))

    def concat(self, parts: Sequence[Shape]) -> Shape:
        """Needs pictures of one size."""
        if len({part.side for part in parts}) != 1:
            raise TypeError(f"sides {', '.join(str(part.side) for part in parts)} cannot be laid side by side")
        return Shape(sum(part.channels for part in parts), parts[0].side)


def shapes(net: Callable[[Ops[Shape], Shape], tuple[Shape, ...]], *, side: int) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every array that ``net`` takes, for pictures ``(n, side, side, 3)``.

    Layers that batch normalization follows have no bias; ``gamma`` is named, but may be missing and then means 1.
    TypeError for definitions that do not say how large their layers are.
    """
    ops = ShapeOps()
    net(ops, Shape(3, side))
    return ops.shapes
