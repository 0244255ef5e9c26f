"""Labels that are passed on, on graphs made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from visavis.clustering._neighbors import Edges
from visavis.clustering._whispers import chinese_whispers

from .made_up import partition


def passed_on(
    pairs: Sequence[tuple[int, int, float]],
    n: int,
    *,
    groups: Sequence[int] | None = None,
    labels: Sequence[int] | None = None,
    free: Sequence[bool] | None = None,
    seed: int = 0,
) -> list[int]:
    """Labels after whispering along edges (a, b, weight)."""
    rows, columns, weights = (np.array(column) for column in zip(*pairs, strict=True))
    edges = Edges(rows, columns, 1 - weights.astype(np.float32)).both_ways()
    found = chinese_whispers(
        edges,
        1 - edges.distances,
        np.arange(n) if labels is None else np.array(labels),
        np.arange(n) if groups is None else np.array(groups),
        free=np.ones(n, np.bool_) if free is None else np.array(free),
        seed=seed,
    )
    return found.tolist()


TWO_TRIANGLES = [(0, 1, 0.9), (1, 2, 0.9), (0, 2, 0.9), (3, 4, 0.9), (4, 5, 0.9), (3, 5, 0.9), (2, 3, 0.2)]


@pytest.mark.parametrize("seed", range(8))
def test_a_thin_bridge_does_not_join(seed: int) -> None:
    """Connected components would."""
    assert partition(passed_on(TWO_TRIANGLES, 7, seed=seed)) == {
        frozenset({0, 1, 2}),
        frozenset({3, 4, 5}),
        frozenset({6}),
    }


@pytest.mark.parametrize("seed", range(8))
def test_faces_of_one_photo_do_not_join(seed: int) -> None:
    """1 and 2 are of one photo: 0 goes with the one that it is nearer to."""
    labels = passed_on([(0, 1, 0.5), (0, 2, 0.9)], 3, groups=[0, 1, 1], seed=seed)
    assert labels[0] == labels[2] != labels[1]
    labels = passed_on([(0, 1, 0.9), (0, 2, 0.5), (1, 2, 0.99)], 3, groups=[0, 1, 1], seed=seed)
    assert labels[1] != labels[2]


def test_who_is_not_free_keeps_the_label() -> None:
    labels = passed_on([(0, 1, 0.9), (1, 2, 0.5)], 3, labels=[7, 1, 9], free=[False, True, False])
    assert labels == [7, 7, 9]


def test_the_seed_decides() -> None:
    """A chain of equal weights may break anywhere; with one seed always there."""
    chain = [(node, node + 1, 0.5) for node in range(40)]
    found = {seed: passed_on(chain, 41, seed=seed) for seed in range(4)}
    assert all(passed_on(chain, 41, seed=seed) == labels for seed, labels in found.items())
    assert len({tuple(labels) for labels in found.values()}) > 1
