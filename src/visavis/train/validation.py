"""Judge a network by pictures that it has not learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis import compare
from visavis.errors import UsageError
from visavis.evaluate.stats import bootstrap
from visavis.evaluate.stats.pair_distances import compare_everybody
from visavis.types import Floats

FAR = 1e-2
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Judged:
    """TAR at a FAR of ``FAR`` over all pairs of held-out pictures, and its interval of 95 % from resampled people.

    The interval is None where there are fewer than 30 false accepts.

    ``accuracy`` is the share of held-out pictures nearest to the mean of their own person's training pictures; None
    where the held-out people are others. All None where the pictures make no pairs of both kinds.
    """

    tar: float | None = None
    low: float | None = None
    high: float | None = None
    accuracy: float | None = None


def judge(embeddings: Floats, labels: NDArray[np.int64], *, seed: int = 0) -> Judged:
    """Compare all pairs of held-out pictures: embeddings ``(n, d)`` of length 1, labels ``(n,)``."""
    people = np.unique(labels, return_inverse=True)[1]
    usable = np.ones(len(labels), bool)
    try:
        compared = compare_everybody(embeddings, usable, people)
        threshold = compared.roc.threshold(FAR)
    except UsageError:
        return Judged()
    tar = 0.0 if threshold is None else compared.roc.at(threshold)[1]
    rates = bootstrap.rates(compared, bootstrap.ByPeople(compared, people, usable), [FAR], draws=DRAWS, seed=seed)
    interval = rates[0].tar_interval if rates else None
    return Judged(tar, *(interval or (None, None)))


def nearest_mean(train: Floats, train_labels: NDArray[np.int64], tested: Floats) -> NDArray[np.int64]:
    """Return for each row of ``tested (m, d)`` the label whose mean of ``train (n, d)`` is nearest."""
    names, own = np.unique(train_labels, return_inverse=True)
    means = np.zeros((len(names), train.shape[1]), np.float64)
    np.add.at(means, own, train)
    similarities = tested @ compare.unit(means.astype(np.float32)).T
    nearest: NDArray[np.int64] = names[np.argmax(similarities, axis=1)]
    return nearest
