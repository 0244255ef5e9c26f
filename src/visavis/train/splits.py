"""Split labeled photos into parts for training and for testing: by photo within each person, or by person.

All take labels ``(n,)`` of photos in the order of :mod:`visavis.train.labeled_photos`. A person's only photo is always
a training photo: held out, it could not be recognized by any classifier.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis._checks import check_whole
from visavis.train.labeled_photos import Labels
from visavis.types import Mask

EVERY = 10
"""Distance of two test photos of a person in :func:`every_tenth`."""


def every_tenth(labels: Labels) -> Mask:
    """Return which photos are for testing ``(n,)``: of each person the 1st, the 11th, the 21st ..."""
    test: Mask = (_count_within_people(labels) % EVERY == 0) & ~_is_only_photo(labels)
    return test


def stratified_folds(labels: Labels, folds: int, *, seed: int = 0) -> Labels:
    """Return the fold of each photo ``(n,)`` from 0 to ``folds - 1``, with the photos of each person spread over them.

    A person's only photo is in fold -1, which is never held out. Photos of a person are drawn in the order of ``seed``;
    each person begins at the fold after the last of the person before, so that the folds are of equal size.
    """
    check_whole(folds, "folds is a whole number", least=2)
    rng = np.random.default_rng(seed)
    assigned = np.full(len(labels), -1, np.int64)
    start = 0
    for rows in rows_by_person(labels):
        if len(rows) > 1:
            assigned[rng.permutation(rows)] = (start + np.arange(len(rows))) % folds
            start += len(rows)
    return assigned


def people_folds(labels: Labels, folds: int, *, seed: int = 0) -> Labels:
    """Return the fold of each photo ``(n,)``: a person is in one fold, and the folds hold equally many people.

    With fewer people than folds there are as many folds as people.
    """
    check_whole(folds, "folds is a whole number", least=2)
    people, person_of_photo = np.unique(labels, return_inverse=True)
    fold_of_person = np.empty(len(people), np.int64)
    fold_of_person[np.random.default_rng(seed).permutation(len(people))] = np.arange(len(people)) % folds
    assigned: Labels = fold_of_person[person_of_photo]
    return assigned


def rows_by_person(labels: Labels) -> list[NDArray[np.intp]]:
    """Return the rows of the photos of each person that has any, in the order of the labels."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(labels) else []


def _count_within_people(labels: Labels) -> Labels:
    """Return the place of each photo among those of its person ``(n,)``, from 0."""
    places = np.empty(len(labels), np.int64)
    for rows in rows_by_person(labels):
        places[rows] = np.arange(len(rows))
    return places


def _is_only_photo(labels: Labels) -> Mask:
    only: Mask = np.bincount(labels)[labels] == 1 if len(labels) else np.zeros(0, np.bool_)
    return only
