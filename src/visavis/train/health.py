"""What ails a run: each illness is recognized by what the run measures of itself, and has a cure of one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from visavis.train.config import Settings

COLLAPSED = 0.03
"""Spread of embeddings of length 1 below which they count as equal; random directions have a spread near 1, untrained
networks one of .1 to .3 on faces."""
FEW_ACTIVE = 0.001
RISE = 3.0
"""A loss that is so many times the lowest one, or the first one, is running away."""
STEADY = 0.01
"""A loss that changes by less than this part of itself over ``PATIENCE`` epochs stands still."""
PATIENCE = 5


@dataclass(frozen=True, slots=True)
class Epoch:
    """What was measured in an epoch; ``active`` is None for losses without triplets, rates are None without validation.

    ``positive`` and ``negative`` are mean squared distances of pairs of one person and of two, ``norm`` the mean length
    of the network's outputs, ``spread`` that of embeddings of length 1 around their mean. ``pictures_a_second`` is the
    speed of training, ``seconds`` is the time of the epoch with its validation.
    """

    epoch: int
    step: int
    loss: float
    rate: float
    active: float | None
    positive: float
    negative: float
    norm: float
    spread: float
    pictures_a_second: float
    seconds: float
    tar: float | None = None
    tar_low: float | None = None
    tar_high: float | None = None
    accuracy: float | None = None

    def row(self) -> dict[str, float | int | None]:
        """Return the values by name, for the log."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Illness:
    """What ails the run (``name``), how it shows, and the ``cure``; ``fatal``: its network is of no use."""

    name: str
    message: str
    cure: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.message} {self.cure}"


def diagnose(epochs: Sequence[Epoch], settings: Settings) -> Illness | None:
    """Return what ails a run after its last epoch; None if it is healthy."""
    last = epochs[-1]
    if not (math.isfinite(last.loss) and math.isfinite(last.norm)):
        # No triplet of embeddings that are NaN is active: their loss is 0.
        which = "loss is no number" if not math.isfinite(last.loss) else "embeddings are no numbers"
        return Illness("nan", f"The {which} any more.", _lower(settings, "and clip the gradient"))
    lowest = min(epoch.loss for epoch in epochs)
    if len(epochs) > 1 and last.loss > RISE * max(lowest, 1e-3) and last.loss > epochs[0].loss:
        rise = f"The loss rises: {last.loss:.4g} after {lowest:.4g}."
        return Illness("rate too high", rise, _lower(settings, "or warm up longer"))
    if last.spread < COLLAPSED:
        stuck = f", and the loss stands at the margin {settings.loss_margin:g}" if settings.loss == "triplet" else ""
        return Illness(
            "collapse",
            f"All embeddings are nearly equal (spread {last.spread:.4f}){stuck}.",
            _lower(settings, "take semi-hard triplets, or begin with the loss softmax"),
        )
    if last.active is not None and last.active < FEW_ACTIVE:
        cure = (
            "Take batch-hard or offline triplets, more people in a batch, or a larger margin; or the network has "
            "learned all that these pictures teach."
        )
        return Illness("no active triplets", "No triplet has a loss any more.", cure, fatal=False)
    if _stands_still(epochs, settings):
        return Illness(
            "rate too low",
            f"The loss has not changed in {PATIENCE} epochs ({last.loss:.4g}).",
            f"Raise the learning rate: {settings.optimizer.rate * 10:g} instead of {settings.optimizer.rate:g}.",
            fatal=False,
        )
    return None


def _stands_still(epochs: Sequence[Epoch], settings: Settings) -> bool:
    """Return whether the loss never moved; at the end of a schedule a steady loss is what is wanted."""
    if len(epochs) <= PATIENCE:
        return False
    recent = [epoch.loss for epoch in epochs]
    return max(recent) - min(recent) < STEADY * abs(recent[0])


def _lower(settings: Settings, otherwise: str) -> str:
    rate = settings.optimizer.rate
    return f"Lower the learning rate, {rate / 10:g} instead of {rate:g}, {otherwise}."
