"""Distances of pairs of templates: of listed pairs, or of all pairs.

Among n photos there are n (n - 1) / 2 pairs: millions. They are compared in blocks and counted exactly, on a grid of
distances of a millionth; only pairs of one person and the nearest impostors are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.stats.metrics import Counts, Roc
from visavis.types import Floats

BLOCK = 1024
LISTED_BLOCK = 1 << 16
"""Listed pairs compared at once; their embeddings are copied."""
STEP = 2.0**-20
"""Step of the grid to which counted distances are rounded up: about 1e-6, on a scale from 0 to 2."""
GRID = round(2 / STEP) + 1
NEAREST = 0.1
"""Share of the impostor pairs that is kept, the nearest ones, which determine the tabled rates of false accepts.

A tenth more is kept, and twice as many up to ``EASILY_KEPT``, since bootstrap samples reach farther.
"""
EASILY_KEPT = 1_000_000
MOST_KEPT = 20_000_000
"""Most pairs kept (twelve bytes each); with more than two hundred million impostor pairs the share is smaller."""

PairRows = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class RankedPairs:
    """Pairs of rows ``a (n,)`` and ``b (n,)`` by increasing ``distances (n,)``."""

    a: PairRows
    b: PairRows
    distances: Floats

    @classmethod
    def ordered(cls, a: PairRows, b: PairRows, distances: Floats) -> RankedPairs:
        """Sort pairs by distance."""
        order = np.argsort(distances, kind="stable")
        return cls(a[order], b[order], distances[order])

    def __len__(self) -> int:
        return len(self.distances)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Counts of all pairs (``roc``), the ``genuine`` pairs, and the nearest ``impostors``.

    ``failed_genuine (m, 2)`` are the pairs of rows of one person that could not be compared; ``failed_impostors``
    counts those of two people.
    """

    roc: Roc
    genuine: RankedPairs
    impostors: RankedPairs
    failed_genuine: PairRows
    failed_impostors: int


def compare_listed(
    embeddings: Floats, has_template: NDArray[np.bool_], a: PairRows, b: PairRows, same: NDArray[np.bool_]
) -> Compared:
    """Compare the listed pairs of rows ``a (n,)`` and ``b (n,)``; ``same (n,)`` marks pairs of one person.

    ``has_template (n,)`` marks the rows that can be compared.
    """
    usable = has_template[a] & has_template[b]
    distances = row_distances(embeddings, a, b)

    def select(mask: NDArray[np.bool_]) -> RankedPairs:
        return RankedPairs.ordered(a[mask], b[mask], distances[mask])

    genuine, impostors = select(usable & same), select(usable & ~same)
    failed = same & ~usable
    roc = Roc.of(genuine.distances, impostors.distances, failed=int(failed.sum()))
    return Compared(roc, genuine, impostors, np.stack([a[failed], b[failed]], axis=1), int((~same & ~usable).sum()))


def row_distances(embeddings: Floats, a: PairRows, b: PairRows) -> Floats:
    """Return the cosine distances ``(n,)`` of the rows ``a (n,)`` and ``b (n,)``."""
    distances = np.empty(len(a), np.float32)
    for start in range(0, len(a), LISTED_BLOCK):
        block = slice(start, start + LISTED_BLOCK)
        distances[block] = np.clip(1 - np.einsum("nd,nd->n", embeddings[a[block]], embeddings[b[block]]), 0, 2)
    return distances


def compare_everybody(embeddings: Floats, has_template: NDArray[np.bool_], people: NDArray[np.intp]) -> Compared:
    """Compare all pairs of rows; ``people (n,)`` numbers the person of each."""
    rows = np.flatnonzero(has_template).astype(np.int32)
    usable_embeddings, usable_people = np.ascontiguousarray(embeddings[rows]), people[rows]
    if not np.isfinite(usable_embeddings).all():
        raise UsageError("a distance is not a number: the model's embeddings cannot be compared.")
    genuine_rows = _pair_same_people(people)
    comparable = has_template[genuine_rows].all(axis=1)
    failed = genuine_rows[~comparable]
    first, second = genuine_rows[comparable].T
    distances = row_distances(embeddings, first, second)
    counts = _count_impostors(usable_embeddings, usable_people)
    roc = _make_roc(distances, counts, len(failed))
    limit = _find_limit(counts)
    nearest = _collect_impostors(usable_embeddings, usable_people, limit)
    impostors = RankedPairs.ordered(rows[nearest.a], rows[nearest.b], nearest.distances)
    lost = _count_impostor_pairs(people) - roc.impostors
    return Compared(roc, RankedPairs.ordered(first, second, distances), impostors, failed, lost)


def _pair_same_people(people: NDArray[np.intp]) -> PairRows:
    """Return all pairs of rows ``(m, 2)`` of one person."""
    order = np.argsort(people, kind="stable").astype(np.int32)
    groups = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    pairs = [np.stack([group[i] for i in np.triu_indices(len(group), 1)], axis=1) for group in groups if len(group) > 1]
    return np.concatenate(pairs) if pairs else np.empty((0, 2), np.int32)


def _count_impostor_pairs(people: NDArray[np.intp]) -> int:
    counts = np.bincount(people)
    return int(counts.sum() ** 2 - (counts**2).sum()) // 2


def _iterate_blocks(embeddings: Floats, people: NDArray[np.intp]) -> Iterator[tuple[int, Floats]]:
    """Yield a row number and the distances of ``BLOCK`` rows from there to all later rows; 3 marks no impostor pair."""
    for start in range(0, len(embeddings), BLOCK):
        block = np.clip(1 - embeddings[start : start + BLOCK] @ embeddings[start:].T, 0, 2)
        block[people[start : start + BLOCK, None] == people[None, start:]] = 3
        width = len(block)
        block[:, :width][np.tril_indices(width)] = 3  # each pair once
        yield start, block


def _count_impostors(embeddings: Floats, people: NDArray[np.intp]) -> Counts:
    """Count the impostor pairs at each distance of the grid ``(GRID,)``."""
    counts = np.zeros(GRID, np.int64)
    for _, block in _iterate_blocks(embeddings, people):
        steps = np.ceil(block[block < 3] / np.float32(STEP)).astype(np.int32)
        counts += np.bincount(steps, minlength=GRID)
    return counts


def _make_roc(genuine: Floats, impostors: Counts, failed: int) -> Roc:
    near = np.bincount(np.ceil(genuine / np.float32(STEP)).astype(np.int32), minlength=GRID)
    occurring = np.flatnonzero(near + impostors)
    thresholds = occurring.astype(np.float64) * STEP
    accepted, false = np.cumsum(near[occurring]), np.cumsum(impostors[occurring])
    return Roc(thresholds, accepted, false, len(genuine) + failed, int(impostors.sum()))


def _find_limit(counts: Counts) -> float:
    """Return the greatest distance on the grid up to which the nearest impostors are kept."""
    summed = np.cumsum(counts)
    target = NEAREST * float(summed[-1])
    most = min(max(1.1 * target, min(2 * target, EASILY_KEPT)), MOST_KEPT)
    return float(np.searchsorted(summed, most, side="right") - 1) * STEP


def _collect_impostors(embeddings: Floats, people: NDArray[np.intp], limit: float) -> RankedPairs:
    parts = []
    for start, block in _iterate_blocks(embeddings, people):
        a, b = np.nonzero(block <= np.float32(limit))
        parts.append(RankedPairs((a + start).astype(np.int32), (b + start).astype(np.int32), block[a, b]))
    return RankedPairs(
        np.concatenate([part.a for part in parts]),
        np.concatenate([part.b for part in parts]),
        np.concatenate([part.distances for part in parts]),
    )
