"""Every model as a row and a file, also converted ones, so that another file can replace it.

A network in 8 bits is such a file. Its input and crops are those of the original network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from visavis import converted, embedders
from visavis.embedders import dlib, facenet, sface, trained, vggface
from visavis.errors import UsageError
from visavis.types import RGB, Face
from visavis.weights import store, user_models
from visavis.weights.model_row import ARCFACE, CropPoints, ModelRow

RECIPES = {
    recipe.name: recipe
    for recipe in (
        vggface.VGG16, vggface.RESNET50, vggface.SENET50, facenet.VGGFACE2, facenet.CASIA, sface.SFACE,
        sface.SFACE_FLOAT, dlib.DLIB_RESNET,
    )
}  # fmt: skip
MARGIN = vggface.EXTENSION * vggface.SIDE / vggface.SHORTER - 1
"""Margin of the middle of an extended box, as for VGGFace2."""


CROPS: dict[Callable[[RGB, Sequence[Face]], RGB], tuple[str, CropPoints | None, float]] = {
    vggface.central_crops: ("middle", None, MARGIN),
    vggface.stretched_crops: ("stretched", None, 0.0),
    facenet.crops: ("stretched", None, 0.0),
    sface.crops: ("points", ARCFACE, 0.0),
    dlib.crops: ("points", tuple((round(float(x), 4), round(float(y), 4)) for x, y in dlib.TEMPLATE), 0.0),
}
"""How faces are cropped, in the terms of a row: its ``crop``, ``points`` and ``margin``."""


def source(name: str) -> tuple[ModelRow, Path]:
    """Return the row of a model, and the file of its network; UsageError where no row describes it completely."""
    plain = embedders.model_id(name).partition("@")[0]
    if plain != name:
        raise UsageError(f"leave out the views: {plain} is one network, which is asked for views as in {plain}-int8@4.")
    if name in RECIPES:
        return _convert_trained(RECIPES[name])
    if user_models.has(name):
        row = user_models.row(name)
        return row, user_models.network(row)
    raise UsageError(f"{name} is not one network in a file, of which a row tells all.")


def _convert_trained(recipe: trained.Recipe) -> tuple[ModelRow, Path]:
    published = recipe.row()
    store.consent(published)

    def build() -> bytes:
        return recipe.build(store.find(published), to_quantize=True)

    path = converted.convert_once(f"{recipe.name}-to-quantize", store.digest(published), build)
    return row_of(recipe), path


def row_of(recipe: trained.Recipe) -> ModelRow:
    """Return the row of a network that visavis emitted: it takes raw RGB pixels, as its first layer prepares them."""
    published = recipe.row()
    crop, points, margin = CROPS[recipe.crops]
    return ModelRow(
        name=recipe.name,
        file=published.file,
        sha256=None,
        license=published.license,
        trained_on=published.trained_on,
        size=recipe.side,
        channels="RGB",
        layout="NHWC",
        mean=(0.0, 0.0, 0.0),
        scale=1.0,
        points=points,
        crop=crop,
        margin=margin,
        output=0,
        dimension=recipe.dimension,
        views=recipe.views,
    )
