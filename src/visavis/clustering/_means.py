"""Clusters put right by all their faces at once: near ones merged, faces moved to where they are nearest.

Two clusters are as far from each other as the faces of the one are from those of the other on average. A face and a
cluster are so by .6 times that + .4 times the distance to the mean embedding, which keeps the thresholds of single
pairs (docs/accuracy.md, "Several templates of one person"). Both need no pairs but sums: with the plain means a and b
of two clusters and a face u the distances are 1 - a . b and 1 - u . a (.6 + .4 / |a|).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.clustering._neighbors import Edges, Ints
from visavis.poor_photos import pair_shares
from visavis.types import Floats

ALL_SHARE = 0.6
"""Of the mean of all distances in that of a face from a cluster; the rest is that of the mean embedding."""

PAIRS = 65_536
"""Whose products are taken at a time."""

SEVERAL, LOOSER = 3, 1.05
"""Clusters of so many faces, both, are merged up to a limit so many times as high: strangers are rarely as near."""

LINKS = 3
"""Near faces that hold a face in its cluster."""

SWEEPS = 200
ROUNDS = 5
"""At most; it mostly stands still after that."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What does not change: unit ``embeddings (n, d)``, ``edges`` in both directions, ``groups (n,)`` and ``old (n,)``.

    Faces of one group are of one photo, and never come into one cluster. Old faces stay where they are. ``shares
    (n,)`` are what is left of a threshold by the quality of each face, above 0 and up to 1; the distances of the edges
    are stretched by them already, see :func:`stretch`.
    """

    embeddings: Floats
    edges: Edges
    groups: Ints
    old: NDArray[np.bool_]
    shares: Floats


def stretch(first: Floats, second: Floats) -> Floats:
    """Return by how much distances grow between faces or clusters of these shares of a threshold ``(m,)``: from 1 on.

    Poor faces resemble poor faces of other people; good ones do not resemble poor ones (docs/poor-photos.md).
    """
    shares: Floats = pair_shares(first, second)
    return (1 / shares).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Of each of ``c`` clusters the sum of its embeddings ``(c, d)`` and their number ``(c,)``."""

    embeddings: Floats
    counts: Ints

    @classmethod
    def of(cls, embeddings: Floats, labels: Ints, counts: Ints | None = None) -> Sums:
        """Add up rows by label in 0..c-1, each of which is there; ``counts (n,)`` are the faces in each row, or 1."""
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
        ones = np.ones(len(labels), np.int64) if counts is None else counts
        return cls(np.add.reduceat(embeddings[order], starts, axis=0), np.add.reduceat(ones[order], starts))


def merged(material: Material, labels: Ints, *, limit: float) -> Ints:
    """Merge clusters up to ``limit`` from each other, the nearest first; return labels in 0..c-1.

    Two with faces of one photo are never merged, nor two with old faces. In each sweep all pairs that are each other's
    nearest are, which comes to the same as one after the other.
    """
    labels = np.unique(labels, return_inverse=True)[1]
    mates = mates_of(material.groups)
    sums = Sums.of(material.embeddings, labels)
    for _ in range(SWEEPS):
        pairs = _allowed(material, mates, labels, len(sums.counts))
        means = sums.embeddings / sums.counts.astype(np.float32)[:, None]
        shares = _shares_of(material, labels, sums)
        distances = (1 - dots(means, means, pairs)) * stretch(shares[pairs[:, 0]], shares[pairs[:, 1]])
        small = np.minimum(sums.counts[pairs[:, 0]], sums.counts[pairs[:, 1]])
        near = distances <= limit * np.where(small >= SEVERAL, LOOSER, 1)
        pairs = _mutual(pairs[near], distances[near], len(means))
        if not len(pairs):
            break
        target = np.arange(len(means))
        target[pairs[:, 1]] = pairs[:, 0]
        target = np.unique(target, return_inverse=True)[1]
        labels, sums = target[labels], Sums.of(sums.embeddings, target, sums.counts)
    return labels


def _shares_of(material: Material, labels: Ints, sums: Sums) -> Floats:
    """Return the mean share of the faces of each cluster ``(c,)``."""
    total = np.bincount(labels, weights=material.shares, minlength=len(sums.counts))
    return (total / sums.counts).astype(np.float32)


def mates_of(groups: Ints) -> Ints:
    """List all pairs ``(m, 2)`` of rows of one group."""
    order = np.argsort(groups, kind="stable")
    sizes = np.unique(groups, return_counts=True)[1]
    found = [np.empty((0, 2), np.int64)]
    for end, size in zip(np.cumsum(sizes)[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        found.append(order[end - size + np.stack(np.triu_indices(size, 1), axis=1)])
    pairs: Ints = np.concatenate(found)
    return pairs


def _allowed(material: Material, mates: Ints, labels: Ints, count: int) -> Ints:
    """Pairs ``(m, 2)`` of clusters that an edge joins, and that may be merged."""
    near = _codes(labels[material.edges.rows], labels[material.edges.columns], count)
    apart = _codes(labels[mates[:, 0]], labels[mates[:, 1]], count)
    codes = np.setdiff1d(near, apart, assume_unique=True)
    pairs = np.stack([codes // count, codes % count], axis=1)
    old = np.zeros(count, np.bool_)
    old[labels[material.old]] = True
    return pairs[~old[pairs].all(axis=1)]


def _codes(a: Ints, b: Ints, count: int) -> Ints:
    """Number pairs of two labels, each once."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.unique((low * count + high)[low != high])


def dots(a: Floats, b: Floats, pairs: Ints) -> Floats:
    """Products ``(m,)`` of the rows of ``a`` and ``b`` that pairs ``(m, 2)`` name."""
    products = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), PAIRS):
        some = pairs[start : start + PAIRS]
        np.einsum("ij,ij->i", a[some[:, 0]], b[some[:, 1]], out=products[start : start + PAIRS])
    return products


def _mutual(pairs: Ints, distances: Floats, count: int) -> Ints:
    """Pairs of clusters that are each other's nearest; of equally near ones the pair that comes first."""
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], distances))]
    places = np.arange(len(pairs))
    best = np.full(count, len(pairs))
    np.minimum.at(best, pairs.ravel(), np.repeat(places, 2))
    mutual: Ints = pairs[(best[pairs[:, 0]] == places) & (best[pairs[:, 1]] == places)]
    return mutual


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """Of faces ``(m,)`` the clusters ``(m,)`` that they may belong to, at ``distances (m,)``; sorted by face."""

    faces: Ints
    clusters: Ints
    distances: Floats

    def some(self, kept: NDArray[np.bool_] | Ints) -> Offers:
        """Return those that are marked or named."""
        return Offers(self.faces[kept], self.clusters[kept], self.distances[kept])


def moved(material: Material, labels: Ints, *, limit: float, near: float) -> Ints:
    """Move each face that is not old to the nearest cluster that an edge leads to, or that it is in.

    It is held against its own cluster without itself. Where none is within ``limit``, it goes alone, unless ``LINKS``
    faces of its cluster are up to ``near`` from it: the faces of a large one may be far from each other on average.
    Returns labels in 0..c-1.
    """
    links = material.edges.within(near)
    for _ in range(ROUNDS):
        labels = np.unique(labels, return_inverse=True)[1]
        found = offers(material, labels)
        within = links.rows[labels[links.rows] == labels[links.columns]]
        loose = np.bincount(within, minlength=len(labels)) < LINKS
        best = found.some(np.lexsort((found.clusters, found.distances, found.faces)))
        best = best.some(np.diff(best.faces, prepend=-1) > 0)
        own = labels[best.faces]
        far = best.distances > limit
        lonely = best.some(far & loose[best.faces] & (np.bincount(labels)[own] > 1))
        going = _one_of_a_photo(material, best.some(~far & (best.clusters != own)))
        if not len(lonely.faces) + len(going.faces):
            break
        labels[going.faces] = going.clusters
        labels[lonely.faces] = labels.max() + 1 + np.arange(len(lonely.faces))
    return np.unique(labels, return_inverse=True)[1]


def offers(material: Material, labels: Ints) -> Offers:
    """Clusters of the neighbors of each face that is not old, but for those with another face of its photo; its own.

    The distance is from the cluster without the face itself; infinite where it is alone.
    """
    sums = Sums.of(material.embeddings, labels)
    count = len(sums.counts)
    new = ~material.old[material.edges.rows]
    rows, columns = material.edges.rows[new], material.edges.columns[new]
    alone = np.flatnonzero(~material.old)
    codes = np.unique(np.concatenate([rows * count + labels[columns], alone * count + labels[alone]]))
    codes = codes[~np.isin(codes, _taken(mates_of(material.groups), labels, count))]
    faces, clusters = codes // count, codes % count
    distances = _distances(material.embeddings, sums, labels, faces, clusters)
    shares = _shares_of(material, labels, sums)
    return Offers(faces, clusters, distances * stretch(material.shares[faces], shares[clusters]))


def _taken(mates: Ints, labels: Ints, count: int) -> Ints:
    """Codes of a face and a cluster that another face of its photo is in."""
    both = np.concatenate([mates, mates[:, ::-1]])
    codes: Ints = both[:, 0] * count + labels[both[:, 1]]
    return codes


def _distances(embeddings: Floats, sums: Sums, labels: Ints, faces: Ints, clusters: Ints) -> Floats:
    """Distances ``(m,)`` of faces from clusters, without themselves where they are in it."""
    own = labels[faces] == clusters
    products = dots(embeddings, sums.embeddings, np.stack([faces, clusters], axis=1)).astype(np.float64)
    squares = np.einsum("ij,ij->i", sums.embeddings, sums.embeddings).astype(np.float64)[clusters]
    squares = np.where(own, squares - 2 * products + 1, squares)  # |S - u|^2 with |u| = 1
    products = np.where(own, products - 1, products)
    others = sums.counts[clusters] - own
    lengths = np.sqrt(np.maximum(squares, 1e-12))  # of the sum: its mean is shorter by the number of faces
    alike = products * (ALL_SHARE / np.maximum(others, 1) + (1 - ALL_SHARE) / lengths)
    return np.where(others > 0, 1 - alike, np.inf).astype(np.float32)


def _one_of_a_photo(material: Material, going: Offers) -> Offers:
    """Of the faces of one photo that would go to one cluster, keep the nearest."""
    order = np.lexsort((going.faces, going.distances, going.clusters, material.groups[going.faces]))
    going = going.some(order)
    group = material.groups[going.faces]
    first = (np.diff(group, prepend=-1) != 0) | (np.diff(going.clusters, prepend=-1) != 0)
    return going.some(first)
