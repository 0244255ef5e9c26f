"""Generated weights of the classic networks, under the names and in the order of their published files.

The arrays are the same bits on every machine: PCG64 seeded by a weight's name, and arithmetic that is exact. They are
scaled so that a picture's contents come through to the last layer: kernels as He et al. do it, batch-norm statistics
random but positive, the last factor of a residual branch small.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

if __package__:
    from golden.chips import face
else:  # in the environment of a peer, which knows this folder alone
    from chips import face

Floats = NDArray[np.float32]
Shapes = dict[str, dict[str, tuple[int, ...]]]
"""Layer -> its weights, by their names in the file -> shapes."""

SEEN = 128
"""Size of the values of a picture, which the first layer takes back to about one."""
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
RESNET50 = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Channels and blocks of each stage."""


def vgg16(*, top: bool = True, width: int = 4096, classes: int = 2622) -> Shapes:
    """keras-vggface's VGG16; ``width`` and ``classes`` are of the dense layers."""
    layers: Shapes = {"input_1": {}}
    channels = 3
    for stage, widths in enumerate(VGG16, 1):
        for number, out in enumerate(widths, 1):
            layers.update(_keras(f"conv{stage}_{number}", (3, 3, channels, out)))
            channels = out
        layers[f"pool{stage}"] = {}
    if top:
        layers["flatten"] = {}
        layers |= _keras("fc6", (7 * 7 * channels, width)) | {"fc6/relu": {}}
        layers |= _keras("fc7", (width, width)) | {"fc7/relu": {}}
        layers |= _keras("fc8", (width, classes)) | {"fc8/softmax": {}}
    return layers


def resnet50(*, top: bool = True, squeeze: bool = False, classes: int = 8631) -> Shapes:
    """keras-vggface's ResNet-50, or SENet-50 where it is to ``squeeze``."""
    layers: Shapes = {"input_1": {}, **_keras_unit("conv1/7x7_s2", (7, 7, 3, 64))}
    channels = 64
    for stage, (width, blocks) in enumerate(RESNET50, 2):
        for block in range(1, blocks + 1):
            name, out = f"conv{stage}_{block}_", 4 * width
            layers |= _keras_unit(f"{name}1x1_reduce", (1, 1, channels, width))
            layers |= _keras_unit(f"{name}3x3", (3, 3, width, width))
            layers |= _keras_unit(f"{name}1x1_increase", (1, 1, width, out))
            if squeeze:
                layers |= _keras(f"{name}1x1_down", (1, 1, out, out // 16))
                layers |= _keras(f"{name}1x1_up", (1, 1, out // 16, out))
            if block == 1:
                layers |= _keras_unit(f"{name}1x1_proj", (1, 1, channels, out))
            channels = out
    layers["avg_pool"] = {}
    if top:
        layers |= {"flatten_1": {}} | _keras("classifier", (channels, classes))
    return layers


def _keras(layer: str, kernel: tuple[int, ...]) -> Shapes:
    return {layer: {f"{layer}/kernel:0": kernel, f"{layer}/bias:0": kernel[-1:]}}


def _keras_unit(layer: str, kernel: tuple[int, ...]) -> Shapes:
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    return {
        layer: {f"{layer}/kernel:0": kernel},
        f"{layer}/bn": {f"{layer}/bn/{part}:0": kernel[-1:] for part in parts},
    }


def inception_resnet_v1(*, classes: int | None = 8631) -> Shapes:
    """facenet-pytorch's InceptionResnetV1; one layer that holds all, since a state dict knows no others."""
    shapes: dict[str, tuple[int, ...]] = {}
    for prefix, units, closing in _inception_parts():
        for name, *kernel in units:
            shapes |= {f"{prefix}{name}.conv.weight": tuple(kernel), **_normed(f"{prefix}{name}.bn", kernel[0])}
        if closing:
            shapes |= _plain(f"{prefix}conv2d", *closing)
    shapes |= {"last_linear.weight": (512, 1792), **_normed("last_bn", 512)}
    return {"": shapes if classes is None else shapes | _plain("logits", classes, 512)}


Unit = tuple[str, int, int, int, int]
"""Name and kernel of a convolution with batch norm."""

STEM: tuple[Unit, ...] = (
    ("conv2d_1a", 32, 3, 3, 3),
    ("conv2d_2a", 32, 32, 3, 3),
    ("conv2d_2b", 64, 32, 3, 3),
    ("conv2d_3b", 80, 64, 1, 1),
    ("conv2d_4a", 192, 80, 3, 3),
    ("conv2d_4b", 256, 192, 3, 3),
)
BLOCK35: tuple[Unit, ...] = (
    ("branch0", 32, 256, 1, 1),
    ("branch1.0", 32, 256, 1, 1),
    ("branch1.1", 32, 32, 3, 3),
    ("branch2.0", 32, 256, 1, 1),
    ("branch2.1", 32, 32, 3, 3),
    ("branch2.2", 32, 32, 3, 3),
)
MIXED_6A: tuple[Unit, ...] = (
    ("branch0", 384, 256, 3, 3),
    ("branch1.0", 192, 256, 1, 1),
    ("branch1.1", 192, 192, 3, 3),
    ("branch1.2", 256, 192, 3, 3),
)
BLOCK17: tuple[Unit, ...] = (
    ("branch0", 128, 896, 1, 1),
    ("branch1.0", 128, 896, 1, 1),
    ("branch1.1", 128, 128, 1, 7),
    ("branch1.2", 128, 128, 7, 1),
)
MIXED_7A: tuple[Unit, ...] = (
    ("branch0.0", 256, 896, 1, 1),
    ("branch0.1", 384, 256, 3, 3),
    ("branch1.0", 256, 896, 1, 1),
    ("branch1.1", 256, 256, 3, 3),
    ("branch2.0", 256, 896, 1, 1),
    ("branch2.1", 256, 256, 3, 3),
    ("branch2.2", 256, 256, 3, 3),
)
BLOCK8: tuple[Unit, ...] = (
    ("branch0", 192, 1792, 1, 1),
    ("branch1.0", 192, 1792, 1, 1),
    ("branch1.1", 192, 192, 1, 3),
    ("branch1.2", 192, 192, 3, 1),
)


def _inception_parts() -> Iterator[tuple[str, tuple[Unit, ...], tuple[int, ...]]]:
    """Prefix and units of each part, and the kernel of the convolution that closes a residual branch."""
    yield "", STEM, ()
    yield from ((f"repeat_1.{i}.", BLOCK35, (256, 96, 1, 1)) for i in range(5))
    yield "mixed_6a.", MIXED_6A, ()
    yield from ((f"repeat_2.{i}.", BLOCK17, (896, 256, 1, 1)) for i in range(10))
    yield "mixed_7a.", MIXED_7A, ()
    yield from ((f"repeat_3.{i}.", BLOCK8, (1792, 384, 1, 1)) for i in range(5))
    yield "block8.", BLOCK8, (1792, 384, 1, 1)


def _normed(name: str, width: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{part}": (width,) for part in parts}, f"{name}.num_batches_tracked": ()}


def _plain(name: str, *kernel: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": kernel, f"{name}.bias": kernel[:1]}


def values(name: str, shape: tuple[int, ...]) -> Floats | NDArray[np.int64]:
    """The array of a weight, by its name in the file (of Keras: ``.../kernel:0``; of torch: ``....weight``)."""
    part = name.removesuffix(":0").replace("/", ".").rpartition(".")[2]
    if part == "num_batches_tracked":
        return np.array(1, np.int64)
    noise = _noise(name, shape)
    if part == "kernel" or (part == "weight" and len(shape) > 1):
        return noise * np.float32(_gain(name, part, shape))
    if part in {"gamma", "weight"}:
        return (noise / 2 + 1) * np.float32(0.25 if _closes_a_branch(name) else 1)
    if part in {"moving_variance", "running_var"}:
        return noise / 4 + 1
    return noise / 4  # biases, beta and means


def _noise(name: str, shape: tuple[int, ...]) -> Floats:
    """Evenly spread in -1..1, in steps of 2 ** -23, so that float32 holds them all."""
    count = int(np.prod(shape))
    raw = np.random.PCG64(crc32(name.encode())).random_raw(count // 2 + 1)
    bits = raw.astype("<u8", copy=False).view("<u4")[:count] >> np.uint32(8)
    return ((bits.astype(np.float32) - 2**23) * np.float32(2**-23)).reshape(shape)


def _gain(name: str, part: str, shape: tuple[int, ...]) -> float:
    """Bound of even noise that keeps the size of what comes through a rectifier: sqrt(6 / inputs), as a power of 2."""
    inputs = np.prod(shape[:-1] if part == "kernel" else shape[1:])
    seen = SEEN if part == "kernel" and name.startswith(("conv1_1/", "conv1/")) else 1
    return 2.0 ** np.round(np.log2(np.sqrt(6 / inputs) / seen))


def _closes_a_branch(name: str) -> bool:
    return "1x1_increase" in name


def arrays(layers: Shapes) -> Iterator[tuple[str, Floats | NDArray[np.int64]]]:
    """Name and array of every weight, in the file's order."""
    for weights in layers.values():
        for name, shape in weights.items():
            yield name, values(name, shape)


SAMPLES = 64
"""Values of each stage that are kept a picture."""


def pictures(side: int) -> NDArray[np.uint8]:
    """Two drawn pictures ``(2, side, side, 3)`` with little in common."""
    one, other = face(side, lean=2), face(side, lean=-5, back=(40, 90, 200))
    return np.stack([one, 255 - other[::-1]])


def summary(stage: str, values: Floats) -> Floats:
    """Of each of the ``(n, c, h, w)`` or ``(n, c)`` values of a stage: mean, deviation, and some of them: ``(n, 66)``.

    Which ones is decided by the stage's name.
    """
    rows = np.asarray(values, np.float64).reshape(len(values), -1)
    places = np.random.PCG64(crc32(stage.encode())).random_raw(SAMPLES) % np.uint64(rows.shape[1])
    moments = np.stack([rows.mean(axis=1), rows.std(axis=1)], axis=1)
    return np.concatenate([moments, rows[:, places.astype(np.int64)]], axis=1).astype(np.float32)
