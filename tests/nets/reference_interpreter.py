"""A second interpreter of network definitions: numpy, float64, a layer at a time, nothing folded or reordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from visavis.nets.ops import Pad

Array = np.ndarray[Any, np.dtype[np.float64]]


class SlowOps:
    """See :class:`visavis.nets.ops.Ops`; a tensor is an array ``(n, c, h, w)`` or ``(n, c)``."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self._weights = weights

    def _weight(self, name: str) -> Array:
        return self._weights[name].astype(np.float64)

    def _channels(self, name: str, x: Array) -> Array:
        """A figure a channel, shaped to be broadcast over ``x``."""
        return self._weight(name).reshape(-1, *[1] * (x.ndim - 2))

    def _bias(self, name: str, x: Array) -> Array | float:
        return self._channels(f"{name}.bias", x) if f"{name}.bias" in self._weights else 0.0

    def normalize(self, x: Array, *, mean: tuple[float, ...], scale: float) -> Array:
        return (x - np.array(mean).reshape(-1, 1, 1)) * scale

    def conv(self, x: Array, name: str, *, stride: int = 1, pad: Pad = 0, **published: Any) -> Array:
        kernel = self._weight(f"{name}.kernel")
        windows = _windows(x, kernel.shape[2:], stride, pad)
        out = np.tensordot(windows, kernel, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)
        return out + self._bias(name, out)

    def depthwise(self, x: Array, name: str, *, stride: int = 1, pad: Pad = 0, **published: Any) -> Array:
        kernel = self._weight(f"{name}.kernel")
        out = np.einsum("ncijhw,chw->ncij", _windows(x, kernel.shape[2:], stride, pad), kernel[:, 0])
        return out + self._bias(name, out)

    def affine(self, x: Array, name: str) -> Array:
        return x * self._channels(f"{name}.gamma", x) + self._channels(f"{name}.beta", x)

    def batch_norm(self, x: Array, name: str, *, eps: float) -> Array:
        mean, variance, beta = (self._channels(f"{name}.{part}", x) for part in ("mean", "variance", "beta"))
        gamma = self._channels(f"{name}.gamma", x) if f"{name}.gamma" in self._weights else 1.0
        return (x - mean) / np.sqrt(variance + eps) * gamma + beta

    def scale(self, x: Array, factor: float) -> Array:
        return x * factor

    def prelu(self, x: Array, name: str) -> Array:
        return np.where(x > 0, x, x * self._channels(f"{name}.slope", x))

    def relu(self, x: Array) -> Array:
        return np.where(x > 0, x, 0.0)

    def sigmoid(self, x: Array) -> Array:
        return np.exp(-np.logaddexp(0, -x))

    def gate(self, x: Array, by: Array) -> Array:
        assert x.shape[:2] == by.shape
        return x * by[:, :, None, None]

    def max_pool(self, x: Array, size: int, *, stride: int, ceil: bool = False) -> Array:
        return self._pool(x, size, stride, ceil, np.max)

    def average_pool(self, x: Array, size: int, *, stride: int) -> Array:
        return self._pool(x, size, stride, False, np.mean)

    def _pool(self, x: Array, size: int, stride: int, ceil: bool, of: Callable[..., Array]) -> Array:
        rows, columns = (
            -(-(length - size) // stride) + 1 if ceil else (length - size) // stride + 1 for length in x.shape[2:]
        )
        out = np.empty((*x.shape[:2], rows, columns))
        for i in range(rows):
            for j in range(columns):
                top, left = i * stride, j * stride
                out[:, :, i, j] = of(x[:, :, top : top + size, left : left + size], axis=(2, 3))
        return out

    def global_average(self, x: Array) -> Array:
        return x.sum(axis=(2, 3)) / (x.shape[2] * x.shape[3])

    def flatten(self, x: Array) -> Array:
        return x.reshape(len(x), int(np.prod(x.shape[1:])))

    def dense(self, x: Array, name: str, **published: Any) -> Array:
        out = x @ self._weight(f"{name}.kernel")
        return out + self._bias(name, out)

    def add(self, a: Array, b: Array) -> Array:
        assert a.shape == b.shape
        return a + b

    def add_padded(self, a: Array, b: Array) -> Array:
        out = np.zeros(tuple(max(sizes) for sizes in zip(a.shape, b.shape, strict=True)))
        for one in (a, b):
            out[tuple(slice(0, size) for size in one.shape)] += one
        return out

    def concat(self, parts: Sequence[Array]) -> Array:
        return np.concatenate(parts, axis=1)


def _windows(x: Array, sizes: Sequence[int], stride: int, pad: Pad) -> Array:
    """``(n, c, i, j, rows, columns)``: what each place of a kernel sees."""
    around = [(0, 0), (0, 0)]
    for length, size in zip(x.shape[2:], sizes, strict=True):
        if pad == "same":
            # https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
            rest = length % stride
            total = max(size - (rest if rest else stride), 0)
            around.append((total // 2, total - total // 2))
        else:
            around.append((pad, pad))
    return sliding_window_view(np.pad(x, around), sizes, axis=(2, 3))[:, :, ::stride, ::stride]


def run(net: Callable[..., tuple[Any, ...]], weights: Mapping[str, np.ndarray], pixels: np.ndarray) -> list[Array]:
    """Outputs of ``net`` for uint8 pictures ``(n, h, w, 3)``."""
    return list(net(SlowOps(weights), pixels.astype(np.float64).transpose(0, 3, 1, 2)))
