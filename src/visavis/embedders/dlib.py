"""dlib's face recognition ResNet: 128 figures from a 150-pixel face chip. Public domain; the default."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis import align, runtime
from visavis.embedders import EMBEDDERS, _views
from visavis.embedders.trained import run_in_batches
from visavis.nets.dlib_resnet import dlib_resnet
from visavis.types import RGB, Face, Floats
from visavis.weights import spec, store
from visavis.weights.readers import dlib_dat

SIDE = 150
BATCH = 32
"""Chips a run: larger batches are no faster, and their activations leave the caches."""

TEMPLATE = np.array([(48.5, 46.7), (102.7, 46.9), (75.4, 78.8), (52.0, 105.9), (98.9, 106.2)], np.float32)
"""Where MTCNN's five points lie in dlib's own chips: medians over LFW."""


VIEWS = 2
"""The chip and its mirror image: docs/accuracy.md says what more of them gain and cost."""


class DlibResnet:
    """Embedder ``dlib-resnet``: the sum of the vectors of some views of a chip, scaled to length 1."""

    dimension = 128

    def __init__(self, session: runtime.Session, *, views: int = VIEWS) -> None:
        self.name = _views.model_id("dlib-resnet", views, default=VIEWS)
        self._session = session
        self._views = views

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Chips ``(n, 150, 150, 3)``, five landmarks brought onto those of dlib's chips."""
        points = np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2)
        return align.warp(picture, align.similarity(points, TEMPLATE), size=SIDE)

    def embed(self, crops: RGB) -> Floats:
        """Unit vectors ``(n, 128)``."""
        return _views.embed_views(self.raw, crops, views=self._views)

    def raw(self, crops: RGB) -> Floats:
        """dlib's own descriptors ``(n, 128)`` of the chips as they are: one view, not of unit length."""
        return run_in_batches(self._session, crops, batch=BATCH, dimension=self.dimension)


@EMBEDDERS.register("dlib-resnet")
def dlib_resnet_embedder(*, threads: int | None = None, views: int = VIEWS) -> DlibResnet:
    """Load the network; ``views`` (1, 2, 4 ...) are how many passes through it a face takes."""
    path = runtime.converted("dlib-resnet", spec.DLIB_RESNET.sha256, _build)
    return DlibResnet(runtime.Session(path, threads=threads), views=views)


def _build() -> bytes:
    from visavis.nets._onnx import to_onnx

    return to_onnx(dlib_resnet, read(), side=SIDE)


def read() -> dict[str, Floats]:
    """Weights of the published file, by the names of the network's definition."""
    layers, matrix = dlib_dat.read_network(store.find(spec.DLIB_RESNET))
    weights = {"fc.kernel": matrix}
    for number, layer in enumerate(layers, 1):
        for part in ("kernel", "bias", "gamma", "beta"):
            weights[f"conv{number}.{part}"] = getattr(layer, part)
    return weights
