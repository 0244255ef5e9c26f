"""Accuracy on listed pairs: thresholds against all there are, protocols against their definition."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate import accuracy
from visavis.evaluate.accuracy import choose_threshold, cross_validate, judge_pairs, measure_on_test
from visavis.evaluate.data.pairs import PairList
from visavis.types import Doubles

from .generated import at_angles

NAN = math.nan
pair = st.tuples(st.one_of(st.just(NAN), st.integers(0, 12).map(lambda n: n / 8)), st.booleans())


def columns(pairs: list[tuple[float, bool]]) -> tuple[Doubles, NDArray[np.bool_]]:
    return np.array([one[0] for one in pairs]), np.array([one[1] for one in pairs], np.bool_)


def slow_right(pairs: list[tuple[float, bool]], threshold: float) -> int:
    return sum(not math.isnan(distance) and (distance <= threshold) == same for distance, same in pairs)


def slow_cuts(pairs: list[tuple[float, bool]]) -> list[float]:
    values = sorted({distance for distance, _ in pairs if not math.isnan(distance)})
    return [values[0] - 1e-6, *((a + b) / 2 for a, b in pairwise(values)), values[-1] + 1e-6]


@given(st.lists(pair, min_size=1, max_size=30).filter(lambda pairs: any(not math.isnan(one[0]) for one in pairs)))
def test_no_cut_judges_better_and_of_the_best_it_is_the_middle(pairs: list[tuple[float, bool]]) -> None:
    threshold = choose_threshold(*columns(pairs))
    counts = {cut: slow_right(pairs, cut) for cut in slow_cuts(pairs)}
    best = [cut for cut, count in counts.items() if count == max(counts.values())]
    assert threshold == pytest.approx(best[len(best) // 2], abs=1e-12)
    assert judge_pairs(*columns(pairs), threshold).sum() == slow_right(pairs, threshold) == max(counts.values())


def test_threshold_by_hand() -> None:
    """Right answers of six: 3 below 0.1, then 4, 5, 4, 5, 4, 3; of the two best cuts the upper one."""
    near, same = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [True, True, False, True, False, False]
    assert choose_threshold(np.array(near), np.array(same)) == pytest.approx(0.45)
    assert choose_threshold(np.array(near[:4]), np.array(same[:4])) == pytest.approx(0.4 + 1e-6)


def test_a_threshold_parts_what_it_was_chosen_to_part() -> None:
    """Two float32 side by side: half way between them is a number of double precision only."""
    low = np.float32(0.3)
    near = np.array([low, np.nextafter(low, np.float32(1))], np.float64)
    same = np.array([True, False])
    assert judge_pairs(near, same, choose_threshold(near, same)).all()


@pytest.mark.parametrize("same", [True, False])
def test_one_kind_of_pairs_is_judged_rightly_as_a_whole(same: bool) -> None:
    near, kinds = np.array([0.0, 0.2, 0.9]), np.full(3, same)
    assert judge_pairs(near, kinds, choose_threshold(near, kinds)).all()


def test_equal_distances_are_not_parted() -> None:
    near, same = np.full(5, 0.4), np.array([True, True, True, False, False])
    assert judge_pairs(near, same, choose_threshold(near, same)).sum() == 3


def test_pairs_without_a_distance_are_wrong_and_have_no_say() -> None:
    near, same = np.array([0.1, NAN, 0.5, NAN]), np.array([True, True, False, False])
    assert choose_threshold(near, same) == pytest.approx(0.3)
    assert judge_pairs(near, same, 0.3).tolist() == [True, False, True, False]
    assert judge_pairs(near, same, 0.1).tolist() == [True, False, True, False]  # up to the threshold
    assert judge_pairs(near, same, 5).tolist() == [True, False, False, False]
    with pytest.raises(UsageError, match="not one pair of the list can be compared"):
        choose_threshold(np.array([NAN]), np.array([True]))


def test_view_1_by_hand() -> None:
    """The list to choose on says 0.3; of five pairs three are judged rightly there, one has no face."""
    train = np.array([0.1, 0.2, 0.4, 0.5]), np.array([True, True, False, False])
    test = np.array([0.25, 0.35, 0.29, NAN, 0.9]), np.array([True, True, False, True, False])
    result = measure_on_test(train, test)
    assert result.threshold == pytest.approx(0.3)
    assert (result.accuracy, result.pairs, result.folds) == (0.4, 5, 1)
    assert result.error == pytest.approx(math.sqrt(0.4 * 0.6 / 5))


def test_view_2_by_hand() -> None:
    """Three folds of two pairs.

    Without fold 0: 0.2 0.6 genuine, 0.5 0.9 not: cuts 0.35 and 0.75 are right thrice, the upper one is taken; of
    fold 0 (0.1 genuine, 0.7 not) one is right. Without fold 1: (0.1 0.7), (0.6 0.9): 0.65, of (0.2, 0.5) one.
    Without fold 2: (0.1 0.7) (0.2 0.5): 0.35, of (0.6, 0.9) one.
    """
    near = np.array([0.1, 0.7, 0.2, 0.5, 0.6, 0.9])
    same = np.array([True, False] * 3)
    result = cross_validate(near, same, np.array([0, 0, 1, 1, 2, 2]))
    assert (result.accuracy, result.error, result.folds, result.pairs) == (0.5, 0, 3, 6)
    assert result.threshold == pytest.approx((0.75 + 0.65 + 0.35) / 3)


def test_the_standard_error_is_that_of_the_mean_over_folds() -> None:
    """Folds are right at 1, 1, 0.5 and 0.75 of four pairs: mean 0.8125, deviation (of n - 1) over the root of 4."""
    near = np.array([0.1, 0.1, 0.9, 0.9] * 4)
    same = np.array([True, True, False, False] * 4)
    near[[8, 10]] = NAN  # two of the third fold
    near[13] = NAN  # one of the fourth
    result = cross_validate(near, same, np.repeat([7, 8, 11, 90], 4))
    assert result.accuracy == pytest.approx(0.8125)
    assert result.error == pytest.approx(stdev([1, 1, 0.5, 0.75]) / 2)
    assert result.folds == 4


def slow_cross_validated(pairs: list[tuple[float, bool]], folds: list[int]) -> tuple[float, float, float]:
    shares, thresholds = [], []
    for fold in sorted(set(folds)):
        rest = [one for one, its in zip(pairs, folds, strict=True) if its != fold]
        counts = [(slow_right(rest, cut), cut) for cut in slow_cuts(rest)]
        best = [cut for count, cut in counts if count == max(counts)[0]]
        thresholds.append(best[len(best) // 2])
        mine = [one for one, its in zip(pairs, folds, strict=True) if its == fold]
        shares.append(slow_right(mine, thresholds[-1]) / len(mine))
    return mean(shares), stdev(shares) / math.sqrt(len(shares)), mean(thresholds)


@pytest.mark.parametrize("seed", range(5))
def test_cross_validation_as_it_is_defined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    same = rng.random(200) < 0.5
    near = np.round(np.where(same, rng.normal(0.3, 0.15, 200), rng.normal(0.6, 0.15, 200)), 2)
    near[rng.random(200) < 0.03] = NAN
    folds = rng.integers(0, 10, 200)
    result = cross_validate(near, same, folds)
    slow = slow_cross_validated(list(zip(near.tolist(), same.tolist(), strict=True)), folds.tolist())
    assert (result.accuracy, result.error, result.threshold) == pytest.approx(slow, abs=1e-12)
    assert (result.pairs, result.folds) == (200, 10)


def test_a_list_without_folds_is_dealt_into_ten() -> None:
    """Each fold has its share of both kinds: 43 and 57 pairs make folds of 4 or 5, and 5 or 6."""
    rng = np.random.default_rng(1)
    same = np.arange(100) < 43
    near = np.where(same, rng.normal(0.3, 0.1, 100), rng.normal(0.6, 0.1, 100))
    folds = np.concatenate([np.arange(43) % 10, np.arange(57) % 10])
    one, other = cross_validate(near, same, np.full(100, 3)), cross_validate(near, same, folds)
    assert one == other
    assert one.folds == 10


def test_too_few_pairs_for_folds_are_refused() -> None:
    with pytest.raises(UsageError, match="accuracy needs 10 pairs or more, got 9"):
        cross_validate(np.full(9, 0.1), np.arange(9) < 5, np.zeros(9, np.intp))
    near = np.where(np.arange(10) < 5, 0.1, 0.9)
    assert cross_validate(near, np.arange(10) < 5, np.zeros(10, np.intp)).accuracy == 1


def test_distances_of_a_list() -> None:
    rows = [(0, 1), (2, 0), (0, 3), (3, 3)]
    a, b = (np.array(each, np.int32) for each in zip(*rows, strict=True))
    pairs = PairList(("",) * 4, a, b, np.ones(4, np.bool_), np.zeros(4, np.intp))
    found = np.array([True, True, True, False])
    distances = accuracy.pair_distances(at_angles([0, 0.5, 0.1, 0.3]), found, pairs)
    assert distances == pytest.approx([0.5, 0.1, NAN, NAN], abs=3e-7, nan_ok=True)
