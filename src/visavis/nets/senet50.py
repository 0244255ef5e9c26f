"""SENet-50 (Hu, Shen, Sun 2017), as in VGGFace2: ResNet-50 with channels weighted before each sum.

Weights: those of ``resnet50.py``, and in each block ``.down`` and ``.up`` (kernel (in, out), bias).
"""

from __future__ import annotations

from visavis.nets.ops import Ops, T
from visavis.nets.resnet50 import PEOPLE, STAGES, trunk

EPS = 1e-4
RATIO = 16
"""Channels per channel in the waist of a block's gate."""
OUTPUTS = {f"conv{stage}": 4 * width for stage, (width, _) in enumerate(STAGES, 2)}


def senet50(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 224-pixel faces to features ``(n, 2048)``: the mean of the last 7x7 map."""

    def excite(x: T, block: str) -> T:
        width = OUTPUTS[block.partition("_")[0]]
        waist = ops.relu(ops.dense(ops.global_average(x), f"{block}.down", width=width // RATIO))
        return ops.gate(x, ops.sigmoid(ops.dense(waist, f"{block}.up", width=width)))

    return (ops.global_average(trunk(ops, x, eps=EPS, excite=excite)),)


def senet50_top(ops: Ops[T], x: T) -> tuple[T, ...]:
    """Map 224-pixel faces to features ``(n, 2048)``, logits ``(n, 8631)``."""
    (x,) = senet50(ops, x)
    return x, ops.dense(x, "classifier", width=PEOPLE)
