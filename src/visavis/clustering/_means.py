"""Correct clusters by all their faces: merge near clusters, move faces to the nearest cluster.

The distance of two clusters is the mean distance of their faces. The distance of a face from a cluster is .6 times the
mean distance from its faces + .4 times the distance from its mean embedding, which keeps the thresholds of single pairs
(docs/accuracy.md, "Several templates of one person"). Both follow from sums, without pairs of faces: with the plain
means a and b of two clusters and a face u the distances are 1 - a . b and 1 - u . a (.6 + .4 / |a|).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.clustering._neighbors import Edges, Ints
from visavis.compare import MEAN_WEIGHT
from visavis.poor_photos import pair_shares
from visavis.types import Floats

PAIRS = 65_536
"""Number of products that are computed at a time."""

SEVERAL, LOOSER = 3, 1.05
"""If two clusters have ``SEVERAL`` faces or more each, the limit for a merge is ``LOOSER`` times as high: strangers are
rarely as near."""

LINKS = 3
"""Number of near faces that keep a face in its cluster."""

SWEEPS = 200
ROUNDS = 5
"""Greatest number of rounds; mostly nothing changes after that."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceGraph:
    """The constant input: unit ``embeddings (n, d)``, ``edges`` in both directions, ``groups (n,)`` and ``old (n,)``.

    Faces of one group are of one photo, and never share a cluster. Old faces keep their cluster. ``shares (n,)``, above
    0 and up to 1, are the share of a threshold that the quality of each face allows; the distances of the edges are
    already stretched by them, see :func:`stretch`.
    """

    embeddings: Floats
    edges: Edges
    groups: Ints
    old: NDArray[np.bool_]
    shares: Floats


def stretch(first: Floats, second: Floats) -> Floats:
    """Return the factor, 1 or more, for distances between faces or clusters with these shares of a threshold ``(m,)``.

    Poor faces resemble poor faces of other people; good ones do not resemble poor ones (docs/poor-photos.md).
    """
    shares: Floats = pair_shares(first, second)
    return (1 / shares).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSums:
    """The sum of the embeddings ``(c, d)`` and the number of faces ``(c,)`` of each of ``c`` clusters."""

    embeddings: Floats
    counts: Ints

    @classmethod
    def of(cls, embeddings: Floats, labels: Ints, counts: Ints | None = None) -> ClusterSums:
        """Add up rows by label; each of 0..c-1 must occur. ``counts (n,)`` are the faces in each row, by default 1."""
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
        ones = np.ones(len(labels), np.int64) if counts is None else counts
        return cls(np.add.reduceat(embeddings[order], starts, axis=0), np.add.reduceat(ones[order], starts))


def merge_clusters(graph: FaceGraph, labels: Ints, *, limit: float) -> Ints:
    """Merge clusters up to ``limit`` from each other, the nearest first; return labels in 0..c-1.

    Two clusters with faces of one photo are never merged, nor two with old faces. Each sweep merges all pairs of
    clusters that are each other's nearest, with the same result as one pair at a time.
    """
    labels = np.unique(labels, return_inverse=True)[1]
    mates = mates_of(graph.groups)
    sums = ClusterSums.of(graph.embeddings, labels)
    for _ in range(SWEEPS):
        pairs = _list_mergeable(graph, mates, labels, len(sums.counts))
        means = sums.embeddings / sums.counts.astype(np.float32)[:, None]
        shares = _average_shares(graph, labels, sums)
        distances = (1 - dots(means, means, pairs)) * stretch(shares[pairs[:, 0]], shares[pairs[:, 1]])
        small = np.minimum(sums.counts[pairs[:, 0]], sums.counts[pairs[:, 1]])
        near = distances <= limit * np.where(small >= SEVERAL, LOOSER, 1)
        pairs = _select_mutual(pairs[near], distances[near], len(means))
        if not len(pairs):
            break
        target = np.arange(len(means))
        target[pairs[:, 1]] = pairs[:, 0]
        target = np.unique(target, return_inverse=True)[1]
        labels, sums = target[labels], ClusterSums.of(sums.embeddings, target, sums.counts)
    return labels


def _average_shares(graph: FaceGraph, labels: Ints, sums: ClusterSums) -> Floats:
    """Return the mean share of the faces of each cluster ``(c,)``."""
    total = np.bincount(labels, weights=graph.shares, minlength=len(sums.counts))
    return (total / sums.counts).astype(np.float32)


def mates_of(groups: Ints) -> Ints:
    """Return all pairs ``(m, 2)`` of rows that are in one group."""
    order = np.argsort(groups, kind="stable")
    sizes = np.unique(groups, return_counts=True)[1]
    parts = [np.empty((0, 2), np.int64)]
    for end, size in zip(np.cumsum(sizes)[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        parts.append(order[end - size + np.stack(np.triu_indices(size, 1), axis=1)])
    pairs: Ints = np.concatenate(parts)
    return pairs


def _list_mergeable(graph: FaceGraph, mates: Ints, labels: Ints, count: int) -> Ints:
    """Return the pairs ``(m, 2)`` of clusters that an edge joins and that may be merged."""
    near = _encode_pairs(labels[graph.edges.rows], labels[graph.edges.columns], count)
    apart = _encode_pairs(labels[mates[:, 0]], labels[mates[:, 1]], count)
    codes = np.setdiff1d(near, apart, assume_unique=True)
    pairs = np.stack([codes // count, codes % count], axis=1)
    old = np.zeros(count, np.bool_)
    old[labels[graph.old]] = True
    return pairs[~old[pairs].all(axis=1)]


def _encode_pairs(a: Ints, b: Ints, count: int) -> Ints:
    """Return a sorted code for each distinct pair of two different labels: low * count + high."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.unique((low * count + high)[low != high])


def dots(a: Floats, b: Floats, pairs: Ints) -> Floats:
    """Return the dot products ``(m,)`` of row i of ``a`` with row j of ``b`` for ``pairs (m, 2)`` of i and j."""
    products = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), PAIRS):
        chunk = pairs[start : start + PAIRS]
        np.einsum("ij,ij->i", a[chunk[:, 0]], b[chunk[:, 1]], out=products[start : start + PAIRS])
    return products


def _select_mutual(pairs: Ints, distances: Floats, count: int) -> Ints:
    """Select the pairs of clusters that are each other's nearest; of equally near pairs, the one with lower labels."""
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], distances))]
    places = np.arange(len(pairs))
    best = np.full(count, len(pairs))
    np.minimum.at(best, pairs.ravel(), np.repeat(places, 2))
    mutual: Ints = pairs[(best[pairs[:, 0]] == places) & (best[pairs[:, 1]] == places)]
    return mutual


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """Pairs of ``faces (m,)`` and ``clusters (m,)`` that they may join, at ``distances (m,)``; sorted by face."""

    faces: Ints
    clusters: Ints
    distances: Floats

    def select(self, kept: NDArray[np.bool_] | Ints) -> Offers:
        """Return the offers of a mask ``(m,)`` or of indices."""
        return Offers(self.faces[kept], self.clusters[kept], self.distances[kept])


def move_faces(graph: FaceGraph, labels: Ints, *, limit: float, near: float) -> Ints:
    """Move each face that is not old to the nearest of its own cluster and those that an edge leads to.

    Its own cluster is measured without the face itself. If no cluster is within ``limit``, the face becomes a cluster
    of its own, unless ``LINKS`` faces of its cluster are up to ``near`` from it: faces of a large cluster may be far
    from each other on average. Returns labels in 0..c-1.
    """
    links = graph.edges.within(near)
    for _ in range(ROUNDS):
        labels = np.unique(labels, return_inverse=True)[1]
        offers = list_offers(graph, labels)
        within = links.rows[labels[links.rows] == labels[links.columns]]
        loose = np.bincount(within, minlength=len(labels)) < LINKS
        best = offers.select(np.lexsort((offers.clusters, offers.distances, offers.faces)))
        best = best.select(np.diff(best.faces, prepend=-1) > 0)
        own = labels[best.faces]
        far = best.distances > limit
        expelled = best.select(far & loose[best.faces] & (np.bincount(labels)[own] > 1))
        movable = _keep_nearest_of_photo(graph, best.select(~far & (best.clusters != own)))
        if not len(expelled.faces) + len(movable.faces):
            break
        labels[movable.faces] = movable.clusters
        labels[expelled.faces] = labels.max() + 1 + np.arange(len(expelled.faces))
    return np.unique(labels, return_inverse=True)[1]


def list_offers(graph: FaceGraph, labels: Ints) -> Offers:
    """List the clusters that each face that is not old may be in: its own and those of its neighbors.

    Clusters with another face of its photo are left out. The distance is that from the cluster without the face itself;
    infinite if the face is alone.
    """
    sums = ClusterSums.of(graph.embeddings, labels)
    count = len(sums.counts)
    new = ~graph.old[graph.edges.rows]
    rows, columns = graph.edges.rows[new], graph.edges.columns[new]
    alone = np.flatnonzero(~graph.old)
    codes = np.unique(np.concatenate([rows * count + labels[columns], alone * count + labels[alone]]))
    codes = codes[~np.isin(codes, _encode_blocked(mates_of(graph.groups), labels, count))]
    faces, clusters = codes // count, codes % count
    distances = _measure_distances(graph.embeddings, sums, labels, faces, clusters)
    shares = _average_shares(graph, labels, sums)
    return Offers(faces, clusters, distances * stretch(graph.shares[faces], shares[clusters]))


def _encode_blocked(mates: Ints, labels: Ints, count: int) -> Ints:
    """Return the codes, face * count + cluster, of the clusters that another face of the same photo is in."""
    both = np.concatenate([mates, mates[:, ::-1]])
    codes: Ints = both[:, 0] * count + labels[both[:, 1]]
    return codes


def _measure_distances(embeddings: Floats, sums: ClusterSums, labels: Ints, faces: Ints, clusters: Ints) -> Floats:
    """Return the distances ``(m,)`` of faces from clusters, without the face itself if the cluster contains it."""
    own = labels[faces] == clusters
    products = dots(embeddings, sums.embeddings, np.stack([faces, clusters], axis=1)).astype(np.float64)
    squares = np.einsum("ij,ij->i", sums.embeddings, sums.embeddings).astype(np.float64)[clusters]
    squares = np.where(own, squares - 2 * products + 1, squares)  # |S - u|^2 with |u| = 1
    products = np.where(own, products - 1, products)
    others = sums.counts[clusters] - own
    lengths = np.sqrt(np.maximum(squares, 1e-12))  # of the sum: its mean is shorter by the number of faces
    similarities = products * ((1 - MEAN_WEIGHT) / np.maximum(others, 1) + MEAN_WEIGHT / lengths)
    return np.where(others > 0, 1 - similarities, np.inf).astype(np.float32)


def _keep_nearest_of_photo(graph: FaceGraph, offers: Offers) -> Offers:
    """Keep only the nearest of the faces of one photo that would move to one cluster."""
    order = np.lexsort((offers.faces, offers.distances, offers.clusters, graph.groups[offers.faces]))
    offers = offers.select(order)
    group = graph.groups[offers.faces]
    first = (np.diff(group, prepend=-1) != 0) | (np.diff(offers.clusters, prepend=-1) != 0)
    return offers.select(first)
