"""Error against rejection: the share of genuine pairs that are missed where the worst photos are left out.

A useful measure of quality rejects first the pairs that fail. The curve is the error versus discard characteristic of
ISO/IEC 29794-1, of pairs: the quality of a pair is the lower of its two, pairs of one person are ranked by it, and the
lowest share of them is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visavis.errors import UsageError

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
AT = 0.05
"""Rejected share at which the drop of the FNMR gets an interval."""
DRAWS = 400


@dataclass(frozen=True, slots=True)
class RejectionCurve:
    """FNMR of the remaining pairs of one person, at one threshold, where the worst of ``pairs`` pairs are rejected.

    ``shares`` of the pairs are rejected, ``left`` of them remain, and the share ``fnmr`` of those is farther apart than
    ``threshold``. ``drop`` is the fall of the FNMR where the share ``drop_at`` is rejected, ``drop_interval`` its 95 %
    interval; a quality without information has a drop of 0.
    """

    threshold: float
    pairs: int
    shares: tuple[float, ...]
    left: tuple[int, ...]
    fnmr: tuple[float, ...]
    drop_at: float
    drop: float
    drop_interval: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class _RankedPairs:
    """Pairs of one person, the worst first: which are missed, and which have equal quality."""

    missed: NDArray[np.bool_]
    ties: NDArray[np.intp]
    """Starts of the groups of equal quality, and the end ``(groups + 1,)``."""

    def remaining_errors(self, weights: NDArray[np.float64], rejected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight of the missed pairs that remain after rejecting ``rejected``; ties go in equal parts."""
        gone = np.concatenate([[0.0], np.cumsum(weights)])[self.ties]
        errors = np.concatenate([[0.0], np.cumsum(weights * self.missed)])[self.ties]
        remaining: NDArray[np.float64] = errors[-1] - np.interp(rejected, gone, errors)
        return remaining


def rejection_curve(
    distances: ArrayLike,
    same: ArrayLike,
    quality_a: ArrayLike,
    quality_b: ArrayLike,
    *,
    threshold: float,
    shares: Sequence[float] = SHARES,
    people: ArrayLike | None = None,
) -> RejectionCurve:
    """Reject the pairs of one person by the lower quality of their two photos; count the missed pairs among the others.

    ``distances``, ``same`` and the qualities are ``(n,)``, a value a pair; only pairs with ``same`` count. A pair is
    missed where its distance is above ``threshold``; a pair with a photo without a face has distance ``inf`` and
    quality 0. A share s of m pairs rejects the whole number in s * m. Pairs of equal quality are rejected in equal
    parts: the FNMR is the mean over all their orders. The interval of the drop at 5 % is a bootstrap over
    ``people (n,)``, a label a pair; pairs of one label stay together. Without labels it is over the pairs, which is too
    narrow where people have several. Raises UsageError for values that do not fit, and for shares that leave no pairs.
    """
    apart, genuine, worse = _check_pairs(distances, same, quality_a, quality_b, threshold)
    labels = np.arange(len(apart)) if people is None else np.asarray(people)
    if labels.shape != apart.shape:
        raise UsageError(f"people must have a label a pair, {apart.shape}, got {labels.shape}.")
    order = np.flatnonzero(genuine)[np.argsort(worse[genuine], kind="stable")]
    starts = np.flatnonzero(np.diff(worse[order], prepend=-1.0))
    ranked = _RankedPairs(apart[order] > threshold, np.append(starts, len(order)))
    rejected = np.array([_count_rejected(share, len(order)) for share in shares], np.float64)
    fnmr = ranked.remaining_errors(np.ones(len(order)), rejected) / (len(order) - rejected)
    drop, interval = _estimate_drop(ranked, np.unique(labels[order], return_inverse=True)[1])
    return RejectionCurve(
        threshold=float(threshold),
        pairs=len(order),
        shares=tuple(float(share) for share in shares),
        left=tuple(int(count) for count in len(order) - rejected),
        fnmr=tuple(fnmr.tolist()),
        drop_at=AT,
        drop=drop,
        drop_interval=interval,
    )


def _check_pairs(
    distances: ArrayLike, same: ArrayLike, quality_a: ArrayLike, quality_b: ArrayLike, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Check the values of the pairs; return distances, which pairs are of one person, and the lower quality."""
    apart, a, b = (np.asarray(values, np.float64) for values in (distances, quality_a, quality_b))
    genuine = np.asarray(same, bool)
    if apart.ndim != 1 or not apart.shape == genuine.shape == a.shape == b.shape:
        shapes = ", ".join(str(values.shape) for values in (apart, genuine, a, b))
        raise UsageError(f"distances, same and both qualities must be (n,), a value a pair, got {shapes}.")
    if not genuine.any():
        raise UsageError("there is no pair of one person to reject from.")
    if np.isnan(apart).any() or np.isnan(threshold):
        raise UsageError("a distance or the threshold is not a number: a pair without a face has the distance inf.")
    worse = np.minimum(a, b)
    if not ((worse >= 0) & (np.maximum(a, b) <= 1)).all():
        raise UsageError("each quality must be in 0..1: a photo without a face has 0.")
    return apart, genuine, worse


def _count_rejected(share: float, pairs: int) -> int:
    """Return the number of pairs in a share; 0.29 of 100 are 29, though the binary product is less."""
    if not 0 <= share < 1:
        raise UsageError(f"a share to reject is from 0 to less than 1, got {share:g}.")
    return int(share * pairs + 1e-9)


def _estimate_drop(ranked: _RankedPairs, labels: NDArray[np.intp]) -> tuple[float, tuple[float, float]]:
    """Return the fall of the FNMR at ``AT``, and its interval by a bootstrap over people."""
    people = int(labels.max()) + 1
    rng = np.random.default_rng(0)
    draws = [rng.multinomial(people, np.full(people, 1 / people))[labels] for _ in range(DRAWS)]
    drops = [_compute_drop(ranked, draw.astype(np.float64)) for draw in draws if draw.any()]
    low, high = np.quantile(drops, (0.025, 0.975))
    return _compute_drop(ranked, np.ones(len(labels))), (float(low), float(high))


def _compute_drop(ranked: _RankedPairs, weights: NDArray[np.float64]) -> float:
    pairs = round(weights.sum())
    rejected = np.array([0.0, _count_rejected(AT, pairs)])
    before, after = ranked.remaining_errors(weights, rejected) / (pairs - rejected)
    return float(before - after)
