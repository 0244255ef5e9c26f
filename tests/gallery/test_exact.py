"""Exact search against the plainest search there is, distance for distance and tie for tie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.gallery.index import INDEXES, Hit
from visavis.gallery.index import exact as module
from visavis.gallery.index.exact import Exact
from visavis.types import Floats

Rows = dict[int, tuple[int, Floats]]


def brute_force(rows: Rows, probe: Floats, top: int) -> list[Hit]:
    hits: dict[int, Hit] = {}
    for template, (person, vector) in rows.items():
        similarity = (vector.astype(np.float64) * probe.astype(np.float64)).sum()
        hit = Hit(person, template, min(max(1 - float(similarity), 0.0), 2.0))
        best = hits.get(person)
        if best is None or (hit.distance, template) < (best.distance, best.template_id):
            hits[person] = hit
    return sorted(hits.values(), key=lambda hit: (hit.distance, hit.person_id))[:top]


def filled(rows: Rows, dimension: int) -> Exact:
    index = Exact(dimension=dimension)
    ids = np.array(list(rows), np.int64)
    people = np.array([person for person, _ in rows.values()], np.int64)
    index.add(ids, people, np.array([v for _, v in rows.values()], np.float32).reshape(-1, dimension))
    return index


def unit(rows: Floats) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def on_a_grid(draw: st.DrawFn) -> tuple[Rows, Floats]:
    """Few directions for many templates: exact ties everywhere."""
    dimension = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 120))
    steps = rng.integers(-1, 2, size=(count + 3, dimension))
    steps[~steps.any(axis=1)] = 1
    vectors = unit(steps.astype(np.float32))
    people = rng.integers(1, draw(st.integers(2, 40)), size=count)
    ids = rng.permutation(np.arange(1, count + 1))
    return {int(i): (int(p), v) for i, p, v in zip(ids, people, vectors, strict=False)}, vectors[-3:]


@given(on_a_grid(), st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_ties_are_resolved_as_by_brute_force_also_after_removals(
    case: tuple[Rows, Floats], top: int, seed: int
) -> None:
    rows, probes = case
    index = filled(rows, probes.shape[1])
    assert index.search(probes, top) == [brute_force(rows, probe, top) for probe in probes]

    gone = [i for i in rows if np.random.default_rng([seed, i]).random() < 0.4]
    index.remove(np.array([*gone, 10_000], np.int64))  # one that was never there
    left = {i: row for i, row in rows.items() if i not in gone}
    assert index.search(probes, top) == [brute_force(left, probe, top) for probe in probes]
    ids, people = index.entries()
    assert dict(zip(ids, people, strict=True)) == {i: person for i, (person, _) in left.items()}


@pytest.mark.parametrize("dimension", [1, 2, 128, 513])
def test_equals_brute_force_for_real_sizes(dimension: int) -> None:
    rng = np.random.default_rng(dimension)
    vectors = unit(rng.normal(size=(3000, dimension)).astype(np.float32))
    people = rng.integers(1, 300, size=3000)
    rows = {i + 1: (int(people[i]), vectors[i]) for i in range(3000)}
    probes = unit(rng.normal(size=(4, dimension)).astype(np.float32))
    found = filled(rows, dimension).search(probes, 7)
    assert found == [brute_force(rows, probe, 7) for probe in probes]


def test_nearly_equal_templates_are_ranked_by_their_true_distance() -> None:
    """One float32 rounding apart: the product in float32 cannot rank these, the finalists' distances can."""
    rng = np.random.default_rng(5)
    base = unit(rng.normal(size=(1, 256)).astype(np.float32))
    jitter = rng.integers(-1, 2, size=(2000, 256)).astype(np.float32) * np.float32(6e-8)
    vectors = (base + jitter).astype(np.float32)
    rows = {i + 1: (i + 1, vectors[i]) for i in range(2000)}
    probe = unit(rng.normal(size=(1, 256)).astype(np.float32))
    assert filled(rows, 256).search(probe, 5) == [brute_force(rows, probe[0], 5)]


def test_answers_do_not_depend_on_batch_or_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    vectors = unit(rng.normal(size=(500, 64)).astype(np.float32))
    rows = {i + 1: (i // 5, vectors[i]) for i in range(500)}
    index = filled(rows, 64)
    probes = unit(rng.normal(size=(20, 64)).astype(np.float32))
    together = index.search(probes, 3)
    assert [index.search(probe[None], 3)[0] for probe in probes] == together
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * 500 * 3)
    monkeypatch.setattr(module, "FINAL_ROWS", 2)
    assert index.search(probes, 3) == together


def test_a_person_with_many_near_templates_comes_once_and_hides_nobody() -> None:
    probe = np.array([[1, 0]], np.float32)
    angles = np.linspace(0.001, 0.01, 400)
    rows: Rows = {i + 1: (7, np.array([np.cos(a), np.sin(a)], np.float32)) for i, a in enumerate(angles)}
    rows[900] = (3, np.array([0, 1], np.float32))
    rows[901] = (4, np.array([-1, 0], np.float32))
    (hits,) = filled(rows, 2).search(probe, 3)
    assert [(hit.person_id, hit.template_id) for hit in hits] == [(7, 1), (3, 900), (4, 901)]
    assert [round(hit.distance, 6) for hit in hits[1:]] == [1.0, 2.0]


def test_grows_past_its_first_size_and_keeps_every_row() -> None:
    rng = np.random.default_rng(8)
    vectors = unit(rng.normal(size=(5000, 8)).astype(np.float32))
    index = Exact(dimension=8)
    for start in range(0, 5000, 7):
        ids = np.arange(start, min(start + 7, 5000)) + 1
        index.add(ids, ids, vectors[start : start + 7])
    found = index.search(vectors, 1)
    assert [hits[0].template_id for hits in found] == list(range(1, 5001))
    assert max(hits[0].distance for hits in found) < 1e-6


def test_an_empty_index_finds_nobody() -> None:
    index = INDEXES.create("exact", dimension=3)
    assert index.search(np.eye(3, dtype=np.float32), 2) == [[], [], []]
    index.add(np.array([1]), np.array([1]), np.eye(3, dtype=np.float32)[:1])
    index.remove(np.array([1]))
    assert index.search(np.eye(3, dtype=np.float32)[:1], 2) == [[]]
