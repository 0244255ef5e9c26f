"""VGG16 as in VGG-Face (Parkhi, Vedaldi, Zisserman 2015, table 3): 13 convolutions and 3 dense layers.

Weights, after the names of the published file:

- ``conv1_1`` ... ``conv5_3``: kernel, bias. That of ``conv1_1`` takes RGB.
- ``fc6``, ``fc7``, ``fc8`` in files with the top: kernel, bias. That of ``fc6`` takes channel, row, column, in this
  order.
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T

SIDE = 224
MEAN = (129.1863, 104.7624, 93.5940)
"""Mean of the training photos, RGB."""
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels, convolutions."""
PEOPLE = 2622


def vgg16(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 224-pixel faces to the mean of pool5 ``(n, 512)``, the output of files without the top."""
    return (ops.global_average(_pool5(ops, x)),)


def vgg16_top(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 224-pixel faces to descriptors fc7 ``(n, 4096)``, logits ``(n, 2622)``."""
    x = ops.flatten(_pool5(ops, x))
    x = ops.relu(ops.dense(x, "fc6", width=4096))
    x = ops.relu(ops.dense(x, "fc7", width=4096))
    return x, ops.dense(x, "fc8", width=PEOPLE)


def _pool5(ops: Ops[T], x: T) -> T:
    x = ops.normalize(x, mean=MEAN, scale=1.0)
    for stage, (width, count) in enumerate(STAGES, 1):
        for number in range(1, count + 1):
            x = ops.relu(ops.conv(x, f"conv{stage}_{number}", width=width, size=3, pad="same"))
        x = ops.max_pool(x, 2, stride=2)
    return x
