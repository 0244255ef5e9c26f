"""Search in one pass among so few rows that selecting takes longer than all products, with the same answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Hit, Ids
from visavis.gallery.index._blocks import Block
from visavis.types import Floats

FEW_ROWS = 65_536
BEST, MORE = 4, 8
"""Rows examined first: ``BEST * top``; ``MORE`` times as many where they belong to too few owners."""
ONE_THREAD = 1_500_000
"""Values up to which one probe is multiplied on one thread: BLAS's threads wait for each other on busy processors."""
PART_VALUES = 8192
EXACT_ROWS = 2048
"""Maximal number of distances computed: for more ties, the search by finalists is faster."""


def nearest_few(
    block: Block, probes: Floats, top: int, mask: NDArray[np.bool_], *, by_person: bool, margin: float
) -> list[list[Hit] | None]:
    """Return the nearest owners of the rows in ``mask (n,)`` for each of ``probes (m, d)``; None for too many ties."""
    owner = (block.people if by_person else block.ids)[: block.count]
    embeddings = block.embeddings[: block.count]
    scores = products(probes, embeddings)
    rows = None if mask.all() else np.flatnonzero(mask)
    if rows is not None:
        scores, owner = scores[:, rows], owner[rows]
    answers: list[list[Hit] | None] = []
    for probe, row_scores in zip(probes, scores, strict=True):
        chosen = _choose_rows(row_scores, owner, top, margin)
        if len(chosen) > EXACT_ROWS:
            answers.append(None)
        else:
            answers.append(_rank_owners(block, chosen if rows is None else rows[chosen], owner[chosen], probe, top))
    return answers


def products(probes: Floats, embeddings: Floats) -> Floats:
    """Return the similarities ``(m, n)`` in float32."""
    if len(probes) > 1 or embeddings.size > ONE_THREAD:
        return probes @ embeddings.T
    # BLAS computes products of parts this small on one thread.
    size = max(1, PART_VALUES // probes.shape[1])
    whole = len(embeddings) - len(embeddings) % size
    parts: Floats = np.matmul(embeddings[:whole].reshape(-1, size, probes.shape[1]), probes[0])
    return np.concatenate([parts.reshape(-1), embeddings[whole:] @ probes[0]])[None]


def _choose_rows(scores: Floats, owner: Ids, top: int, margin: float) -> NDArray[np.intp]:
    """Return the rows that may be nearest of a ``top`` nearest owner, by scores ``(n,)`` that err up to ``margin``."""
    count = BEST * top
    while count < len(scores):
        near = np.flatnonzero(scores >= _score_reached_by(scores, count))
        near = near[np.argsort(-scores[near])]
        owners: set[int] = set()
        for i, row_owner in enumerate(owner[near].tolist()):
            owners.add(row_owner)
            if len(owners) == top:
                # Each is within the margin of its score; from 1 on all distances are 0, and from -1 down all are 2.
                low = min(float(scores[near[i]]), 1.0) - 2 * margin
                if low <= -1 + margin:
                    break
                return np.flatnonzero(scores >= np.nextafter(np.float32(low), np.float32(-2)))
        count = len(scores) if len(owners) == top else MORE * count
    return np.arange(len(scores))


def _score_reached_by(scores: Floats, count: int) -> np.float32:
    """Return a score that ``count`` rows reach, and few more, by the highest score of each part of the rows."""
    size = max(1, len(scores) // (4 * count))
    parts = len(scores) // size
    highest = scores[: size * parts].reshape(size, parts).max(axis=0)
    bar: np.float32 = np.partition(highest, parts - count)[parts - count]
    return bar


def _rank_owners(block: Block, rows: NDArray[np.intp], owner: Ids, probe: Floats, top: int) -> list[Hit]:
    """Compute the distances row by row; return the ``top`` nearest owners, nearest first."""
    distance = np.clip(1 - (block.embeddings[rows] * probe.astype(np.float64)).sum(axis=1), 0.0, 2.0)
    columns = (distance, owner, block.ids[rows], block.people[rows])
    hits: dict[int, Hit] = {}
    for row_distance, row_owner, template, person in sorted(zip(*(column.tolist() for column in columns), strict=True)):
        if row_owner not in hits:
            hits[row_owner] = Hit(person, template, row_distance)
            if len(hits) == top:
                break
    return list(hits.values())
