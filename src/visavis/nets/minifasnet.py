"""MiniFASNet (Minivision's Silent-Face-Anti-Spoofing, 2020): a narrow MobileFaceNet of 80 pixels that tells attacks.

``minifasnet_v2`` and ``minifasnet_v1se`` have the same layers of other widths; the second weights the channels of the
last block of each stage. Weights: ``conv1``, ``conv2``, a block's ``block1_1.expand``, ``.depthwise``, ``.project``, to
``block6_2``, ``conv3``, ``conv4``: each ``.kernel``, and ``.bn.*``; ``.prelu.slope`` where an activation follows. A
block with weighted channels has ``.down`` and ``.up`` (kernel (in, out)) with ``.bn.*``. Then ``linear``, ``bn.*`` and
``prob``.
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T

SIDE, CLASSES = 80, 3
EPS = 1e-5
RATIO = 4
"""Channels per channel in the waist of a block's gate."""
DIMENSION, LAST = 128, 512

Stages = tuple[tuple[int, int, tuple[int, ...]], ...]
STAGES_V2: Stages = (
    (64, 2, (103,)),
    (64, 1, (13, 13, 13, 13)),
    (128, 2, (231,)),
    (128, 1, (231, 52, 26, 77, 26, 26)),
    (128, 2, (308,)),
    (128, 1, (26, 26)),
)
"""Channels and stride of a stage, and the channels inside each of its blocks: those that pruning has left."""
STAGES_V1: Stages = (
    (64, 2, (103,)),
    (64, 1, (13, 26, 13, 52)),
    (128, 2, (231,)),
    (128, 1, (154, 52, 26, 52, 26, 26)),
    (128, 2, (308,)),
    (128, 1, (26, 26)),
)


def minifasnet_v2(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 80-pixel pictures, 0 to 255, to logits ``(n, 3)``; the second is of a real face."""
    return _network(ops, x, STAGES_V2, gated=False)


def minifasnet_v1se(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 80-pixel pictures, 0 to 255, to logits ``(n, 3)``; the second is of a real face."""
    return _network(ops, x, STAGES_V1, gated=True)


def _network(ops: Ops[T], x: T, stages: Stages, *, gated: bool) -> tuple[T, ...]:
    """Sides: 40, 40, 20, 20, 10, 10, 5, 5, 1."""

    def norm(x: T, name: str) -> T:
        return ops.batch_norm(x, f"{name}.bn", eps=EPS)

    def active(x: T, name: str) -> T:
        return ops.prelu(norm(x, name), f"{name}.prelu")

    def bottleneck(x: T, name: str, *, inside: int, width: int, stride: int) -> T:
        x = active(ops.conv(x, f"{name}.expand", width=inside, size=1), f"{name}.expand")
        x = active(ops.depthwise(x, f"{name}.depthwise", size=3, stride=stride, pad=1), f"{name}.depthwise")
        return norm(ops.conv(x, f"{name}.project", width=width, size=1), f"{name}.project")

    def gate(x: T, name: str, *, width: int) -> T:
        waist = ops.dense(ops.global_average(x), f"{name}.down", width=width // RATIO)
        waist = ops.relu(norm(waist, f"{name}.down"))
        return ops.gate(x, ops.sigmoid(norm(ops.dense(waist, f"{name}.up", width=width), f"{name}.up")))

    x = active(ops.conv(x, "conv1", width=32, size=3, stride=2, pad=1), "conv1")
    x = active(ops.depthwise(x, "conv2", size=3, pad=1), "conv2")
    for stage, (width, stride, blocks) in enumerate(stages, 1):
        for block, inside in enumerate(blocks, 1):
            name = f"block{stage}_{block}"
            out = bottleneck(x, name, inside=inside, width=width, stride=stride)
            if gated and stride == 1 and block == len(blocks):
                out = gate(out, name, width=width)
            x = ops.add(out, x) if stride == 1 else out
    x = active(ops.conv(x, "conv3", width=LAST, size=1), "conv3")
    x = norm(ops.depthwise(x, "conv4", size=5), "conv4")
    x = ops.batch_norm(ops.dense(ops.flatten(x), "linear", width=DIMENSION), "bn", eps=EPS)
    return (ops.dense(x, "prob", width=CLASSES),)
