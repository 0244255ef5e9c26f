"""The graph against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.clustering import _neighbors
from visavis.clustering._neighbors import Edges, neighbors

from .made_up import at_angles, people


def brute(embeddings: np.ndarray, groups: np.ndarray, limit: float, count: int) -> list[list[int]]:
    """Columns of each row, nearest first."""
    distances = 1 - embeddings.astype(np.float64) @ embeddings.T.astype(np.float64)
    distances[groups[:, None] == groups] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return [[int(c) for c in some if distances[row, c] <= limit] for row, some in enumerate(order)]


def columns(edges: Edges, n: int) -> list[list[int]]:
    return [edges.columns[edges.rows == row].tolist() for row in range(n)]


@pytest.mark.parametrize("tile", [7, 64, 2048])
@pytest.mark.parametrize(("limit", "count"), [(0.12, 32), (0.3, 5), (2.0, 3), (2.0, 400)])
def test_it_is_what_brute_force_finds(monkeypatch: pytest.MonkeyPatch, tile: int, limit: float, count: int) -> None:
    """Few edges, many, and all; whatever the size of tiles, and however often the edges held are thinned."""
    monkeypatch.setattr(_neighbors, "TILE", tile)
    monkeypatch.setattr(_neighbors, "MAX_EDGES", 500)
    embeddings, _ = people([9, 5, 30, 1, 1, 40], spread=0.4)
    groups = np.arange(len(embeddings)) // 2
    found = neighbors(embeddings, groups, limit=limit, count=count)
    assert columns(found, len(embeddings)) == brute(embeddings, groups, limit, count)
    products = (embeddings[found.rows].astype(np.float64) * embeddings[found.columns]).sum(axis=1)
    assert found.distances == pytest.approx(1 - products, abs=1e-6)


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(0, 40), st.integers(1, 8), st.integers(0, 1000))
def test_of_any_size(n: int, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    embeddings = people([n], seed=seed, spread=1.5)[0] if n else np.empty((0, 8), np.float32)
    groups = random.integers(0, 6, n)
    assert columns(neighbors(embeddings, groups, limit=0.7, count=count), n) == brute(embeddings, groups, 0.7, count)


def test_copies_of_one_face_are_bounded() -> None:
    """All equally near: some of them are taken, none twice, never the face itself."""
    embeddings = np.tile(at_angles(20), (300, 1))
    found = neighbors(embeddings, np.arange(300), limit=0.1, count=4)
    assert np.bincount(found.rows).tolist() == [4] * 300
    assert not (found.rows == found.columns).any()
    assert len({*zip(found.rows.tolist(), found.columns.tolist(), strict=True)}) == 1200


def test_both_ways() -> None:
    """Each edge in both directions, once, by row and distance."""
    edges = Edges(np.array([0, 0, 1]), np.array([2, 1, 0]), np.array([0.1, 0.2, 0.2], np.float32)).both_ways()
    assert edges.rows.tolist() == [0, 0, 1, 2]
    assert edges.columns.tolist() == [2, 1, 0, 0]
    assert edges.distances == pytest.approx([0.1, 0.2, 0.2, 0.1])
    assert len(edges.within(0.15)) == 2
