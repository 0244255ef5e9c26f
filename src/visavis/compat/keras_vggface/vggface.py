"""``VGGFace`` of ``keras_vggface`` 0.6: a network for prediction, from the same weight files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from visavis.compat import note
from visavis.compat.keras_vggface import _network
from visavis.errors import UsageError
from visavis.types import Floats
from visavis.weights import store
from visavis.weights.classes import class_names

Shape: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A replacement for a Keras tensor, for scripts that print it."""

    name: str
    shape: Shape
    dtype: str = "float32"


class VGGFace:
    """A network of VGGFace or VGGFace2, ready to predict once it is constructed.

    ``model`` is "vgg16", "resnet50" or "senet50"; ``weights`` is "vggface" (the published file, local or downloaded),
    None (random weights, the same each time) or the path of a file of the original. With ``include_top`` the output is
    probabilities, otherwise the last map, or with ``pooling`` "avg" or "max" one embedding per picture. Raises
    ValueError for invalid arguments, WeightsError if the weights are missing.
    """

    def __init__(
        self,
        include_top: bool = True,
        model: str = "vgg16",
        weights: str | Path | None = "vggface",
        input_tensor: Any = None,
        input_shape: tuple[int, ...] | None = None,
        pooling: str | None = None,
        classes: int | None = None,
    ) -> None:
        if model not in _network.KINDS:
            raise UsageError(f"model is one of {', '.join(_network.KINDS)}, got {model!r}.")
        if pooling not in {None, "avg", "max"}:
            raise UsageError(f"pooling is None, 'avg' or 'max', got {pooling!r}.")
        if input_tensor is not None:
            note("input_tensor changes nothing here: a network takes arrays.")
        self._kind = _network.KINDS[model]
        self._top, self._pooling = include_top, pooling
        self._side = _check_side(input_shape, self._kind, include_top=include_top)
        self._classes = self._kind.people if classes is None else classes
        if weights == "vggface" and include_top and self._classes != self._kind.people:
            raise UsageError(
                "If using `weights` as vggface original with `include_top` as true, "
                f"`classes` should be {self._kind.people}."
            )
        self.name = f"vggface_{model}"
        names = [partial(class_names, self._kind.labels, count=self._kind.people)] if include_top else []
        with store.all_missing(*names):
            self._session = _network.session(
                self._kind, weights, top=include_top, side=self._side, classes=self._classes
            )

    @property
    def input_shape(self) -> Shape:
        """Return ``(None, h, w, 3)``."""
        return (None, self._side, self._side, 3)

    @property
    def output_shape(self) -> Shape:
        """Return ``(None, classes)``, ``(None, channels)``, or ``(None, h, w, channels)`` without top and pooling."""
        if self._top:
            return (None, self._classes)
        if self._pooling:
            return (None, self._kind.channels)
        side = self._kind.map_side(self._side)
        return (None, side, side, self._kind.channels)

    @property
    def inputs(self) -> list[Tensor]:
        """Return the single input, for printing."""
        return [Tensor("input_1", self.input_shape)]

    @property
    def outputs(self) -> list[Tensor]:
        """Return the single output, for printing."""
        return [Tensor("output_1", self.output_shape)]

    def count_params(self) -> int:
        """Return the number of parameters of the network, including moving means and variances."""
        shapes = self._kind.shapes(top=self._top, side=self._side, classes=self._classes)
        return sum(math.prod(shape) for shape in shapes.values())

    def summary(self, print_fn: Any = None, **_options: Any) -> None:
        """Print the network in a few lines, not as a table of layers, to standard output or with ``print_fn``."""
        import sys

        lines = [
            f"Model: {self.name!r}",
            f"input   {self.input_shape}",
            f"output  {self.output_shape}",
            f"Total params: {self.count_params():,}",
        ]
        if print_fn is None:
            sys.stdout.write("\n".join(lines) + "\n")
        for line in lines if print_fn is not None else ():
            print_fn(line)

    def predict(self, x: Any, batch_size: int | None = None, **_options: Any) -> Floats:
        """Return probabilities or features of preprocessed pictures ``(n, h, w, 3)``: BGR less the mean.

        ``batch_size`` (32) bounds the pictures per run; other options of Keras are accepted.
        """
        pictures = np.asarray(x, np.float32)
        if pictures.shape[1:] != (self._side, self._side, 3):
            raise UsageError(f"predict expects pictures of shape {self.input_shape}, got {pictures.shape}.")
        step = 32 if batch_size is None else max(1, int(batch_size))
        parts = [self._compute_outputs(pictures[start : start + step]) for start in range(0, len(pictures), step)]
        return np.concatenate(parts) if parts else np.empty((0, *self.output_shape[1:]), np.float32)  # type: ignore[arg-type]

    def predict_on_batch(self, x: Any) -> Floats:
        """Predict all pictures in one run."""
        return self.predict(x, batch_size=max(1, len(x)))

    def __call__(self, x: Any, **_options: Any) -> Floats:
        """Call :meth:`predict`."""
        return self.predict(x)

    def _compute_outputs(self, pictures: Floats) -> Floats:
        # The networks take RGB with the mean already subtracted.
        (output,) = self._session.run(np.ascontiguousarray(pictures[..., ::-1]))
        if self._top:
            return _softmax(output)
        features = self._kind.pool(output).transpose(0, 2, 3, 1)
        if self._pooling is None:
            return np.ascontiguousarray(features)
        flat: Floats = features.mean(axis=(1, 2)) if self._pooling == "avg" else features.max(axis=(1, 2))
        return flat


def _check_side(shape: tuple[int, ...] | None, kind: _network.NetworkKind, *, include_top: bool) -> int:
    """Return the side of the square pictures; raise UsageError for other shapes."""
    if shape is None:
        return _network.SIDE
    if len(shape) != 3 or shape[0] != shape[1] or shape[2] != 3:
        raise UsageError(f"input_shape is square and of three channels last, like (224, 224, 3), got {tuple(shape)}.")
    if include_top and shape[0] != _network.SIDE:
        raise UsageError(f"input_shape is (224, 224, 3) where include_top is true, got {tuple(shape)}.")
    if shape[0] < kind.smallest:
        raise UsageError(f"input_shape is at least {kind.smallest} pixels on a side for this network, got {shape[0]}.")
    return int(shape[0])


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
