"""Error rates from exact counts of distances, without photos.

False-accept rate (FAR): share of the impostor pairs (two people) that are accepted. True-accept rate (TAR): share of
the genuine pairs (one person) that are accepted; 1 - TAR is the false-reject rate, FRR.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visavis.errors import UsageError
from visavis.types import Doubles

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """Exact counts of accepted pairs at each threshold, from which all rates follow.

    ``thresholds (k,)`` are all distances that occur, ascending; ``genuine_accepted (k,)`` and
    ``impostors_accepted (k,)`` count the pairs up to each. ``genuine`` and ``impostors`` are the numbers of all pairs;
    a genuine pair that failed to enroll is included and never accepted.
    """

    thresholds: Doubles
    genuine_accepted: Counts
    impostors_accepted: Counts
    genuine: int
    impostors: int

    def __post_init__(self) -> None:
        if self.genuine < 1 or self.impostors < 1:
            raise UsageError("error rates need pairs of one person and pairs of two: one kind is missing.")

    @classmethod
    def of(cls, genuine: ArrayLike, impostors: ArrayLike, *, failed: int = 0) -> Self:
        """Count distances of ``genuine`` and ``impostors`` pairs; ``failed`` genuine pairs have none.

        Raises UsageError for a distance that is not a number, and where one kind of pairs is missing.
        """
        near, far = np.asarray(genuine, np.float64), np.asarray(impostors, np.float64)
        if np.isnan(near).any() or np.isnan(far).any():
            raise UsageError("a distance is not a number: the model's embeddings cannot be compared.")
        thresholds, where = np.unique(np.concatenate([near, far]), return_inverse=True)
        return cls(
            thresholds,
            np.cumsum(np.bincount(where[: len(near)], minlength=len(thresholds))),
            np.cumsum(np.bincount(where[len(near) :], minlength=len(thresholds))),
            len(near) + failed,
            len(far),
        )

    @property
    def far(self) -> Doubles:
        """Return the FAR at each threshold ``(k,)``."""
        return self.impostors_accepted / self.impostors

    @property
    def tar(self) -> Doubles:
        """Return the TAR at each threshold ``(k,)``."""
        return self.genuine_accepted / self.genuine

    def at(self, threshold: float) -> tuple[float, float]:
        """Return FAR and TAR at any threshold."""
        n = int(np.searchsorted(self.thresholds, threshold, side="right"))
        return (float(self.far[n - 1]), float(self.tar[n - 1])) if n else (0.0, 0.0)

    def threshold(self, far: float) -> float | None:
        """Return the greatest threshold with a FAR up to ``far``; None where the nearest pair is beyond it."""
        n = int(np.searchsorted(self.impostors_accepted, math.floor(far * self.impostors + 1e-9), side="right"))
        return float(self.thresholds[n - 1]) if n else None

    @property
    def equal_error(self) -> float:
        """Return the rate at which FAR and FRR are equal, interpolated between the two nearest thresholds."""
        far, frr = np.append(0.0, self.far), np.append(1.0, 1 - self.tar)
        n = int(np.argmax(far >= frr))
        rise, gap = far[n] - far[n - 1], frr[n - 1] - far[n - 1]
        fall = frr[n - 1] - frr[n]
        return float(far[n - 1] + rise * gap / (rise + fall))

    @property
    def area(self) -> float:
        """Return the area under the curve (AUC): the rate of genuine pairs nearer than impostors, ties as half."""
        far, tar = np.append(0.0, self.far), np.append(0.0, self.tar)
        return float(np.sum((far[1:] - far[:-1]) * (tar[1:] + tar[:-1]) / 2))
