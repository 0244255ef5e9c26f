"""Miners: chosen by hand where few, by their definition where many, and as pytorch-metric-learning does."""

from __future__ import annotations

import time
from collections import Counter

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'visavis[train]'")

from torch.nn import functional  # noqa: E402

from visavis.train import miners  # noqa: E402

LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 4])
"""Person 4 has one picture: never an anchor, often a negative."""


def embeddings(seed: int = 0) -> torch.Tensor:
    return functional.normalize(torch.randn(len(LABELS), 3, generator=torch.Generator().manual_seed(seed)))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def as_set(triplets: miners.Triplets) -> set[tuple[int, int, int]]:
    return set(zip(*(part.tolist() for part in triplets), strict=True))


def every_triplet() -> set[tuple[int, int, int]]:
    rows = range(len(LABELS))
    return {
        (a, p, n)
        for a in rows
        for p in rows
        for n in rows
        if a != p and LABELS[a] == LABELS[p] and LABELS[a] != LABELS[n]
    }


def test_all_triplets() -> None:
    triplets = miners.all_triplets(LABELS)
    assert as_set(triplets) == every_triplet()
    assert len(triplets.anchors) == 3 * 2 * 9 + 2 * 10 + 4 * 3 * 8 + 2 * 10


def test_distances() -> None:
    points = torch.tensor([[1.0, 0], [0, 1], [-1, 0]])
    assert miners.distances_between(points, points).tolist() == [[0, 2, 4], [2, 0, 2], [4, 2, 0]]


def test_random_triplets_have_each_pair_once_and_all_negatives_in_time() -> None:
    draw = generator()
    triplets = [miners.random_triplets(LABELS, draw) for _ in range(60)]
    pairs = [list(zip(t.anchors.tolist(), t.positives.tolist(), strict=True)) for t in triplets]
    assert all(len(pair) == len(set(pair)) == 3 * 2 + 2 + 4 * 3 + 2 for pair in pairs)
    assert set().union(*map(as_set, triplets)) == every_triplet()


@pytest.mark.parametrize("seed", range(5))
def test_semi_hard_negatives_are_farther_by_less_than_the_margin(seed: int) -> None:
    points = embeddings(seed)
    apart = miners.distances_between(points, points)
    triplets = miners.semi_hard_triplets(apart, LABELS, generator(), margin=0.5)
    assert as_set(triplets) <= every_triplet()
    gap = apart[triplets.anchors, triplets.negatives] - apart[triplets.anchors, triplets.positives]
    assert ((gap > 0) & (gap < 0.5)).all()
    able = {(a, p) for a, p, n in every_triplet() if 0 < apart[a, n] - apart[a, p] < 0.5}
    assert {(a, p) for a, p, _ in as_set(triplets)} == able


@pytest.mark.parametrize("seed", range(5))
def test_batch_hard_is_that_of_the_oracle(seed: int) -> None:
    oracle = pytest.importorskip("pytorch_metric_learning.miners")
    points = embeddings(seed)
    triplets = miners.batch_hard_triplets(miners.distances_between(points, points), LABELS)
    theirs = oracle.BatchHardMiner()(points, LABELS)
    assert as_set(triplets) == set(zip(*(part.tolist() for part in theirs), strict=True))
    assert triplets.anchors.tolist() == list(range(11))


def test_semi_hard_candidates_are_those_of_the_oracle() -> None:
    oracle = pytest.importorskip("pytorch_metric_learning.miners")
    from pytorch_metric_learning.distances import LpDistance

    points = embeddings()
    theirs = oracle.TripletMarginMiner(0.5, "semihard", distance=LpDistance(power=2))(points, LABELS)
    allowed = set(zip(*(part.tolist() for part in theirs), strict=True))
    apart = miners.distances_between(points, points)
    chosen = as_set(miners.semi_hard_triplets(apart, LABELS, generator(), margin=0.5))
    assert chosen <= allowed
    assert {triplet[:2] for triplet in chosen} == {triplet[:2] for triplet in allowed}


def test_offline_triplets_are_hard() -> None:
    points = embeddings()
    triplets = miners.offline_triplets(points, LABELS, generator())
    assert as_set(triplets) <= every_triplet()
    assert sorted(triplets.anchors.tolist()) == list(range(11))
    apart = miners.distances_between(points, points)
    for a, p, n in as_set(triplets):
        others = apart[a][LABELS[a] != LABELS]
        farther = others[others > apart[a, p]]
        assert apart[a, n] == pytest.approx(float(farther.min() if len(farther) else others.max()), abs=1e-6)


def test_offline_positives_are_all_others_of_the_person_equally_often() -> None:
    labels = torch.tensor([2, 0, 2, 1, 2, 0])
    points = torch.nn.functional.normalize(torch.randn(6, 4, generator=generator()))
    draws = [as_set(miners.offline_triplets(points, labels, torch.Generator().manual_seed(n))) for n in range(600)]
    positives = Counter((a, p) for triplets in draws for a, p, _ in triplets)
    assert positives.keys() == {(0, 2), (0, 4), (2, 0), (2, 4), (4, 0), (4, 2), (1, 5), (5, 1)}
    assert positives[1, 5] == positives[5, 1] == 600
    assert all(230 < count < 370 for pair, count in positives.items() if 5 not in pair)


def test_offline_negatives_come_from_a_pool() -> None:
    """Of 20 people with 50 photos each; a pool of 10 has hardly ever the nearest of 950 negatives."""
    labels = torch.arange(20).repeat_interleave(50)
    points = torch.nn.functional.normalize(torch.randn(1000, 8, generator=generator()))
    apart = miners.distances_between(points, points)
    few, all_of_them = (miners.offline_triplets(points, labels, generator(), pool=pool) for pool in (10, 1000))
    assert len(all_of_them.anchors) == 1000
    for triplets in (few, all_of_them):
        assert (labels[triplets.anchors] == labels[triplets.positives]).all()
        assert (labels[triplets.anchors] != labels[triplets.negatives]).all()
        assert (triplets.anchors != triplets.positives).all()
    gaps = [
        (apart[triplets.anchors, triplets.negatives] - apart[triplets.anchors, triplets.positives]).abs().median()
        for triplets in (few, all_of_them)
    ]
    assert gaps[1] < 0.02 < gaps[0]


@pytest.mark.slow(seconds=5)
def test_offline_mining_of_a_hundred_thousand_photos_takes_seconds() -> None:
    labels = torch.arange(10_000).repeat_interleave(10)
    points = torch.nn.functional.normalize(torch.randn(100_000, 128, generator=generator()))
    begun = time.perf_counter()
    triplets = miners.offline_triplets(points, labels, generator())
    assert len(triplets.anchors) == 100_000
    assert (labels[triplets.anchors] != labels[triplets.negatives]).all()
    assert time.perf_counter() - begun < 60  # 4 s on an idle core


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_nothing_to_mine(labels: list[int]) -> None:
    people, points = torch.tensor(labels), embeddings()[:3]
    apart = miners.distances_between(points, points)
    for triplets in (
        miners.all_triplets(people),
        miners.random_triplets(people, generator()),
        miners.semi_hard_triplets(apart, people, generator(), margin=1),
        miners.batch_hard_triplets(apart, people),
        miners.offline_triplets(points, people, generator()),
    ):
        assert all(len(part) == 0 for part in triplets)
