"""Measures of agreement, against cases computed by hand, scikit-learn, and loops over all pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import pair_confusion_matrix

from visavis.errors import UsageError
from visavis.evaluate.clusters import Agreement, ClusterResult, measure_clustering

LABELS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 6), min_size=n, max_size=n) for _ in range(2)))
)


def figures(found: ClusterResult) -> list[float]:
    one, two = found.pairwise, found.b_cubed
    return [one.precision, one.recall, one.f, two.precision, two.recall, two.f, found.nmi, found.rand]


def test_by_hand() -> None:
    """Three of ann and two of bob; one of ann's was put to bob's.

    Pairs: 1 + 1 = 2 right of 1 + 3 = 4 together and 3 + 1 = 4 of one person. B-cubed precision: ann's two 1 each, the
    lost one 1/3, bob's two 2/3 each: (2 + 1/3 + 4/3) / 5. Recall: 2/3 each of two, 1/3, 1 each: (4/3 + 1/3 + 2) / 5.
    Rand: (2 - 4 * 4 / 10) / ((4 + 4) / 2 - 16 / 10) = 0.4 / 2.4.
    """
    found = measure_clustering(["ann", "ann", "ann", "bob", "bob"], [7, 7, 3, 3, 3])
    assert (found.items, found.people, found.clusters, found.singletons) == (5, 2, 2, 0)
    assert (found.pairs_right, found.pairs_together, found.pairs_of_one) == (2, 4, 4)
    assert found.pairwise == Agreement(0.5, 0.5, 0.5)
    assert (found.b_cubed.precision, found.b_cubed.recall) == pytest.approx((11 / 15, 11 / 15))
    assert found.rand == pytest.approx(1 / 6)
    entropy = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))  # of both
    joint = -(0.4 * math.log(0.4) * 2 + 0.2 * math.log(0.2))
    assert found.nmi == pytest.approx((2 * entropy - joint) / entropy)


def test_the_b_cubed_of_bagga_and_baldwin() -> None:
    """Their example: chains of 5, 2 and 5. To join the second to the third, or the first to it, is one wrong link in
    either case, but not to B-cubed: its precision is 16/21 here, 7/12 there, in the paper 76 % and 58 %.
    """
    truth = [*"aaaaabbccccc"]
    small, large = measure_clustering(truth, [*"xxxxxyyyyyyy"]), measure_clustering(truth, [*"xxxxxyyxxxxx"])
    assert (small.b_cubed.precision, small.b_cubed.recall) == pytest.approx((16 / 21, 1))
    assert (large.b_cubed.precision, large.b_cubed.recall) == pytest.approx((7 / 12, 1))


@given(LABELS)
def test_pairs_are_those_of_scikit_learn_and_of_a_loop(labels: tuple[list[int], list[int]]) -> None:
    people, clusters = labels
    found = measure_clustering(people, clusters)
    pairs = list(itertools.combinations(range(len(people)), 2))
    same = {(a, b) for a, b in pairs if people[a] == people[b]}
    together = {(a, b) for a, b in pairs if clusters[a] == clusters[b]}
    assert (found.pairs_right, found.pairs_together, found.pairs_of_one) == (
        len(same & together),
        len(together),
        len(same),
    )
    (_, false), (missed, right) = pair_confusion_matrix(people, clusters) // 2
    assert (found.pairs_right, found.pairs_together, found.pairs_of_one) == (right, right + false, right + missed)
    if together and same:
        assert found.pairwise.precision == right / (right + false)
        assert found.pairwise.recall == right / (right + missed)


@given(LABELS)
def test_nmi_and_rand_are_those_of_scikit_learn(labels: tuple[list[int], list[int]]) -> None:
    people, clusters = labels
    found = measure_clustering(people, clusters)
    assert found.nmi == pytest.approx(normalized_mutual_info_score(people, clusters), abs=1e-9)
    assert found.rand == pytest.approx(adjusted_rand_score(people, clusters), abs=1e-12)


@given(LABELS)
def test_b_cubed_is_an_average_over_items(labels: tuple[list[int], list[int]]) -> None:
    people, clusters = labels
    items = range(len(people))
    precision, recall = [], []
    for item in items:
        cluster = {one for one in items if clusters[one] == clusters[item]}
        person = {one for one in items if people[one] == people[item]}
        precision.append(len(cluster & person) / len(cluster))
        recall.append(len(cluster & person) / len(person))
    found = measure_clustering(people, clusters).b_cubed
    a, b = np.mean(precision), np.mean(recall)
    assert (found.precision, found.recall, found.f) == pytest.approx((a, b, 2 * a * b / (a + b)))


# --- relations


@given(LABELS, st.permutations(range(7)), st.randoms(use_true_random=False))
def test_names_and_order_change_nothing(labels: tuple[list[int], list[int]], names: list[int], random: object) -> None:
    people, clusters = labels
    order = list(range(len(people)))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = measure_clustering([f"p{people[at]}" for at in order], [names[clusters[at]] for at in order])
    assert figures(moved) == pytest.approx(figures(measure_clustering(people, clusters)), abs=1e-12)


@given(LABELS)
def test_exchanging_truth_and_answer_exchanges_precision_and_recall(labels: tuple[list[int], list[int]]) -> None:
    one, other = measure_clustering(*labels), measure_clustering(*labels[::-1])
    for a, b in ((one.pairwise, other.pairwise), (one.b_cubed, other.b_cubed)):
        assert (a.precision, a.recall, a.f) == pytest.approx((b.recall, b.precision, b.f))
    assert (one.nmi, one.rand) == pytest.approx((other.nmi, other.rand))


@given(LABELS)
def test_the_truth_itself_is_perfect(labels: tuple[list[int], list[int]]) -> None:
    assert figures(measure_clustering(labels[0], labels[0])) == pytest.approx([1] * 8)


def test_each_alone_is_precise_and_all_in_one_is_complete() -> None:
    people = [0, 0, 0, 0, 1, 1, 1, 1]
    alone = measure_clustering(people, range(8))
    assert (alone.pairwise, alone.singletons, alone.rand) == (Agreement(1, 0, 0), 8, 0)
    assert (alone.b_cubed.precision, alone.b_cubed.recall) == (1, 0.25)
    assert alone.nmi == pytest.approx(2 * math.log(2) / (math.log(2) + math.log(8)))
    one = measure_clustering(people, [5] * 8)
    assert (one.pairwise.precision, one.pairwise.recall) == (12 / 28, 1)
    assert (one.b_cubed.precision, one.b_cubed.recall) == (0.5, 1)
    assert (one.nmi, one.rand, one.clusters) == (0, 0, 1)


def test_a_single_item() -> None:
    assert figures(measure_clustering(["ann"], [0])) == [1] * 8


def test_a_million_items_in_seconds_and_exact() -> None:
    """A thousand people of a thousand photos, each torn in two halves: half a million pairs a person, less a half."""
    items = np.arange(1_000_000)
    found = measure_clustering(items // 1000, items // 500)
    assert found.pairs_of_one == 1000 * 1000 * 999 // 2
    assert found.pairs_right == found.pairs_together == 2000 * 500 * 499 // 2
    assert found.b_cubed.recall == pytest.approx(0.5)
    assert found.nmi == pytest.approx(2 * math.log(1000) / (math.log(1000) + math.log(2000)))


def test_arrays_are_labels_as_lists_are() -> None:
    rng = np.random.default_rng(0)
    people, clusters = rng.integers(-5, 5, size=(2, 300))
    assert figures(measure_clustering(people, clusters)) == pytest.approx(
        figures(measure_clustering(people.tolist(), clusters.tolist())), abs=1e-12
    )


def test_chance_has_an_adjusted_rand_index_of_nought() -> None:
    rng = np.random.default_rng(3)
    found = [measure_clustering(*rng.integers(0, 10, size=(2, 2000))).rand for _ in range(50)]
    assert np.mean(found) == pytest.approx(0, abs=3e-4)


def test_nothing_and_mismatches_are_refused() -> None:
    with pytest.raises(UsageError, match="no item to compare"):
        measure_clustering([], [])
    with pytest.raises(UsageError, match="got 2 people and 1 clusters"):
        measure_clustering(["a", "b"], [0])
