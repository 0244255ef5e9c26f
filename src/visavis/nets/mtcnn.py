"""MTCNN's three networks (Zhang, Zhang, Li, Qiao 2016), as in the authors' Caffe files.

Each ends in *logits*: face minus no-face; their sigmoid is the softmax's face score.
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T

MEAN, SCALE = (127.5, 127.5, 127.5), 1 / 128


def pnet(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Propose faces: a score and four offsets for each 12-pixel cell, one cell every 2 pixels: ``(n, 5, h, w)``.

    The pooling has no last window beyond the edge: it would add only one more pixel at the far edge.
    """
    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = ops.prelu(ops.conv(x, "conv1"), "prelu1")
    x = ops.max_pool(x, 2, stride=2)
    x = ops.prelu(ops.conv(x, "conv2"), "prelu2")
    x = ops.prelu(ops.conv(x, "conv3"), "prelu3")
    return (ops.conv(x, "heads"),)


def rnet(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Refine 24-pixel crops: score and four offsets ``(n, 5)``."""
    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = ops.prelu(ops.conv(x, "conv1"), "prelu1")
    x = ops.max_pool(x, 3, stride=2, ceil=True)
    x = ops.prelu(ops.conv(x, "conv2"), "prelu2")
    x = ops.max_pool(x, 3, stride=2)
    x = ops.prelu(ops.conv(x, "conv3"), "prelu3")
    x = ops.prelu(ops.dense(ops.flatten(x), "fc4"), "prelu4")
    return (ops.dense(x, "heads"),)


def onet(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Finish 48-pixel crops: score, four offsets, five landmarks (x1..x5, y1..y5): ``(n, 15)``."""
    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = ops.prelu(ops.conv(x, "conv1"), "prelu1")
    x = ops.max_pool(x, 3, stride=2, ceil=True)
    x = ops.prelu(ops.conv(x, "conv2"), "prelu2")
    x = ops.max_pool(x, 3, stride=2)
    x = ops.prelu(ops.conv(x, "conv3"), "prelu3")
    x = ops.max_pool(x, 2, stride=2, ceil=True)
    x = ops.prelu(ops.conv(x, "conv4"), "prelu4")
    x = ops.prelu(ops.dense(ops.flatten(x), "fc5"), "prelu5")
    return (ops.dense(x, "heads"),)
