"""Error rates: counted by hand, as scikit-learn has them, and where they are known beforehand."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from visavis.errors import UsageError
from visavis.evaluate.stats.metrics import Roc
from visavis.types import Doubles

few = st.lists(st.integers(0, 8).map(lambda n: n / 8), min_size=1, max_size=25)
"""Distances with many ties."""


@pytest.fixture
def roc() -> Roc:
    """Four genuine pairs, one without a distance; five impostors. At 0.2 and at 0.4 there is one of each kind."""
    return Roc.of([0.1, 0.2, 0.4], [0.2, 0.4, 0.4, 0.5, 0.9], failed=1)


def test_counts_by_hand(roc: Roc) -> None:
    assert roc.thresholds.tolist() == [0.1, 0.2, 0.4, 0.5, 0.9]
    assert roc.genuine_accepted.tolist() == [1, 2, 3, 3, 3]
    assert roc.impostors_accepted.tolist() == [0, 1, 3, 4, 5]
    assert (roc.genuine, roc.impostors) == (4, 5)
    assert roc.tar.tolist() == [0.25, 0.5, 0.75, 0.75, 0.75]
    assert roc.far.tolist() == [0, 0.2, 0.6, 0.8, 1]


def test_area_by_hand(roc: Roc) -> None:
    """Of 20 pairs of pairs the genuine one is nearer in 5 + 4.5 + (2 + 2 / 2); the failed one is nearer in none."""
    assert roc.area == pytest.approx((5 + 4.5 + 3) / 20, abs=1e-15)


def test_equal_error_by_hand(roc: Roc) -> None:
    """From (FAR, FRR) = (0.2, 0.5) to (0.6, 0.25): equal at 0.2 + 0.4 t = 0.5 - 0.25 t, so t = 0.3 / 0.65."""
    assert roc.equal_error == pytest.approx(0.2 + 0.4 * 0.3 / 0.65, abs=1e-15)


def test_rates_at_and_between_thresholds(roc: Roc) -> None:
    assert roc.at(-1) == roc.at(0.0999) == (0, 0)
    assert roc.at(0.1) == roc.at(0.19) == (0, 0.25)
    assert roc.at(0.4) == roc.at(0.49) == (0.6, 0.75)
    assert roc.at(2) == (1, 0.75)


@pytest.mark.parametrize(
    ("far", "threshold"), [(0, 0.1), (0.19, 0.1), (0.2, 0.2), (0.59, 0.2), (0.6, 0.4), (0.8, 0.5), (1, 0.9)]
)
def test_thresholds_by_hand(roc: Roc, far: float, threshold: float) -> None:
    assert roc.threshold(far) == threshold


def test_no_threshold_keeps_a_rate_that_the_nearest_tie_breaks() -> None:
    roc = Roc.of([0.2], [0.2, 0.2, 0.3])
    assert roc.threshold(0.5) is None
    assert roc.threshold(2 / 3) == 0.2


def test_a_rate_that_binary_numbers_cannot_hold_exactly() -> None:
    """0.29 * 100 is 28.999999999999996."""
    roc = Roc.of([1.0], [n / 100 for n in range(100)])
    assert roc.threshold(0.29) == 0.28


def test_perfect_useless_and_reversed() -> None:
    near, far = [0.1, 0.2], [0.3, 0.4, 0.5]
    assert (Roc.of(near, far).area, Roc.of(near, far).equal_error) == (1, 0)
    assert (Roc.of(far, near).area, Roc.of(far, near).equal_error) == (0, 1)
    assert (Roc.of(near, near).area, Roc.of([0.3], [0.3]).area) == (0.5, 0.5)
    assert Roc.of([0.3], [0.3]).equal_error == 0.5


def test_who_always_fails_is_never_accepted() -> None:
    roc = Roc.of([], [0.1, 0.2], failed=3)
    assert (roc.genuine, roc.area, roc.equal_error, roc.at(2)) == (3, 0, 1, (1, 0))


@pytest.mark.parametrize(("genuine", "impostors"), [([], [0.1]), ([0.1], []), ([], [])])
def test_one_kind_of_pairs_is_no_rate(genuine: list[float], impostors: list[float]) -> None:
    with pytest.raises(UsageError, match="one kind is missing"):
        Roc.of(genuine, impostors)


@pytest.mark.parametrize(("genuine", "impostors"), [([math.nan], [0.1]), ([0.1], [0.2, math.nan])])
def test_what_is_not_a_number_is_refused(genuine: list[float], impostors: list[float]) -> None:
    with pytest.raises(UsageError, match="a distance is not a number"):
        Roc.of(genuine, impostors)


def drawn(seed: int, ties: int) -> tuple[Doubles, Doubles]:
    rng = np.random.default_rng(seed)
    near, far = rng.normal(0.3, 0.1, 300), rng.normal(0.6, 0.15, 2000)
    return np.round(near * ties) / ties, np.round(far * ties) / ties


@pytest.mark.parametrize(("seed", "ties"), [(0, 10**9), (1, 1000), (2, 50), (3, 10)])
def test_scikit_learn_counts_the_same(seed: int, ties: int) -> None:
    near, far = drawn(seed, ties)
    roc = Roc.of(near, far)
    labels, scores = np.repeat([1, 0], [len(near), len(far)]), -np.concatenate([near, far])
    assert roc.area == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    false, true, at = roc_curve(labels, scores, drop_intermediate=False)
    assert np.append(0, roc.far) == pytest.approx(false, abs=1e-15)
    assert np.append(0, roc.tar) == pytest.approx(true, abs=1e-15)
    assert roc.thresholds.tolist() == (-at[1:]).tolist()
    for rate in (0.001, 0.01, 0.1, 0.5):
        threshold = roc.threshold(rate)
        assert (0.0 if threshold is None else roc.at(threshold)[1]) == max(true[false <= rate])


@pytest.mark.parametrize(("seed", "ties"), [(0, 10**9), (2, 50)])
def test_scikit_learn_trades_the_same_errors(seed: int, ties: int) -> None:
    near, far = drawn(seed, ties)
    roc = Roc.of(near, far)
    labels, scores = np.repeat([1, 0], [len(near), len(far)]), -np.concatenate([near, far])
    false, missed, at = det_curve(labels, scores)
    for rate, miss, score in zip(false, missed, at, strict=True):
        if np.isfinite(score):
            assert roc.at(-score) == pytest.approx((rate, 1 - miss), abs=1e-12)


def slow_equal_error(near: list[float], far: list[float], failed: int) -> float:
    """Walk along the straight lines between the points until FAR exceeds FRR."""
    points = [(0.0, 1.0)] + [
        (
            sum(other <= threshold for other in far) / len(far),
            1 - sum(one <= threshold for one in near) / (len(near) + failed),
        )
        for threshold in sorted({*near, *far})
    ]
    for (far_a, frr_a), (far_b, frr_b) in pairwise(points):
        low, high = 0.0, 1.0
        if far_b < frr_b:
            continue
        for _ in range(60):
            t = (low + high) / 2
            below = far_a + t * (far_b - far_a) < frr_a + t * (frr_b - frr_a)
            low, high = (t, high) if below else (low, t)
        return far_a + low * (far_b - far_a)
    raise AssertionError("the curves do not meet")


@given(few, few, st.integers(0, 3))
def test_equal_error_found_by_halving(near: list[float], far: list[float], failed: int) -> None:
    assert Roc.of(near, far, failed=failed).equal_error == pytest.approx(slow_equal_error(near, far, failed), abs=1e-12)


@given(few, few, st.integers(0, 3))
def test_area_is_how_often_the_genuine_pair_is_nearer(near: list[float], far: list[float], failed: int) -> None:
    wins = sum((a < b) + (a == b) / 2 for a in near for b in far)
    assert Roc.of(near, far, failed=failed).area == pytest.approx(wins / (len(near) + failed) / len(far), abs=1e-12)


@given(few, few, st.integers(0, 3), st.one_of(st.floats(0, 1), st.integers(0, 25).map(lambda n: n / 25)))
def test_the_threshold_is_the_greatest_that_keeps_the_rate(
    near: list[float], far: list[float], failed: int, rate: float
) -> None:
    roc = Roc.of(near, far, failed=failed)

    def count(threshold: float) -> int:
        return sum(one <= threshold for one in far)

    kept = [one for one in {*near, *far} if count(one) <= rate * len(far) + 1e-9]  # 3 of 25 is .12, rounded either way
    threshold = roc.threshold(rate)
    assert threshold == max(kept, default=None)
    if threshold is not None:
        assert roc.at(threshold) == (
            count(threshold) / len(far),
            sum(one <= threshold for one in near) / (len(near) + failed),
        )


def test_two_normal_distributions_have_the_known_rates() -> None:
    """Means 2 apart, each of deviation 1: EER is the tail beyond 1, AUC that of a difference of deviation sqrt 2."""
    rng = np.random.default_rng(7)
    roc = Roc.of(rng.normal(0, 1, 200_000), rng.normal(2, 1, 200_000))
    normal = NormalDist()
    assert roc.equal_error == pytest.approx(normal.cdf(-1), abs=0.002)
    assert roc.area == pytest.approx(normal.cdf(math.sqrt(2)), abs=0.001)
    threshold = roc.threshold(0.01)
    assert threshold == pytest.approx(2 + normal.inv_cdf(0.01), abs=0.02)
    assert roc.at(threshold or 0)[1] == pytest.approx(normal.cdf(2 + normal.inv_cdf(0.01)), abs=0.01)


@given(few, few, st.integers(0, 3))
def test_relations(near: list[float], far: list[float], failed: int) -> None:
    roc = Roc.of(near, far, failed=failed)
    figures = (roc.area, roc.equal_error)
    shifted = Roc.of(np.add(near, 0.5), np.add(far, 0.5), failed=failed)
    twice = Roc.of(near * 2, far * 2, failed=2 * failed)
    backwards = Roc.of(near[::-1], far[::-1], failed=failed)
    for other in (shifted, twice, backwards):
        assert (other.area, other.equal_error) == pytest.approx(figures, abs=1e-12)
    assert shifted.thresholds.tolist() == [one + 0.5 for one in roc.thresholds]
    swapped, plain = Roc.of(far, near), Roc.of(near, far)
    assert swapped.area == pytest.approx(1 - plain.area, abs=1e-12)
    negated = Roc.of(np.negative(far), np.negative(near))
    assert (negated.area, negated.equal_error) == pytest.approx((plain.area, plain.equal_error), abs=1e-12)
    worse = Roc.of(near, far, failed=failed + 1)
    assert worse.area < roc.area or roc.area == 0
    assert worse.equal_error >= roc.equal_error - 1e-12
