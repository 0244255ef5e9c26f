"""Measures of answers: by hand, and as scikit-learn has them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'visavis[classify]'")

from sklearn.metrics import confusion_matrix, f1_score

from visavis.evaluate.stats.intervals import wilson
from visavis.train.classifier_answers import HeadAnswers
from visavis.train.classifier_measures import bin_probabilities, measure


def answers(top: list[list[int]], confidence: list[float]) -> HeadAnswers:
    shares = np.zeros((len(top), len(top[0])))
    shares[:, 0] = confidence
    return HeadAnswers(np.array(top, np.int64), shares, np.zeros(len(top)))


def test_measures_by_hand() -> None:
    given = answers([[0, 1], [0, 1], [1, 0], [2, 1], [0, 2]], [0.9, 0.8, 0.95, 0.85, 0.55])
    labels = np.array([0, 0, 1, 1, 2])
    result = measure(given, labels, ("Ann", "Bea", "Cem", "Dan"), np.array([4, 4, 3, 1]))
    assert (result.photos, result.right, result.accuracy) == (5, 3, 0.6)
    assert result.accuracy_interval == wilson(3, 5)
    assert result.top5 == 1.0
    ann, bea, cem, dan = result.people
    assert (ann.train, ann.test, ann.right, ann.named) == (4, 2, 2, 3)
    assert (ann.recall, ann.precision, ann.f1) == (1.0, 2 / 3, 0.8)
    assert bea.mistaken_for == (("Cem", 1),)
    assert (cem.recall, cem.precision, cem.f1) == (0.0, 0.0, 0.0)
    assert (dan.recall, dan.precision, dan.f1) == (None, None, None)
    assert result.macro_f1 == pytest.approx((0.8 + 2 / 3 + 0) / 3)
    assert result.confusion().tolist() == [[2, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    # Bins .5, .8 and .9: |.55 - 0| of 1, |.825 - .5| of 2, |.925 - 1| of 2 photos.
    assert result.ece == pytest.approx((0.55 + 2 * 0.325 + 2 * 0.075) / 5)


def test_f1_and_confusions_as_in_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 200)
    named = np.where(rng.random(200) < 0.6, labels, rng.integers(0, 6, 200))
    given = answers([[int(name), 6] for name in named], [0.5] * 200)
    result = measure(given, labels, tuple("abcdefg"), np.ones(7, np.int64))
    assert result.macro_f1 == pytest.approx(f1_score(labels, named, average="macro"))
    assert np.array_equal(result.confusion()[:6, :6], confusion_matrix(labels, named))


def test_permuted_photos_and_people_change_no_measure() -> None:
    rng = np.random.default_rng(1)
    labels, named = rng.integers(0, 5, 80), rng.integers(0, 5, 80)
    confidence = rng.random(80)
    order, people = rng.permutation(80), rng.permutation(5)

    def measured(labels: np.ndarray, named: np.ndarray, confidence: np.ndarray) -> tuple[float, ...]:
        given = HeadAnswers(named[:, None], confidence[:, None], np.zeros(80))
        result = measure(given, labels, tuple("abcde"), np.ones(5, np.int64))
        return result.accuracy, result.top5, result.macro_f1, result.ece

    first = measured(labels, named, confidence)
    assert measured(people[labels[order]], people[named[order]], confidence[order]) == pytest.approx(first, abs=1e-12)


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    low, high = bin_probabilities(np.array([0.0, 1.0]), np.array([False, True]))
    assert (low.low, low.high, low.photos, low.accuracy) == (0.0, 0.1, 1, 0.0)
    assert (high.low, high.high, high.probability, high.accuracy) == (0.9, 1.0, 1.0, 1.0)
