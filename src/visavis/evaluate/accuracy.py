"""Accuracy on listed pairs, with the threshold chosen on other pairs: LFW's two protocols.

View 1 has a list for choosing the threshold and a list for measuring. View 2 has ten folds: the threshold for each is
chosen on the other nine, and the result is the mean of the ten accuracies with its standard error.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.results import Accuracy
from visavis.evaluate.stats.pair_distances import row_distances
from visavis.types import Doubles, Floats, Mask

FOLDS = 10
"""Folds made of a list without folds."""


def pair_distances(embeddings: Floats, has_template: NDArray[np.bool_], pairs: PairList) -> Doubles:
    """Return cosine distances ``(n,)``; NaN where a photo has no template."""
    values = row_distances(embeddings, pairs.a, pairs.b).astype(np.float64)
    return np.where(has_template[pairs.a] & has_template[pairs.b], values, np.nan)


def choose_threshold(distances: Doubles, same: Mask) -> float:
    """Return the threshold with the most right answers, half way between two distances; the middle one of several.

    Pairs without a distance (NaN) are wrong at any threshold and are ignored.
    """
    usable = np.isfinite(distances)
    order = np.argsort(distances[usable], kind="stable")
    near, genuine = distances[usable][order], same[usable][order]
    if not len(near):
        raise UsageError("not one pair of the list can be compared: no photo shows a face.")
    # right[n]: the n nearest pairs are accepted
    right = np.append(0, np.cumsum(np.where(genuine, 1, -1))) + np.count_nonzero(~genuine)
    edges = np.concatenate([[near[0] - 1e-6], (near[1:] + near[:-1]) / 2, [near[-1] + 1e-6]])
    parted = np.append(True, np.append(near[1:] > near[:-1], True))  # equal distances stay together
    best = np.flatnonzero(parted & (right == right[parted].max()))
    return float(edges[best[len(best) // 2]])


def judge_pairs(distances: Doubles, same: Mask, threshold: float) -> Mask:
    """Return which pairs are judged rightly ``(n,)``; pairs without a distance never are."""
    return np.asarray(np.isfinite(distances) & ((distances <= threshold) == same), np.bool_)


def measure_on_test(train: tuple[Doubles, Mask], test: tuple[Doubles, Mask]) -> Accuracy:
    """Choose the threshold on one list and measure on the other (view 1)."""
    threshold = choose_threshold(*train)
    share = float(judge_pairs(*test, threshold).mean())
    return Accuracy(share, math.sqrt(share * (1 - share) / len(test[0])), threshold, len(test[0]))


def cross_validate(distances: Doubles, same: Mask, folds: NDArray[np.intp]) -> Accuracy:
    """Choose the threshold on all folds but one and measure on that one (view 2); mean, and standard error over folds.

    A list of one fold is divided into ten, pairs of one person and pairs of two in turn.
    """
    if len(np.unique(folds)) == 1:
        folds = _assign_folds(same)
    shares, thresholds = [], []
    for fold in np.unique(folds):
        inside = folds == fold
        thresholds.append(choose_threshold(distances[~inside], same[~inside]))
        shares.append(judge_pairs(distances[inside], same[inside], thresholds[-1]).mean())
    error = float(np.std(shares, ddof=1) / math.sqrt(len(shares)))
    return Accuracy(float(np.mean(shares)), error, float(np.mean(thresholds)), len(distances), len(shares))


def _assign_folds(same: Mask) -> NDArray[np.intp]:
    if len(same) < FOLDS:
        raise UsageError(f"accuracy needs {FOLDS} pairs or more, got {len(same)}.")
    folds = np.zeros(len(same), np.intp)
    for kind in (same, ~same):
        folds[kind] = np.arange(kind.sum()) % FOLDS
    return folds
