"""Wilson's interval, against published figures, the equation that it solves, and simulated people."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.errors import UsageError
from visavis.evaluate.stats.intervals import Z, poisson, wilson, wilson_of_people


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(st.data())
def test_each_end_is_just_compatible_with_what_was_counted(data: st.DataObject) -> None:
    """The ends solve |share - p| = z sqrt(p (1 - p) / n), which is where Wilson's formula comes from."""
    n = data.draw(st.integers(1, 10**7))
    successes = data.draw(st.integers(0, n))
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    for end in (low, high):
        assert abs(successes / n - end) == pytest.approx(Z * math.sqrt(end * (1 - end) / n), rel=1e-6, abs=1e-9)


@given(st.integers(1, 10**6), st.data())
def test_successes_and_failures_are_mirrored(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    low, high = wilson(successes, n)
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_none_and_all_reach_the_end_exactly() -> None:
    assert wilson(0, 7)[0] == 0
    assert wilson(7, 7)[1] == 1
    assert wilson(0, 0) == (0, 1)


def test_the_quantile() -> None:
    assert pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-15) == Z


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 5), (0, -1)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(UsageError, match=f"from 0 to the number of trials, got {successes} of {n}\\."):
        wilson(successes, n)


# --- several photos a person


PEOPLE = st.lists(st.integers(0, 1), min_size=1, max_size=200).map(np.array)


@given(PEOPLE)
def test_of_one_photo_a_person_it_is_wilsons(happened: np.ndarray) -> None:
    expected = wilson(int(happened.sum()), len(happened))
    assert wilson_of_people(happened, np.ones_like(happened)) == pytest.approx(expected, abs=1e-12)


@given(PEOPLE, st.integers(2, 50))
def test_a_copy_of_each_photo_tells_nothing_new(happened: np.ndarray, copies: int) -> None:
    expected = wilson_of_people(happened, np.ones_like(happened))
    assert wilson_of_people(happened * copies, np.full_like(happened, copies)) == pytest.approx(expected, abs=1e-9)


def test_people_without_photos_tell_nothing() -> None:
    few = wilson_of_people(np.array([1, 0, 2]), np.array([2, 3, 2]))
    assert wilson_of_people(np.array([1, 0, 0, 2, 0]), np.array([2, 0, 3, 2, 0])) == few


def test_no_probe_at_all_tells_nothing() -> None:
    nobody = np.array([], np.int64)
    assert wilson_of_people(nobody, nobody) == (0, 1)


def test_by_hand() -> None:
    """Rate 3/8; residuals 1/2, -3/4, 1/4, squares sum to 7/8: worth (3/8)(5/8)64 / (7/8) > 8, so held at 8."""
    assert wilson_of_people(np.array([2, 0, 1]), np.array([4, 2, 2])) == wilson(3, 8)
    # Rate 1/2; residuals 2, -2: squares sum to 8, worth (1/4)64 / 8 = 2 people, which is what they are.
    assert wilson_of_people(np.array([4, 0]), np.array([4, 4])) == wilson(1, 2)


def test_it_covers_the_rate_as_often_as_it_says() -> None:
    """People whose own rates differ (beta), 1 to 8 photos each; Wilson's for independent photos would be too narrow."""
    rng = np.random.default_rng(1)
    people, runs = 300, 2000
    trials = rng.integers(1, 9, size=(runs, people))
    successes = rng.binomial(trials, rng.beta(0.2, 1.8, size=(runs, people)))
    covered = [low <= 0.1 <= high for low, high in map(wilson_of_people, successes, trials)]
    naive = [low <= 0.1 <= high for low, high in map(wilson, successes.sum(1).tolist(), trials.sum(1).tolist())]
    assert 0.935 < np.mean(covered) < 0.965
    assert np.mean(naive) < 0.87


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.689), (1, 0.025, 5.572), (3, 0.619, 8.767), (10, 4.795, 18.39), (100, 81.36, 121.63)],
)
def test_the_interval_of_a_count_is_garwoods(count: int, low: float, high: float) -> None:
    """Tables of Garwood (1936)."""
    assert poisson(count) == pytest.approx((low, high), rel=1e-3, abs=1e-3)


def test_a_count_is_no_less_than_0() -> None:
    with pytest.raises(UsageError, match="0 or more, got -1"):
        poisson(-1)
