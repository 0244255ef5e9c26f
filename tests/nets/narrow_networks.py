"""The published networks with fewer channels, and made-up weights for them, so that any interpreter is quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from visavis.nets import inception_resnet_v1, minifasnet, mobilefacenet, resnet50, senet50, sface, vgg16
from visavis.nets.shapes import shapes

from .generated import slopes

Net = Callable[..., tuple[Any, ...]]

NETS: dict[str, tuple[Net, int]] = {
    "vgg16": (vgg16.vgg16, 224),
    "vgg16_top": (vgg16.vgg16_top, 224),
    "resnet50": (resnet50.resnet50, 224),
    "resnet50_top": (resnet50.resnet50_top, 224),
    "senet50": (senet50.senet50, 224),
    "senet50_top": (senet50.senet50_top, 224),
    "inception_resnet_v1": (inception_resnet_v1.inception_resnet_v1, 160),
    "inception_resnet_v1_top": (inception_resnet_v1.inception_resnet_v1_top, 160),
    "mobilefacenet": (mobilefacenet.mobilefacenet, 112),
    "sface": (sface.sface, 112),
    "minifasnet_v2": (minifasnet.minifasnet_v2, 80),
    "minifasnet_v1se": (minifasnet.minifasnet_v1se, 80),
}
"""Definition, and side of its pictures."""


class Narrow:
    """Hands on to other ``ops``, dividing widths; keeps what each layer gave in ``seen``, by its name."""

    def __init__(self, ops: Any, divisor: int, seen: dict[str, Any]) -> None:
        self._ops, self._divisor, self._seen = ops, divisor, seen

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        call = getattr(self._ops, kind)

        def layer(*inputs: Any, **options: Any) -> Any:
            if "width" in options:
                options["width"] = -(-options["width"] // self._divisor)
            out = call(*inputs, **options)
            self._seen[next((one for one in inputs if isinstance(one, str)), f"{kind}{len(self._seen)}")] = out
            return out

        return layer


def narrow(net: Net, divisor: int, seen: dict[str, Any] | None = None) -> Net:
    """``net`` with a part of its channels."""
    return lambda ops, x: net(Narrow(ops, divisor, {} if seen is None else seen), x)


def weights(net: Net, *, side: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random arrays of the shapes that ``net`` asks for, such that values neither die nor explode on their way."""
    rng = np.random.default_rng(seed)
    return {name: _part(name, shape, rng) for name, shape in shapes(net, side=side).items()}


def _part(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    kind = name.rpartition(".")[2]
    if kind == "slope":
        return slopes("mixed", *shape, rng)
    if kind == "kernel":
        inputs = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        return rng.normal(0, (1.4 / inputs) ** 0.5, shape).astype(np.float32)
    low, high = {"gamma": (-0.4, 1.2), "variance": (0.4, 1.6)}.get(kind, (-0.4, 0.4))
    return rng.uniform(low, high, shape).astype(np.float32)


def without(weights: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays whose names do not end in ``part``."""
    return {name: array for name, array in weights.items() if not name.endswith(f".{part}")}
