"""Small clusters held to a stricter limit than large ones: little evidence has to be better evidence.

Among many strangers some two are as near to each other as two photos of one person often are; three strangers that are
all near to each other are rarer, and five are hardly seen. A face in a large cluster is held there by many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis.clustering._means import Material, Sums, stretch
from visavis.clustering._neighbors import Ints
from visavis.types import Floats


def sifted(material: Material, labels: Ints, limits: Sequence[float]) -> Ints:
    """Split clusters of k faces, k <= len(limits) + 1, that are farther apart than ``limits[k - 2]`` on average.

    The face that is farthest from the others goes first, until the rest is near enough; those that went are looked at
    in the same way. Old faces stay. Returns labels in 0..c-1.
    """
    labels = np.unique(labels, return_inverse=True)[1]
    counts = Sums.of(material.embeddings, labels).counts
    small = np.flatnonzero((counts >= 2) & (counts <= len(limits) + 1))
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], small)
    fresh = len(counts)
    for start, count in zip(starts.tolist(), counts[small].tolist(), strict=True):
        for part in _parts(material, order[start : start + count], limits)[1:]:
            labels[part] = fresh
            fresh += 1
    return np.unique(labels, return_inverse=True)[1]


def _parts(material: Material, rows: Ints, limits: Sequence[float]) -> list[Ints]:
    """Split the rows of one cluster; the first part has the old faces."""
    kept, gone = rows, np.empty(0, np.int64)
    while len(kept) > 1:
        distances = _distances(material, kept)
        if distances.sum() / (len(kept) * (len(kept) - 1)) <= limits[len(kept) - 2] or material.old[kept].all():
            break
        far = np.where(material.old[kept], -1, distances.sum(axis=1))
        worst = int(far.argmax())
        gone = np.append(gone, kept[worst])
        kept = np.delete(kept, worst)
    return [kept, *(_parts(material, gone, limits) if len(gone) else [])]


def _distances(material: Material, rows: Ints) -> Floats:
    """Return all distances ``(k, k)`` between a few faces, stretched by their shares; 0 from each to itself."""
    embeddings, shares = material.embeddings[rows], material.shares[rows]
    distances = (1 - embeddings @ embeddings.T) * stretch(shares[:, None], shares[None, :])
    np.fill_diagonal(distances, 0)
    return distances
