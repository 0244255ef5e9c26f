"""ResNet-18 (He, Zhang, Ren, Sun 2015, table 1): eight blocks of two convolutions each, with a way past each block.

Weights: ``conv1``, and a block's ``conv2_1.first``, ``.second``, to ``conv5_2``; the first block of the stages 3 to 5
has ``.proj``. Each: ``.kernel``, and ``.bn.gamma``, ``.bn.beta``, ``.bn.mean``, ``.bn.variance``.
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T

SIDE = 112
MEAN, SCALE = (127.5, 127.5, 127.5), 1 / 128
EPS = 1e-5
STAGES = ((64, 2), (128, 2), (256, 2), (512, 2))
"""Channels, blocks."""


def resnet18(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map faces to features ``(n, 512)``, the mean of the last map. Sides of 112: 56, 28, 28, 14, 7, 4."""

    def conv(x: T, name: str, width: int, size: int = 3, stride: int = 1) -> T:
        x = ops.conv(x, name, width=width, size=size, stride=stride, pad=size // 2)
        return ops.batch_norm(x, f"{name}.bn", eps=EPS)

    def block(x: T, name: str, width: int, stride: int) -> T:
        main = ops.relu(conv(x, f"{name}.first", width, stride=stride))
        main = conv(main, f"{name}.second", width)
        if stride > 1:
            x = conv(x, f"{name}.proj", width, size=1, stride=stride)
        return ops.relu(ops.add(main, x))

    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = ops.relu(conv(x, "conv1", 64, size=7, stride=2))
    x = ops.max_pool(x, 2, stride=2)
    for stage, (width, blocks) in enumerate(STAGES, 2):
        for number in range(1, blocks + 1):
            x = block(x, f"conv{stage}_{number}", width, 2 if number == 1 and stage > 2 else 1)
    return (ops.global_average(x),)
