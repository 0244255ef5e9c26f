"""dlib's face recognition ResNet (Davis King 2017): 29 convolutions, half the filters of ResNet-34.

Source of the layout: dlib's ``dnn_face_recognition_ex.cpp`` and the layers of the published file.
"""

from __future__ import annotations

from itertools import count

from visavis.nets._ops import Ops, T

MEAN, SCALE = (122.782, 117.001, 104.298), 1 / 256
STAGES = ("ppp", "dppp", "dpp", "dpp", "d")
"""Blocks input -> output: p keeps the size, d halves it."""


def dlib_resnet(ops: Ops[T], x: T) -> tuple[T, ...]:
    """150-pixel chips -> ``(n, 128)``, not normalised."""
    names = (f"conv{i}" for i in count(1))

    def conv(x: T, *, stride: int = 1, pad: int = 0) -> T:
        name = next(names)
        return ops.affine(ops.conv(x, name, stride=stride, pad=pad), name)

    x = ops.normalise(x, mean=MEAN, scale=SCALE)
    x = ops.max_pool(ops.relu(conv(x, stride=2)), 3, stride=2)
    for block in "".join(STAGES):
        if block == "p":
            main = conv(ops.relu(conv(x, pad=1)), pad=1)
            x = ops.relu(ops.add_padded(main, x))
        else:
            main = conv(ops.relu(conv(x, stride=2)), pad=1)
            x = ops.relu(ops.add_padded(main, ops.average_pool(x, 2, stride=2)))
    return (ops.dense(ops.global_average(x), "fc"),)
