"""Faces of a cluster that may show another person: on embeddings whose distances are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis import compare
from visavis.clustering.doubtful import choose_doubt_limit, find_doubtful
from visavis.compare import Calibration

LIMIT = 0.5


def make_faces(*parts: tuple[int, int], shared: float = 0.0) -> np.ndarray:
    """Faces of people, each (number of faces, axis): 0.2 from each other, 1 - shared from others."""
    rows = []
    for count, axis in parts:
        for _ in range(count):
            row = np.zeros(64)
            row[0], row[axis], row[20 + len(rows)] = np.sqrt(shared), np.sqrt(0.8 - shared), np.sqrt(0.2)
            rows.append(row)
    return np.array(rows, np.float32)


def test_the_distances_are_those_that_the_tests_speak_of() -> None:
    faces = make_faces((2, 1), (1, 2), shared=0.3)
    assert 1 - faces @ faces.T == pytest.approx(np.array([[0, 0.2, 0.7], [0.2, 0, 0.7], [0.7, 0.7, 0]]), abs=1e-6)


def test_faces_of_one_person_are_not_doubtful() -> None:
    for count in (1, 2, 3, 20):
        assert not find_doubtful(make_faces((count, 1)), LIMIT).any()


def test_equal_faces_are_not_doubtful() -> None:
    assert not find_doubtful(np.repeat(make_faces((1, 1)), 6, axis=0), LIMIT).any()


@pytest.mark.parametrize("sizes", [(9, 1), (8, 2), (12, 5), (12, 10)])
def test_the_smaller_of_two_people_is_doubtful(
    sizes: tuple[int, int],
) -> None:
    """With (12, 10), each face is near enough to the whole: (9 x 0.2 + 12 x 0.7) / 21 = 0.486."""
    faces = make_faces((sizes[0], 1), (sizes[1], 2), shared=0.3)
    assert find_doubtful(faces, LIMIT).tolist() == [False] * sizes[0] + [True] * sizes[1]


def test_one_face_of_another_person_is_doubtful_among_faces_of_two_poses() -> None:
    """The poses are 0.4 apart, which is the direction of the most spread; the other face is 0.71 from each."""
    faces = np.zeros((41, 64), np.float32)
    faces[:40, 0], faces[:40, 1] = np.sqrt(0.7), np.sqrt(0.1) * np.where(np.arange(40) % 2, 1, -1)
    faces[np.arange(40), 20 + np.arange(40)] = np.sqrt(0.2)
    faces[40, 0], faces[40, 2] = np.sqrt(0.12), np.sqrt(0.88)
    assert find_doubtful(faces, LIMIT).tolist() == [False] * 40 + [True]


def test_of_two_people_with_as_many_faces_each_one_is_doubtful() -> None:
    doubtful = find_doubtful(make_faces((10, 1), (10, 2), shared=0.3), LIMIT)
    assert sorted([doubtful[:10].tolist(), doubtful[10:].tolist()]) == [[False] * 10, [True] * 10]


def test_all_people_but_the_one_with_most_faces_are_doubtful() -> None:
    doubtful = find_doubtful(make_faces((10, 1), (4, 2), (3, 3), (1, 4), shared=0.2), LIMIT)
    assert doubtful.tolist() == [False] * 10 + [True] * 8


def test_of_two_faces_that_are_too_far_one_is_doubtful() -> None:
    assert find_doubtful(make_faces((1, 1), (1, 2), shared=0.3), LIMIT).sum() == 1
    assert find_doubtful(make_faces((1, 1), (1, 2), shared=0.55), LIMIT).sum() == 0


@given(st.permutations(range(12)))
def test_the_order_of_the_faces_does_not_matter(order: list[int]) -> None:
    faces = make_faces((9, 1), (3, 2), shared=0.3)
    assert (find_doubtful(faces[order], LIMIT) == (np.array(order) >= 9)).all()


def test_the_limit_is_that_of_joining_faces_and_falls_with_their_number() -> None:
    table = Calibration("sface", (0.1, 0.001, 0.00001), (0.9, 0.5, 0.3), -20, 12)
    assert choose_doubt_limit(10, table) == pytest.approx(0.5 * 1.05)
    assert choose_doubt_limit(500, table) == pytest.approx(table.threshold(0.0001) * 1.05)
    assert choose_doubt_limit(10**6, table) == pytest.approx(0.3 * 1.05)


def test_a_cluster_of_five_thousand_faces_of_two_people() -> None:
    rng = np.random.default_rng(3)
    centers = compare.unit(rng.normal(size=(2, 128)))
    faces = compare.unit(np.repeat(centers, (4000, 1000), axis=0) + rng.normal(size=(5000, 128)) * 0.04)
    assert (find_doubtful(faces.astype(np.float32), LIMIT) == (np.arange(5000) >= 4000)).all()
