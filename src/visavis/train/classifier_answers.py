"""HeadAnswers of a fitted head: the likeliest people of each face, with calibrated probabilities, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis import compare, defaults
from visavis.train.heads import Arrays, Head
from visavis.train.heads.head import log_softmax
from visavis.train.labeled_photos import Labels
from visavis.train.splits import rows_by_person
from visavis.types import Doubles, Floats

BLOCK_VALUES = 1 << 22
"""Logits that are in memory at a time: 32 MB."""
CALIBRATION_VALUES = 1 << 22
LEAST_LOG, MOST_LOG = -4.0, 6.0
"""Natural logarithms of the lowest and highest temperature."""
STEPS = 50


@dataclass(frozen=True, slots=True, eq=False)
class FittedHead:
    """A head with its arrays, the scale of its features, and what makes its answers probabilities.

    Features become ``(features - center) * scale`` first. ``temperature`` divides the logits; ``calibrated`` is whether
    it was fitted on held-out photos. ``prototypes (k, d)`` is what the distance to a person is measured from, see
    :func:`measure_distances`; ``angular`` is whether it is a cosine distance.
    """

    head: Head
    arrays: Arrays
    center: Doubles
    scale: Doubles
    temperature: float
    calibrated: bool
    prototypes: Doubles
    angular: bool

    def scaled(self, features: Floats) -> Doubles:
        """Return the features ``(n, d)`` as the head takes them."""
        return (features.astype(np.float64) - self.center) * self.scale

    def probabilities(self, features: Floats) -> Doubles:
        """Return the calibrated probability of each person ``(n, k)``; rows sum to 1."""
        return np.exp(log_softmax(self.head.logits(self.arrays, self.scaled(features)) / self.temperature))


@dataclass(frozen=True, slots=True, eq=False)
class HeadAnswers:
    """HeadAnswers for faces: the likeliest people ``top (n, t)``, best first, with ``probabilities (n, t)``.

    ``distances (n,)`` are those to the likeliest person.
    """

    top: Labels
    probabilities: Doubles
    distances: Doubles

    def __len__(self) -> int:
        return len(self.top)

    @property
    def best(self) -> Labels:
        """Return the likeliest person of each face ``(n,)``."""
        return self.top[:, 0]

    @property
    def confidence(self) -> Doubles:
        """Return the probability of the likeliest person ``(n,)``."""
        return self.probabilities[:, 0]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> HeadAnswers:
        """Return the answers of these rows."""
        return HeadAnswers(self.top[rows], self.probabilities[rows], self.distances[rows])


def answer(fitted: FittedHead, features: Floats, *, top: int = defaults.TOP_NAMES) -> HeadAnswers:
    """Return the ``top`` likeliest people of each face with features ``(n, d)``, or all people if there are fewer."""
    people = len(fitted.prototypes)
    count = min(top, people)
    best = np.empty((len(features), count), np.int64)
    probabilities = np.empty((len(features), count))
    distances = np.empty(len(features))
    for rows in row_blocks(len(features), people):
        shares = fitted.probabilities(features[rows])
        best[rows] = _find_highest(shares, count)
        probabilities[rows] = np.take_along_axis(shares, best[rows], axis=1)
        distances[rows] = measure_distances(fitted, features[rows], best[rows][:, 0])
    return HeadAnswers(best, probabilities, distances)


def _find_highest(shares: Doubles, count: int) -> Labels:
    """Return the columns of the highest values of each row ``(n, count)``, the highest first."""
    columns = np.sort(np.argpartition(-shares, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(shares, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def row_blocks(rows: int, people: int) -> Iterator[slice]:
    """Yield slices of rows whose logits for all people fit into memory."""
    size = max(1, BLOCK_VALUES // max(people, 1))
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))


def measure_distances(fitted: FittedHead, features: Floats, people: Labels) -> Doubles:
    """Return the distance ``(n,)`` of each face to a person.

    For embeddings it is the cosine distance as galleries measure it, of :func:`visavis.compare.person_embedding`, so
    that the thresholds of the model's calibration apply; else the Euclidean distance to the mean of scaled features.
    """
    chosen = fitted.prototypes[people]
    if fitted.angular:
        cosines: Doubles = (features.astype(np.float64) * chosen).sum(axis=1)
        return 1 - cosines
    distances: Doubles = np.linalg.norm(fitted.scaled(features) - chosen, axis=1)
    return distances


def make_prototypes(features: Doubles, labels: Labels, *, angular: bool) -> Doubles:
    """Return what the distance to each person is measured from ``(k, d)``."""
    rows = rows_by_person(labels)
    if angular:
        return np.array(
            [compare.person_embedding(features[of_person].astype(np.float32)) for of_person in rows], np.float64
        )
    return np.array([features[of_person].mean(axis=0) for of_person in rows], np.float64)


# ------------------------------------------------------------------------------------------------ calibration


def fit_temperature(logits: Doubles, labels: Labels) -> float:
    """Return the temperature that makes held-out logits ``(n, k)`` the likeliest probabilities of ``labels (n,)``.

    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On calibration of modern neural networks (2017). As in Platt's method the
    right person counts 1 - 1 / (n + 2) and the others the rest: photos that are all named rightly would otherwise make
    every probability 1.
    """
    low, high = LEAST_LOG, MOST_LOG
    ratio = (5**0.5 - 1) / 2
    for _ in range(STEPS):  # golden section: the loss has one minimum
        first, second = high - ratio * (high - low), low + ratio * (high - low)
        if _smoothed_loss(logits, labels, first) <= _smoothed_loss(logits, labels, second):
            high = second
        else:
            low = first
    return float(np.exp((low + high) / 2))


def _smoothed_loss(logits: Doubles, labels: Labels, log_temperature: float) -> float:
    logs = log_softmax(logits / np.exp(log_temperature))
    right = logs[np.arange(len(logs)), labels]
    others = (logs.sum(axis=1) - right) / (logs.shape[1] - 1)
    rest = 1 / (len(logs) + 2)
    return float(-((1 - rest) * right + rest * others).mean())


def calibration_rows(rows: int, people: int, *, seed: int) -> NDArray[np.intp]:
    """Return the rows to calibrate on: all, or as many drawn ones as have logits that fit into memory."""
    most = max(1, CALIBRATION_VALUES // max(people, 1))
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
