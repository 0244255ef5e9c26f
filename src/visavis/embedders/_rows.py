"""Every model as a row and a file, also those that visavis makes itself: so another file can run in its place.

A network in 8 bits is such a file. It is fed as the network that it was made of, and faces are cut in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

from visavis import embedders, runtime
from visavis.embedders import dlib, facenet, sface, trained, vggface
from visavis.errors import UsageError
from visavis.nets.dlib_resnet import dlib_resnet
from visavis.types import RGB, Face
from visavis.weights import imported, spec, store
from visavis.weights.model_row import ARCFACE, ModelRow, Points
from visavis.weights.row import WeightSpec

RECIPES = {
    recipe.name: recipe
    for recipe in (
        vggface.VGG16, vggface.RESNET50, vggface.SENET50, facenet.VGGFACE2, facenet.CASIA, sface.SFACE,
        sface.SFACE_FLOAT,
    )
}  # fmt: skip
MARGIN = vggface.EXTENSION * vggface.SIDE / vggface.SHORTER - 1
"""Of the middle of a box that was extended, as VGGFace2's are."""


class Cut(TypedDict, total=False):
    """How a row says that faces are cut; see :class:`visavis.weights.model_row.ModelRow`."""

    crop: str
    margin: float
    points: Points | None


CROPS: dict[Callable[[RGB, Sequence[Face]], RGB], Cut] = {
    vggface.central_crops: {"crop": "middle", "margin": MARGIN},
    vggface.stretched_crops: {"crop": "stretched"},
    facenet.crops: {"crop": "stretched"},
    sface.crops: {"crop": "points", "points": ARCFACE},
}
"""What the functions that cut faces are called in a row."""


def source(name: str) -> tuple[ModelRow, Path]:
    """Row of a model, and the file of its network; UsageError where no row tells all of it."""
    plain = embedders.model_id(name).partition("@")[0]
    if plain != name:
        raise UsageError(f"leave out the views: {plain} is one network, which is asked for views as in {plain}-int8@4.")
    if name == spec.DLIB_RESNET.name:
        return _dlib_resnet()
    if name in RECIPES:
        return _trained(RECIPES[name])
    if imported.has(name):
        row = imported.row(name)
        return row, imported.network(row)
    raise UsageError(f"{name} is not one network in a file, of which a row tells all.")


def _dlib_resnet() -> tuple[ModelRow, Path]:
    def build() -> bytes:
        from visavis.nets._onnx import to_onnx

        return to_onnx(dlib_resnet, dlib.read(), side=dlib.SIDE)

    points = tuple((round(float(x), 4), round(float(y), 4)) for x, y in dlib.TEMPLATE)
    row = _row(
        spec.DLIB_RESNET, size=dlib.SIDE, dimension=dlib.DlibResnet.dimension, views=dlib.VIEWS, crop="points",
        points=points,
    )  # fmt: skip
    return row, runtime.converted(row.name, spec.DLIB_RESNET.sha256, build)


def _trained(recipe: trained.Recipe) -> tuple[ModelRow, Path]:
    published = recipe.row()
    store.consent(published)

    def build() -> bytes:
        return recipe.build(store.find(published), to_quantize=True)

    path = runtime.converted(f"{recipe.name}-to-quantize", store.digest(published), build)
    row = _row(
        published, size=recipe.side, dimension=recipe.dimension, views=trained.VIEWS, name=recipe.name,
        **CROPS[recipe.crops],
    )  # fmt: skip
    return row, path


def _row(
    published: WeightSpec,
    *,
    size: int,
    dimension: int,
    views: int,
    crop: str,
    name: str | None = None,
    points: Points | None = None,
    margin: float = 0.0,
) -> ModelRow:
    """Row of a network that visavis emitted: it takes RGB pixels as they are, since its first layer prepares them."""
    return ModelRow(
        name=name or published.name,
        file=published.file,
        sha256=None,
        licence=published.licence,
        trained_on=published.trained_on,
        size=size,
        channels="RGB",
        layout="NHWC",
        mean=(0.0, 0.0, 0.0),
        scale=1.0,
        points=points,
        crop=crop,
        margin=margin,
        output=0,
        dimension=dimension,
        views=views,
    )
