"""MobileFaceNet (Chen, Liu, Gao, Han 2018, table 1): inverted bottlenecks, and a global depthwise convolution.

Weights: ``conv1``, ``conv2``, a block's ``block1_1.expand``, ``.depthwise``, ``.project``, to ``block5_2``, ``conv3``,
``gdconv``, ``linear``. Each of them: ``.kernel``, and ``.bn.gamma``, ``.bn.beta``, ``.bn.mean``, ``.bn.variance``;
``.prelu.slope`` where an activation follows. The last convolution is on one pixel: a dense layer.
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T

SIDE = 112
MEAN, SCALE = (127.5, 127.5, 127.5), 1 / 128
EPS = 1e-5
"""PyTorch's and MXNet's value; the paper does not state it."""
STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, blocks, stride of the first block."""


def mobilefacenet(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 112-pixel faces to features ``(n, 128)``, not normalized. Sides: 56, 56, 28, 14, 14, 7, 7, 1."""

    def norm(x: T, name: str) -> T:
        return ops.batch_norm(x, f"{name}.bn", eps=EPS)

    def conv(x: T, name: str, width: int, size: int = 1, stride: int = 1) -> T:
        return norm(ops.conv(x, name, width=width, size=size, stride=stride, pad=size // 2), name)

    def active(x: T, name: str) -> T:
        return ops.prelu(x, f"{name}.prelu")

    def bottleneck(x: T, name: str, *, inside: int, width: int, stride: int) -> T:
        x = active(conv(x, f"{name}.expand", inside), f"{name}.expand")
        x = norm(ops.depthwise(x, f"{name}.depthwise", size=3, stride=stride, pad=1), f"{name}.depthwise")
        return conv(active(x, f"{name}.depthwise"), f"{name}.project", width)

    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = active(conv(x, "conv1", 64, size=3, stride=2), "conv1")
    x = active(norm(ops.depthwise(x, "conv2", size=3, pad=1), "conv2"), "conv2")
    inputs = 64
    for stage, (expansion, width, blocks, first) in enumerate(STAGES, 1):
        for block in range(1, blocks + 1):
            stride = first if block == 1 else 1
            out = bottleneck(x, f"block{stage}_{block}", inside=expansion * inputs, width=width, stride=stride)
            x = ops.add(out, x) if stride == 1 and inputs == width else out
            inputs = width
    x = active(conv(x, "conv3", 512), "conv3")
    x = norm(ops.depthwise(x, "gdconv", size=7), "gdconv")
    return (norm(ops.dense(ops.flatten(x), "linear", width=128), "linear"),)
