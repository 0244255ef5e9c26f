"""Search among so few rows that choosing would take longer than all products: one pass, with the same answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Hit, Ids
from visavis.gallery.index._blocks import Block
from visavis.types import Floats

FEW_ROWS = 65_536
BEST, MORE = 4, 8
"""Rows looked at first, by the owners wanted; by so many times more where they are of too few owners."""
ONE_THREAD = 1_500_000
"""Values up to which one probe is not worth BLAS's threads, which wait for each other where processors are busy."""
PART_VALUES = 8192
EXACT_ROWS = 2048
"""Rows whose distances are computed at most: with more that tie, the search by finalists is quicker."""


def nearest_few(
    block: Block, probes: Floats, top: int, wanted: NDArray[np.bool_], *, by_person: bool, margin: float
) -> list[list[Hit] | None]:
    """Nearest owners of ``wanted (n,)`` rows of a block, for each of ``probes (m, d)``; None where too many tie."""
    owner = (block.people if by_person else block.ids)[: block.count]
    embeddings = block.embeddings[: block.count]
    scores = products(probes, embeddings)
    rows = None if wanted.all() else np.flatnonzero(wanted)
    if rows is not None:
        scores, owner = scores[:, rows], owner[rows]
    answers: list[list[Hit] | None] = []
    for probe, line in zip(probes, scores, strict=True):
        chosen = _chosen(line, owner, top, margin)
        if len(chosen) > EXACT_ROWS:
            answers.append(None)
        else:
            answers.append(_hits(block, chosen if rows is None else rows[chosen], owner[chosen], probe, top))
    return answers


def products(probes: Floats, embeddings: Floats) -> Floats:
    """Similarities ``(m, n)`` in float32."""
    if len(probes) > 1 or embeddings.size > ONE_THREAD:
        return probes @ embeddings.T
    # Products of parts so small that BLAS computes them on one thread.
    size = max(1, PART_VALUES // probes.shape[1])
    whole = len(embeddings) - len(embeddings) % size
    parts: Floats = np.matmul(embeddings[:whole].reshape(-1, size, probes.shape[1]), probes[0])
    return np.concatenate([parts.reshape(-1), embeddings[whole:] @ probes[0]])[None]


def _chosen(scores: Floats, owner: Ids, top: int, margin: float) -> NDArray[np.intp]:
    """Rows that may be the nearest of one of the ``top`` nearest owners, by scores ``(n,)`` within ``margin``."""
    count = BEST * top
    while count < len(scores):
        near = np.flatnonzero(scores >= _reached_by(scores, count))
        near = near[np.argsort(-scores[near])]
        owners: set[int] = set()
        for place, one in enumerate(owner[near].tolist()):
            owners.add(one)
            if len(owners) == top:
                # Each is within the margin of its score; from 1 on all distances are 0, and from -1 down all are 2.
                low = min(float(scores[near[place]]), 1.0) - 2 * margin
                if low <= -1 + margin:
                    break
                return np.flatnonzero(scores >= np.nextafter(np.float32(low), np.float32(-2)))
        count = len(scores) if len(owners) == top else MORE * count
    return np.arange(len(scores))


def _reached_by(scores: Floats, count: int) -> np.float32:
    """Return a score that ``count`` rows reach, and few more: the highest of parts of the rows are looked at."""
    size = max(1, len(scores) // (4 * count))
    parts = len(scores) // size
    highest = scores[: size * parts].reshape(size, parts).max(axis=0)
    bar: np.float32 = np.partition(highest, parts - count)[parts - count]
    return bar


def _hits(block: Block, rows: NDArray[np.intp], owner: Ids, probe: Floats, top: int) -> list[Hit]:
    """Compute the distances, row by row, and rank the owners."""
    distance = np.clip(1 - (block.embeddings[rows] * probe.astype(np.float64)).sum(axis=1), 0.0, 2.0)
    columns = (distance, owner, block.ids[rows], block.people[rows])
    hits: dict[int, Hit] = {}
    for away, one, template, person in sorted(zip(*(column.tolist() for column in columns), strict=True)):
        if one not in hits:
            hits[one] = Hit(person, template, away)
            if len(hits) == top:
                break
    return list(hits.values())
