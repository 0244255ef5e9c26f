"""EMBED: faces -> unit vectors. One module per embedder; each registers itself in ``EMBEDDERS``.

The package is not called ``embed`` because ``visavis.embed`` is the function of that name.

A *model id* is a registered name, or ``NAME@N`` where N views of each crop are summed: ``dlib-resnet@4``. Embeddings of
other numbers of views compare a little differently, so each number is a model of its own, with its own thresholds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from visavis.embedders import _views
from visavis.errors import UnknownNameError, UsageError, WeightsError
from visavis.registry import Registry
from visavis.types import RGB, Face, Floats
from visavis.weights import user_models
from visavis.weights.model_row import ModelRow


class Embedder(Protocol):
    """Makes embeddings of faces, near to each other for one person. Ready once constructed; threads may share it.

    ``name`` is its model id. The option ``views`` of its factory, if it has one, is the number of views of each crop.
    """

    name: str
    dimension: int

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Crop the faces as this network takes them: ``(n, s, s, 3)`` RGB uint8."""
        ...

    def embed(self, crops: RGB) -> Floats:
        """Embed crops ``(n, s, s, 3)`` as unit vectors ``(n, dimension)`` float32."""
        ...


class Embedders(Registry[Embedder]):
    """The registered embedders, and the models that the user imported, searched again each time."""

    def names(self) -> list[str]:
        """Return all names, including imported models."""
        return sorted({*super().names(), *user_models.names()})

    def built_in(self) -> list[str]:
        """Return the names that no imported model may have."""
        return super().names()

    def row(self, name: str) -> ModelRow | None:
        """Return the row of an imported model; None for other names. A registered name has priority."""
        return user_models.row(name) if self._is_imported(name) else None

    def _is_imported(self, name: str) -> bool:
        return user_models.has(name) and name not in super().names()

    def factory(self, name: str) -> Callable[..., Embedder]:
        """Return the factory; a registered name has priority over an imported one."""
        if self._is_imported(name):
            from visavis.embedders import onnx_file

            return onnx_file.factory(name)
        return super().factory(name)

    def options(self, name: str) -> Mapping[str, Any]:
        """Return the declared options of an embedder, with their defaults; an imported model has ``views``."""
        if self._is_imported(name):
            return {"views": user_models.row(name).views}
        return super().options(name)

    def _unknown(self, name: str) -> UnknownNameError:
        """Return the error, which says for a weight file that it needs a description to become a model."""
        from visavis.weights.spec import all_specs

        if name not in {row.name for row in all_specs()}:
            return super()._unknown(name)
        return UnknownNameError(
            f"{name} is a weight file, and no model has this name; there are: {', '.join(self.names())}. An embedder "
            "in an ONNX file becomes a model by a TOML file that describes it (docs/models.md): "
            "visavis models import FILE.toml."
        )


EMBEDDERS = Embedders(
    "model",
    entry_points="visavis.embedders",
    builtin={
        "dlib-resnet": "visavis.embedders.dlib",
        **dict.fromkeys(("vggface-vgg16", "vggface2-resnet50", "vggface2-senet50"), "visavis.embedders.vggface"),
        **dict.fromkeys(("facenet-vggface2", "facenet-casia"), "visavis.embedders.facenet"),
        **dict.fromkeys(("sface", "sface-float"), "visavis.embedders.sface"),
    },
)


MOST_DIGITS = 100
"""Digits of a number of views, which is then one that no model has; Python refuses to read more than 4,300."""

DIMENSIONS = {
    "dlib-resnet": 128,
    "vggface-vgg16": 4096,
    "vggface2-resnet50": 2048,
    "vggface2-senet50": 2048,
    "facenet-vggface2": 512,
    "facenet-casia": 512,
    "sface": 128,
    "sface-float": 128,
}
"""Length of the embeddings of each built-in model."""


def dimension(model: str) -> int | None:
    """Return the length of the embeddings of a model id; None where only the loaded model has it. Loads nothing."""
    name = model.partition("@")[0]
    row = EMBEDDERS.row(name)
    return DIMENSIONS.get(name) if row is None else row.dimension


def resolve(model: str) -> str:
    """Return the id of ``model``; the folder of a training run, or ``FOLDER@N``, becomes the id of its model.

    The model is imported at its first use, so that galleries can use it when the folder is gone. Other names are
    returned as they are. Raises UsageError or WeightsError where the folder holds no usable model.
    """
    name, at, views = model.rpartition("@") if model.rpartition("@")[2].isdigit() else (model, "", "")
    row = Path(name) / user_models.ROW
    if not row.is_file():
        if os.sep in name:
            raise UnknownNameError(f"{name} is no folder of a trained model: it holds no {user_models.ROW}.")
        return model
    if os.sep not in name and name in EMBEDDERS.names():
        return model
    from visavis.embedders import onnx_file

    return f"{onnx_file.import_model(row, reserved=EMBEDDERS.built_in()).name}{at}{views}"


def create(model: str, *, threads: int | None = None) -> Embedder:
    """Load the embedder of a model id; raises UnknownNameError, or UsageError for views that it does not offer."""
    name, views = _split_id(resolve(model))
    if views is None:
        return EMBEDDERS.create(name, threads=threads)
    return EMBEDDERS.create(name, threads=threads, views=views)


def model_id(model: str) -> str:
    """Return the normalized id of ``model``: plain ``NAME`` where ``@N`` is the default; see also :func:`resolve`.

    Loads nothing; raises as :func:`create` does.
    """
    name, views = _split_id(resolve(model))
    options = EMBEDDERS.options(name)
    return name if views is None else _views.model_id(name, views, default=options["views"])


def precision_of(model: str) -> str:
    """Return the precision of a model id: that of an imported model's row, float32 for all others."""
    row = EMBEDDERS.row(model.partition("@")[0])
    return "float32" if row is None else row.precision


def in_precision(model: str, precision: str) -> str:
    """Return the id of a model in that precision: ``NAME-int8@4`` for ``NAME@4`` in int8.

    WeightsError where it was not made yet; UsageError where the model is itself quantized, to another precision.
    """
    name, at, views = model.partition("@")
    row = EMBEDDERS.row(name)
    if precision == precision_of(name):
        return model
    if row is not None and row.precision != "float32":
        raise UsageError(f"{name} is in {row.precision}: in {precision} it is {row.quantized_from or 'not here'}.")
    other = EMBEDDERS.row(f"{name}-{precision}")
    if other is None or (other.precision, other.quantized_from) != (precision, name):
        EMBEDDERS.factory(name)  # raises the error for an unknown name first
        raise WeightsError(
            f"{name} is not here in {precision}: make it, by visavis models quantize {name} --calibrate DIR."
        )
    return f"{other.name}{at}{views}"


def _split_id(model: str) -> tuple[str, int | None]:
    """Return name and number of views; None where the id has no number."""
    name, at, number = model.partition("@")
    if not at:
        return name, None
    if "views" not in EMBEDDERS.options(name):
        raise UsageError(f"{name} offers no choice of views: leave out {at + number}.")
    if not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
        raise UsageError(
            f"{model!r} is no model: after the @ stands a number of views, as in {name}@{_views.COUNTS[1]}."
        )
    return name, int(number)
