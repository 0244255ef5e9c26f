"""Split small clusters that exceed a limit stricter than that of large clusters, since they rest on fewer distances.

Among many strangers there are two as near to each other as two photos of one person often are; three strangers that are
all near to each other are rarer, and five very rare. In a large cluster each face is near to many others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis.clustering._means import ClusterSums, FaceGraph, stretch
from visavis.clustering._neighbors import Ints
from visavis.types import Floats


def split_loose(graph: FaceGraph, labels: Ints, limits: Sequence[float]) -> Ints:
    """Split clusters of k faces, k <= len(limits) + 1, with a mean distance above ``limits[k - 2]``.

    The face that is farthest from the others is removed first, until the rest is near enough; the removed faces are
    then split in the same way. Old faces stay. Returns labels in 0..c-1.
    """
    labels = np.unique(labels, return_inverse=True)[1]
    counts = ClusterSums.of(graph.embeddings, labels).counts
    small = np.flatnonzero((counts >= 2) & (counts <= len(limits) + 1))
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], small)
    fresh = len(counts)
    for start, count in zip(starts.tolist(), counts[small].tolist(), strict=True):
        for part in _split(graph, order[start : start + count], limits)[1:]:
            labels[part] = fresh
            fresh += 1
    return np.unique(labels, return_inverse=True)[1]


def _split(graph: FaceGraph, rows: Ints, limits: Sequence[float]) -> list[Ints]:
    """Split the rows of one cluster; the first part has the old faces."""
    kept, removed = rows, np.empty(0, np.int64)
    while len(kept) > 1:
        distances = _measure_distances(graph, kept)
        if distances.sum() / (len(kept) * (len(kept) - 1)) <= limits[len(kept) - 2] or graph.old[kept].all():
            break
        far = np.where(graph.old[kept], -1, distances.sum(axis=1))
        worst = int(far.argmax())
        removed = np.append(removed, kept[worst])
        kept = np.delete(kept, worst)
    return [kept, *(_split(graph, removed, limits) if len(removed) else [])]


def _measure_distances(graph: FaceGraph, rows: Ints) -> Floats:
    """Return the distances ``(k, k)`` between a few faces, stretched by their shares; 0 on the diagonal."""
    embeddings, shares = graph.embeddings[rows], graph.shares[rows]
    distances = (1 - embeddings @ embeddings.T) * stretch(shares[:, None], shares[None, :])
    np.fill_diagonal(distances, 0)
    return distances
