"""Fit the heads of a classifier: choose one by cross-validation on the training photos alone, and calibrate it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis._checks import check_whole
from visavis.errors import UsageError
from visavis.train.classifier_answers import (
    FittedHead,
    answer,
    calibration_rows,
    fit_temperature,
    make_prototypes,
)
from visavis.train.heads import HEADS, Head, find_head
from visavis.train.labeled_photos import Labels
from visavis.train.splits import stratified_folds
from visavis.types import Doubles, Floats

MOST_SEED = 2**32 - 1
"""The largest seed that scikit-learn takes."""
FOLDS = 5
"""Folds of the training photos on which heads are compared and calibrated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How heads are fitted: names of the heads to try, whether rare people are balanced, the kind of features, a seed.

    ``angular`` features are embeddings of length 1; others are standardized, each by its mean and deviation.
    """

    heads: tuple[str, ...] = tuple(HEADS)
    balance: bool = False
    angular: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.heads:
            raise UsageError(f"name a head at least; there are: {', '.join(HEADS)}.")
        check_whole(self.seed, "a seed is a whole number", least=0, most=MOST_SEED)
        for name in self.heads:
            find_head(name)


@dataclass(frozen=True, slots=True)
class HeadScore:
    """How a head did on held-out training photos.

    ``right`` of ``photos`` were named rightly, ``recall`` is the mean share over people, ``log_loss`` the mean negative
    logarithm of the right person's probability. A head that was left out has no figures, and a ``reason``.
    """

    name: str
    right: int
    photos: int
    recall: float
    log_loss: float
    temperature: float
    seconds: float
    reason: str = ""

    @property
    def accuracy(self) -> float | None:
        """Share of the held-out photos that were named rightly; None where there are none."""
        return self.right / self.photos if self.photos else None


def choose_head(features: Floats, labels: Labels, options: FitOptions) -> tuple[FittedHead, tuple[HeadScore, ...]]:
    """Return the best head, fitted on all these photos and calibrated on held-out ones, and how each head did.

    Labels ``(n,)`` are from 0 to k - 1, and each occurs. The best has the most right answers, or with ``balance`` the
    highest mean recall of people; of equals it is the first, which is the simplest. Where no person has two photos,
    nothing can be held out: the first head is fitted and stays uncalibrated.
    """
    folds = stratified_folds(labels, FOLDS, seed=options.seed)
    scores = tuple(_score_head(find_head(name), features, labels, folds, options) for name in options.heads)
    usable = [score for score in scores if not score.reason]
    if not usable:
        raise UsageError(f"{scores[0].reason}: add the head nearest-mean or nearest-neighbors, which take any number.")
    best = max(usable, key=lambda score: round(score.recall, 9) if options.balance else score.right)
    fitted = fit_head(find_head(best.name), features, labels, options, temperature=best.temperature)
    return fitted, scores


def fit_head(
    head: Head, features: Floats, labels: Labels, options: FitOptions, *, temperature: float | None = None
) -> FittedHead:
    """Fit a head on photos with features ``(n, d)``; with NaN, or None, as temperature it has the head's usual one."""
    center, scale = _measure_scale(features, angular=options.angular)
    scaled = (features.astype(np.float64) - center) * scale
    arrays = {
        name: np.asarray(array) for name, array in head.fit(scaled, labels, options.balance, options.seed).items()
    }
    calibrated = temperature is not None and bool(np.isfinite(temperature))
    divisor = float(temperature) if temperature and calibrated else head.temperature(features.shape[1])
    prototypes = make_prototypes(
        features.astype(np.float64) if options.angular else scaled, labels, angular=options.angular
    )
    return FittedHead(head, arrays, center, scale, divisor, calibrated, prototypes, options.angular)


def _measure_scale(features: Floats, *, angular: bool) -> tuple[Doubles, Doubles]:
    """Return what to subtract and what to multiply by ``(d,)``: features are then about 1 in size."""
    dimension = features.shape[1]
    if angular:
        return np.zeros(dimension), np.full(dimension, np.sqrt(dimension))
    deviation = features.astype(np.float64).std(axis=0)
    return features.astype(np.float64).mean(axis=0), 1 / np.where(deviation > 0, deviation, 1)


def _score_head(head: Head, features: Floats, labels: Labels, folds: Labels, options: FitOptions) -> HeadScore:
    people = int(labels.max()) + 1
    work = len(labels) * people
    if work > head.most_work:
        reason = f"{head.title} is not fitted to {people:,} people with {len(labels):,} photos, which would take long"
        return HeadScore(head.name, 0, 0, 0.0, 0.0, np.nan, 0.0, reason)
    held = np.flatnonzero(folds >= 0)
    if not len(held):
        return HeadScore(head.name, 0, 0, 0.0, 0.0, np.nan, 0.0)
    start = time.perf_counter()
    sample = held[calibration_rows(len(held), people, seed=options.seed)]
    right = np.zeros(len(labels), np.bool_)
    logits = np.empty((len(sample), people))
    for fold in np.unique(folds[held]):
        rows, inside = np.flatnonzero(folds == fold), np.flatnonzero(folds[sample] == fold)
        fitted = fit_head(head, features[folds != fold], labels[folds != fold], options)
        right[rows] = answer(fitted, features[rows], top=1).best == labels[rows]
        logits[inside] = head.logits(fitted.arrays, fitted.scaled(features[sample[inside]]))
    temperature = fit_temperature(logits, labels[sample])
    loss = _measure_log_loss(logits / temperature, labels[sample])
    seconds = time.perf_counter() - start
    return HeadScore(
        head.name, int(right.sum()), len(held), _mean_recall(right[held], labels[held]), loss, temperature, seconds
    )


def _measure_log_loss(logits: Doubles, labels: Labels) -> float:
    highest = logits.max(axis=1)
    totals = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    return float((totals - logits[np.arange(len(logits)), labels]).mean())


def _mean_recall(right: NDArray[np.bool_], labels: Labels) -> float:
    counts = np.bincount(labels)
    shares = np.bincount(labels, weights=right)[counts > 0] / counts[counts > 0]
    return float(shares.mean())


def compact_labels(labels: Labels, people: Sequence[str]) -> tuple[Labels, tuple[str, ...]]:
    """Return labels from 0 to k - 1 of those people that have a photo, and their names."""
    present, compact = np.unique(labels, return_inverse=True)
    return compact.astype(np.int64), tuple(people[label] for label in present)
