from __future__ import annotations

import numpy as np
import pytest

from visavis.train import sampler


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("count", "size", "lengths"), [(10, 4, [4, 4, 2]), (9, 4, [4, 5]), (3, 8, [3]), (1, 8, [1])])
def test_shuffled_batches_hold_each_row_once_and_none_is_alone(count: int, size: int, lengths: list[int]) -> None:
    batches = sampler.shuffled(count, size, rng())
    assert [len(batch) for batch in batches] == lengths
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))


def test_batches_have_p_people_with_k_pictures() -> None:
    labels = np.repeat(np.arange(7), 6)
    batches = sampler.people_by_pictures(labels, people=3, pictures=4, rng=rng())
    assert len(batches) == 4  # 42 pictures, 12 a batch
    for batch in batches:
        people, counts = np.unique(labels[batch], return_counts=True)
        assert len(people) == 3
        assert counts.tolist() == [4, 4, 4]
        assert len(set(batch.tolist())) == 12


def test_nothing_is_repeated_before_all_was_seen() -> None:
    labels = np.repeat(np.arange(4), 6)
    batches = sampler.people_by_pictures(labels, people=2, pictures=3, rng=rng())
    assert sorted(np.concatenate(batches).tolist()) == list(range(24))


def test_people_with_few_pictures_repeat_them() -> None:
    labels = np.array([0, 1, 1, 2, 2, 2, 2, 2])
    (batch, *_) = sampler.people_by_pictures(labels, people=9, pictures=4, rng=rng())
    assert np.bincount(labels[batch]).tolist() == [4, 4, 4]
    assert len(set(batch[labels[batch] == 1].tolist())) == 2


def test_batches_follow_from_the_seed() -> None:
    labels = np.repeat(np.arange(5), 5)
    first, again, other = (
        np.concatenate(sampler.people_by_pictures(labels, people=3, pictures=2, rng=rng(seed))) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_triplets_stay_whole() -> None:
    anchors, positives, negatives = np.arange(10), np.arange(10) + 100, np.arange(10) + 200
    batches = sampler.triplet_rows(anchors, positives, negatives, 12)
    assert [len(batch) for batch in batches] == [12, 12, 6]
    for batch in batches:
        a, p, n = batch.reshape(3, -1)
        assert np.array_equal(p, a + 100)
        assert np.array_equal(n, a + 200)
