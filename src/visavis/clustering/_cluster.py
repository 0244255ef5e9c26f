"""Faces of many photos -> clusters, one a person."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from visavis import compare, embedders, images
from visavis._checks import checked_number, checked_whole
from visavis.clustering._means import Material, merged, moved, offers, stretch
from visavis.clustering._neighbors import Edges, Ints, neighbors
from visavis.clustering._small import sifted
from visavis.clustering._whispers import whispers
from visavis.clustering.faces import gather_faces, join_faces, label_faces
from visavis.defaults import EMBEDDER
from visavis.errors import UsageError
from visavis.images import Source, shown
from visavis.images.photo_files import UnlistedFolder, each_photo
from visavis.pipeline import shared
from visavis.poor_photos import PoorPhotos
from visavis.types import Cluster, Clustering, Faces, Floats

STRANGERS = 0.05
"""How many strangers each face may have within the threshold, on average: the default FAR is this over the number of
faces. Chosen on LFW view 1, as are all figures here: see docs/clustering.md."""

HIGHEST_FAR = 1e-3
NEIGHBORS = 32
"""Of each face that take part."""

SLACK = 1.05
"""By which means of distances may pass the threshold of single ones, at the same rate of false accepts."""

REACH = 1.1
"""Edges up to the threshold times this tell which clusters to hold against each other."""

LEAST_QUALITY = 0.05
"""Weight of the voice of the worst face; that of the best is 1."""


PAIR_FAR = 2e-5
"""Highest FAR at which two faces are a cluster of two by default; the general one holds from ``LARGE`` faces on."""

LARGE = 5

GOOD_QUALITY = 0.9
"""From this quality on distances count as they are, for a model of which nothing was measured on poor photos."""

POOR_STRETCH = 1.3
"""By how much of itself a distance grows for a quality lower by 1, for such a model."""

NOTHING = 1e-6
"""Share of a threshold for faces too poor to say."""

POOR_QUALITY = 0.5
"""Clusters whose median quality is lower come last."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The greatest distance of near faces, the mean distances within clusters of 2, 3 ... faces, the least quality.

    ``poor`` says what is left of a distance where faces are poor; None: that was not measured, or is not to be used.
    """

    distance: float
    of_small: tuple[float, ...]
    min_quality: float
    poor: PoorPhotos | None = None


def cluster(
    photos: Source | Iterable[Source],
    *,
    far: float | None = None,
    threshold: float | None = None,
    model: str = EMBEDDER,
    min_face: float = 20,
    min_quality: float = 0.0,
    previous: Clustering | None = None,
    seed: int = 0,
) -> Clustering:
    """Put the faces of photos together that are of one person; every face of every photo counts.

    One source is one photo; a folder stands for the photos in it and below it.

    With ``previous`` the faces clustered before are there too and keep their clusters; those of the photos join them or
    found new ones. A photo that was there before is not looked at again. Photos that cannot be read or show no face are
    in ``skipped``. The other options, and what is raised: :func:`cluster_faces`.
    """
    names: list[str] = []
    fresh = _fresh(photos, set() if previous is None else set(previous.faces.photos), names)
    answers = shared(embedder=model).represent(fresh, min_face=min_face)
    faces, skipped = gather_faces(replace(one, name=names[place]) for place, one in enumerate(answers))
    if previous is not None:
        faces = join_faces(label_faces(previous), faces)
    clustering = cluster_faces(faces, far=far, threshold=threshold, model=model, min_quality=min_quality, seed=seed)
    return replace(clustering, skipped=skipped)


def _fresh(photos: Source | Iterable[Source], seen: set[str], names: list[str]) -> Iterator[Source]:
    """Pass on photos that were not ``seen``, and list their ``names``: those that have none get numbers."""
    for photo in each_photo(photos):
        name = own = photo.path if isinstance(photo, UnlistedFolder) else images.name_of(photo)
        if own in seen and isinstance(photo, str | os.PathLike):
            continue
        for number in count(2):
            if name not in seen:
                break
            name = f"{own} {number}"
        seen.add(name)
        names.append(name)
        yield photo


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
    """Cluster faces that are embedded already.

    Two are near if their cosine distance is one at which strangers are accepted at rate ``far``, or up to ``threshold``
    in its place. The default follows from the number n of faces: ``STRANGERS`` / n, as far as was measured, and
    ``HIGHEST_FAR`` at most; clusters of fewer than ``LARGE`` faces are then held to lower rates, those of two to
    ``PAIR_FAR``. Distances of poor faces count for more than they are. New faces of a quality below ``min_quality``
    stay alone, and so do, unless ``threshold`` is given, those that are poorer than the calibration has measured. Faces
    with a cluster keep it; fresh ids are greater than ``after`` and any that is there. Rates are those of
    ``calibration``, by default of the table that is shipped for the model. The same faces in another order, with the
    same ``seed``, come to the same clusters.

    Raises UsageError for a rate that was not measured, a model without a table where no threshold is given, and faces
    of one photo that are in one cluster already.
    """
    min_quality = checked_number(min_quality, "min_quality is a number", least=0, most=1)
    seed = checked_whole(seed, "seed is a whole number", least=0)
    table = compare.own_or_shipped(calibration, embedders.model_id(model))
    limit, rate = _limit(len(faces), far, threshold, table, model)
    order, groups = _in_order(faces)
    _check_apart(faces, order, groups)
    small = _small_limits(table, rate) if far is None and threshold is None else ()
    limits = Limits(limit, small, min_quality, table.poor if table and threshold is None else None)
    named, ties = _clustered(faces, order, groups, limits, seed, after)
    return Clustering(faces, _clusters(faces, order, named), limit, rate, model, ties)


def _limit(
    count: int, far: float | None, threshold: float | None, table: compare.Calibration | None, model: str
) -> tuple[float, float | None]:
    """Return the greatest distance of near faces, and the rate that it stands for."""
    if far is not None and threshold is not None:
        raise UsageError("far and threshold exclude each other: a threshold stands for its own FAR.")
    if threshold is not None:
        limit = compare.to_cosine(threshold, "cosine")
        return limit, table.far_at(limit) if table else None
    if table is None:
        raise compare.uncalibrated(model, "so no threshold stands for a FAR")
    if far is None:
        far = min(max(STRANGERS / max(count, 1), table.lowest_far), HIGHEST_FAR, table.far[0])
    return table.threshold(far), far


def _small_limits(table: compare.Calibration | None, rate: float | None) -> tuple[float, ...]:
    """Mean distances allowed within clusters of 2 to ``LARGE`` - 1 faces: rates from ``PAIR_FAR`` up to the general."""
    if table is None or rate is None or rate <= PAIR_FAR:
        return ()
    steps = LARGE - 2
    rates = (PAIR_FAR * (rate / PAIR_FAR) ** (step / steps) for step in range(steps))
    return tuple(table.threshold(max(far, table.lowest_far)) for far in rates)


def _in_order(faces: Faces) -> tuple[Ints, Ints]:
    """Sort rows by photo and box, whatever order they come in; return the rows and the photo's number of each."""
    groups = np.unique(np.array(faces.photos, np.str_), return_inverse=True)[1].astype(np.int64)
    order = np.lexsort((*faces.boxes.T, groups))
    return order, groups[order]


def _check_apart(faces: Faces, order: Ints, groups: Ints) -> None:
    """Refuse an older clustering that puts two faces of one photo together."""
    ids = faces.clusters[order]
    held = np.flatnonzero(ids >= 0)
    held = held[np.lexsort((ids[held], groups[held]))]
    again = (np.diff(groups[held]) == 0) & (np.diff(ids[held]) == 0)
    if again.any():
        row = held[1:][again][0]
        raise UsageError(
            f"two faces of {shown(faces.photos[order[row]])} are in cluster {ids[row]} already: both cannot be one."
        )


def _clustered(
    faces: Faces, order: Ints, groups: Ints, limits: Limits, seed: int, after: int
) -> tuple[Ints, tuple[tuple[int, int], ...]]:
    """Return the id of the cluster of each row of ``order``, and which older clusters new faces tie together."""
    if not len(order):
        return order, ()
    ids = faces.clusters[order]
    embeddings = faces.embeddings[order]
    quality, limit = faces.quality[order], limits.distance
    edges = neighbors(embeddings, groups, limit=limit * REACH, count=NEIGHBORS).both_ways()
    left = _shares(embeddings, quality, limits.poor)
    poor = ((quality < limits.min_quality) | np.isnan(left)) & (ids < 0)
    shares = np.nan_to_num(left, nan=NOTHING)
    edges = replace(edges, distances=edges.distances * stretch(shares[edges.rows], shares[edges.columns]))
    edges = edges.some(~poor[edges.rows] & ~poor[edges.columns])
    near = edges.within(limit)
    heard = np.maximum(quality[near.columns], LEAST_QUALITY)
    labels = whispers(near, _closeness(near, limit) * heard, _first(ids), groups, free=ids < 0, seed=seed)
    material = Material(embeddings, edges, groups, ids >= 0, shares)
    labels = merged(material, labels, limit=limit * SLACK)
    labels = moved(material, labels, limit=limit * SLACK, near=limit)
    labels = sifted(material, labels, limits.of_small)
    named = _named(labels, ids, after)
    return named, _ties(material, labels, named, limit * SLACK)


def _shares(embeddings: Floats, quality: Floats, poor: PoorPhotos | None) -> Floats:
    """Return what faces ``(n,)`` leave of a threshold: as measured, else as chosen for dlib's.

    NaN stands for faces that are poorer than was measured.
    """
    if poor is not None:
        return poor.shares(embeddings, quality.tolist()).astype(np.float32)
    shares: Floats = 1 / (1 + POOR_STRETCH * np.maximum(GOOD_QUALITY - quality, 0))
    return shares.astype(np.float32)


def _closeness(edges: Edges, limit: float) -> Floats:
    """1 for the same face, falling to 0 at the limit ``(m,)``."""
    closeness: Floats = 1 - edges.distances / np.float32(max(limit, 1e-9))
    return closeness


def _first(ids: Ints) -> Ints:
    """Labels to begin with: faces of one older cluster have that of its first row, each new face its own."""
    labels = np.arange(len(ids))
    old = np.flatnonzero(ids >= 0)
    _, first, inverse = np.unique(ids[old], return_index=True, return_inverse=True)
    labels[old] = old[first[inverse]]
    return labels


def _named(labels: Ints, ids: Ints, after: int) -> Ints:
    """Give clusters of labels in 0..c-1 their ids: the older one's, else fresh ones from the largest cluster on."""
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


def _ties(material: Material, labels: Ints, named: Ints, limit: float) -> tuple[tuple[int, int], ...]:
    """Pairs of ids of older clusters that one new face is within the limit of."""
    if not material.old.any():
        return ()
    found = offers(material, labels)
    ids = np.full(int(labels.max()) + 1, -1)
    ids[labels[material.old]] = named[material.old]
    found = found.some((found.distances <= limit) & (ids[found.clusters] >= 0))
    pairs: set[tuple[int, int]] = set()
    for start in np.flatnonzero(np.diff(found.faces, prepend=-1)).tolist():
        near = ids[found.clusters[start:][found.faces[start:] == found.faces[start]]].tolist()
        pairs.update((a, b) for a in near for b in near if a < b)
    return tuple(sorted(pair for pair in pairs if not _share_a_photo(material.groups, named, pair)))


def _share_a_photo(groups: Ints, named: Ints, pair: tuple[int, int]) -> bool:
    a, b = (groups[named == one] for one in pair)
    return bool(np.isin(a, b).any())


def _clusters(faces: Faces, order: Ints, named: Ints) -> tuple[Cluster, ...]:
    """Clusters with their representatives, the largest first, those of poor faces last."""
    by_id = np.argsort(named, kind="stable")
    parts = np.split(order[by_id], np.flatnonzero(np.diff(named[by_id])) + 1) if len(order) else []
    ids = np.unique(named).tolist()
    clusters = [Cluster(one, rows, central(faces, rows)) for one, rows in zip(ids, parts, strict=True)]
    return tuple(sorted(clusters, key=lambda each: (is_poor(faces, each), -len(each), each.id)))


def is_poor(faces: Faces, cluster: Cluster) -> bool:
    """Whether the faces of a cluster are mostly too poor to tell people apart."""
    return bool(np.median(faces.quality[cluster.rows]) < POOR_QUALITY)


def central(faces: Faces, rows: Ints) -> int:
    """Row of the face that is nearest to the mean of these, weighted by quality."""
    weights = np.maximum(faces.quality[rows], LEAST_QUALITY)
    return int(rows[np.argmax(faces.embeddings[rows] @ (weights @ faces.embeddings[rows]))])
