"""Clusters of made-up people: what must hold whatever the faces are, and what comes out of some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis import compare
from visavis.clustering import cluster_faces
from visavis.clustering.faces import join_faces, label_faces, select_rows
from visavis.clustering.types import Clustering, Faces
from visavis.defaults import EMBEDDER
from visavis.errors import UsageError
from visavis.evaluate.clusters import measure_clustering

from .made_up import at_angles, faces, partition, people

THRESHOLD = 0.2


def clustered(given: Faces, *, seed: int = 0, threshold: float = THRESHOLD) -> Clustering:
    return cluster_faces(given, threshold=threshold, seed=seed)


def album(counts: Sequence[int], photos: Sequence[int], *, seed: int, spread: float = 0.7) -> Faces:
    """Faces of some people, whose photos are drawn: several of a photo may be of one person, and be it wrongly."""
    embeddings, _ = people(counts, seed=seed, spread=spread, dimension=8)
    return faces(embeddings, photos=[f"{photos[row % len(photos)]}.jpg" for row in range(len(embeddings))])


ALBUMS = st.builds(
    album,
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.lists(st.integers(0, 20), min_size=1, max_size=30),
    seed=st.integers(0, 10_000),
    spread=st.floats(0.05, 1.5),
)


def test_people_who_are_easily_told_apart() -> None:
    embeddings, who = people([30, 12, 5, 2, 1, 1])
    found = clustered(faces(embeddings))
    assert partition(found.labels.tolist()) == partition(who)
    assert [cluster.id for cluster in found.clusters] == [1, 2, 3, 4, 5, 6]
    assert [len(cluster) for cluster in found.clusters] == [30, 12, 5, 2, 1, 1]
    assert (found.threshold, found.far, found.model, found.ties) == (THRESHOLD, None, EMBEDDER, ())


def test_no_face_at_all() -> None:
    found = clustered(join_faces())
    assert (found.clusters, found.labels.tolist()) == ((), [])


@settings(max_examples=examples(60), deadline=None)
@given(ALBUMS, st.integers(0, 3), st.floats(0.01, 0.6))
def test_faces_of_one_photo_are_never_together(given: Faces, seed: int, threshold: float) -> None:
    for cluster in clustered(given, seed=seed, threshold=threshold).clusters:
        photos = [given.photos[row] for row in cluster.rows]
        assert len(set(photos)) == len(photos)


@settings(max_examples=examples(40), deadline=None)
@given(ALBUMS, st.randoms(use_true_random=False))
def test_the_order_of_the_faces_does_not_matter(given: Faces, random: object) -> None:
    order = np.array(random.sample(range(len(given)), len(given)))  # type: ignore[attr-defined]
    first, second = clustered(given), clustered(select_rows(given, order))
    assert second.labels.tolist() == first.labels[order].tolist()
    assert [order[one.representative] for one in second.clusters] == [one.representative for one in first.clusters]


@settings(max_examples=examples(40), deadline=None)
@given(ALBUMS)
def test_each_face_is_in_one_cluster_and_each_cluster_has_its_representative(given: Faces) -> None:
    found = clustered(given)
    rows = [row for cluster in found.clusters for row in cluster.rows.tolist()]
    assert sorted(rows) == list(range(len(given)))
    assert all(cluster.representative in cluster.rows for cluster in found.clusters)
    sizes = [len(cluster) for cluster in found.clusters]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(cluster.id for cluster in found.clusters) == list(range(1, len(sizes) + 1))


@settings(max_examples=examples(40), deadline=None)
@given(ALBUMS, st.floats(0, 1))
def test_what_was_clustered_before_stays(given: Faces, share: float) -> None:
    """Old faces keep their ids, whichever photos are new; old clusters stay apart; fresh ids are new ones."""
    photos = sorted(set(given.photos))
    before = set(photos[: int(len(photos) * share)])
    old_rows = np.flatnonzero([photo in before for photo in given.photos])
    new_rows = np.setdiff1d(np.arange(len(given)), old_rows)
    first = clustered(select_rows(given, old_rows))
    second = clustered(join_faces(label_faces(first), select_rows(given, new_rows)))
    assert second.labels[: len(old_rows)].tolist() == first.labels.tolist()
    fresh = {cluster.id for cluster in second.clusters} - {cluster.id for cluster in first.clusters}
    assert all(one > max((cluster.id for cluster in first.clusters), default=0) for one in fresh)
    for cluster in second.clusters:
        names = [second.faces.photos[row] for row in cluster.rows]
        assert len(set(names)) == len(names)
    assert all(a < b and {a, b} <= set(first.labels.tolist()) for a, b in second.ties)


def test_new_photos_join_old_clusters_or_found_new_ones() -> None:
    embeddings, who = people([12, 8, 6])
    rows = np.arange(len(who))
    at_first = rows[(np.array(who) < 2) & (rows % 2 == 0)]
    first = clustered(select_rows(faces(embeddings), at_first))
    assert len(first.clusters) == 2
    second = clustered(join_faces(label_faces(first), select_rows(faces(embeddings), np.setdiff1d(rows, at_first))))
    by_name = {second.faces.photos[row]: cluster.id for cluster in second.clusters for row in cluster.rows}
    ids = [by_name[f"{row:06d}.jpg"] for row in rows]
    assert partition(ids) == partition(who)
    assert (set(ids[:20]), set(ids[20:])) == ({1, 2}, {3})


def test_ids_that_were_given_once_are_not_given_again() -> None:
    found = cluster_faces(faces(at_angles(0, 90)), threshold=0.1, after=9)
    assert sorted(cluster.id for cluster in found.clusters) == [10, 11]


def test_a_new_face_between_two_old_clusters_is_told_of_and_merges_nothing() -> None:
    old = faces(at_angles(0, 1, 2, 20, 21, 22), clusters=[4, 4, 4, 7, 7, 7])
    between = faces(at_angles(11), photos=["new.jpg"])
    found = clustered(join_faces(old, between), threshold=0.04)
    assert found.ties == ((4, 7),)
    assert found.labels[:6].tolist() == [4, 4, 4, 7, 7, 7]
    assert found.labels[6] in (4, 7)
    far = clustered(join_faces(old, faces(at_angles(2), photos=["new.jpg"])), threshold=0.01)
    assert (far.ties, far.labels[6]) == ((), 4)


def test_old_clusters_with_faces_of_one_photo_are_no_tie() -> None:
    photos = ["a.jpg", "b.jpg", "c.jpg", "a.jpg", "d.jpg", "e.jpg"]
    old = faces(at_angles(0, 1, 2, 20, 21, 22), clusters=[4, 4, 4, 7, 7, 7], photos=photos)
    assert clustered(join_faces(old, faces(at_angles(11), photos=["new.jpg"])), threshold=0.04).ties == ()


def test_a_copy_of_a_photo_changes_nothing_and_joins_its_people() -> None:
    embeddings, who = people([10, 7, 4])
    first = clustered(faces(embeddings))
    copies = [0, 10, 17]
    whole = join_faces(faces(embeddings), faces(embeddings[copies], photos=["copy.jpg"] * 3))
    labels = clustered(whole).labels
    assert partition(labels[: len(who)].tolist()) == partition(first.labels.tolist())
    assert [labels[row] for row in copies] == labels[-3:].tolist()


def test_the_representative_is_nearest_to_the_mean_by_quality() -> None:
    """Of 0, 10 and 30 degrees it is 10; where the last is much better than the others, itself."""
    embeddings = at_angles(0, 10, 30)
    (alike,) = clustered(faces(embeddings), threshold=0.3).clusters
    assert alike.representative == 1
    (weighted,) = clustered(faces(embeddings, quality=[0.05, 0.05, 1]), threshold=0.3).clusters
    assert weighted.representative == 2


def test_the_seed_repeats() -> None:
    embeddings, _ = people([20] * 10, spread=1.1, dimension=8)
    given = faces(embeddings)
    first = clustered(given, seed=3).labels.tolist()
    assert clustered(given, seed=3).labels.tolist() == first


# Thresholds


def table() -> compare.Calibration:
    found = compare.calibration(EMBEDDER)
    assert found is not None
    return found


def test_the_default_rate_follows_from_the_number_of_faces() -> None:
    """A twentieth of a stranger for each face, between the lowest rate that was measured and 1e-3."""
    for count, far in ((30, 1e-3), (400, 0.05 / 400)):
        found = cluster_faces(faces(people([count], dimension=128)[0]))
        assert found.far == pytest.approx(far)
        assert found.threshold == pytest.approx(table().threshold(far))


def test_a_cluster_of_two_is_held_to_a_lower_rate_than_one_of_five() -> None:
    """Two faces between the threshold of 2e-5 and the general one are one person only where that one is asked for."""
    general, pair = table().threshold(1e-3), table().threshold(2e-5)
    angle = float(np.degrees(np.arccos(1 - (general + pair) / 2)))
    two = faces(at_angles(0, angle))
    assert len(cluster_faces(two).clusters) == 2
    assert len(cluster_faces(two, far=1e-3).clusters) == 1
    five = faces(at_angles(0, angle, angle, angle, angle))
    assert len(cluster_faces(five).clusters) == 1


def test_poor_faces_come_last_and_may_be_left_alone() -> None:
    embeddings = at_angles(0, 1, 2, 90, 91)
    given = faces(embeddings, quality=[0.2, 0.3, 0.4, 0.9, 0.9])
    found = clustered(given)
    assert [cluster.rows.tolist() for cluster in found.clusters] == [[3, 4], [0, 1, 2]]
    alone = cluster_faces(given, threshold=THRESHOLD, min_quality=0.35)
    assert [cluster.rows.tolist() for cluster in alone.clusters] == [[3, 4], [0], [1], [2]]
    old = replace(given, clusters=np.array([7, 7, -1, -1, -1]))
    kept = cluster_faces(old, threshold=THRESHOLD, min_quality=0.35)
    assert kept.labels.tolist()[:2] == [7, 7]


def test_a_rate_or_a_threshold() -> None:
    given = faces(at_angles(0, 5))
    assert cluster_faces(given, far=1e-3).threshold == table().threshold(1e-3)
    assert cluster_faces(given, threshold=table().threshold(1e-3)).far == pytest.approx(1e-3)
    with pytest.raises(UsageError, match="exclude each other"):
        cluster_faces(given, far=1e-3, threshold=0.1)
    with pytest.raises(UsageError, match="was not measured"):
        cluster_faces(given, far=1e-9)
    own = replace(table(), thresholds=tuple(one / 2 for one in table().thresholds))
    assert cluster_faces(given, far=1e-3, calibration=own).threshold == own.threshold(1e-3)


def test_a_model_without_a_table_needs_a_threshold() -> None:
    with pytest.raises(UsageError, match="uncalibrated"):
        cluster_faces(faces(at_angles(0, 5)), model="facenet-casia")


def test_two_faces_of_a_photo_that_are_together_already() -> None:
    given = faces(at_angles(0, 5), photos=["a.jpg", "a.jpg"], clusters=[3, 3])
    with pytest.raises(UsageError, match=r"two faces of 'a\.jpg' are in cluster 3 already"):
        clustered(given)


def test_many_faces() -> None:
    """Five thousand of five hundred people, some alike: nearly all right, as the measure of the evaluation says."""
    embeddings, who = people([10] * 500, spread=0.9, dimension=128)
    result = measure_clustering(who, clustered(faces(embeddings), threshold=0.55).labels)
    assert result.b_cubed.f > 0.995


@pytest.mark.parametrize("model", ["dlib-resnet@1", "dlib-resnet@2"])
def test_models_are_known_by_their_ids(model: str) -> None:
    assert cluster_faces(faces(at_angles(0, 5)), far=1e-3, model=model).threshold > 0.07
