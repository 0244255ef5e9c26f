"""SFace as OpenCV's zoo publishes it (Apache-2.0): 128 figures from a 112-pixel face.

``sface`` is the file with weights of 8 bits in blocks, which a package carries; ``sface-float`` the zoo's file of
float32. Rounding moves the embeddings, so each is a model of its own. Both take RGB, as in OpenCV's
``FaceRecognizerSF``, and crops with five landmarks mapped onto ArcFace's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visavis import align
from visavis.embedders.trained import Recipe, register
from visavis.nets.sface import DIMENSION, SIDE, sface
from visavis.types import RGB, Face, Floats
from visavis.weights.catalog import modern as rows
from visavis.weights.model_row import ARCFACE
from visavis.weights.readers import onnx_arrays
from visavis.weights.row import WeightSpec

BATCH = 4
"""Crops per run: the activations of more exceed the caches, and 8 already take a twelfth longer per face."""
TEMPLATE = np.array(ARCFACE, np.float32)
"""Places of the five landmarks in a crop."""
PARTS = {
    **{"conv2d_weight": "kernel", "relu_gamma": "prelu.slope", "batchnorm_gamma": "bn.gamma"},
    **{"batchnorm_beta": "bn.beta", "batchnorm_moving_mean": "bn.mean", "batchnorm_moving_var": "bn.variance"},
}
LAST = {"gamma": "gamma", "beta": "beta", "moving_mean": "mean", "moving_var": "variance"}
LAYER = re.compile(r"conv_(\d+)_(dw_)?(.+)")
UNFOLDED = re.compile(r"_(dequantized|reshaped)$")


def crops(picture: RGB, faces: Sequence[Face]) -> RGB:
    """Return crops ``(n, 112, 112, 3)``: five landmarks mapped onto ArcFace's, proportions restored."""
    landmarks = np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2)
    return align.warp(picture, align.matrices_onto(landmarks, TEMPLATE), size=SIDE)


def read(path: Path) -> dict[str, Floats]:
    """Return arrays of either file by the names of ``nets/sface.py``. Raises WeightsError."""
    arrays: dict[str, Floats] = {}
    for name, array in onnx_arrays.read(path).items():
        plain = UNFOLDED.sub("", name)
        key = _find_key(plain)
        if key and array.dtype.kind == "f" and not (name == plain and key in arrays):
            arrays[key] = array.reshape(-1) if key.endswith(".slope") else array
    return _fold_bias(arrays)


def _find_key(name: str) -> str:
    """Return the name in ``nets/sface.py`` of an array of the file; empty where there is none."""
    if name in ("pre_fc1_weight", "pre_fc1_bias"):
        return "fc.kernel" if name.endswith("weight") else "fc.bias"
    before, _, part = name.partition("_")
    if before in ("bn1", "fc1") and part in LAST:
        return f"{'bn' if before == 'bn1' else 'fc.bn'}.{LAST[part]}"
    layer = LAYER.fullmatch(name)
    if layer is None or layer[3] not in PARTS:
        return ""
    number = int(layer[1]) - 1
    kind = "depthwise" if layer[2] else "pointwise"
    return f"{f'block{number}.{kind}' if number else 'conv1'}.{PARTS[layer[3]]}"


def _fold_bias(arrays: dict[str, Floats]) -> dict[str, Floats]:
    """Transpose the matrix to (in, out), and subtract its bias from the mean that is subtracted next."""
    bias = arrays.pop("fc.bias", None)
    if bias is not None and "fc.bn.mean" in arrays:
        arrays["fc.bn.mean"] = arrays["fc.bn.mean"] - bias
    if "fc.kernel" in arrays:
        arrays["fc.kernel"] = arrays["fc.kernel"].T
    return arrays


def _make_recipe(row: WeightSpec) -> Recipe:
    return Recipe(row.name, (row,), read, sface, SIDE, DIMENSION, BATCH, crops)


SFACE, SFACE_FLOAT = (_make_recipe(row) for row in (rows.SFACE, rows.SFACE_FLOAT))

register(SFACE, SFACE_FLOAT)
