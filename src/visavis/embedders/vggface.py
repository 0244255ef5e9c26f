"""VGGFace (VGG16) and VGGFace2 (ResNet-50, SENet-50), from the files of keras-vggface.

========================  ==========================================================================================
``vggface-vgg16``         4,096 figures: fc7 behind its rectifier, the descriptor of the paper (Parkhi et al. 2015)
``vggface2-resnet50``     2,048 figures: the mean of the last map (Cao et al. 2018)
``vggface2-senet50``      2,048 figures, with gated blocks
========================  ==========================================================================================

The files are for BGR pictures less a mean of the training photos. The kernels of the first layer are reversed here, so
that the networks take RGB; the means are part of their definitions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from visavis.embedders import _box_crops
from visavis.embedders.trained import Recipe, register
from visavis.nets import resnet50, senet50, vgg16
from visavis.nets.ops import Ops, T
from visavis.types import RGB, Face, Floats
from visavis.weights.catalog import classic as rows
from visavis.weights.readers import h5

EXTENSION = 1.3
"""Factor by which VGGFace2 enlarges the detector's box."""
SHORTER, SIDE = 256, 224
"""VGGFace2 scales the shorter side of that box to the first, and crops the middle of the second."""

FIRST = {"conv1_1", "conv1"}
"""Layers with the picture as input."""
PARTS = {"moving_mean": "mean", "moving_variance": "variance"}
BLOCK = re.compile(r"(conv\d_\d+)_(?:1x1_)?(reduce|3x3|increase|proj|down|up)")
COUNTED = re.compile(r"_\d+(?=/|$)")


def stretched_crops(picture: RGB, faces: Sequence[Face]) -> RGB:
    """Return the unchanged boxes, ``(n, 224, 224, 3)``, as in well-known tutorials for these networks."""
    return _box_crops.stretched_boxes(picture, faces, size=SIDE)


def central_crops(picture: RGB, faces: Sequence[Face]) -> RGB:
    """Return the crops of VGGFace2's training, ``(n, 224, 224, 3)``: the middle of the box enlarged by .3."""
    squares = _box_crops.middles(_box_crops.boxes_of(faces), part=EXTENSION * SIDE / SHORTER)
    return _box_crops.stretched(picture, squares, size=SIDE)


def read(path: Path) -> dict[str, Floats]:
    """Return arrays of any of keras-vggface's files, by the names of ``nets/``. Raises WeightsError."""
    arrays: dict[str, Floats] = {}
    for name, array in h5.read(path).items():
        layer, _, part = name.removesuffix(":0").rpartition("/")
        layer, bn, _ = layer.partition("/bn")
        key = _layer_name(layer)
        arrays[f"{key}{'.bn' if bn else ''}.{PARTS.get(part, part)}"] = _convert_kernel(key, array)
    return arrays


def _layer_name(name: str) -> str:
    """Return the name of a layer in ``nets/``; Keras appends ``_1`` to the names of a second model."""
    if name.startswith("conv1/"):
        return "conv1"
    if block := BLOCK.match(name):
        return f"{block[1]}.{'conv3x3' if block[2] == '3x3' else block[2]}"
    stem = COUNTED.sub("", name)
    return stem if re.fullmatch(r"conv\d_\d|fc\d|classifier", stem) else name


def _convert_kernel(layer: str, array: Floats) -> Floats:
    """Return a kernel as in ``nets/``: (out, in, h, w), the first of RGB; (in, out) of dense layers, channels first."""
    if not array.size:
        return array  # of no network: nothing to convert
    if array.ndim == 2:
        if layer != "fc6" or len(array) % 49:
            return array
        maps: Floats = array.reshape(7, 7, -1, array.shape[1])  # Keras flattens maps by row, column, channel
        return maps.transpose(2, 0, 1, 3).reshape(len(array), -1)
    if array.ndim != 4:
        return array
    kernel = array.transpose(3, 2, 0, 1)
    if layer.endswith((".down", ".up")):
        kernel = kernel[:, :, 0, 0].T
    return kernel[:, ::-1] if layer in FIRST else kernel


def _descriptor(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Compute VGG16 up to fc7."""
    return vgg16.vgg16_top(ops, x)[:1]


VGG16 = Recipe(
    name="vggface-vgg16",
    rows=(rows.VGG16,),
    read=read,
    net=_descriptor,
    side=SIDE,
    dimension=4096,
    batch=8,
    crops=stretched_crops,
)
RESNET50 = Recipe(
    name="vggface2-resnet50",
    rows=(rows.RESNET50_NOTOP, rows.RESNET50),
    read=read,
    net=resnet50.resnet50,
    side=SIDE,
    dimension=2048,
    batch=16,
    crops=central_crops,
)
SENET50 = replace(RESNET50, name="vggface2-senet50", rows=(rows.SENET50_NOTOP, rows.SENET50), net=senet50.senet50)

register(VGG16, RESNET50, SENET50)
