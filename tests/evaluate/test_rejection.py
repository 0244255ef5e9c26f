"""Error against rejection: counted by hand, by plain loops, and by what has to hold for any quality."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.errors import UsageError
from visavis.evaluate.stats.rejection import RejectionCurve, rejection_curve

RNG = np.random.default_rng(5)


def curve(distances: list[float], qualities: list[float], *shares: float, threshold: float = 0.5) -> RejectionCurve:
    """All pairs of one person, the second photo perfect."""
    n = len(distances)
    return rejection_curve(distances, [True] * n, qualities, [1.0] * n, threshold=threshold, shares=shares)


def test_by_hand() -> None:
    """Ten pairs, three of them missed: those of the lowest, the third lowest and the highest quality."""
    distances = [0.9, 0.1, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.7]
    found = curve(distances, [n / 10 for n in range(10)], 0, 0.1, 0.2, 0.3, 0.9)
    assert found.fnmr == pytest.approx((3 / 10, 2 / 9, 2 / 8, 1 / 7, 1))
    assert found.left == (10, 9, 8, 7, 1)
    assert (found.pairs, found.threshold, found.shares) == (10, 0.5, (0, 0.1, 0.2, 0.3, 0.9))


def test_a_pair_is_as_good_as_the_worse_of_its_photos() -> None:
    distances, same = [0.9, 0.1, 0.1, 0.1], [True] * 4
    low, high = [0.2, 0.3, 0.4, 0.5], [0.9, 0.8, 0.7, 0.6]
    expected = (1 / 4, 0)
    for a, b in ((low, high), (high, low), ([0.2, 0.8, 0.4, 0.6], [0.9, 0.3, 0.7, 0.5])):
        assert rejection_curve(distances, same, a, b, threshold=0.5, shares=(0, 0.25)).fnmr == expected


def test_pairs_of_two_people_do_not_count() -> None:
    found = rejection_curve(
        [0.9, 0.9, 0.1, 0.1, 0.1],
        [True, False, True, False, True],
        [0.3, 0.0, 0.6, 0.1, 0.7],
        [1.0] * 5,
        threshold=0.5,
        shares=(0, 1 / 3),
    )
    assert (found.pairs, found.left, found.fnmr) == (3, (3, 2), (1 / 3, 0))


def test_a_pair_at_the_threshold_is_accepted_and_one_without_a_face_is_missed() -> None:
    found = curve([0.5, np.inf, 0.6, 0.4], [0.9, 0.0, 0.8, 0.7], 0, 0.25)
    assert found.fnmr == (2 / 4, 1 / 3)


def test_ties_are_rejected_in_equal_parts_whatever_their_order() -> None:
    """Of four pairs of one quality half is missed; two of them go with the worst: one missed pair, in the mean."""
    qualities = [0.1, 0.5, 0.5, 0.5, 0.5, 0.9]
    for order in itertools.permutations([0.9, 0.9, 0.1, 0.1]):
        found = curve([0.1, *order, 0.9], qualities, 0, 0.5)
        assert found.fnmr == pytest.approx((3 / 6, 2 / 3))


def test_a_quality_that_knows_nothing_changes_nothing() -> None:
    distances = RNG.random(200).tolist()
    found = curve(distances, [0.5] * 200, 0, 0.05, 0.3)
    assert found.fnmr == pytest.approx([np.mean(np.array(distances) > 0.5)] * 3)
    assert found.drop == pytest.approx(0)
    assert found.drop_interval == pytest.approx((0, 0))


def test_a_share_of_29_in_a_hundred_are_29() -> None:
    assert curve(RNG.random(100).tolist(), RNG.random(100).tolist(), 0.29, 0.295, 0.57, 0.999).left == (71, 71, 43, 1)


@settings(deadline=None, max_examples=examples(15))
@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 2**31))
def test_the_same_as_the_mean_over_random_orders(n: int, levels: int, seed: int) -> None:
    """Ties drawn in many orders, each counted by a plain loop: within the error of the mean."""
    draws = np.random.default_rng(seed)
    distances, qualities = draws.random(n), draws.integers(0, levels, n) / levels
    shares = (0, 0.05, 0.3, 0.6)
    found = curve(distances.tolist(), qualities.tolist(), *shares)
    for share, fnmr, left in zip(shares, found.fnmr, found.left, strict=True):
        counted = []
        for _ in range(300):
            ranked = sorted(range(n), key=lambda i: (qualities[i], draws.random()))
            kept = ranked[int(share * n + 1e-9) :]
            counted.append(sum(distances[i] > 0.5 for i in kept) / len(kept))
        assert left == len(kept)
        assert fnmr == pytest.approx(np.mean(counted), abs=0.002 + 5 * np.std(counted) / 300**0.5)


def test_the_drop_and_its_interval() -> None:
    """2,000 pairs, each its own person: the worst 10 % are missed at a rate of .8, the others at .1."""
    draws = np.random.default_rng(5)  # its own: what other tests have drawn by now depends on their order
    worst = np.arange(2000) < 200
    missed = draws.random(2000) < np.where(worst, 0.8, 0.1)
    qualities = np.where(worst, 0.1, 0.9) + draws.random(2000) / 100
    found = rejection_curve(missed, [True] * 2000, qualities, [1.0] * 2000, threshold=0.5, shares=(0, 0.05))
    assert found.drop == pytest.approx(found.fnmr[0] - found.fnmr[1])
    assert found.drop_at == 0.05
    low, high = found.drop_interval
    assert low < found.drop < high
    # .05 of the binomial error of .8 in 100: .002, twice that to each side
    assert 0.003 < found.drop - low < 0.006
    assert 0.003 < high - found.drop < 0.006


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """For 40 samples from a world whose drop is known: 95 % of the intervals hold it, give or take chance."""
    truth = (0.05 * 0.5 + 0.95 * 0.1) - 0.1
    held = 0
    for seed in range(40):
        draws = np.random.default_rng(seed)
        qualities = draws.random(600)
        missed = draws.random(600) < np.where(qualities < 0.05, 0.5, 0.1)
        found = rejection_curve(missed, np.ones(600), qualities, np.ones(600), threshold=0.5, shares=(0,))
        held += found.drop_interval[0] <= truth <= found.drop_interval[1]
    assert held >= 34


def test_pairs_of_one_person_stay_together() -> None:
    """Each pair ten times: as people they are no more than they were, as pairs the interval shrinks for nothing."""
    missed, qualities = RNG.random(80) < 0.3, RNG.random(80)

    def width(times: int, *, people: bool) -> float:
        labels = np.repeat(np.arange(80), times) if people else None
        low, high = rejection_curve(
            np.repeat(missed, times),
            np.ones(80 * times),
            np.repeat(qualities, times),
            np.ones(80 * times),
            threshold=0.5,
            people=labels,
        ).drop_interval
        return high - low

    assert width(10, people=True) == pytest.approx(width(1, people=False), rel=0.15)
    assert width(10, people=False) < 0.5 * width(10, people=True)


def test_the_same_data_give_the_same_interval() -> None:
    distances, qualities = RNG.random(50).tolist(), RNG.random(50).tolist()
    assert curve(distances, qualities, 0) == curve(distances, qualities, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"same": [False, False]}, "no pair of one person"),
        ({"distances": [0.1]}, r"must be \(n,\), a value a pair, got \(1,\), \(2,\)"),
        ({"distances": [[0.1, 0.2]]}, "a value a pair"),
        ({"distances": [0.1, np.nan]}, "has the distance inf"),
        ({"quality_a": [0.1, 1.2]}, "in 0..1"),
        ({"quality_b": [-0.1, 0.2]}, "in 0..1"),
        ({"quality_b": [np.nan, 0.2]}, "in 0..1"),
        ({"threshold": np.nan}, "not a number"),
        ({"shares": (0.1, 1.0)}, "from 0 to less than 1, got 1"),
        ({"shares": (-0.1,)}, "got -0.1"),
        ({"people": [1]}, "a label a pair"),
    ],
)
def test_values_that_fit_no_pairs_are_refused(change: dict[str, object], said: str) -> None:
    sound = {"distances": [0.1, 0.2], "same": [True, True], "quality_a": [0.1, 0.2], "quality_b": [0.3, 0.4]}
    with pytest.raises(UsageError, match=said):
        rejection_curve(**{"threshold": 0.5, **sound, **change})  # type: ignore[arg-type]
