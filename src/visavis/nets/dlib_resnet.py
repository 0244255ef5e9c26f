"""dlib's face recognition ResNet (Davis King 2017): 29 convolutions, half the filters of ResNet-34.

Source of the layout: dlib's ``dnn_face_recognition_ex.cpp`` and the layers of the published file.
"""

from __future__ import annotations

from itertools import count

from visavis.nets.ops import Ops, T

MEAN, SCALE = (122.782, 117.001, 104.298), 1 / 256
STAGES = (("ppp", 32), ("dppp", 64), ("dpp", 128), ("dppd", 256))
"""Blocks input -> output, and their channels: p keeps the size, d halves it."""


def dlib_resnet(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 150-pixel chips to ``(n, 128)``, not normalized."""
    names = (f"conv{i}" for i in count(1))

    def conv(x: T, width: int, *, size: int = 3, stride: int = 1, pad: int = 0) -> T:
        name = next(names)
        return ops.affine(ops.conv(x, name, width=width, size=size, stride=stride, pad=pad), name)

    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    x = ops.max_pool(ops.relu(conv(x, 32, size=7, stride=2)), 3, stride=2)
    for block, width in ((block, width) for blocks, width in STAGES for block in blocks):
        if block == "p":
            main = conv(ops.relu(conv(x, width, pad=1)), width, pad=1)
            x = ops.relu(ops.add_padded(main, x))
        else:
            main = conv(ops.relu(conv(x, width, stride=2)), width, pad=1)
            x = ops.relu(ops.add_padded(main, ops.average_pool(x, 2, stride=2)))
    return (ops.dense(ops.global_average(x), "fc", width=128),)
