"""Results of evaluations: frozen values, each rate with its interval and the number it is based on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from visavis.evaluate.stats.metrics import Roc
from visavis.types import Floats

if TYPE_CHECKING:
    from visavis.evaluate.stats.rejection import RejectionCurve

Interval = tuple[float, float]
"""Ends of a 95 % interval."""

FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Rates of false accepts at which verification is reported."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of false accepts, its threshold, and the rate of true accepts there.

    ``tar_interval`` and ``threshold_interval`` hold the two for other people at the same FAR, ``far_interval`` holds
    the FAR at the same threshold; None where the data does not support one. ``false_accepts`` is the number of accepted
    impostor pairs.
    """

    far: float
    threshold: float
    tar: float
    false_accepts: int
    tar_interval: Interval | None = None
    threshold_interval: Interval | None = None
    far_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class CalibratedRate:
    """FAR on these photos at the model's own threshold for a FAR, which was measured on other photos.

    ``measured`` is the FAR here, ``interval`` holds it for other people like these (None: not supported by the data);
    ``interval`` should include ``far``.
    """

    far: float
    threshold: float
    measured: float
    tar: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of right answers on listed pairs, at a threshold that was chosen on other pairs.

    ``folds`` is 1 for one list to choose on and one to measure on; ``error`` is the standard error (binomial for one
    list, else of the mean over the folds). Pairs with a photo without a face count as errors.
    """

    accuracy: float
    error: float
    threshold: float
    pairs: int
    folds: int = 1


@dataclass(frozen=True, slots=True)
class Mistake:
    """A pair that was judged wrongly: rows into the templates, and their distance."""

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
class PhotoSpeed:
    """Milliseconds a photo on this machine: to detect its faces (reading included), and to embed its subject."""

    detect: float
    embed: float
    photos: int
    threads: int


@dataclass(frozen=True, slots=True, eq=False)
class VerificationResult:
    """Error rates of verification by one model on one set of data.

    Of ``photos``, ``failures`` gave no template: ``failed_genuine`` pairs of one person count as rejected,
    ``failed_impostors`` pairs of two people are left out of the FAR. ``worst_rejects`` are genuine pairs, the farthest
    first, ``worst_accepts`` impostor pairs, the nearest first, all wrong at ``mistakes_at`` (a FAR).
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
    speed: PhotoSpeed | None = None
    promises: tuple[CalibratedRate, ...] = ()
    mistakes_at: float | None = None
    worst_rejects: tuple[Mistake, ...] = field(default=())
    worst_accepts: tuple[Mistake, ...] = field(default=())
