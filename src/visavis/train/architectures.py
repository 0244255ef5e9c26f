"""The networks that can be trained: a definition of :mod:`visavis.nets`, and a dense layer that makes the embedding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from visavis.embedders import dlib
from visavis.errors import UnknownNameError, UsageError
from visavis.nets import (
    dlib_resnet,
    inception_resnet_v1,
    mobilefacenet,
    resnet18,
    resnet50,
    senet50,
    sface,
    small_cnn,
    vgg16,
)
from visavis.nets.ops import Net, Ops, T
from visavis.nets.shapes import shapes
from visavis.train.config import Settings
from visavis.train.crops import face_points
from visavis.types import Floats
from visavis.weights.model_row import ARCFACE, CropPoints

LAYER = "embedding"
"""Name of the layer that makes the embedding."""
SLOPE = 0.25
"""First slope of a PReLU (He, Zhang, Ren, Sun 2015)."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be trained on faces of ``side`` pixels or, unless ``fixed``, of another size.

    ``models`` are the built-in models whose weights it can begin with. ``points`` are the places of the five landmarks
    in crops of ``points_side`` pixels.
    """

    name: str
    net: Net
    side: int
    fixed: bool = False
    models: tuple[str, ...] = ()
    points: CropPoints = ARCFACE
    points_side: int = 112

    @property
    def features(self) -> int:
        """Numbers that the network computes of a face, before the layer that makes the embedding."""
        return shapes(self.definition(1), side=self.side)[f"{LAYER}.kernel"][0]

    def face_points(self, size: int) -> CropPoints:
        """Return the places of the five landmarks in crops of that size."""
        return face_points(size, self.points, self.points_side)

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
        Architecture("vgg16", vgg16.vgg16, 112, models=("vggface-vgg16",)),
        Architecture("resnet18", resnet18.resnet18, resnet18.SIDE),
        Architecture("resnet50", resnet50.resnet50, 112, models=("vggface2-resnet50",)),
        Architecture("senet50", senet50.senet50, 112, models=("vggface2-senet50",)),
        Architecture("mobilefacenet", mobilefacenet.mobilefacenet, mobilefacenet.SIDE, fixed=True),
        Architecture("sface", sface.sface, sface.SIDE, fixed=True, models=("sface", "sface-float")),
        Architecture(
            "inception_resnet_v1",
            inception_resnet_v1.inception_resnet_v1,
            inception_resnet_v1.SIDE,
            models=("facenet-vggface2", "facenet-casia"),
        ),
        Architecture(
            "dlib_resnet",
            dlib_resnet.dlib_resnet,
            dlib.SIDE,
            models=("dlib-resnet",),
            points=tuple((float(x), float(y)) for x, y in dlib.TEMPLATE),
            points_side=dlib.SIDE,
        ),
    )
}


def architecture(name: str) -> Architecture:
    """Return the architecture of that name; UnknownNameError lists those there are."""
    if name not in ARCHITECTURES:
        raise UnknownNameError(f"there is no architecture {name!r}; there are: {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def crop_size(settings: Settings) -> int:
    """Return the side of the crops; UsageError where the architecture takes another size alone."""
    network = architecture(settings.architecture)
    if network.fixed and settings.size not in (0, network.side):
        raise UsageError(f"{network.name} takes crops of {network.side} pixels: leave out the size.")
    return settings.size or network.side


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
