"""Faces of a cluster that may show another person than most of it.

A cluster is joined face by face, so that two people who look alike can be in one although most faces of the one are
far from most faces of the other. Such parts are found by looking at the cluster as a whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis import compare
from visavis.clustering._cluster import SLACK, choose_default_far
from visavis.types import Floats

ROUNDS = 10
"""Most rounds of moving faces between two parts, and most parts that are split off."""
MOST_ALONE = 50
"""Most faces that are looked at one by one: with so many far ones, the parts of a cluster say more."""


def choose_doubt_limit(count: int, table: compare.Calibration) -> float:
    """Return the mean distance beyond which parts of a cluster are not taken for one person, among ``count`` faces."""
    return table.threshold(choose_default_far(count, table)) * SLACK


def find_doubtful(embeddings: Floats, limit: float) -> NDArray[np.bool_]:
    """Return which faces of a cluster are doubtful ``(n,)``, given their embeddings ``(n, d)`` of length 1.

    First those whose mean distance to all others exceeds ``limit``, the farthest first. Then the rest is split in two
    as far apart as can be: where the mean distance between the parts exceeds ``limit``, the smaller is doubtful, and so
    on with the larger.
    """
    doubtful = np.zeros(len(embeddings), bool)
    exact = embeddings.astype(np.float64)
    for _ in range(MOST_ALONE):
        far = _find_farthest(exact, np.flatnonzero(~doubtful), limit)
        if far is None:
            break
        doubtful[far] = True
    for _ in range(ROUNDS):
        rows = np.flatnonzero(~doubtful)
        if len(rows) < 2:
            break
        second = _split(exact[rows])
        first_mean, second_mean = exact[rows[~second]].mean(axis=0), exact[rows[second]].mean(axis=0)
        if 1 - first_mean @ second_mean <= limit:
            break
        doubtful[rows[second]] = True
    return doubtful


def _find_farthest(embeddings: NDArray[np.float64], rows: NDArray[np.int64], limit: float) -> int | None:
    """Return the row that is farthest from all others of ``rows``; None where none of them is beyond the limit."""
    if len(rows) < 3:
        return None
    members = embeddings[rows]
    total = members.sum(axis=0)
    distances = 1 - (members @ total - 1) / (len(rows) - 1)
    farthest = int(distances.argmax())
    return int(rows[farthest]) if distances[farthest] > limit else None


def _split(embeddings: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Split faces in two parts, each nearer to its own mean; return which are in the smaller one. Neither is empty."""
    spread = embeddings - embeddings.mean(axis=0)
    direction = np.linalg.eigh(spread.T @ spread)[1][:, -1]
    along = spread @ direction
    second = along > (along.min() + along.max()) / 2
    if not second.any():  # all faces are equal
        second[-1] = True
    for _ in range(ROUNDS):
        sums = np.array([embeddings[~second].sum(axis=0), embeddings[second].sum(axis=0)])
        means = compare.unit(sums)
        moved = embeddings @ means[1] > embeddings @ means[0]
        if moved.all() or not moved.any() or (moved == second).all():
            break
        second = moved
    smaller: NDArray[np.bool_] = second if second.sum() * 2 <= len(second) else ~second
    return smaller
