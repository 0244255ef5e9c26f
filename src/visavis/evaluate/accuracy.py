"""Accuracy on listed pairs, the threshold chosen on others: LFW's two protocols.

View 1 has a list to choose on and a list to count on. View 2 has ten folds: the threshold for each is chosen on the
other nine, and the answer is the mean of the ten accuracies with its standard error.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.results import Accuracy
from visavis.evaluate.stats.metrics import Doubles
from visavis.evaluate.stats.pair_distances import between
from visavis.types import Floats

FOLDS = 10
"""Folds that a list without any is dealt into."""

Right = NDArray[np.bool_]


def distances(embeddings: Floats, found: NDArray[np.bool_], pairs: PairList) -> Doubles:
    """Cosine distances ``(n,)``; NaN where a photo has no template."""
    apart = between(embeddings, pairs.a, pairs.b).astype(np.float64)
    return np.where(found[pairs.a] & found[pairs.b], apart, np.nan)


def best_threshold(distances: Doubles, same: Right) -> float:
    """Threshold with the most right answers: half way between two distances; of several such, the middle one.

    Pairs without a distance (NaN) are wrong at any threshold and have no say.
    """
    usable = np.isfinite(distances)
    order = np.argsort(distances[usable], kind="stable")
    near, genuine = distances[usable][order], same[usable][order]
    if not len(near):
        raise UsageError("not one pair of the list can be compared: no photo shows a face.")
    # right[n]: the n nearest pairs are accepted
    right = np.append(0, np.cumsum(np.where(genuine, 1, -1))) + np.count_nonzero(~genuine)
    edges = np.concatenate([[near[0] - 1e-6], (near[1:] + near[:-1]) / 2, [near[-1] + 1e-6]])
    parted = np.append(True, np.append(near[1:] > near[:-1], True))  # equal distances are not to be parted
    best = np.flatnonzero(parted & (right == right[parted].max()))
    return float(edges[best[len(best) // 2]])


def judged(distances: Doubles, same: Right, threshold: float) -> Right:
    """Which pairs are judged rightly ``(n,)``; those without a distance never are."""
    return np.asarray(np.isfinite(distances) & ((distances <= threshold) == same), np.bool_)


def chosen_and_counted(train: tuple[Doubles, Right], test: tuple[Doubles, Right]) -> Accuracy:
    """Choose the threshold on one list, count on the other (view 1)."""
    threshold = best_threshold(*train)
    share = float(judged(*test, threshold).mean())
    return Accuracy(share, math.sqrt(share * (1 - share) / len(test[0])), threshold, len(test[0]))


def cross_validated(distances: Doubles, same: Right, folds: NDArray[np.intp]) -> Accuracy:
    """Choose on all folds but one, count on that one (view 2); mean, and its standard error over the folds.

    A list of one fold is dealt out: pairs of one person, and pairs of two, in turn, to ten folds.
    """
    if len(np.unique(folds)) == 1:
        folds = _dealt(same)
    shares, thresholds = [], []
    for fold in np.unique(folds):
        out = folds == fold
        thresholds.append(best_threshold(distances[~out], same[~out]))
        shares.append(judged(distances[out], same[out], thresholds[-1]).mean())
    error = float(np.std(shares, ddof=1) / math.sqrt(len(shares)))
    return Accuracy(float(np.mean(shares)), error, float(np.mean(thresholds)), len(distances), len(shares))


def _dealt(same: Right) -> NDArray[np.intp]:
    if len(same) < FOLDS:
        raise UsageError(f"accuracy needs {FOLDS} pairs or more, got {len(same)}.")
    folds = np.zeros(len(same), np.intp)
    for kind in (same, ~same):
        folds[kind] = np.arange(kind.sum()) % FOLDS
    return folds
