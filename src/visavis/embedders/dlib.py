"""dlib's face recognition ResNet: 128 figures from a 150-pixel face chip. Public domain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visavis import align
from visavis.embedders import EMBEDDERS
from visavis.embedders.trained import Recipe, Trained, load
from visavis.nets.dlib_resnet import dlib_resnet
from visavis.types import RGB, Face, Floats
from visavis.weights import spec
from visavis.weights.readers import dlib_dat

SIDE = 150
BATCH = 32
"""Chips per run: larger batches are no faster, and their activations exceed the caches."""

TEMPLATE = np.array([(48.5, 46.7), (102.7, 46.9), (75.4, 78.8), (52.0, 105.9), (98.9, 106.2)], np.float32)
"""Places of MTCNN's five points in dlib's own chips: medians over LFW."""


VIEWS = 2
"""The chip and its mirror image: docs/accuracy.md has the gain and cost of more views."""


def crops(picture: RGB, faces: Sequence[Face]) -> RGB:
    """Return chips ``(n, 150, 150, 3)``, with five landmarks mapped onto those of dlib's chips."""
    points = np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2)
    return align.warp(picture, align.similarity(points, TEMPLATE), size=SIDE)


def read(path: Path) -> dict[str, Floats]:
    """Return the weights of the published file, by the names of the network's definition."""
    layers, matrix = dlib_dat.read_network(path)
    weights = {"fc.kernel": matrix, "fc.bias": np.zeros(matrix.shape[1], np.float32)}
    for number, layer in enumerate(layers, 1):
        for part in ("kernel", "bias", "gamma", "beta"):
            weights[f"conv{number}.{part}"] = getattr(layer, part)
    return weights


DLIB_RESNET = Recipe("dlib-resnet", (spec.DLIB_RESNET,), read, dlib_resnet, SIDE, 128, BATCH, crops, VIEWS)


@EMBEDDERS.register("dlib-resnet", views=VIEWS)
def dlib_resnet_embedder(*, threads: int | None = None, views: int = VIEWS) -> Trained:
    """Load the network; ``views`` (1, 2, 4 ...) are the passes through it per face."""
    return load(DLIB_RESNET, threads=threads, views=views)
