"""Measures of a classifier on test photos: accuracy, F1, confusions, and whether probabilities are true."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson
from visavis.train.classifier_answers import HeadAnswers
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

BINS = 10
"""Bins of the probability, of equal width, in which it is compared with the share of right answers."""


@dataclass(frozen=True, slots=True)
class PersonRates:
    """How the photos of a person were named: ``right`` of ``test`` photos; ``named`` photos got this name in all.

    ``mistaken_for`` are the names that the others got, the most frequent first.
    """

    name: str
    train: int
    test: int
    right: int
    named: int
    mistaken_for: tuple[tuple[str, int], ...] = ()

    @property
    def recall(self) -> float | None:
        """Share of the person's photos that got the name; None without test photos."""
        return self.right / self.test if self.test else None

    @property
    def precision(self) -> float | None:
        """Share of the photos with this name that show the person; None if no photo was given it."""
        return self.right / self.named if self.named else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None for a person who neither has a test photo nor was named."""
        return 2 * self.right / (self.test + self.named) if self.test + self.named else None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Photos whose answers had a probability between ``low`` and ``high``: its mean, and the share of right answers."""

    low: float
    high: float
    photos: int
    probability: float
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """What the answers for labeled photos were worth.

    ``top5`` is the share of photos whose person is among the five likeliest; ``macro_f1`` the mean F1 over people;
    ``ece`` the expected calibration error: the mean difference of probability and share of right answers over bins,
    weighed by photos.
    """

    photos: int
    right: int
    accuracy_interval: Interval
    top5: float
    macro_f1: float
    ece: float
    reliability: tuple[ReliabilityBin, ...]
    people: tuple[PersonRates, ...]

    @property
    def accuracy(self) -> float:
        """Share of the photos that got the right name."""
        return self.right / self.photos

    def confusion(self) -> Labels:
        """Return the confusion matrix ``(k, k)``: photos of the person of a row that got the name of a column."""
        numbers = {person.name: number for number, person in enumerate(self.people)}
        matrix = np.zeros((len(numbers), len(numbers)), np.int64)
        for number, person in enumerate(self.people):
            matrix[number, number] = person.right
            for name, count in person.mistaken_for:
                matrix[number, numbers[name]] += count
        return matrix


def measure(answers: HeadAnswers, labels: Labels, people: tuple[str, ...], train_counts: Labels) -> Measures:
    """Return the measures of answers for one or more photos with ``labels (n,)``, rows of ``people``."""
    correct = answers.best == labels
    rates = _rate_people(answers.best, labels, people, train_counts)
    scores = [rate.f1 for rate in rates if rate.f1 is not None]
    bins = bin_probabilities(answers.confidence, correct)
    return Measures(
        photos=len(labels),
        right=int(correct.sum()),
        accuracy_interval=wilson(int(correct.sum()), len(labels)),
        top5=float((answers.top == labels[:, None]).any(axis=1).mean()),
        macro_f1=float(np.mean(scores)),
        ece=sum(part.photos * abs(part.probability - part.accuracy) for part in bins) / len(labels),
        reliability=bins,
        people=rates,
    )


def bin_probabilities(probabilities: Doubles, correct: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """Compare probabilities ``(n,)`` with right answers in bins of equal width; empty bins are left out."""
    numbers = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    return tuple(
        ReliabilityBin(
            float(number / BINS), float((number + 1) / BINS), int(inside.sum()),
            float(probabilities[inside].mean()), float(correct[inside].mean()),
        )
        for number in range(BINS)
        if (inside := numbers == number).any()
    )  # fmt: skip


def _rate_people(
    named: Labels, labels: Labels, people: tuple[str, ...], train_counts: Labels
) -> tuple[PersonRates, ...]:
    k = len(people)
    tests, names = np.bincount(labels, minlength=k), np.bincount(named, minlength=k)
    rights = np.bincount(labels[named == labels], minlength=k)
    mistakes: dict[int, Counter[str]] = {}
    for label, name in zip(labels[named != labels].tolist(), named[named != labels].tolist(), strict=True):
        mistakes.setdefault(label, Counter())[people[name]] += 1
    return tuple(
        PersonRates(
            name, int(train_counts[n]), int(tests[n]), int(rights[n]), int(names[n]),
            tuple(sorted(mistakes.get(n, Counter()).items(), key=lambda pair: (-pair[1], pair[0]))),
        )
        for n, name in enumerate(people)
    )  # fmt: skip
