"""The networks that can be trained: a definition of :mod:`visavis.nets`, and a dense layer that makes the embedding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from visavis.errors import UnknownNameError
from visavis.nets import (
    inception_resnet_v1,
    mobilefacenet,
    resnet18,
    resnet50,
    senet50,
    small_cnn,
    vgg16,
)
from visavis.nets.ops import Net, Ops, T
from visavis.nets.shapes import shapes
from visavis.types import Floats

LAYER = "embedding"
"""Name of the layer that makes the embedding."""
SLOPE = 0.25
"""First slope of a PReLU (He, Zhang, Ren, Sun 2015)."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be trained on faces of ``side`` pixels or, unless ``fixed``, of another size."""

    name: str
    net: Net
    side: int
    fixed: bool = False

    def definition(self, dimension: int) -> Net:
        """Return the network with a layer that makes embeddings of this length, not normalized."""

        def embed(ops: Ops[T], x: T) -> tuple[T, ...]:
            (features,) = self.net(ops, x)
            return (ops.dense(features, LAYER, width=dimension),)

        return embed


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("small_cnn", small_cnn.small_cnn, small_cnn.SIDE),
        Architecture("vgg16", vgg16.vgg16, 112),
        Architecture("resnet18", resnet18.resnet18, resnet18.SIDE),
        Architecture("resnet50", resnet50.resnet50, 112),
        Architecture("senet50", senet50.senet50, 112),
        Architecture("mobilefacenet", mobilefacenet.mobilefacenet, mobilefacenet.SIDE, fixed=True),
        Architecture("inception_resnet_v1", inception_resnet_v1.inception_resnet_v1, inception_resnet_v1.SIDE),
    )
}


def architecture(name: str) -> Architecture:
    """Return the architecture of that name; UnknownNameError lists those there are."""
    if name not in ARCHITECTURES:
        raise UnknownNameError(f"there is no architecture {name!r}; there are: {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def first_weights(definition: Net, *, side: int, seed: int) -> dict[str, Floats]:
    """Return weights to begin with: kernels by He and others (2015, fan-in), normalizations that change nothing."""
    rng = np.random.default_rng(seed)
    return {name: _first_weight(name, shape, rng) for name, shape in shapes(definition, side=side).items()}


def count_parameters(weights: Mapping[str, Floats]) -> int:
    """Return the number of numbers in the arrays."""
    return sum(array.size for array in weights.values())


def _first_weight(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    part = name.rpartition(".")[2]
    if part == "kernel":
        inputs = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
        gain = 1.0 if name == f"{LAYER}.kernel" else 2.0
        return rng.normal(0, (gain / inputs) ** 0.5, shape).astype(np.float32)
    value = {"gamma": 1.0, "variance": 1.0, "slope": SLOPE}.get(part, 0.0)
    return np.full(shape, value, np.float32)
