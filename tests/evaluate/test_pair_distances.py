"""Pairs, compared in blocks: exactly those, and as many, as a plain double loop finds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.stats import pair_distances
from visavis.evaluate.stats.pair_distances import STEP, Compared, compare_everybody, compare_listed
from visavis.types import Floats

from .generated import at_angles, labeled, slow_pairs

EXACT = 3e-7
"""What float32 leaves of a distance."""


def sample(seed: int) -> tuple[Floats, NDArray[np.bool_], NDArray[np.intp]]:
    """45 photos of about 18 people, seven without a template."""
    rng = np.random.default_rng(seed)
    embeddings, people = labeled(rng, 45, 18)
    found = np.ones(45, np.bool_)
    found[rng.choice(45, 7, replace=False)] = False
    embeddings[~found] = 0
    return embeddings, found, people


def assert_as_slow(
    result: Compared, embeddings: Floats, found: NDArray[np.bool_], people: NDArray[np.intp], kept: float
) -> None:
    slow = slow_pairs(embeddings, found, people)
    assert (result.roc.genuine, result.roc.impostors) == (
        len(slow.genuine) + len(slow.failed_genuine),
        len(slow.impostors),
    )
    assert {tuple(sorted(pair)) for pair in result.failed_genuine.tolist()} == set(slow.failed_genuine)
    assert (len(result.failed_genuine), result.failed_impostors) == (len(slow.failed_genuine), slow.failed_impostors)
    assert result.genuine.distances == pytest.approx([one[0] for one in slow.genuine], abs=EXACT)
    nearest = slow.impostors[: len(result.impostors)]
    assert len(nearest) >= int(kept * len(slow.impostors))
    assert result.impostors.distances == pytest.approx([one[0] for one in nearest], abs=EXACT)
    for pairs, expected in ((result.genuine, slow.genuine), (result.impostors, nearest)):
        rows = {frozenset(pair) for pair in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)}
        assert rows == {frozenset(one[1:]) for one in expected}
        assert (np.diff(pairs.distances) >= 0).all()
    for threshold in result.roc.thresholds[:: max(1, len(result.roc.thresholds) // 50)]:
        for kind, total, rate in (
            (slow.genuine, result.roc.genuine, result.roc.at(threshold)[1]),
            (slow.impostors, result.roc.impostors, result.roc.at(threshold)[0]),
        ):
            at_least = sum(one[0] <= threshold - EXACT - STEP for one in kind)
            assert at_least <= round(rate * total) <= sum(one[0] <= threshold + EXACT for one in kind)


@pytest.mark.parametrize("block", [1, 7, 44, 45, 46, 1024])
@pytest.mark.parametrize("seed", [0, 1])
def test_everybody_as_in_a_double_loop(seed: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_distances, "BLOCK", block)
    monkeypatch.setattr(pair_distances, "LISTED_BLOCK", block)
    embeddings, found, people = sample(seed)
    assert_as_slow(compare_everybody(embeddings, found, people), embeddings, found, people, kept=0.19)


def test_one_person_of_many_photos_among_people_of_one() -> None:
    embeddings, _ = labeled(np.random.default_rng(3), 40, 40)
    people = np.maximum(np.arange(40) - 19, 0)
    result = compare_everybody(embeddings, np.ones(40, np.bool_), people)
    assert (result.roc.genuine, result.roc.impostors) == (190, 40 * 39 // 2 - 190)
    assert_as_slow(result, embeddings, np.ones(40, np.bool_), people, kept=0.19)


@pytest.mark.parametrize("block", [7, 1024])
def test_the_order_of_the_photos_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_distances, "BLOCK", block)
    embeddings, found, people = sample(4)
    order = np.random.default_rng(5).permutation(45)
    one, other = (
        compare_everybody(embeddings, found, people),
        compare_everybody(embeddings[order], found[order], people[order]),
    )
    assert other.roc.thresholds == pytest.approx(one.roc.thresholds, abs=STEP)
    assert other.roc.area == pytest.approx(one.roc.area, abs=1e-3)
    assert other.failed_impostors == one.failed_impostors
    rows = [{frozenset(pair) for pair in zip(each.a, each.b, strict=True)} for each in (one.impostors, one.genuine)]
    moved = [
        {frozenset((order[a], order[b])) for a, b in zip(each.a, each.b, strict=True)}
        for each in (other.impostors, other.genuine)
    ]
    assert moved == rows


def test_counts_at_a_threshold_are_those_of_the_distances_themselves() -> None:
    """Distances are rounded up to the grid: one up to a threshold stays so, one beyond it too."""
    embeddings, found, people = sample(6)
    result = compare_everybody(embeddings, found, people)
    assert (result.roc.thresholds / STEP == np.round(result.roc.thresholds / STEP)).all()
    kept, genuine = result.impostors.distances, result.genuine.distances
    for threshold in result.roc.thresholds:
        far, tar = result.roc.at(threshold)
        assert round(tar * result.roc.genuine) == (genuine <= threshold).sum()
        if threshold < kept[-1]:
            assert round(far * result.roc.impostors) == (kept <= threshold).sum()
    # No threshold is less than the distance it stands for, nor a step beyond it.
    for distance in np.concatenate([kept, genuine]).astype(np.float64):
        up = result.roc.thresholds[np.searchsorted(result.roc.thresholds, distance)]
        assert 0 <= up - distance < STEP
        assert result.roc.at(np.nextafter(distance - STEP, 0)) <= result.roc.at(distance - STEP)


def test_everybody_agrees_with_the_list_of_all_pairs() -> None:
    embeddings, found, people = sample(8)
    a, b = (rows.astype(np.int32) for rows in np.triu_indices(45, 1))
    one = compare_everybody(embeddings, found, people)
    other = compare_listed(embeddings, found, a, b, people[a] == people[b])
    assert (other.roc.genuine, other.roc.impostors) == (one.roc.genuine, one.roc.impostors)
    assert other.failed_impostors == one.failed_impostors
    assert other.failed_genuine.tolist() == sorted(map(sorted, one.failed_genuine.tolist()))
    assert other.roc.area == pytest.approx(one.roc.area, abs=1e-3)
    assert other.roc.equal_error == pytest.approx(one.roc.equal_error, abs=1e-3)
    assert len(other.impostors) == other.roc.impostors  # of listed pairs all are kept
    assert_as_slow(other, embeddings, found, people, kept=1)


@pytest.mark.parametrize("block", [1, 3, 100])
def test_listed_pairs_by_hand(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row n lies at a known distance from row 0; row 4 has no template."""
    monkeypatch.setattr(pair_distances, "LISTED_BLOCK", block)
    embeddings = at_angles([0, 0.5, 0.1, 0.3, 0.2, 1])
    found = np.array([True, True, True, True, False, True])
    a = np.array([0, 0, 3, 4, 0, 4, 0], np.int32)
    b = np.array([1, 2, 0, 0, 5, 1, 1], np.int32)
    same = np.array([True, False, True, True, False, False, True])
    result = compare_listed(embeddings, found, a, b, same)
    assert result.genuine.distances == pytest.approx([0.3, 0.5, 0.5], abs=EXACT)
    assert list(zip(result.genuine.a, result.genuine.b, strict=True)) == [(3, 0), (0, 1), (0, 1)]
    assert list(zip(result.impostors.a, result.impostors.b, strict=True)) == [(0, 2), (0, 5)]
    assert (result.roc.genuine, result.roc.impostors) == (4, 2)
    assert result.failed_genuine.tolist() == [[4, 0]]
    assert result.failed_impostors == 1
    assert result.roc.at(0.4) == (0.5, 0.25)


def test_a_tenth_and_a_little_more_is_kept_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, found, people = sample(9)
    every = compare_everybody(embeddings, found, people).roc.impostors
    for easily, most, kept in ((0, 10**6, 0.11 * every), (70, 10**6, 0.11 * every), (10**6, 50, 50), (85, 10**6, 85)):
        monkeypatch.setattr(pair_distances, "EASILY_KEPT", easily)
        monkeypatch.setattr(pair_distances, "MOST_KEPT", most)
        result = compare_everybody(embeddings, found, people)
        assert len(result.impostors) == int(kept)
        assert_as_slow(result, embeddings, found, people, kept=0)


def test_where_too_many_are_the_nearest_none_is_kept() -> None:
    embeddings = np.ones((30, 1), np.float32)
    result = compare_everybody(embeddings, np.ones(30, np.bool_), np.arange(30) // 2)
    assert (len(result.impostors), len(result.genuine)) == (0, 15)
    assert (result.roc.thresholds.tolist(), result.roc.at(0)) == ([0], (1, 1))


def test_opposite_embeddings_are_at_two_and_rounding_never_leaves_the_scale() -> None:
    rng = np.random.default_rng(2)
    ones = rng.standard_normal((20, 128)).astype(np.float32)
    ones /= np.linalg.norm(ones, axis=1, keepdims=True)
    embeddings = np.concatenate([ones, ones, -ones])  # twice the same, and the opposite
    people = np.concatenate([np.arange(20), np.arange(20), np.arange(20, 40)])
    result = compare_everybody(embeddings, np.ones(60, np.bool_), people)
    assert result.genuine.distances == pytest.approx(np.zeros(20), abs=EXACT)
    assert (result.genuine.distances.min() >= 0, result.roc.thresholds[-1] <= 2) == (True, True)
    assert result.roc.thresholds[-1] == pytest.approx(2, abs=STEP)


@pytest.mark.parametrize("people", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_people_of_one_kind_of_pairs_only_are_refused(people: list[int]) -> None:
    with pytest.raises(UsageError, match="one kind is missing"):
        compare_everybody(at_angles([0, 0.1, 0.2, 0.3]), np.ones(4, np.bool_), np.array(people))


def test_no_template_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="one kind is missing"):
        compare_everybody(np.zeros((4, 0), np.float32), np.zeros(4, np.bool_), np.array([0, 0, 1, 1]))


def test_embeddings_that_are_not_numbers_are_refused() -> None:
    embeddings = at_angles([0, 0.1, 0.2, 0.3])
    embeddings[2, 0] = np.nan
    with pytest.raises(UsageError, match="not a number"):
        compare_everybody(embeddings, np.ones(4, np.bool_), np.array([0, 0, 1, 1]))
    rows = np.arange(3, dtype=np.int32)
    with pytest.raises(UsageError, match="not a number"):
        compare_listed(embeddings, np.ones(4, np.bool_), rows, rows + 1, np.array([True, False, True]))
