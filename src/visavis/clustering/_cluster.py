"""Cluster the faces of many photos, one cluster per person."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from visavis import compare, defaults, embedders, images
from visavis._checks import check_number, check_whole
from visavis.clustering._means import FaceGraph, list_offers, merge_clusters, move_faces, stretch
from visavis.clustering._neighbors import Edges, Ints, neighbors
from visavis.clustering._small import split_loose
from visavis.clustering._whispers import chinese_whispers
from visavis.clustering.faces import gather_faces, join_faces, label_faces, photo_hashes
from visavis.clustering.types import Cluster, Clustering, Faces
from visavis.defaults import EMBEDDER
from visavis.errors import UsageError
from visavis.images import Source, shown
from visavis.images.photo_files import UnlistedFolder, each_photo
from visavis.pipeline import shared_recognizer
from visavis.poor_photos import PoorPhotos
from visavis.types import Floats, Photo

STRANGERS = 0.05
"""Expected number of strangers within the threshold of a face: the default FAR is this over the number of faces.
Chosen on LFW view 1, as are all figures here: see docs/clustering.md."""

HIGHEST_FAR = 1e-3
NEIGHBORS = 32
"""Number of nearest neighbors of each face that are used."""

SLACK = 1.05
"""Factor by which a mean distance may exceed the threshold of single distances, at the same rate of false accepts."""

REACH = 1.1
"""Edges up to the threshold times this decide which clusters are compared with each other."""


PAIR_FAR = 2e-5
"""Highest default FAR for a cluster of two faces; clusters of ``LARGE`` or more faces have the general FAR."""

LARGE = 5

GOOD_QUALITY = 0.9
"""Quality from which distances are not stretched, for a model that was not measured on poor photos."""

POOR_STRETCH = 1.3
"""Relative growth of a distance per 1 of quality below ``GOOD_QUALITY``, for such a model."""

UNMEASURED_SHARE = 1e-6
"""Share of a threshold for faces that are poorer than was measured."""

POOR_QUALITY = 0.5
"""Clusters with a lower median quality come last."""


@dataclass(frozen=True, slots=True)
class ClusterLimits:
    """The greatest distance of near faces and mean distances in clusters of 2, 3 ... faces, and the least quality.

    ``poor`` gives the share of a threshold for poor faces; None: not measured, or not to be used.
    """

    distance: float
    small: tuple[float, ...]
    min_quality: float
    poor: PoorPhotos | None = None


def cluster(
    photos: Source | Iterable[Source],
    *,
    far: float | None = None,
    threshold: float | None = None,
    model: str = EMBEDDER,
    min_face: float = defaults.MIN_FACE,
    min_quality: float = 0.0,
    previous: Clustering | None = None,
    seed: int = 0,
) -> Clustering:
    """Group all faces of all photos by person.

    One source is one photo; a folder stands for the photos in it and below it.

    The faces of ``previous`` are included and keep their clusters; faces of the photos join these clusters or start new
    ones. A photo of ``previous`` is not used again. Photos that cannot be read or show no face are in ``skipped``. For
    the other options and the errors see :func:`cluster_faces`.
    """
    names: list[str] = []
    fresh = _skip_known_photos(photos, {} if previous is None else photo_hashes(previous.faces), names)
    answers = shared_recognizer(embedder=model).represent(fresh, min_face=min_face)
    faces, skipped = gather_faces(replace(answer, name=names[index]) for index, answer in enumerate(answers))
    if previous is not None:
        faces = join_faces(label_faces(previous), faces)
    clustering = cluster_faces(faces, far=far, threshold=threshold, model=model, min_quality=min_quality, seed=seed)
    return replace(clustering, skipped=skipped)


def _skip_known_photos(
    photos: Source | Iterable[Source], used: dict[str, str | None], names: list[str]
) -> Iterator[Source]:
    """Yield the photos that are not ``used`` yet, and append their names to ``names``, numbered where they repeat.

    ``used`` maps names to the hashes of their photos (None: not known), and grows. A path is skipped where its name is
    used, a Photo where a photo of its name and hash is.
    """
    for photo in each_photo(photos):
        own = photo.path if isinstance(photo, UnlistedFolder) else images.name_of(photo)
        sha256 = photo.sha256 if isinstance(photo, Photo) else None
        name = None if own in used and isinstance(photo, str | os.PathLike) else _free_name(own, sha256, used)
        if name is not None:
            used[name] = sha256
            names.append(name)
            yield photo


def _free_name(own: str, sha256: str | None, used: Mapping[str, str | None]) -> str | None:
    """Return the name, numbered where it is ``used``; None where it is used by the photo of this hash."""
    name = own
    for number in count(2):
        if name not in used:
            break
        if sha256 is not None and used[name] == sha256:
            return None
        name = f"{own} {number}"
    return name


def cluster_faces(
    faces: Faces,
    *,
    far: float | None = None,
    threshold: float | None = None,
    model: str = EMBEDDER,
    calibration: compare.Calibration | None = None,
    min_quality: float = 0.0,
    seed: int = 0,
    after: int = 0,
) -> Clustering:
    """Cluster faces that have embeddings.

    Two faces are near if their cosine distance is at most ``threshold``, or else the threshold of the false accept rate
    ``far``. The default rate depends on the number n of faces: ``STRANGERS`` / n, within the measured range, at most
    ``HIGHEST_FAR``; clusters of fewer than ``LARGE`` faces then need lower rates, those of two ``PAIR_FAR``. Distances
    of poor faces are stretched. New faces with a quality below ``min_quality`` stay alone, and so do, unless
    ``threshold`` is given, faces that are poorer than the calibration has measured. Faces with a cluster keep it; new
    ids are greater than ``after`` and all existing ids. Rates are those of ``calibration``, by default the table that
    is shipped for the model. The result does not depend on the order of the faces, for the same ``seed``.

    Raises UsageError for a rate that was not measured, for a model without a table if no threshold is given, and for
    faces of one photo that are in one cluster already.
    """
    min_quality = check_number(min_quality, "min_quality is a number", least=0, most=1)
    seed = check_whole(seed, "seed is a whole number", least=0)
    table = compare.own_or_shipped(calibration, embedders.model_id(model))
    limit, rate = _choose_limit(len(faces), far, threshold, table, model)
    order, groups = _sort_rows(faces)
    _check_apart(faces, order, groups)
    small = _choose_small_limits(table, rate) if far is None and threshold is None else ()
    limits = ClusterLimits(limit, small, min_quality, table.poor if table and threshold is None else None)
    assigned, ties = _assign_clusters(faces, order, groups, limits, seed, after)
    return Clustering(faces, _make_clusters(faces, order, assigned), limit, rate, model, ties)


def _choose_limit(
    count: int, far: float | None, threshold: float | None, table: compare.Calibration | None, model: str
) -> tuple[float, float | None]:
    """Return the greatest distance of near faces, and its FAR (None: not measured)."""
    if far is not None and threshold is not None:
        raise UsageError("far and threshold exclude each other: a threshold stands for its own FAR.")
    if threshold is not None:
        limit = compare.to_cosine(threshold, "cosine")
        return limit, table.far_at(limit) if table else None
    if table is None:
        raise compare.uncalibrated(model, "so no threshold stands for a FAR")
    if far is None:
        far = choose_default_far(count, table)
    return table.threshold(far), far


def choose_default_far(count: int, table: compare.Calibration) -> float:
    """Return the default rate of false accepts of pairs among ``count`` faces."""
    return min(max(STRANGERS / max(count, 1), table.lowest_far), HIGHEST_FAR, table.far[0])


def _choose_small_limits(table: compare.Calibration | None, rate: float | None) -> tuple[float, ...]:
    """Return the greatest mean distances in clusters of 2 to ``LARGE`` - 1 faces, at rates from ``PAIR_FAR`` up."""
    if table is None or rate is None or rate <= PAIR_FAR:
        return ()
    steps = LARGE - 2
    rates = (PAIR_FAR * (rate / PAIR_FAR) ** (step / steps) for step in range(steps))
    return tuple(table.threshold(max(far, table.lowest_far)) for far in rates)


def _sort_rows(faces: Faces) -> tuple[Ints, Ints]:
    """Return the rows sorted by photo and box, and the number of the photo of each sorted row."""
    groups = np.unique(np.array(faces.photos, np.str_), return_inverse=True)[1].astype(np.int64)
    order = np.lexsort((*faces.boxes.T, groups))
    return order, groups[order]


def _check_apart(faces: Faces, order: Ints, groups: Ints) -> None:
    """Raise UsageError if an older cluster has two faces of one photo."""
    ids = faces.clusters[order]
    old = np.flatnonzero(ids >= 0)
    old = old[np.lexsort((ids[old], groups[old]))]
    repeated = (np.diff(groups[old]) == 0) & (np.diff(ids[old]) == 0)
    if repeated.any():
        row = old[1:][repeated][0]
        raise UsageError(
            f"two faces of {shown(faces.photos[order[row]])} are in cluster {ids[row]} already: both cannot be one."
        )


def _assign_clusters(
    faces: Faces, order: Ints, groups: Ints, limits: ClusterLimits, seed: int, after: int
) -> tuple[Ints, tuple[tuple[int, int], ...]]:
    """Return the cluster id of each row of ``order``, and the pairs of older clusters that new faces lie between."""
    if not len(order):
        return order, ()
    ids = faces.clusters[order]
    embeddings = faces.embeddings[order]
    quality, limit = faces.quality[order], limits.distance
    edges = neighbors(embeddings, groups, limit=limit * REACH, count=NEIGHBORS).both_ways()
    measured = _compute_shares(embeddings, quality, limits.poor)
    poor = ((quality < limits.min_quality) | np.isnan(measured)) & (ids < 0)
    shares = np.nan_to_num(measured, nan=UNMEASURED_SHARE)
    edges = replace(edges, distances=edges.distances * stretch(shares[edges.rows], shares[edges.columns]))
    edges = edges.select(~poor[edges.rows] & ~poor[edges.columns])
    near = edges.within(limit)
    weights = np.maximum(quality[near.columns], defaults.LEAST_QUALITY)
    labels = chinese_whispers(
        near, _compute_closeness(near, limit) * weights, _initialize_labels(ids), groups, free=ids < 0, seed=seed
    )
    graph = FaceGraph(embeddings, edges, groups, ids >= 0, shares)
    labels = merge_clusters(graph, labels, limit=limit * SLACK)
    labels = move_faces(graph, labels, limit=limit * SLACK, near=limit)
    labels = split_loose(graph, labels, limits.small)
    assigned = _assign_ids(labels, ids, after)
    return assigned, _find_ties(graph, labels, assigned, limit * SLACK)


def _compute_shares(embeddings: Floats, quality: Floats, poor: PoorPhotos | None) -> Floats:
    """Return the share of a threshold for each face ``(n,)``: as measured, else as chosen for the model of dlib.

    It is NaN for faces that are poorer than was measured.
    """
    if poor is not None:
        return poor.shares(embeddings, quality.tolist()).astype(np.float32)
    shares: Floats = 1 / (1 + POOR_STRETCH * np.maximum(GOOD_QUALITY - quality, 0))
    return shares.astype(np.float32)


def _compute_closeness(edges: Edges, limit: float) -> Floats:
    """Return the closeness of each edge ``(m,)``: 1 at distance 0, falling to 0 at the limit."""
    closeness: Floats = 1 - edges.distances / np.float32(max(limit, 1e-9))
    return closeness


def _initialize_labels(ids: Ints) -> Ints:
    """Return the initial labels: faces of an older cluster have that of its first row, each new face its own."""
    labels = np.arange(len(ids))
    old = np.flatnonzero(ids >= 0)
    _, first, inverse = np.unique(ids[old], return_index=True, return_inverse=True)
    labels[old] = old[first[inverse]]
    return labels


def _assign_ids(labels: Ints, ids: Ints, after: int) -> Ints:
    """Return the cluster id of each face: that of its older cluster, else a new id, the largest cluster first.

    ``labels`` are in 0..c-1.
    """
    count = int(labels.max()) + 1
    older = np.full(count, -1)
    np.maximum.at(older, labels, ids)
    fresh = np.flatnonzero(older < 0)
    sizes = np.bincount(labels, minlength=count)[fresh]
    first = np.full(count, len(labels))
    np.minimum.at(first, labels, np.arange(len(labels)))
    fresh = fresh[np.lexsort((first[fresh], -sizes))]
    older[fresh] = max(int(ids.max()), after, 0) + 1 + np.arange(len(fresh))
    return older[labels]


def _find_ties(graph: FaceGraph, labels: Ints, assigned: Ints, limit: float) -> tuple[tuple[int, int], ...]:
    """Return pairs of ids of older clusters that both have the same new face within the limit."""
    if not graph.old.any():
        return ()
    near_clusters = list_offers(graph, labels)
    ids = np.full(int(labels.max()) + 1, -1)
    ids[labels[graph.old]] = assigned[graph.old]
    near_clusters = near_clusters.select((near_clusters.distances <= limit) & (ids[near_clusters.clusters] >= 0))
    pairs: set[tuple[int, int]] = set()
    for start in np.flatnonzero(np.diff(near_clusters.faces, prepend=-1)).tolist():
        near = ids[near_clusters.clusters[start:][near_clusters.faces[start:] == near_clusters.faces[start]]].tolist()
        pairs.update((a, b) for a in near for b in near if a < b)
    return tuple(sorted(pair for pair in pairs if not _share_a_photo(graph.groups, assigned, pair)))


def _share_a_photo(groups: Ints, assigned: Ints, pair: tuple[int, int]) -> bool:
    """Return whether two clusters have faces of the same photo."""
    a, b = (groups[assigned == cluster] for cluster in pair)
    return bool(np.isin(a, b).any())


def _make_clusters(faces: Faces, order: Ints, assigned: Ints) -> tuple[Cluster, ...]:
    """Return the clusters with their representatives, the largest first, clusters of poor faces last."""
    by_id = np.argsort(assigned, kind="stable")
    parts = np.split(order[by_id], np.flatnonzero(np.diff(assigned[by_id])) + 1) if len(order) else []
    ids = np.unique(assigned).tolist()
    clusters = [
        Cluster(cluster_id, rows, find_central(faces, rows)) for cluster_id, rows in zip(ids, parts, strict=True)
    ]
    return tuple(sorted(clusters, key=lambda cluster: (is_poor(faces, cluster), -len(cluster), cluster.id)))


def is_poor(faces: Faces, cluster: Cluster) -> bool:
    """Return whether the median quality of a cluster is below ``POOR_QUALITY``: too poor to tell people apart."""
    return bool(np.median(faces.quality[cluster.rows]) < POOR_QUALITY)


def find_central(faces: Faces, rows: Ints) -> int:
    """Return the row of the face that is nearest to the mean of ``rows``, weighted by quality."""
    weights = np.maximum(faces.quality[rows], defaults.LEAST_QUALITY)
    return int(rows[np.argmax(faces.embeddings[rows] @ (weights @ faces.embeddings[rows]))])
