"""Convert a weight file to a session with the input of ``keras_vggface``: floats, with the mean subtracted.

The definitions of ``nets/`` subtract the mean themselves and end in a mean over the last map. Both are left out here,
since scripts prepare their pictures (sometimes with the wrong means, and get the same results), and choose the pooling.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from visavis import converted, runtime
from visavis.compat import note
from visavis.embedders import vggface
from visavis.errors import UsageError, WeightsError
from visavis.nets import resnet50, senet50, vgg16
from visavis.nets.ops import Net
from visavis.types import Floats
from visavis.weights import spec, store
from visavis.weights.catalog import classic

SIDE = 224
POOL = 7
"""Side of the pooling windows at the end of ResNet-50 and SENet-50, also without the top."""

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """One of the three networks; ``last`` is its classification layer, ``smallest`` the least side of a picture."""

    model: str
    net: Net
    net_top: Net
    last: str
    people: int
    channels: int
    smallest: int

    @property
    def labels(self) -> spec.WeightSpec:
        """Return the row of the file with the names of its classes."""
        return classic.VGGFACE_LABELS if self.model == "vgg16" else classic.VGGFACE2_LABELS

    def shapes(self, *, top: bool, side: int, classes: int) -> Shapes:
        """Return the shape of each array of the network, by name."""
        from visavis.nets.shapes import shapes

        result = shapes(self.net_top if top else self.net, side=side)
        if top:
            inputs, _ = result[f"{self.last}.kernel"]
            result |= {f"{self.last}.kernel": (inputs, classes), f"{self.last}.bias": (classes,)}
        return result

    def map_side(self, side: int) -> int:
        """Return the side of the output map for pictures of ``side`` pixels."""
        for _ in range(5 if self.model == "vgg16" else 0):
            side //= 2
        if self.model == "vgg16":
            return side
        side = (-(-side // 2) - 3) // 2 + 1
        for _ in range(3):
            side = -(-side // 2)
        return side // POOL

    def pool(self, maps: Floats) -> Floats:
        """Pool maps ``(n, c, h, w)`` like the network without its top: means of 7 x 7; unchanged for VGG16."""
        if self.model == "vgg16":
            return maps
        n, c, h, w = maps.shape
        whole = maps[:, :, : h // POOL * POOL, : w // POOL * POOL]
        means: Floats = whole.reshape(n, c, h // POOL, POOL, w // POOL, POOL).mean(axis=(3, 5))
        return means


KINDS = {
    "vgg16": NetworkKind("vgg16", vgg16.vgg16, vgg16.vgg16_top, "fc8", vgg16.PEOPLE, 512, 48),
    "resnet50": NetworkKind(
        "resnet50", resnet50.resnet50, resnet50.resnet50_top, "classifier", resnet50.PEOPLE, 2048, 197
    ),
    "senet50": NetworkKind("senet50", senet50.senet50, senet50.senet50_top, "classifier", resnet50.PEOPLE, 2048, 197),
}
ROWS = {"vgg16": "vggface-vgg16", "resnet50": "vggface2-resnet50", "senet50": "vggface2-senet50"}


class _PreparedOps:
    """Delegate to other ``ops``, except the normalization; keep the last map that was averaged."""

    def __init__(self, ops: Any) -> None:
        self._ops = ops
        self.map: Any = None

    def __getattr__(self, layer: str) -> Any:
        return getattr(self._ops, layer)

    def normalize(self, x: Any, **_options: Any) -> Any:
        """Return ``x``, which the script has normalized."""
        return x

    def global_average(self, x: Any) -> Any:
        """Keep the map and return its mean."""
        self.map = x
        return self._ops.global_average(x)


def session(kind: NetworkKind, weights: str | Path | None, *, top: bool, side: int, classes: int) -> runtime.Session:
    """Open the network; its outputs are logits ``(n, classes)``, or without the top maps ``(n, c, h, w)``."""

    def build(load: Callable[[], dict[str, Floats]]) -> bytes:
        from visavis.nets.onnx_graph import to_onnx

        return to_onnx(_adapt_net(kind, top=top), load(), side=side, pixels="float32")

    if weights is None:
        note("weights=None gives a network of random figures, which cannot be trained here.")
        return runtime.Session(build(lambda: _make_random(kind.shapes(top=top, side=side, classes=classes))))
    path, digest = _find_file(kind, weights, top=top)
    name = f"compat-{kind.model}-{'top' if top else 'map'}-{side}"
    load_checked = lambda: _read_checked(kind, path, top=top, side=side)  # noqa: E731
    return runtime.Session(converted.convert_once(name, digest, lambda: build(load_checked)))


def _adapt_net(kind: NetworkKind, *, top: bool) -> Net:
    def net(ops: Any, x: Any) -> tuple[Any, ...]:
        prepared = _PreparedOps(ops)
        outputs = (kind.net_top if top else kind.net)(prepared, x)
        return (outputs[-1],) if top else (prepared.map,)

    return net


def _find_file(kind: NetworkKind, weights: str | Path, *, top: bool) -> tuple[Path, str]:
    """Return a weight file and its SHA-256: the file without the top if possible, or the full one if that is local."""
    if weights != "vggface":
        path = Path(weights)
        if not path.is_file():
            raise UsageError(f"weights is 'vggface', None or the path of a file, got {str(weights)!r}.")
        with path.open("rb") as file:
            return path, hashlib.file_digest(file, "sha256").hexdigest()
    rows = [spec.spec(ROWS[kind.model])]
    if not top:
        rows.insert(0, spec.spec(f"{ROWS[kind.model]}-notop"))
    row = next((row for row in rows if store.locate(row)), rows[0])
    return store.find(row), store.digest(row)


def _read_checked(kind: NetworkKind, path: Path, *, top: bool, side: int) -> dict[str, Floats]:
    """Return the arrays of the file; raise WeightsError if it belongs to another network."""
    weights = vggface.read(path)
    classes = weights[f"{kind.last}.bias"].shape[0] if top and f"{kind.last}.bias" in weights else kind.people
    for name, shape in kind.shapes(top=top, side=side, classes=classes).items():
        if name not in weights or weights[name].shape != shape:
            problem = "is not there" if name not in weights else f"is {weights[name].shape}, not {shape}"
            raise WeightsError(
                f"{path} is no file of {kind.model}{'' if top else ' without its top'}: {name} {problem}."
            )
    return weights


def _make_random(shapes: Shapes) -> dict[str, Floats]:
    """Return kernels initialized like He et al., and batch normalization without effect."""
    return {name: _initialize(name, shape) for name, shape in shapes.items()}


def _initialize(name: str, shape: tuple[int, ...]) -> Floats:
    if name.endswith(".kernel"):
        inputs = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        noise = np.random.default_rng(crc32(name.encode())).standard_normal(shape, np.float32)
        return noise * np.float32((2 / inputs) ** 0.5)
    return np.full(shape, 1 if name.endswith((".gamma", ".variance")) else 0, np.float32)
