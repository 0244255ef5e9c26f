"""What an evaluation answers with: frozen values, each rate with its interval and the number it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from visavis.evaluate.stats.metrics import Roc
from visavis.types import Floats

if TYPE_CHECKING:
    from visavis.evaluate.stats.rejection import RejectionCurve

Interval = tuple[float, float]
"""Ends of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of false accepts, the threshold it asks for, and the rate of true accepts there.

    ``tar_interval`` and ``threshold_interval`` say where the two would lie for other people at the same FAR,
    ``far_interval`` where the FAR would lie at the same threshold. None: nothing to tell it by. ``false_accepts`` is
    the number of accepted impostor pairs behind it.
    """

    far: float
    threshold: float
    tar: float
    false_accepts: int
    tar_interval: Interval | None = None
    threshold_interval: Interval | None = None
    far_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What the model's own threshold for a FAR, measured on other photos, really does on these.

    ``measured`` is the FAR here, ``interval`` where it lies for other people like these (None: not to be told); ``far``
    within it is a promise kept.
    """

    far: float
    threshold: float
    measured: float
    tar: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of right answers on listed pairs, at a threshold that was chosen on others.

    ``folds`` is 1 where one list was for choosing and one for counting; ``error`` is the standard error (binomial for
    one list, of the mean over the folds otherwise). Pairs with a photo without a face count as errors.
    """

    accuracy: float
    error: float
    threshold: float
    pairs: int
    folds: int = 1


@dataclass(frozen=True, slots=True)
class Mistake:
    """One pair that was judged wrongly: rows into the templates, and the distance between the two."""

    a: int
    b: int
    distance: float
    same: bool


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Shares of the pairs between ``edges (k + 1,)``: ``genuine (k,)`` and ``impostors (k,)``, each summing to 1."""

    edges: Floats
    genuine: Floats
    impostors: Floats


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds a photo on this machine: to find its faces (reading included), and to embed the one it is about."""

    detect: float
    embed: float
    photos: int
    threads: int


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """How well pairs of photos are told apart by one model on one set of data.

    ``photos`` were looked at, ``failures`` of them gave no template: ``failed_genuine`` pairs of one person count as
    rejected, ``failed_impostors`` pairs of two people are left out of the FAR. ``worst_rejects`` are genuine pairs,
    the farthest first, ``worst_accepts`` impostor pairs, the nearest first, all wrong at ``mistakes_at`` (a FAR).
    """

    data: str
    model: str
    detector: str
    photos: int
    people: int
    failures: int
    failed_genuine: int
    failed_impostors: int
    roc: Roc
    rates: tuple[Rate, ...]
    histogram: Histogram
    accuracy: Accuracy | None = None
    rejection: RejectionCurve | None = None
    speed: Speed | None = None
    promises: tuple[Promise, ...] = ()
    mistakes_at: float | None = None
    worst_rejects: tuple[Mistake, ...] = field(default=())
    worst_accepts: tuple[Mistake, ...] = field(default=())
