"""Pairs of templates, compared: as they are listed, or everybody with everybody.

Among n photos there are n (n - 1) / 2 pairs: millions. They are compared in blocks and counted exactly, at a grid of
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
"""Listed pairs that are compared at once: their embeddings are copied."""
STEP = 2.0**-20
"""Distances are counted rounded up to multiples of this: about 1e-6, of a scale from 0 to 2."""
GRID = round(2 / STEP) + 1
NEAREST = 0.1
"""Share of the impostor pairs that is kept, the nearest ones: what the tabled rates of false accepts are about.

A tenth more is kept, and twice as many up to ``EASILY_KEPT``: a sample drawn anew reaches farther.
"""
EASILY_KEPT = 1_000_000
MOST_KEPT = 20_000_000
"""Pairs kept at most (twelve bytes each); of more than two hundred million impostor pairs it is a smaller share."""

Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of rows ``a (n,)`` and ``b (n,)`` by rising ``distances (n,)``."""

    a: Rows
    b: Rows
    distances: Floats

    @classmethod
    def ordered(cls, a: Rows, b: Rows, distances: Floats) -> Pairs:
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
    genuine: Pairs
    impostors: Pairs
    failed_genuine: Rows
    failed_impostors: int


def listed(embeddings: Floats, found: NDArray[np.bool_], a: Rows, b: Rows, same: NDArray[np.bool_]) -> Compared:
    """Compare the listed pairs of rows ``a (n,)`` and ``b (n,)``; ``same (n,)`` says which show one person."""
    usable = found[a] & found[b]
    distances = between(embeddings, a, b)

    def kept(which: NDArray[np.bool_]) -> Pairs:
        return Pairs.ordered(a[which], b[which], distances[which])

    genuine, impostors = kept(usable & same), kept(usable & ~same)
    failed = same & ~usable
    roc = Roc.of(genuine.distances, impostors.distances, failed=int(failed.sum()))
    return Compared(roc, genuine, impostors, np.stack([a[failed], b[failed]], axis=1), int((~same & ~usable).sum()))


def between(embeddings: Floats, a: Rows, b: Rows) -> Floats:
    """Cosine distances ``(n,)`` between the rows ``a (n,)`` and ``b (n,)``."""
    distances = np.empty(len(a), np.float32)
    for start in range(0, len(a), LISTED_BLOCK):
        some = slice(start, start + LISTED_BLOCK)
        distances[some] = np.clip(1 - np.einsum("nd,nd->n", embeddings[a[some]], embeddings[b[some]]), 0, 2)
    return distances


def everybody(embeddings: Floats, found: NDArray[np.bool_], people: NDArray[np.intp]) -> Compared:
    """Compare all pairs of rows; ``people (n,)`` numbers the person of each."""
    rows = np.flatnonzero(found).astype(np.int32)
    some, whose = np.ascontiguousarray(embeddings[rows]), people[rows]
    if not np.isfinite(some).all():
        raise UsageError("a distance is not a number: the model's embeddings cannot be compared.")
    genuine_rows = _pairs_within(people)
    usable = found[genuine_rows].all(axis=1)
    failed = genuine_rows[~usable]
    first, second = genuine_rows[usable].T
    distances = between(embeddings, first, second)
    counts = _impostor_counts(some, whose)
    roc = _roc(distances, counts, len(failed))
    limit = _nearest_limit(counts)
    nearest = _impostors_up_to(some, whose, limit)
    impostors = Pairs.ordered(rows[nearest.a], rows[nearest.b], nearest.distances)
    lost = _impostor_pairs(people) - roc.impostors
    return Compared(roc, Pairs.ordered(first, second, distances), impostors, failed, lost)


def _pairs_within(people: NDArray[np.intp]) -> Rows:
    """All pairs of rows ``(m, 2)`` of one person."""
    order = np.argsort(people, kind="stable").astype(np.int32)
    groups = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    pairs = [np.stack([group[i] for i in np.triu_indices(len(group), 1)], axis=1) for group in groups if len(group) > 1]
    return np.concatenate(pairs) if pairs else np.empty((0, 2), np.int32)


def _impostor_pairs(people: NDArray[np.intp]) -> int:
    counts = np.bincount(people)
    return int(counts.sum() ** 2 - (counts**2).sum()) // 2


def _blocks(embeddings: Floats, people: NDArray[np.intp]) -> Iterator[tuple[int, Floats]]:
    """Yield distances of ``BLOCK`` rows to all rows from the block's first on; 3 where a pair is none of strangers."""
    for start in range(0, len(embeddings), BLOCK):
        block = np.clip(1 - embeddings[start : start + BLOCK] @ embeddings[start:].T, 0, 2)
        block[people[start : start + BLOCK, None] == people[None, start:]] = 3
        width = len(block)
        block[:, :width][np.tril_indices(width)] = 3  # each pair once
        yield start, block


def _impostor_counts(embeddings: Floats, people: NDArray[np.intp]) -> Counts:
    """How many impostor pairs there are at each distance of the grid ``(GRID,)``."""
    counts = np.zeros(GRID, np.int64)
    for _, block in _blocks(embeddings, people):
        steps = np.ceil(block[block < 3] / np.float32(STEP)).astype(np.int32)
        counts += np.bincount(steps, minlength=GRID)
    return counts


def _roc(genuine: Floats, impostors: Counts, failed: int) -> Roc:
    near = np.bincount(np.ceil(genuine / np.float32(STEP)).astype(np.int32), minlength=GRID)
    there = np.flatnonzero(near + impostors)
    thresholds = there.astype(np.float64) * STEP
    accepted, false = np.cumsum(near[there]), np.cumsum(impostors[there])
    return Roc(thresholds, accepted, false, len(genuine) + failed, int(impostors.sum()))


def _nearest_limit(counts: Counts) -> float:
    """Greatest distance on the grid up to which the nearest impostors are kept."""
    summed = np.cumsum(counts)
    wanted = NEAREST * float(summed[-1])
    most = min(max(1.1 * wanted, min(2 * wanted, EASILY_KEPT)), MOST_KEPT)
    return float(np.searchsorted(summed, most, side="right") - 1) * STEP


def _impostors_up_to(embeddings: Floats, people: NDArray[np.intp], limit: float) -> Pairs:
    found = []
    for start, block in _blocks(embeddings, people):
        a, b = np.nonzero(block <= np.float32(limit))
        found.append(Pairs((a + start).astype(np.int32), (b + start).astype(np.int32), block[a, b]))
    return Pairs(
        np.concatenate([one.a for one in found]),
        np.concatenate([one.b for one in found]),
        np.concatenate([one.distances for one in found]),
    )
