"""The two networks behind ``liveness``: their files, and the crops that they were trained on.

Minivision's MiniFASNetV2 sees the face's box 2.7 times as large, MiniFASNetV1SE 4 times: what gives a photo or a screen
away is mostly around the face. Crops are made as by the authors (``generate_patches.py`` in their repository): where
the larger box reaches beyond the picture it is shifted back inside, not cut off, and it is never larger than the
picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from visavis.embedders.trained import Recipe, run_in_batches
from visavis.nets.minifasnet import CLASSES, SIDE, minifasnet_v1se, minifasnet_v2
from visavis.types import RGB, Face, Floats
from visavis.weights import store
from visavis.weights.catalog.liveness import MINIFASNET_V1SE, MINIFASNET_V2
from visavis.weights.readers import torch_file

NEAR, FAR = 2.7, 4.0
"""Side of a crop over that of the box: of MiniFASNetV2, and of MiniFASNetV1SE."""
BATCH = 16
REAL = 1
"""Number of the class of real faces; the others are attacks."""

STAGES = {"conv_23": 1, "conv_3": 2, "conv_34": 3, "conv_4": 4, "conv_45": 5, "conv_5": 6}
PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
INSIDE = {"conv": "expand", "conv_dw": "depthwise", "project": "project"}
GATES = {"fc1": "down", "bn1": "down.bn", "fc2": "up", "bn2": "up.bn"}
ENDS = {"conv1": "conv1", "conv2_dw": "conv2", "conv_6_sep": "conv3", "conv_6_dw": "conv4"}
BLOCK = re.compile(r"(conv_\d+)(?:\.model\.(\d))?\.(se_module\.)?(\w+)(?:\.(conv|bn|prelu))?")


def crop_box(width: int, height: int, box: Floats, scale: float) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a crop, the last pixels inclusive, for a picture of that size.

    The box is made ``scale`` times as large about its center, less where the picture is smaller, and shifted inside.
    ValueError for a box without width or height.
    """
    x, y, box_width, box_height = float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])
    if not (box_width > 0 and box_height > 0):
        raise ValueError(f"a box has a width and a height, got {box_width:g} x {box_height:g}")
    scale = limited_scale(width, height, box, scale)
    left, right = _shift_inside(x + box_width / 2, box_width * scale, width - 1)
    top, bottom = _shift_inside(y + box_height / 2, box_height * scale, height - 1)
    return left, top, right, bottom


def limited_scale(width: int, height: int, box: Floats, scale: float) -> float:
    """Return the greatest scale up to ``scale`` at which the larger box is no larger than the picture."""
    return min((height - 1) / float(box[3] - box[1]), (width - 1) / float(box[2] - box[0]), scale)


def _shift_inside(center: float, length: float, last: int) -> tuple[int, int]:
    """Return the first and the last pixel of a range about ``center``, shifted into 0..``last``."""
    start, stop = center - length / 2, center + length / 2
    if start < 0:
        start, stop = 0.0, stop - start
    if stop > last:
        start, stop = start - (stop - last), float(last)
    return max(int(start), 0), int(stop)


def crops(picture: RGB, faces: Sequence[Face], *, scale: float) -> RGB:
    """Return crops ``(n, 80, 80, 3)``, stretched to the square; ValueError for a box without width or height."""
    from visavis.opencv import cv2

    height, width = picture.shape[:2]
    result = np.empty((len(faces), SIDE, SIDE, 3), np.uint8)
    for row, face in enumerate(faces):
        left, top, right, bottom = crop_box(width, height, face.box, scale)
        result[row] = cv2.resize(picture[top : bottom + 1, left : right + 1], (SIDE, SIDE))
    return result


def read(path: Path) -> dict[str, Floats]:
    """Return the arrays of either file by the names of ``nets/minifasnet.py``, for RGB. Raises WeightsError."""
    arrays: dict[str, Floats] = {}
    for name, array in torch_file.read(path).items():
        layer, _, part = name.removeprefix("module.").rpartition(".")
        key = _find_key(layer, part)
        if key:
            arrays[key] = _convert(key, array)
    if "prob.kernel" in arrays:  # the published layer has no bias
        arrays["prob.bias"] = np.zeros(arrays["prob.kernel"].shape[-1], np.float32)
    return arrays


def _find_key(layer: str, part: str) -> str:
    """Return the name in ``nets/`` of an array of the file; empty where there is none."""
    if layer in ("linear", "prob"):
        return f"{layer}.kernel"
    if layer == "bn":
        return f"bn.{PARTS[part]}" if part in PARTS else ""
    before, _, kind = layer.rpartition(".")
    if before in ENDS:
        return _part_key(ENDS[before], kind, part)
    match = BLOCK.fullmatch(layer)
    if match is None or match[1] not in STAGES:
        return ""
    block = f"block{STAGES[match[1]]}_{int(match[2] or 0) + 1}"
    if match[3]:
        gate = GATES.get(match[4], "")
        return f"{block}.{gate}.{PARTS[part]}" if gate.endswith("bn") and part in PARTS else f"{block}.{gate}.kernel"
    return _part_key(f"{block}.{INSIDE.get(match[4], match[4])}", match[5] or "", part)


def _part_key(layer: str, kind: str, part: str) -> str:
    match kind:
        case "conv":
            return f"{layer}.kernel"
        case "prelu":
            return f"{layer}.prelu.slope"
        case "bn" if part in PARTS:
            return f"{layer}.bn.{PARTS[part]}"
        case _:
            return ""


def _convert(key: str, array: Floats) -> Floats:
    """Return a kernel as in ``nets/``: (in, out) of dense layers; the first of RGB, where the file's is of BGR."""
    if key == "conv1.kernel" and array.ndim == 4:
        return array[:, ::-1]
    if key.endswith((".down.kernel", ".up.kernel")):
        return array.reshape(array.shape[0], -1).T
    return array.T if array.ndim == 2 else array


def _make_recipe(name: str, scale: float) -> Recipe:
    row, net = {
        "minifasnet-v2": (MINIFASNET_V2, minifasnet_v2),
        "minifasnet-v1se": (MINIFASNET_V1SE, minifasnet_v1se),
    }[name]
    return Recipe(name, (row,), read, net, SIDE, CLASSES, BATCH, partial(crops, scale=scale))


V2, V1SE = _make_recipe("minifasnet-v2", NEAR), _make_recipe("minifasnet-v1se", FAR)


class SpoofNetworks:
    """Both networks, ready for use. Raises MissingWeightsError where a file is neither here nor can be downloaded."""

    def __init__(self, *, threads: int | None = None) -> None:
        with store.all_missing(
            *(partial(_require, recipe) for recipe in (V2, V1SE)),
        ):
            self._networks = [(recipe, recipe.session(threads=threads)) for recipe in (V2, V1SE)]

    def probabilities(self, picture: RGB, faces: Sequence[Face]) -> Floats:
        """Return the mean of both networks' class probabilities ``(n, 3)``; the second is that of a real face."""
        total = np.zeros((len(faces), CLASSES), np.float32)
        for recipe, session in self._networks:
            batch = recipe.crops(picture, faces)
            total += softmax(run_in_batches(session, batch, batch=BATCH, dimension=CLASSES))
        return np.asarray(total / len(self._networks), np.float32)


def _require(recipe: Recipe) -> Path:
    return store.find(recipe.row())


def softmax(logits: Floats) -> Floats:
    """Return probabilities of rows ``(n, k)``."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
