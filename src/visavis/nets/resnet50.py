"""ResNet-50 (He, Zhang, Ren, Sun 2015, table 1), as in VGGFace2: Caffe's form, with the stride on the first 1x1.

Weights:

- ``conv1``, which takes RGB, and a block's ``conv2_1.reduce``, ``.conv3x3``, ``.increase``, to ``conv5_3``; the first
  block of each stage has ``.proj``. Each: ``.kernel``, and ``.bn.gamma``, ``.bn.beta``, ``.bn.mean``, ``.bn.variance``.
- ``classifier`` in files with the top: kernel, bias.
"""

from __future__ import annotations

from collections.abc import Callable

from visavis.nets.ops import Ops, T

SIDE = 224
MEAN = (131.0912, 103.8827, 91.4953)
"""Mean of the training photos, RGB."""
EPS = 1e-3
"""Keras' default, used for the published file."""
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Channels inside a block (its output has four times as many), blocks."""
PEOPLE = 8631


def resnet50(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 224-pixel faces to features ``(n, 2048)``: the mean of the last 7x7 map."""
    return (ops.global_average(trunk(ops, x, eps=EPS, excite=lambda x, name: x)),)


def resnet50_top(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 224-pixel faces to features ``(n, 2048)``, logits ``(n, 8631)``."""
    (x,) = resnet50(ops, x)
    return x, ops.dense(x, "classifier", width=PEOPLE)


def trunk(ops: Ops[T], x: T, *, eps: float, excite: Callable[[T, str], T]) -> T:
    """Return all but the mean; ``excite(x, block)`` is applied before each sum. Sides 224: 112, 55, 55, 28, 14, 7."""

    def conv(x: T, name: str, width: int, size: int = 1, stride: int = 1) -> T:
        x = ops.conv(x, name, width=width, size=size, stride=stride, pad="same")
        return ops.batch_norm(x, f"{name}.bn", eps=eps)

    def bottleneck(x: T, name: str, width: int, stride: int, *, project: bool) -> T:
        main = ops.relu(conv(x, f"{name}.reduce", width, stride=stride))
        main = ops.relu(conv(main, f"{name}.conv3x3", width, size=3))
        main = excite(conv(main, f"{name}.increase", 4 * width), name)
        if project:
            x = conv(x, f"{name}.proj", 4 * width, stride=stride)
        return ops.relu(ops.add(main, x))

    x = ops.normalize(x, mean=MEAN, scale=1.0)
    x = ops.relu(conv(x, "conv1", 64, size=7, stride=2))
    x = ops.max_pool(x, 3, stride=2)
    for stage, (width, blocks) in enumerate(STAGES, 2):
        for block in range(1, blocks + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            x = bottleneck(x, f"conv{stage}_{block}", width, stride, project=block == 1)
    return x
