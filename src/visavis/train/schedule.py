"""The learning rate of each step, as a part of the full rate."""

from __future__ import annotations

import math
from collections.abc import Sequence


def factor(step: int, total: int, *, kind: str, warm_up: float, drops: Sequence[float], drop: float) -> float:
    """Return the part of the learning rate for ``step`` of ``total`` steps, counted from 0.

    The rate rises evenly over the first ``warm_up`` (a part of all steps). Then ``constant`` keeps it, ``cosine`` lets
    it fall to 0 along half a cosine, and ``steps`` multiplies it with ``drop`` at each of the parts ``drops``.
    """
    rising = round(warm_up * total)
    if step < rising:
        return (step + 1) / rising
    if kind == "cosine":
        return (1 + math.cos(math.pi * (step - rising) / max(total - rising, 1))) / 2
    passed = sum(step >= part * total for part in drops) if kind == "steps" else 0
    return float(drop**passed)
