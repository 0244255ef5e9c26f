"""Parts for training and for testing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.errors import UsageError
from visavis.train.splits import every_tenth, people_folds, rows_by_person, stratified_folds

LABELS = st.lists(st.integers(0, 8), min_size=1, max_size=120).map(lambda values: np.array(values, np.int64))


def test_every_tenth_is_the_1st_11th_and_21st_of_each_person() -> None:
    labels = np.repeat([0, 1, 2, 3], [21, 1, 2, 10])
    assert np.flatnonzero(every_tenth(labels)).tolist() == [0, 10, 20, 22, 24]


def test_every_tenth_counts_within_people_in_any_order_of_rows() -> None:
    labels = np.array([1, 0, 1, 0, 0])
    assert every_tenth(labels).tolist() == [True, True, False, False, False]


def test_folds_spread_each_person_and_are_of_equal_size() -> None:
    labels = np.repeat(np.arange(7), 3)
    folds = stratified_folds(labels, 5)
    assert [len(set(folds[labels == person])) for person in range(7)] == [3] * 7
    assert sorted(np.bincount(folds).tolist()) == [4, 4, 4, 4, 5]


@given(LABELS, st.integers(2, 10), st.integers(0, 3))
def test_each_photo_is_in_one_fold_and_only_photos_in_none(labels: np.ndarray, folds: int, seed: int) -> None:
    assigned = stratified_folds(labels, folds, seed=seed)
    only = np.bincount(labels)[labels] == 1
    assert np.array_equal(assigned == -1, only)
    sizes = np.bincount(assigned[~only], minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for rows in rows_by_person(labels):
        if len(rows) > 1:
            within = np.bincount(assigned[rows], minlength=folds)
            assert within.max() - within.min() <= 1
    assert np.array_equal(assigned, stratified_folds(labels, folds, seed=seed))


@given(LABELS, st.integers(2, 6))
def test_a_person_is_in_one_fold_of_people(labels: np.ndarray, folds: int) -> None:
    assigned = people_folds(labels, folds)
    fold_of_person = [set(assigned[rows]) for rows in rows_by_person(labels)]
    assert all(len(of_person) == 1 for of_person in fold_of_person)
    people = np.bincount([of_person.pop() for of_person in fold_of_person])
    assert len(people) == min(folds, len(fold_of_person))
    assert people.max() - people.min() <= 1


def test_another_seed_is_another_split() -> None:
    labels = np.repeat(np.arange(5), 20)
    assert not np.array_equal(stratified_folds(labels, 5, seed=0), stratified_folds(labels, 5, seed=1))
    assert not np.array_equal(people_folds(np.arange(40), 5, seed=0), people_folds(np.arange(40), 5, seed=1))


def test_rows_of_each_person() -> None:
    assert [rows.tolist() for rows in rows_by_person(np.array([2, 0, 2, 5]))] == [[1], [0, 2], [3]]
    assert rows_by_person(np.zeros(0, np.int64)) == []


def test_one_fold_is_no_split() -> None:
    with pytest.raises(UsageError, match="folds is a whole number of 2 or more, got 1"):
        stratified_folds(np.array([0, 0]), 1)
