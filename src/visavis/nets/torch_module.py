"""Interpreter of network definitions that computes with PyTorch: the same function becomes a module to be trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from visavis.nets.ops import Net, Pad, Size, same_pad
from visavis.pytorch import Tensor, functional, nn, torch
from visavis.types import Floats

STATISTICS = ("mean", "variance")
"""Parts of a layer that follow the data and are not trained."""
MOMENTUM = 0.1
"""Share of a batch in the moving mean and variance."""


class Network(nn.Module):
    """``net`` with these weights.

    Parameters and buffers have the names of the definition, so ``state_dict()`` gives back what ``weights`` held. Like
    the graph for ONNX Runtime it takes pixels ``(n, h, w, 3)`` from 0 to 255. In ``train()`` batch normalization uses
    the batch and updates its statistics, in ``eval()`` it uses the statistics. Layers whose names begin with one of
    ``frozen`` are not trained, and always use their statistics.
    """

    def __init__(self, net: Net, weights: Mapping[str, Floats], *, frozen: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._net, self._frozen = net, frozen
        for name, array in weights.items():
            self._take(name, torch.from_numpy(np.array(array, np.float32)))

    def _take(self, name: str, value: Tensor) -> None:
        """Register the value under its name: each dot is a module within a module."""
        *path, part = name.split(".")
        module: nn.Module = self
        for step in path:
            if step not in module._modules:
                module.add_module(step, nn.Module())
            module = module.get_submodule(step)
        if part in STATISTICS:
            module.register_buffer(part, value)
        else:
            module.register_parameter(part, nn.Parameter(value, requires_grad=not name.startswith(self._frozen)))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of the definition, in its order."""
        arrays = dict(chain(self.named_parameters(), self.named_buffers()))
        ops = TorchOps(arrays, training=self.training, frozen=self._frozen)
        return self._net(ops, pixels.permute(0, 3, 1, 2).float())

    def weights(self) -> dict[str, Floats]:
        """Return a copy of all arrays by name, as readers give them and ``to_onnx`` takes them."""
        return {name: np.array(value.cpu().numpy()) for name, value in self.state_dict().items()}


class TorchOps:
    """See :class:`visavis.nets.ops.Ops`; ``weights`` maps ``layer.part`` to tensors."""

    def __init__(self, weights: Mapping[str, Tensor], *, training: bool, frozen: tuple[str, ...] = ()) -> None:
        self._weights, self._training, self._frozen = weights, training, frozen

    def _channels(self, name: str, x: Tensor) -> Tensor:
        """Return a number per channel, in a shape that is broadcast over ``x``."""
        return self._weights[name].reshape(-1, *[1] * (x.ndim - 2))

    def normalize(self, x: Tensor, *, mean: tuple[float, ...], scale: float) -> Tensor:
        """Return ``(x - mean) * scale`` per channel."""
        return (x - torch.tensor(mean, dtype=x.dtype, device=x.device)[:, None, None]) * scale

    def conv(
        self, x: Tensor, name: str, *, width: int | None = None, size: Size | None = None, stride: int = 1, pad: Pad = 0
    ) -> Tensor:
        """Correlate with the kernel, and add the bias."""
        return self._conv(x, name, stride, pad, groups=1)

    def depthwise(self, x: Tensor, name: str, *, size: Size | None = None, stride: int = 1, pad: Pad = 0) -> Tensor:
        """Correlate each channel with its own kernel."""
        return self._conv(x, name, stride, pad, groups=x.shape[1])

    def _conv(self, x: Tensor, name: str, stride: int, pad: Pad, *, groups: int) -> Tensor:
        kernel, bias = self._weights[f"{name}.kernel"], self._weights.get(f"{name}.bias")
        if pad == "same":
            rows, columns = (same_pad(x.shape[axis], kernel.shape[axis], stride) for axis in (2, 3))
            x, pad = functional.pad(x, [*columns, *rows]), 0
        return functional.conv2d(x, kernel, bias, stride, pad, groups=groups)

    def affine(self, x: Tensor, name: str) -> Tensor:
        """Apply factor and offset per channel."""
        return x * self._channels(f"{name}.gamma", x) + self._channels(f"{name}.beta", x)

    def batch_norm(self, x: Tensor, name: str, *, eps: float) -> Tensor:
        """Normalize by the batch, or by the moving statistics."""
        mean, variance, beta = (self._weights[f"{name}.{part}"] for part in ("mean", "variance", "beta"))
        gamma = self._weights.get(f"{name}.gamma")
        training = self._training and not name.startswith(self._frozen)
        return functional.batch_norm(x, mean, variance, gamma, beta, training, MOMENTUM, eps)

    def scale(self, x: Tensor, factor: float) -> Tensor:
        """Return ``x * factor``."""
        return x * factor

    def prelu(self, x: Tensor, name: str) -> Tensor:
        """Apply a slope per channel."""
        return functional.prelu(x, self._weights[f"{name}.slope"])

    def relu(self, x: Tensor) -> Tensor:
        """Return ``max(x, 0)``."""
        return functional.relu(x)

    def sigmoid(self, x: Tensor) -> Tensor:
        """Return ``1 / (1 + exp(-x))``."""
        return torch.sigmoid(x)

    def gate(self, x: Tensor, by: Tensor) -> Tensor:
        """Multiply each channel by its number."""
        return x * by[:, :, None, None]

    def max_pool(self, x: Tensor, size: int, *, stride: int, ceil: bool = False) -> Tensor:
        """Return the maxima of windows."""
        return functional.max_pool2d(x, size, stride, ceil_mode=ceil)

    def average_pool(self, x: Tensor, size: int, *, stride: int) -> Tensor:
        """Return the means of windows."""
        return functional.avg_pool2d(x, size, stride)

    def global_average(self, x: Tensor) -> Tensor:
        """Return the mean over rows and columns."""
        return x.mean(dim=(2, 3))

    def flatten(self, x: Tensor) -> Tensor:
        """Return rows in the order channel, row, column."""
        return x.flatten(1)

    def dense(self, x: Tensor, name: str, *, width: int | None = None) -> Tensor:
        """Multiply rows."""
        out = x @ self._weights[f"{name}.kernel"]
        bias = self._weights.get(f"{name}.bias")
        return out if bias is None else out + bias

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        """Sum of equal shapes."""
        if a.shape != b.shape:
            raise TypeError(f"{tuple(a.shape)} cannot be added to {tuple(b.shape)}")
        return a + b

    def add_padded(self, a: Tensor, b: Tensor) -> Tensor:
        """Sum, with zeros behind the smaller one."""
        sizes = [max(pair) for pair in zip(a.shape, b.shape, strict=True)]
        first, second = (functional.pad(x, _padding(x, sizes)) for x in (a, b))
        return first + second

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        """Concatenate the channels of all parts."""
        return torch.cat(list(parts), dim=1)


def _padding(x: Tensor, sizes: Sequence[int]) -> list[int]:
    """Return torch's padding: before and behind, from the last axis to the first."""
    return [zeros for axis in reversed(range(x.ndim)) for zeros in (0, sizes[axis] - x.shape[axis])]
