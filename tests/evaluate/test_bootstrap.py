"""The bootstrap: weights as if people were really drawn, and intervals that hold the truth as often as they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.evaluate.stats import bootstrap, pair_distances
from visavis.evaluate.stats.bootstrap import (
    ByPairs,
    ByPeople,
    Draw,
    fars_drawn,
    rates,
    supported_fars,
    thresholds_drawn,
)
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.pair_distances import Compared, RankedPairs, compare_everybody
from visavis.types import Floats

from .generated import Crowd, compared_of, labeled


class Fixed(np.random.Generator):
    """Draws what it is told to, one after another."""

    def __init__(self, *often: list[int]) -> None:
        super().__init__(np.random.PCG64())
        self.often = list(often)

    def multinomial(self, *_: object, **__: object) -> NDArray[np.int64]:  # type: ignore[override]
        return np.array(self.often.pop(0))


def of_people(embeddings: Floats, people: NDArray[np.intp]) -> tuple[Compared, ByPeople]:
    found = np.ones(len(embeddings), np.bool_)
    result = compare_everybody(embeddings, found, people)
    return result, ByPeople(result, people, found)


def resampled(people: NDArray[np.intp], often: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Photos of a sample in which each person is as often as drawn, as (row, copy of the person)."""
    return [(row, copy) for row, person in enumerate(people) for copy in range(often[person])]


@pytest.mark.parametrize("seed", range(4))
def test_a_draw_counts_as_if_the_people_were_really_there_so_often(seed: int) -> None:
    """Among copies of people: two photos of one copy are genuine; of two copies of one person they are no pair."""
    rng = np.random.default_rng(seed)
    embeddings, people = labeled(rng, 30, 10)
    found = rng.random(30) > 0.15
    result = compare_everybody(embeddings, found, people)
    number = int(people.max()) + 1
    often = rng.multinomial(number, np.full(number, 1 / number))
    draw = ByPeople(result, people, found).draw(Fixed(often.tolist()))
    genuine, kept = {}, {}
    for weights, pairs, where in ((draw.genuine, result.genuine, genuine), (draw.impostors, result.impostors, kept)):
        where |= {frozenset(pair): weight for *pair, weight in zip(pairs.a, pairs.b, weights, strict=True)}
    counted: dict[frozenset[int], int] = {}
    all_genuine = all_impostors = 0
    for (a, copy_a), (b, copy_b) in combinations(resampled(people, often), 2):
        if people[a] == people[b]:
            if a == b or copy_a != copy_b:
                continue
            all_genuine += 1
        elif found[a] and found[b]:
            all_impostors += 1
        if found[a] and found[b]:
            counted[frozenset((a, b))] = counted.get(frozenset((a, b)), 0) + 1
    assert (draw.all_genuine, draw.all_impostors) == (all_genuine, all_impostors)
    assert genuine == {pair: counted.get(pair, 0) for pair in genuine}
    assert kept == {pair: counted.get(pair, 0) for pair in kept}
    assert len(kept) > 10


def test_each_drawn_once_is_the_data() -> None:
    embeddings, people = labeled(np.random.default_rng(1), 40, 12)
    result, by_people = of_people(embeddings, people)
    draw = by_people.draw(Fixed([1] * (int(people.max()) + 1)))
    assert (draw.all_genuine, draw.all_impostors) == (result.roc.genuine, result.roc.impostors)
    assert set(draw.genuine) == set(draw.impostors) == {1}


def test_pairs_are_drawn_with_those_that_failed() -> None:
    result = compared_of([0.1, 0.2, 0.3], [0.4, 0.5], failed=2)
    draw = ByPairs(result).draw(Fixed([2, 0, 1, 0, 2], [2, 0]))
    assert (draw.genuine.tolist(), draw.impostors.tolist()) == ([2, 0, 1], [2, 0])
    assert (draw.all_genuine, draw.all_impostors) == (5, 2)


def test_draws_are_of_as_many_as_there_are() -> None:
    embeddings, people = labeled(np.random.default_rng(2), 60, 20)
    result, by_people = of_people(embeddings, people)
    rng = np.random.default_rng(0)
    draws = [by_people.draw(rng) for _ in range(3000)]
    number = int(people.max()) + 1
    # Two people are drawn w1 and w2 times: the mean of w1 * w2 is 1 - 1 / n, that of w1 is 1.
    assert np.mean([draw.all_impostors for draw in draws]) == pytest.approx(
        result.roc.impostors * (1 - 1 / number), rel=0.02
    )
    assert np.mean([draw.all_genuine for draw in draws]) == pytest.approx(result.roc.genuine, rel=0.03)
    pairs = ByPairs(compared_of([0.1] * 7, [0.5] * 9, failed=3)).draw(rng)
    assert pairs.impostors.sum() == 9
    assert pairs.genuine.sum() <= 10


# ------------------------------------------------------------------------------------------------ rates by hand


class Weights:
    """Gives the same weights in every draw."""

    def __init__(self, genuine: list[float], impostors: list[float], *, failed: float = 0) -> None:
        near, far = np.array(genuine, np.float64), np.array(impostors, np.float64)
        self.one = Draw(near, far, float(near.sum()) + failed, float(far.sum()))

    def draw(self, _: np.random.Generator) -> Draw:
        return self.one


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Compared:
    """Ten impostors at 0.1, 0.2 ... 1.0, genuine pairs at 0.05, 0.25 and 0.45, and one failed."""
    monkeypatch.setattr(bootstrap, "LEAST", 1)
    return compared_of([0.05, 0.25, 0.45], [n / 10 for n in range(1, 11)], failed=1)


def test_a_draw_of_the_data_itself_gives_its_rates(few: Compared) -> None:
    (rate,) = rates(few, Weights([1] * 3, [1] * 10, failed=1), [0.2], draws=5)
    assert (rate.far, rate.threshold, rate.tar, rate.false_accepts) == (0.2, pytest.approx(0.25), 0.5, 2)
    assert rate.threshold_interval == (pytest.approx(0.3), pytest.approx(0.3))  # up to the third impostor
    assert rate.threshold_interval[1] < few.impostors.distances[2]
    assert (rate.tar_interval, rate.far_interval) == ((0.5, 0.5), (0.2, 0.2))


def test_a_draw_with_weights_by_hand(few: Compared) -> None:
    """The nearest impostor twice, the second not at all: of ten, two are accepted up to 0.3, three from there on."""
    weights = Weights([0, 1, 2], [2, 0, 1, 1, 1, 1, 1, 1, 1, 1], failed=2)
    (rate,) = rates(few, weights, [0.2], draws=5)
    assert rate.threshold_interval == (pytest.approx(0.3), pytest.approx(0.3))
    assert rate.tar_interval == (0.2, 0.2)  # 0.25 of 0 + 1 + 2 + 2
    assert rate.far_interval == (0.2, 0.2)
    assert (rate.threshold, rate.tar) == (pytest.approx(0.25), 0.5)  # of the data


def test_thresholds_and_fars_agree_with_the_rates(few: Compared) -> None:
    weights = Weights([1] * 3, [1, 3, 1, 1, 1, 1, 1, 1, 1, 1])
    wanted = [0.1, 0.5]
    drawn = thresholds_drawn(few, weights, wanted, draws=3)
    assert drawn == pytest.approx(np.array([[0.2, 0.5]] * 3))  # of twelve 1.2 are allowed, and 6
    assert fars_drawn(few, weights, drawn) == pytest.approx(np.array([[1 / 12, 6 / 12]] * 3))
    intervals = [rate.threshold_interval for rate in rates(few, weights, wanted, draws=3)]
    assert intervals == [(drawn[0, n], drawn[0, n]) for n in range(2)]


def test_where_all_impostors_are_kept_every_far_is_known(few: Compared) -> None:
    """But not that at a threshold that another sample could not tell."""
    weights = Weights([1] * 3, [1] * 10)
    assert fars_drawn(few, weights, np.array([[0.05, 0.95, 1.5, np.inf]])).tolist() == [[0, 0.9, 1, np.inf]]


def test_what_is_drawn_is_the_same_for_rates_and_thresholds() -> None:
    embeddings, people = Crowd().draw(np.random.default_rng(1), 60)
    result, by_people = of_people(embeddings, people)
    wanted = [0.1, 0.01]
    drawn = np.sort(thresholds_drawn(result, by_people, wanted, draws=80, seed=5), axis=0)
    fars = thresholds = None
    for n, rate in enumerate(rates(result, by_people, wanted, draws=80, seed=5)):
        thresholds = (drawn[2, n], drawn[77, n])  # 2.5 % of 80 are 2
        assert rate.threshold_interval == thresholds
        at = np.full((80, 1), rate.threshold)
        fars = np.sort(fars_drawn(result, by_people, at, seed=5)[:, 0])
        assert rate.far_interval == (fars[2], fars[77])
        assert fars[2] < rate.far < fars[77]
    assert fars is not None


def test_a_tie_is_accepted_as_a_whole_or_not_at_all(few: Compared) -> None:
    tied = compared_of([0.05, 0.5], [0.1] + [0.5] * 9)
    (rate,) = rates(tied, Weights([1, 1], [1] * 10), [0.5], draws=3)
    assert (rate.threshold, rate.tar, rate.false_accepts) == (pytest.approx(0.1), 0.5, 1)
    assert (rate.tar_interval, rate.far_interval) == ((0.5, 0.5), (0.1, 0.1))
    drawn = thresholds_drawn(tied, Weights([1, 1], [1] * 10), [0.5], draws=1)
    assert fars_drawn(tied, Weights([1, 1], [1] * 10), drawn).tolist() == [[0.1]]


def test_infinity_is_an_end_only_where_enough_draws_have_it() -> None:
    values = np.array([[float(n), np.inf if n >= 98 else n, np.inf if n >= 97 else n] for n in range(100)])
    assert bootstrap.middle(values).tolist() == [[2, 2, 2], [97, 97, np.inf]]


# ----------------------------------------------------------------------------------- what the data cannot tell


def test_a_rate_needs_thirty_false_accepts() -> None:
    result = compared_of([0.1], [0.5 + n / 1000 for n in range(300)])
    assert [rate.far for rate in rates(result, ByPairs(result), [0.5, 0.1, 0.0999], draws=5)] == [0.5, 0.1]
    fewer = compared_of([0.1], [0.5 + n / 1000 for n in range(299)])
    assert rates(fewer, ByPairs(fewer), [0.1, 0.01], draws=5) == ()
    assert rates(fewer, ByPairs(fewer), [], draws=5) == ()


def test_thirty_are_thirty_where_binary_numbers_say_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.29 * 100 is 28.999999999999996."""
    monkeypatch.setattr(bootstrap, "LEAST", 29)
    assert supported_fars(Roc.of([0.1], [0.5 + n / 1000 for n in range(100)]), [0.29, 0.28]) == ([0.29], [0.528])


def test_a_rate_that_no_threshold_keeps_is_left_out() -> None:
    """A twentieth of the impostors are the same photo twice: at a distance of 0 the FAR is 0.05 already."""
    result = compared_of([0.0, 0.2], [0.0] * 50 + [0.3 + n / 1000 for n in range(950)])
    assert supported_fars(result.roc, [0.1, 0.05, 0.04, 0.03])[0] == [0.1, 0.05]
    told = rates(result, ByPairs(result), [0.1, 0.05, 0.04, 0.03], draws=20)
    assert [(rate.far, rate.false_accepts) for rate in told] == [(0.1, 100), (0.05, 50)]


def test_all_alike_is_no_rate_and_no_crash() -> None:
    embeddings = np.ones((60, 1), np.float32)
    result, by_people = of_people(embeddings, np.arange(60) // 2)
    assert len(result.impostors) == 0
    assert rates(result, by_people, [0.1, 0.03], draws=5) == ()


def test_no_interval_beyond_the_impostors_that_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, people = Crowd().draw(np.random.default_rng(3), 60)
    full = rates(*of_people(embeddings, people), [0.1, 0.03, 0.003], draws=50)
    assert all(one.tar_interval and one.far_interval and one.threshold_interval for one in full)
    monkeypatch.setattr(pair_distances, "MOST_KEPT", 320)  # of 15,930: a FAR of 0.02
    result, by_people = of_people(embeddings, people)
    assert len(result.impostors) == 320
    capped = rates(result, by_people, [0.1, 0.03, 0.003], draws=50)
    assert [(one.far, one.threshold, one.tar, one.false_accepts) for one in capped] == [
        (one.far, one.threshold, one.tar, one.false_accepts) for one in full
    ]
    for one in capped[:2]:
        assert (one.tar_interval, one.threshold_interval, one.far_interval) == (None, None, None)
    assert capped[2] == full[2]
    beyond = thresholds_drawn(result, by_people, [0.1, 0.003], draws=20)
    assert (np.isinf(beyond).all(axis=0).tolist(), np.isinf(beyond).any(axis=0).tolist()) == ([True, False],) * 2
    assert np.isinf(fars_drawn(result, by_people, np.array([[1.0, np.inf]]))).all()


def test_none_kept_gives_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_distances, "MOST_KEPT", 0)
    embeddings, people = Crowd().draw(np.random.default_rng(3), 40)
    result, by_people = of_people(embeddings, people)
    assert len(result.impostors) == 0
    (rate,) = rates(result, by_people, [0.1], draws=5)
    assert (rate.tar_interval, rate.threshold_interval, rate.far_interval) == (None, None, None)
    assert rate.false_accepts == int(0.1 * result.roc.impostors)


def test_draws_without_a_genuine_pair_say_nothing() -> None:
    """One person of 40 has a pair: every third draw lacks it."""
    embeddings, _ = labeled(np.random.default_rng(4), 41, 41)
    result, by_people = of_people(embeddings, np.append(np.arange(40), 0))
    (rate,) = rates(result, by_people, [0.1], draws=100)
    assert rate.tar_interval is None
    assert rate.far_interval is not None


def test_a_draw_of_one_person_alone_says_nothing() -> None:
    result = Compared(
        Roc.of([0.1], [0.5]),
        RankedPairs(*np.zeros((2, 1), np.int32), np.array([0.1], np.float32)),
        RankedPairs(*np.zeros((2, 1), np.int32), np.array([0.5], np.float32)),
        np.zeros((0, 2), np.int32),
        0,
    )
    nobody = Weights([1], [0])
    assert thresholds_drawn(result, nobody, [0.5], draws=1).tolist() == [[np.inf]]
    assert fars_drawn(result, nobody, np.array([[0.7]])).tolist() == [[np.inf]]


def test_the_seed_decides() -> None:
    embeddings, people = Crowd().draw(np.random.default_rng(6), 50)
    result, by_people = of_people(embeddings, people)
    one, same, other = (rates(result, by_people, [0.1], draws=40, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


# ------------------------------------------------------------------------------------- how often they hold the truth


def held(interval: tuple[float, float] | None, truth: float) -> bool:
    assert interval is not None
    return interval[0] <= truth <= interval[1]


@pytest.mark.slow(seconds=5)
def test_intervals_of_people_hold_the_truth() -> None:
    """Some people look like many: their pairs err together. Drawing pairs instead would miss the truth."""
    far, repetitions = 0.02, 80
    threshold, tar = Crowd().truth(far)
    right = np.zeros(4)
    for seed in range(repetitions):
        embeddings, people = Crowd().draw(np.random.default_rng(1000 + seed), 70)
        result, by_people = of_people(embeddings, people)
        (rate,) = rates(result, by_people, [far], draws=120, seed=seed)
        false = fars_drawn(result, by_people, np.full((120, 1), threshold), seed=seed)[:, 0]
        by_pairs = np.sqrt(far * (1 - far) / result.roc.impostors) * 1.96
        right += [
            held(rate.tar_interval, tar),
            held(rate.threshold_interval, threshold),
            held(tuple(bootstrap.middle(false)), far),
            abs(result.roc.at(threshold)[0] - far) < by_pairs,
        ]
    assert right[:3].min() / repetitions >= 0.88
    assert right[:3].max() / repetitions <= 0.99
    assert right[3] / repetitions < 0.6
