"""A small network for learning how networks learn: four convolutions, each halving the picture.

Weights: ``conv1`` ... ``conv4``, each ``.kernel``, and ``.bn.gamma``, ``.bn.beta``, ``.bn.mean``, ``.bn.variance``.
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T

SIDE = 112
MEAN, SCALE = (127.5, 127.5, 127.5), 1 / 128
EPS = 1e-5
WIDTHS = (32, 64, 128, 256)


def small_cnn(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map faces of 32 pixels or more to features ``(n, 256)``. Sides of 112: 56, 28, 14, 7."""
    x = ops.normalize(x, mean=MEAN, scale=SCALE)
    for number, width in enumerate(WIDTHS, 1):
        x = ops.conv(x, f"conv{number}", width=width, size=3, pad=1)
        x = ops.relu(ops.batch_norm(x, f"conv{number}.bn", eps=EPS))
        x = ops.max_pool(x, 2, stride=2)
    return (ops.global_average(x),)
