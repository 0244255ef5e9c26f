"""Clusters merged and faces moved, by distances computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from visavis.clustering._means import FaceGraph, dots, list_offers, mates_of, merge_clusters, move_faces, stretch
from visavis.clustering._neighbors import neighbors
from visavis.clustering._small import split_loose
from visavis.types import Floats

from .made_up import at_angles, partition, people


def material(
    embeddings: Floats,
    *,
    groups: Sequence[int] | None = None,
    old: Sequence[int] = (),
    shares: Sequence[float] | None = None,
) -> FaceGraph:
    n = len(embeddings)
    good = np.ones(n, np.float32) if shares is None else np.array(shares, np.float32)
    photos = np.arange(n) if groups is None else np.array(groups)
    marked = np.isin(np.arange(n), old)
    return FaceGraph(embeddings, neighbors(embeddings, photos, limit=2.0, count=50).both_ways(), photos, marked, good)


def degrees(angle: float) -> float:
    return float(1 - np.cos(np.radians(angle)))


def test_two_clusters_are_as_far_as_their_faces_are_on_average() -> None:
    """{0, 10} and {40}: 40 and 30 degrees."""
    found = material(at_angles(0, 10, 40))
    average = (degrees(40) + degrees(30)) / 2
    labels = np.array([0, 0, 1])
    assert partition(merge_clusters(found, labels, limit=average + 1e-4)) == {frozenset({0, 1, 2})}
    assert partition(merge_clusters(found, labels, limit=average - 1e-4)) == {frozenset({0, 1}), frozenset({2})}


def test_the_nearest_merge_first() -> None:
    """20 is nearer to 30 than to 5: merged with it, both together are too far from 5."""
    found = material(at_angles(5, 20, 30))
    assert partition(merge_clusters(found, np.arange(3), limit=degrees(16))) == {frozenset({0}), frozenset({1, 2})}


@pytest.mark.parametrize(("size", "parts"), [(2, 2), (3, 1)])
def test_clusters_of_several_faces_are_merged_a_little_farther_apart(size: int, parts: int) -> None:
    """At 1.04 times the limit: clusters of three are, those of two are not."""
    angles = [0.0] * size + [30.0] * size
    labels = np.repeat([0, 1], size)
    assert len(partition(merge_clusters(material(at_angles(*angles)), labels, limit=degrees(30) / 1.04))) == parts


def test_neither_photos_nor_old_clusters_are_merged() -> None:
    near = at_angles(0, 1, 3)
    assert len(partition(merge_clusters(material(near, groups=[0, 0, 1]), np.arange(3), limit=0.5))) == 2
    assert partition(merge_clusters(material(near, old=[0, 2]), np.arange(3), limit=0.5)) == {
        frozenset({0, 1}),
        frozenset({2}),
    }


def test_mates() -> None:
    pairs = mates_of(np.array([3, 1, 3, 2, 3]))
    assert sorted(map(tuple, pairs.tolist())) == [(0, 2), (0, 4), (2, 4)]
    assert mates_of(np.arange(3)).shape == (0, 2)


def test_a_face_and_a_cluster() -> None:
    """.6 of the mean distance, .4 of that to the mean embedding; the own cluster without the face itself."""
    found = list_offers(material(at_angles(0, 20, 60)), np.array([0, 0, 0]))
    row = {int(face): float(distance) for face, distance in zip(found.faces, found.distances, strict=True)}
    assert row[2] == pytest.approx(0.6 * (degrees(60) + degrees(40)) / 2 + 0.4 * degrees(50), abs=1e-5)
    assert row[0] == pytest.approx(0.6 * (degrees(20) + degrees(60)) / 2 + 0.4 * degrees(40), abs=1e-5)


def test_alone_it_is_infinitely_far_from_itself() -> None:
    found = list_offers(material(at_angles(0, 90)), np.array([0, 1]))
    own = found.faces == found.clusters
    assert np.isinf(found.distances[own]).all()
    assert found.distances[~own] == pytest.approx([1, 1], abs=1e-6)


def test_a_face_moves_to_the_nearer_cluster() -> None:
    embeddings = at_angles(0, 2, 4, 60, 62, 64, 58)
    labels = move_faces(material(embeddings), np.array([0, 0, 0, 1, 1, 1, 0]), limit=0.2, near=0.1)
    assert partition(labels) == {frozenset({0, 1, 2}), frozenset({3, 4, 5, 6})}


def test_a_face_that_is_far_from_all_goes_alone_unless_links_hold_it() -> None:
    embeddings = at_angles(0, 1, 2, 3, 35)
    one = np.zeros(5, np.int64)
    limit = degrees(10)
    assert partition(move_faces(material(embeddings), one, limit=limit, near=limit)) == {
        frozenset({0, 1, 2, 3}),
        frozenset({4}),
    }
    assert partition(move_faces(material(embeddings), one, limit=limit, near=degrees(34.5))) == {frozenset(range(5))}


def test_old_faces_do_not_move_and_new_ones_do_not_join_their_photo() -> None:
    embeddings = at_angles(0, 2, 4, 60, 62, 64, 58)
    labels = np.array([0, 0, 0, 1, 1, 1, 0])
    assert partition(move_faces(material(embeddings, old=[6]), labels, limit=0.2, near=0.1)) == partition(
        labels.tolist()
    )
    apart = material(embeddings, groups=[0, 1, 2, 3, 4, 5, 5])
    labels = move_faces(apart, labels, limit=0.2, near=0.1)
    assert labels[5] != labels[6]


def test_products_in_blocks() -> None:
    embeddings, _ = people([50])
    pairs = np.random.default_rng(0).integers(0, 50, (70_000, 2))
    expected = (embeddings[pairs[:, 0]] * embeddings[pairs[:, 1]]).sum(axis=1)
    assert dots(embeddings, embeddings, pairs) == pytest.approx(expected, abs=1e-6)


def test_distances_of_poor_faces_are_stretched() -> None:
    """As far as both are poor: what is taken off is the geometric mean of what each takes off."""
    first, second = np.array([1, 1, 0.5, 0.5], np.float32), np.array([1, 0.5, 0.5, 0.92], np.float32)
    assert stretch(first, second) == pytest.approx([1, 1, 2, 1.25])


def test_poor_faces_merge_at_smaller_distances() -> None:
    good, poor = (material(at_angles(0, 20), shares=[each, each]) for each in (1, 0.6))
    labels, limit = np.arange(2), degrees(20) * 1.3
    assert partition(merge_clusters(good, labels, limit=limit)) == {frozenset({0, 1})}
    assert partition(merge_clusters(poor, labels, limit=limit)) == {frozenset({0}), frozenset({1})}


def test_a_small_cluster_is_held_to_its_own_limit() -> None:
    """Two faces at 10 degrees, three at 10 and 20, and five that no limit is given for."""
    angles = at_angles(0, 10, 90, 100, 110, 180, 190, 200, 210, 220)
    labels = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, 2])
    mean_of_three = (2 * degrees(10) + degrees(20)) / 3
    whole = {frozenset({0, 1}), frozenset({2, 3, 4}), frozenset({5, 6, 7, 8, 9})}
    loose = (degrees(10) + 1e-4, mean_of_three + 1e-4)
    assert partition(split_loose(material(angles), labels, loose)) == whole
    assert partition(split_loose(material(angles), labels, ())) == whole
    strict = (degrees(10) - 1e-4, mean_of_three + 1e-4)
    assert partition(split_loose(material(angles), labels, strict)) == whole - {frozenset({0, 1})} | {
        frozenset({0}),
        frozenset({1}),
    }


def test_the_farthest_face_leaves_a_small_cluster_and_old_faces_stay() -> None:
    """0 and 6 are together, 30 is not; where 30 and 6 are old, 0 leaves. Four faces may be two pairs."""
    angles, limits = at_angles(0, 6, 30), (degrees(8), degrees(8))
    assert partition(split_loose(material(angles), np.zeros(3, int), limits)) == {frozenset({0, 1}), frozenset({2})}
    kept = split_loose(material(angles, old=[1, 2]), np.zeros(3, int), limits)
    assert partition(kept) == {frozenset({1, 2}), frozenset({0})}
    pairs = split_loose(material(at_angles(0, 2, 60, 62)), np.zeros(4, int), (degrees(8),) * 3)
    assert partition(pairs) == {frozenset({0, 1}), frozenset({2, 3})}
