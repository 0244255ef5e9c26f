"""Common parts of the classic networks: weights from a published file, crops by boxes, one embedding per crop.

A network can have several files that hold the same weights (with and without the top, of other libraries); the first
that is on this machine is used, else the first is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from visavis import converted, runtime
from visavis.embedders import EMBEDDERS, _views
from visavis.errors import WeightsError
from visavis.nets.ops import Net
from visavis.types import RGB, Face, Floats
from visavis.weights import store
from visavis.weights.row import WeightSpec

Weights = Mapping[str, Floats]

VIEWS = 1
"""As published: a single view of a face."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is made: its files, the reader that names their arrays, the definition, and the crops."""

    name: str
    rows: tuple[WeightSpec, ...]
    read: Callable[[Path], Weights]
    net: Net
    side: int
    dimension: int
    batch: int
    crops: Callable[[RGB, Sequence[Face]], RGB]
    views: int = VIEWS
    """Default number of views of a face."""

    def row(self) -> WeightSpec:
        """Return the row of the file to use: the first that is on this machine, else the first."""
        return next((row for row in self.rows if store.locate(row)), self.rows[0])

    def session(self, *, threads: int | None = None) -> runtime.Session:
        """Open the network, converted now if it was not before. Raises WeightsError."""
        row = self.row()
        store.consent(row)
        path = converted.network(self.name, store.digest(row), lambda: self.build(store.find(row)))
        return runtime.Session(path, threads=threads)

    def build(self, path: Path, *, to_quantize: bool = False) -> bytes:
        """Return the network of a weight file as ONNX; WeightsError where the file is of another network.

        ``to_quantize``: it is not run in float32, but converted to 8 bits.
        """
        from visavis.nets.onnx_graph import to_onnx

        return to_onnx(self.net, self.weights(path), side=self.side, to_quantize=to_quantize)

    def weights(self, path: Path) -> Weights:
        """Return the arrays of a weight file by the definition's names; WeightsError if it is of another network."""
        weights = self.read(path)
        _fit(path, weights, self)
        return weights


def _fit(path: Path, weights: Weights, recipe: Recipe) -> None:
    """Raise WeightsError unless all arrays are there, in the shapes of the definition."""
    from visavis.nets.shapes import shapes

    for name, shape in shapes(recipe.net, side=recipe.side).items():
        if name not in weights:
            if name.endswith(".gamma"):  # left out where it is 1
                continue
            raise WeightsError(f"{path} is not a file of {recipe.name}: it has no {name}.")
        if weights[name].shape != shape:
            raise WeightsError(
                f"{path} is not a file of {recipe.name}: {name} is {weights[name].shape}, where it should be {shape}."
            )


class Trained:
    """Embedder of a recipe: several views of each crop, summed and scaled to length 1."""

    def __init__(self, recipe: Recipe, session: runtime.Session, *, views: int = VIEWS) -> None:
        self.name = _views.model_id(recipe.name, views, default=recipe.views)
        self.dimension = recipe.dimension
        self._recipe, self._session, self._views = recipe, session, views

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Return crops ``(n, s, s, 3)``, cut as in the recipe."""
        return self._recipe.crops(picture, faces)

    def embed(self, crops: RGB) -> Floats:
        """Return unit embeddings ``(n, d)``."""
        return _views.embed_views(self.raw, crops, views=self._views, model=self.name)

    def raw(self, crops: RGB) -> Floats:
        """Return the outputs for unchanged crops: ``(n, d)``, one view, not of unit length."""
        return run_in_batches(self._session, crops, batch=self._recipe.batch, dimension=self.dimension)


def run_in_batches(session: runtime.Session, crops: RGB, *, batch: int, dimension: int) -> Floats:
    """Return the first output ``(n, dimension)`` of a network for crops ``(n, s, s, 3)``."""
    parts = [session.run(np.ascontiguousarray(crops[i : i + batch]))[0] for i in range(0, len(crops), batch)]
    return np.concatenate(parts) if parts else np.empty((0, dimension), np.float32)


def register(*recipes: Recipe) -> None:
    """Register the embedder of each recipe; its option ``views`` (1, 2 or 4) is the number of passes per face."""
    for recipe in recipes:
        EMBEDDERS.register(recipe.name, views=recipe.views)(partial(load, recipe, threads=None, views=recipe.views))


def load(recipe: Recipe, *, threads: int | None, views: int) -> Trained:
    """Load the embedder; invalid options raise UsageError before any download."""
    runtime.thread_count(threads)
    _views.model_id(recipe.name, views, default=recipe.views)
    return Trained(recipe, recipe.session(threads=threads), views=views)
