"""SFace's network (Zhong, Deng, Hu, Zhao, Li, Wen 2021): a MobileNet-v1 of 112 pixels, and one dense layer.

The published weights are from OpenCV's zoo. Every convolution is followed by batch normalization and a PReLU; the last
map, 7x7x1024, is normalized once more and multiplied by one matrix. Weights: ``conv1``, ``block1.depthwise``,
``block1.pointwise`` to ``block13``, each with ``.kernel``, ``.bn.*`` and ``.prelu.slope``; ``bn``, ``fc``, ``fc.bn``.
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T

SIDE, DIMENSION = 112, 128
MEAN, SCALE = (127.5, 127.5, 127.5), 1 / 128
EPS, LAST_EPS = 1e-3, 2e-5
"""For the layers behind convolutions, and for the two at the end."""
BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
    (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
"""Output channels and stride of each pair of a depthwise and a pointwise convolution."""


def sface(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 112-pixel faces to features ``(n, 128)``, not of unit length. Sides: 112, 112, 56, 28, 14, 7."""

    def active(x: T, name: str) -> T:
        return ops.prelu(ops.batch_norm(x, f"{name}.bn", eps=EPS), f"{name}.prelu")

    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = active(ops.conv(x, "conv1", width=32, size=3, pad=1), "conv1")
    for number, (width, stride) in enumerate(BLOCKS, 1):
        name = f"block{number}"
        x = active(ops.depthwise(x, f"{name}.depthwise", size=3, stride=stride, pad=1), f"{name}.depthwise")
        x = active(ops.conv(x, f"{name}.pointwise", width=width, size=1), f"{name}.pointwise")
    x = ops.batch_norm(x, "bn", eps=LAST_EPS)
    return (ops.batch_norm(ops.dense(ops.flatten(x), "fc", width=DIMENSION), "fc.bn", eps=LAST_EPS),)
