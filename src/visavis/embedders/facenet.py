"""FaceNet's Inception-ResNet-v1 as David Sandberg trained it: 512 figures from a 160-pixel face.

``facenet-vggface2`` is his model 20180402-114759, ``facenet-casia`` 20180408-102900. Each can be read from three
files: facenet-pytorch's state dict, the frozen graph of TensorFlow, and keras-facenet's weights. All take pictures in
the fixed standardization, (x - 127.5) / 128. Only models older than 2018 need each picture whitened separately.

Faces are cropped as facenet-pytorch's MTCNN does at its default margin of 0: the box, in whole pixels, stretched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from visavis.embedders import _box_crops
from visavis.embedders.trained import Recipe, register
from visavis.nets.inception_resnet_v1 import DIMENSION, SIDE, inception_resnet_v1
from visavis.types import RGB, Face, Floats
from visavis.weights.catalog import classic as rows
from visavis.weights.readers import h5, kind_of, tf_graph, torch_file
from visavis.weights.row import WeightSpec

TORCH_PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
PARTS = {
    **{"weights": "kernel", "kernel": "kernel", "biases": "bias", "bias": "bias", "beta": "beta"},
    **{"moving_mean": "mean", "moving_variance": "variance"},
}
SCOPE = "InceptionResnetV1/"
REPEATS = {"35": "repeat_1", "17": "repeat_2", "8": "repeat_3"}
LAYERS = {"Mixed_6a": {"0": 1, "1": 3}, "Mixed_7a": {"0": 2, "1": 2, "2": 3}}
"""Convolutions in each branch of the reductions."""
STEM = re.compile(r"Conv2d_(\d[ab])_\dx\d")
BLOCK = re.compile(r"[Bb]lock(35|17|8)(?:_(\d+))?(?:_Branch_(\d)_Conv2d_(?:0([abc])_)?\dx\d|_Conv2d_1x1)")
MIXED = re.compile(r"(Mixed_6a|Mixed_7a)_Branch_([012])_Conv2d_(0a|0b|1a)_\dx\d")


def crops(picture: RGB, faces: Sequence[Face]) -> RGB:
    """Return the boxes, cut off at the picture's edges and at whole pixels, stretched: ``(n, 160, 160, 3)``."""
    return _box_crops.stretched_boxes(picture, faces, size=SIDE)


def read(path: Path) -> dict[str, Floats]:
    """Return arrays of any of the three files, by the names of ``nets/``. Raises WeightsError."""
    kind = kind_of(path)
    if kind == "tensorflow":
        return dict(_convert_tensorflow(_read_graph(path)))
    if kind == "keras":
        return dict(_convert_tensorflow(_read_keras(path)))
    return dict(_convert_torch(path))


def _convert_torch(path: Path) -> Iterable[tuple[str, Floats]]:
    for name, array in torch_file.read(path).items():
        layer, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            continue
        if layer.endswith((".bn", "last_bn")):
            yield f"{layer}.{TORCH_PARTS.get(part, part)}", array
        elif part == "weight":
            yield f"{layer.removesuffix('.conv')}.kernel", array.T if array.ndim == 2 else array
        else:
            yield name, array


def _read_graph(path: Path) -> Iterable[tuple[str, str, Floats]]:
    """Yield layer, part and array, the layer named as in Keras: underscores for slashes."""
    for name, array in tf_graph.read(path).items():
        if name.startswith(SCOPE) and array.ndim:
            scopes = name.removeprefix(SCOPE).split("/")
            if scopes[-1] not in PARTS:
                continue
            while scopes[0].startswith("Repeat"):
                scopes.pop(0)
            yield "_".join(scopes[:-1]), scopes[-1], array


def _read_keras(path: Path) -> Iterable[tuple[str, str, Floats]]:
    for name, array in h5.read(path).items():
        layer, _, part = name.removesuffix(":0").rpartition("/")
        yield layer, part, array


def _convert_tensorflow(arrays: Iterable[tuple[str, str, Floats]]) -> Iterable[tuple[str, Floats]]:
    for layer, part, array in arrays:
        stem = layer.removesuffix("_BatchNorm")
        key = _find_key(stem, normed=stem != layer)
        if key:
            yield f"{key}.{PARTS.get(part, part)}", array.transpose(3, 2, 0, 1) if array.ndim == 4 else array


def _find_key(layer: str, *, normed: bool) -> str:
    """Return the name in ``nets/`` of a layer of TensorFlow or Keras; empty where there is none."""
    if layer == "Bottleneck":
        return "last_bn" if normed else "last_linear"
    if stem := STEM.fullmatch(layer):
        key = f"conv2d_{stem[1]}"
    elif block := BLOCK.fullmatch(layer):
        key = _block_key(*block.groups())
    elif (mixed := MIXED.fullmatch(layer)) and mixed[2] in LAYERS[mixed[1]]:
        key = _reduction_key(*mixed.groups())
    else:
        return ""
    return f"{key}.bn" if normed else key


def _block_key(size: str, number: str | None, branch: str | None, letter: str | None) -> str:
    last = size == "8" and number in (None, "6")  # TensorFlow gives it no number, Keras the sixth
    prefix = "block8" if last else f"{REPEATS[size]}.{int(number or 1) - 1}"
    if branch is None:
        return f"{prefix}.conv2d"
    return f"{prefix}.branch{branch}" + (f".{'abc'.index(letter)}" if letter else "")


def _reduction_key(name: str, branch: str, place: str) -> str:
    count = LAYERS[name][branch]
    number = count - 1 if place == "1a" else "ab".index(place[1])
    return f"{name.lower()}.branch{branch}" + (f".{number}" if count > 1 else "")


def _make_recipe(name: str, *files: WeightSpec) -> Recipe:
    return Recipe(
        name=name,
        rows=files,
        read=read,
        net=inception_resnet_v1,
        side=SIDE,
        dimension=DIMENSION,
        batch=32,
        crops=crops,
    )


VGGFACE2 = _make_recipe(
    "facenet-vggface2", rows.FACENET_VGGFACE2, rows.FACENET_VGGFACE2_GRAPH, rows.FACENET_VGGFACE2_KERAS
)
CASIA = _make_recipe("facenet-casia", rows.FACENET_CASIA, rows.FACENET_CASIA_GRAPH, rows.FACENET_CASIA_KERAS)

register(VGGFACE2, CASIA)
