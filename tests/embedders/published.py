"""Files of generated weights as the authors of the classic networks lay them out, and what a network does inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden import networks
from visavis import runtime
from visavis.nets.onnx_bytes import UINT8
from visavis.nets.onnx_graph import OnnxOps
from weights import files
from weights.hdf5 import write_keras

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
WITHIN = 1e-4
"""Largest difference to the reference, as a part of the deviation of the values of its stage."""


def keras_file(path: Path, layers: networks.Shapes) -> Path:
    """As keras-vggface's files are."""
    return write_keras(
        path,
        {
            layer: [(name, networks.values(name, shape)) for name, shape in weights.items()]
            for layer, weights in layers.items()
        },
    )


def torch_file(path: Path, layers: networks.Shapes) -> Path:
    """As facenet-pytorch's files are: a state dict."""
    arrays = dict(networks.arrays(layers))
    tensors, storages = {}, {}
    for number, (name, array) in enumerate(arrays.items()):
        kind = "LongStorage" if array.dtype == np.int64 else "FloatStorage"
        steps = [stride // array.itemsize for stride in array.strides]
        tensors[name] = files.rebuilt(files.storage(str(number), array.size, kind=kind), array.shape, steps)
        storages[str(number)] = array.tobytes()
    path.write_bytes(files.torch_zip(files.state_dict(**tensors), storages))
    return path


# facenet's own layouts: the graph of TensorFlow, and keras-facenet's weights


def in_tensorflow(name: str) -> str:
    """Scope of TensorFlow's graph for a layer of facenet-pytorch, as inception_resnet_v1.py of facenet names them."""
    blocks = {"repeat_1": ("Repeat/block35", "1x1 3x3 3x3"), "repeat_2": ("Repeat_1/block17", "1x1 1x7 7x1")}
    blocks |= {"repeat_3": ("Repeat_2/block8", "1x1 1x3 3x1"), "block8": ("Block8", "1x1 1x3 3x1")}
    if stem := re.fullmatch(r"conv2d_(\d[ab])", name):
        size = "1x1" if stem[1] == "3b" else "3x3"
        return f"Conv2d_{stem[1]}_{size}"
    if name in ("last_linear", "last_bn"):
        return "Bottleneck"
    part, *rest = name.split(".")
    if part.startswith("mixed"):
        branch, place = rest[0][-1], int(rest[1]) if len(rest) > 1 else 9
        last = place == {"mixed_6a0": 9, "mixed_6a1": 2, "mixed_7a2": 2}.get(part + branch, 1)
        layer = "1a_3x3" if last else ("0a_1x1", "0b_3x3")[place]
        return f"{part.capitalize()}/Branch_{branch}/Conv2d_{layer}"
    scope, sizes = blocks[part]
    if part != "block8":
        scope = f"{scope}_{int(rest.pop(0)) + 1}"
    if rest == ["conv2d"]:
        return f"{scope}/Conv2d_1x1"
    branch = rest[0][-1]
    if len(rest) == 1:
        return f"{scope}/Branch_{branch}/Conv2d_1x1"
    place = int(rest[1])
    return f"{scope}/Branch_{branch}/Conv2d_0{'abc'[place]}_{sizes.split()[place]}"


def of_tensorflow() -> Iterator[tuple[str, str, np.ndarray]]:
    """Scope, part and array of every weight that the graph has: no gammas, kernels as (h, w, in, out)."""
    parts = {"bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    for name, array in networks.arrays(networks.inception_resnet_v1(classes=None)):
        layer, _, part = name.rpartition(".")
        if layer.endswith("bn"):
            if part in parts:
                yield f"{in_tensorflow(layer.removesuffix('.bn'))}/BatchNorm", parts[part], array
        elif part == "bias":
            yield in_tensorflow(layer), "biases", array
        else:
            kernel = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
            yield in_tensorflow(layer.removesuffix(".conv")), "weights", kernel


def in_keras(scope: str) -> str:
    """keras-facenet's name of a layer: no repeats, capitals, underscores, and the last block is the sixth."""
    name = re.sub(r"^Repeat(_\d)?/b", "B", scope)
    return re.sub(r"^Block8/", "Block8_6/", name).replace("/", "_")


def frozen_graph(path: Path) -> Path:
    """As facenet's frozen graphs are."""

    def content(array: np.ndarray) -> bytes:
        return files.field(4, np.ascontiguousarray(array, "<f4").tobytes())

    nodes = [
        files.constant(f"InceptionResnetV1/{scope}/{part}", files.graph_tensor(1, array.shape, content(array)))
        for scope, part, array in of_tensorflow()
    ]
    ones = files.graph_tensor(1, [512], content(np.ones(512)))
    more = [
        files.graph_node("input", "Placeholder"),
        files.constant("InceptionResnetV1/Bottleneck/BatchNorm/Const", ones),
    ]
    path.write_bytes(b"".join(nodes + more))
    return path


def keras_facenet() -> dict[str, list[tuple[str, np.ndarray]]]:
    """Layers of keras-facenet's weights, for ``write_keras``."""
    kinds = {"weights": "kernel", "biases": "bias"}
    layers: dict[str, list[tuple[str, np.ndarray]]] = {"input_1": []}
    for scope, part, array in of_tensorflow():
        name = in_keras(scope)
        layers.setdefault(name, []).append((f"{name}/{kinds.get(part, part)}:0", array))
    return layers


# What a network does inside


class Watched(OnnxOps):
    """Keeps what comes out of poolings, of rectifiers, and of layers laid side by side: (kind, name, value)."""

    def __init__(self, weights: Any) -> None:
        super().__init__(weights)
        self.seen: list[tuple[str, str, Any]] = []
        self._made: dict[int, tuple[str, str]] = {}

    def _note(self, value: Any, kind: str, name: str = "") -> Any:
        self._made[id(value)] = kind, name
        self.seen.append((kind, name, value))
        return value

    def conv(self, x: Any, name: str, **options: Any) -> Any:
        return self._note(super().conv(x, name, **options), "conv", name)

    def batch_norm(self, x: Any, name: str, *, eps: float) -> Any:
        return self._note(super().batch_norm(x, name, eps=eps), "norm", name.removesuffix(".bn"))

    def dense(self, x: Any, name: str, **options: Any) -> Any:
        return self._note(super().dense(x, name, **options), "dense", name)

    def add(self, a: Any, b: Any) -> Any:
        return self._note(super().add(a, b), "add")

    def max_pool(self, x: Any, size: int, *, stride: int, ceil: bool = False) -> Any:
        return self._note(super().max_pool(x, size, stride=stride, ceil=ceil), "max_pool")

    def concat(self, parts: Sequence[Any]) -> Any:
        pooled = any(self._made.get(id(part), ("",))[0] == "max_pool" for part in parts)
        return self._note(super().concat(parts), "reduction" if pooled else "concat")

    def relu(self, x: Any) -> Any:
        kind, name = self._made.get(id(x), ("", ""))
        return self._note(super().relu(x), f"relu of {kind}", name)

    def of(self, kind: str, name: str | None = None) -> list[Any]:
        return [value for found, known, value in self.seen if found == kind and name in (None, known)]


Stages = Callable[[Watched], dict[str, Any]]


def inside(
    net: Callable[[Any, Any], tuple[Any, ...]], weights: Any, *, side: int, stages: Stages
) -> dict[str, np.ndarray]:
    """What two pictures are at some stages of a network; what it gives in the end is called ``0``, ``1`` ..."""
    ops = Watched(weights)
    ends = net(ops, ops.picture(side, UINT8))
    asked = {**{str(number): end for number, end in enumerate(ends)}, **stages(ops)}
    session = runtime.Session(ops.serialize(list(asked.values()), side, UINT8), threads=1)
    return dict(zip(asked, session.run(networks.pictures(side)), strict=True))


def difference(stage: str, found: np.ndarray, golden: np.ndarray, *, key: str = "") -> float:
    """Largest difference to a stage's reference, in its deviations."""
    summed = networks.summary(key or stage, found)
    return float(np.abs(summed - golden).max() / golden[:, 1].min())
