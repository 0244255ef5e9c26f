"""Files of generated weights as the authors of the classic networks lay them out, and what a network does inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden import networks
from visavis import runtime
from visavis.nets._onnx import OnnxOps
from visavis.nets._onnx_file import UINT8
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
    session = runtime.Session(ops.serialise(list(asked.values()), side, UINT8), threads=1)
    return dict(zip(asked, session.run(networks.pictures(side)), strict=True))


def difference(stage: str, found: np.ndarray, golden: np.ndarray, *, key: str = "") -> float:
    """Largest difference to a stage's reference, in its deviations."""
    summed = networks.summary(key or stage, found)
    return float(np.abs(summed - golden).max() / golden[:, 1].min())
