"""Inception-ResNet-v1 (Szegedy, Ioffe, Vanhoucke, Alemi 2016, figures 10 to 14), as in David Sandberg's FaceNet.

Weights, after facenet-pytorch's names:

- ``conv2d_1a`` ... ``conv2d_4b``; ``repeat_1.0.branch0``, ``repeat_1.0.branch1.0`` ... ``repeat_3.4``; ``mixed_6a``,
  ``mixed_7a``, ``block8``: ``.kernel``, and ``.bn.beta``, ``.bn.mean``, ``.bn.variance``, in some files ``.bn.gamma``.
- ``repeat_1.0.conv2d`` ... ``block8.conv2d``: kernel, bias.
- ``last_linear.kernel`` and ``last_bn``; ``logits`` in files with the top: kernel, bias.
"""

from __future__ import annotations

from collections.abc import Sequence

from visavis.nets.ops import Ops, Pad, Size, T

SIDE = 160
MEAN, SCALE = (127.5, 127.5, 127.5), 1 / 128
EPS = 1e-3
DIMENSION, PEOPLE = 512, 8631

Layer = tuple[int, Size, int, Pad]
"""Channels, kernel, stride, padding."""
Branches = Sequence[Sequence[Layer]]

BLOCK_35: Branches = (
    [(32, 1, 1, 0)],
    [(32, 1, 1, 0), (32, 3, 1, "same")],
    [(32, 1, 1, 0), (32, 3, 1, "same"), (32, 3, 1, "same")],
)
BLOCK_17: Branches = (
    [(128, 1, 1, 0)],
    [(128, 1, 1, 0), (128, (1, 7), 1, "same"), (128, (7, 1), 1, "same")],
)
BLOCK_8: Branches = (
    [(192, 1, 1, 0)],
    [(192, 1, 1, 0), (192, (1, 3), 1, "same"), (192, (3, 1), 1, "same")],
)
MIXED_6A: Branches = (
    [(384, 3, 2, 0)],
    [(192, 1, 1, 0), (192, 3, 1, "same"), (256, 3, 2, 0)],
)
MIXED_7A: Branches = (
    [(256, 1, 1, 0), (384, 3, 2, 0)],
    [(256, 1, 1, 0), (256, 3, 2, 0)],
    [(256, 1, 1, 0), (256, 3, 1, "same"), (256, 3, 2, 0)],
)


def inception_resnet_v1(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 160-pixel faces to features ``(n, 512)``, not normalized. Sides 160: 79, 77, 77, 38, 38, 36, 17, 8, 3."""

    def conv(x: T, name: str, width: int, size: Size, stride: int = 1, pad: Pad = 0) -> T:
        x = ops.conv(x, name, width=width, size=size, stride=stride, pad=pad)
        return ops.relu(ops.batch_norm(x, f"{name}.bn", eps=EPS))

    def branches(x: T, name: str, layout: Branches) -> list[T]:
        ends = []
        for number, layers in enumerate(layout):
            end = x
            for place, layer in enumerate(layers):
                end = conv(end, f"{name}.branch{number}" + (f".{place}" if len(layers) > 1 else ""), *layer)
            ends.append(end)
        return ends

    def residual(x: T, name: str, layout: Branches, *, width: int, scale: float) -> T:
        out = ops.conv(ops.concat(branches(x, name, layout)), f"{name}.conv2d", width=width, size=1)
        return ops.add(ops.scale(out, scale), x)

    def reduction(x: T, name: str, layout: Branches) -> T:
        return ops.concat([*branches(x, name, layout), ops.max_pool(x, 3, stride=2)])

    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = conv(x, "conv2d_1a", 32, 3, stride=2)
    x = conv(x, "conv2d_2a", 32, 3)
    x = conv(x, "conv2d_2b", 64, 3, pad="same")
    x = ops.max_pool(x, 3, stride=2)
    x = conv(x, "conv2d_3b", 80, 1)
    x = conv(x, "conv2d_4a", 192, 3)
    x = conv(x, "conv2d_4b", 256, 3, stride=2)
    for i in range(5):
        x = ops.relu(residual(x, f"repeat_1.{i}", BLOCK_35, width=256, scale=0.17))
    x = reduction(x, "mixed_6a", MIXED_6A)
    for i in range(10):
        x = ops.relu(residual(x, f"repeat_2.{i}", BLOCK_17, width=896, scale=0.10))
    x = reduction(x, "mixed_7a", MIXED_7A)
    for i in range(5):
        x = ops.relu(residual(x, f"repeat_3.{i}", BLOCK_8, width=1792, scale=0.20))
    x = residual(x, "block8", BLOCK_8, width=1792, scale=1.0)
    x = ops.dense(ops.global_average(x), "last_linear", width=DIMENSION)
    return (ops.batch_norm(x, "last_bn", eps=EPS),)


def inception_resnet_v1_top(ops: Ops[T], x: T, *, people: int = PEOPLE) -> tuple[T, ...]:
    """Map 160-pixel faces to features ``(n, 512)``, logits ``(n, people)`` of the people that it was trained with."""
    (x,) = inception_resnet_v1(ops, x)
    return x, ops.dense(x, "logits", width=people)
