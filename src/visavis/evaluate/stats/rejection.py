"""Error against rejection: how many pairs of one person are missed where the worst photos are left out.

A measure of quality is worth something if those it rejects first are those that fail. The curve is the error versus
discard characteristic of ISO/IEC 29794-1, of pairs: a pair of photos is as good as the worse of its two, the pairs of
one person are ranked by that, and the lowest share of them is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visavis.errors import UsageError

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
AT = 0.05
"""The share whose drop has an interval."""
DRAWS = 400


@dataclass(frozen=True, slots=True)
class RejectionCurve:
    """FNMR on what is left of ``pairs`` pairs of one person, at one threshold, where the worst are rejected.

    ``shares`` of the pairs are rejected, ``left`` of them stay, and the share ``fnmr`` of those is farther apart than
    ``threshold``. ``drop`` is by how much the FNMR falls where the share ``drop_at`` is rejected, ``drop_interval`` its
    95 % interval; a quality that knows nothing has a drop of 0.
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
class _Ranked:
    """Pairs of one person, the worst first: whether each is missed, and which ones are equally good."""

    missed: NDArray[np.bool_]
    ties: NDArray[np.intp]
    """``(groups + 1,)``: where each group of equal quality begins, and the end."""

    def errors_left(self, weights: NDArray[np.float64], rejected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weight of the missed pairs that stay where ``rejected`` of the weight goes; ties go in equal parts."""
        gone = np.concatenate([[0.0], np.cumsum(weights)])[self.ties]
        errors = np.concatenate([[0.0], np.cumsum(weights * self.missed)])[self.ties]
        left: NDArray[np.float64] = errors[-1] - np.interp(rejected, gone, errors)
        return left


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
    """Reject the pairs of one person by the lower quality of their two photos; count the missed among the others.

    ``distances``, ``same`` and the qualities are ``(n,)``, a value a pair; only pairs with ``same`` count. A pair is
    missed where its distance is above ``threshold``; one with a photo without a face has distance ``inf`` and
    quality 0. A share s of m pairs rejects the whole number in s * m. Pairs of equal quality are rejected in equal
    parts: the FNMR is the mean over all orders among them. The interval of the drop at 5 % is a bootstrap over
    ``people`` ``(n,)``, a label a pair, whose pairs stay together; without labels over the pairs, which is too narrow
    where people have several. Raises UsageError for values that fit no pairs, and for shares that leave none.
    """
    apart, mine, worse = _checked(distances, same, quality_a, quality_b, threshold)
    labels = np.arange(len(apart)) if people is None else np.asarray(people)
    if labels.shape != apart.shape:
        raise UsageError(f"people must have a label a pair, {apart.shape}, got {labels.shape}.")
    order = np.flatnonzero(mine)[np.argsort(worse[mine], kind="stable")]
    starts = np.flatnonzero(np.diff(worse[order], prepend=-1.0))
    ranked = _Ranked(apart[order] > threshold, np.append(starts, len(order)))
    gone = np.array([_rejected(share, len(order)) for share in shares], np.float64)
    fnmr = ranked.errors_left(np.ones(len(order)), gone) / (len(order) - gone)
    drop, interval = _drop(ranked, np.unique(labels[order], return_inverse=True)[1])
    return RejectionCurve(
        threshold=float(threshold),
        pairs=len(order),
        shares=tuple(float(share) for share in shares),
        left=tuple(int(left) for left in len(order) - gone),
        fnmr=tuple(fnmr.tolist()),
        drop_at=AT,
        drop=drop,
        drop_interval=interval,
    )


def _checked(
    distances: ArrayLike, same: ArrayLike, quality_a: ArrayLike, quality_b: ArrayLike, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Hold the pairs' values to each other; return distances, what is one person, and the lower quality."""
    apart, a, b = (np.asarray(values, np.float64) for values in (distances, quality_a, quality_b))
    mine = np.asarray(same, bool)
    if apart.ndim != 1 or not apart.shape == mine.shape == a.shape == b.shape:
        shapes = ", ".join(str(values.shape) for values in (apart, mine, a, b))
        raise UsageError(f"distances, same and both qualities must be (n,), a value a pair, got {shapes}.")
    if not mine.any():
        raise UsageError("there is no pair of one person to reject from.")
    if np.isnan(apart).any() or np.isnan(threshold):
        raise UsageError("a distance or the threshold is not a number: a pair without a face has the distance inf.")
    worse = np.minimum(a, b)
    if not ((worse >= 0) & (np.maximum(a, b) <= 1)).all():
        raise UsageError("each quality must be in 0..1: a photo without a face has 0.")
    return apart, mine, worse


def _rejected(share: float, pairs: int) -> int:
    """How many pairs a share is; 0.29 of 100 are 29, though the product in binary is below."""
    if not 0 <= share < 1:
        raise UsageError(f"a share to reject is from 0 to less than 1, got {share:g}.")
    return int(share * pairs + 1e-9)


def _drop(ranked: _Ranked, labels: NDArray[np.intp]) -> tuple[float, tuple[float, float]]:
    """Fall of the FNMR at ``AT``, and its interval by drawing people anew."""
    people = int(labels.max()) + 1
    chance = np.random.default_rng(0)
    draws = [chance.multinomial(people, np.full(people, 1 / people))[labels] for _ in range(DRAWS)]
    drops = [_drop_of(ranked, draw.astype(np.float64)) for draw in draws if draw.any()]
    low, high = np.quantile(drops, (0.025, 0.975))
    return _drop_of(ranked, np.ones(len(labels))), (float(low), float(high))


def _drop_of(ranked: _Ranked, weights: NDArray[np.float64]) -> float:
    pairs = round(weights.sum())
    gone = np.array([0.0, _rejected(AT, pairs)])
    before, after = ranked.errors_left(weights, gone) / (pairs - gone)
    return float(before - after)
