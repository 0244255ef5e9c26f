"""Which pictures a network learns from, and which it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.train.config import Validation
from visavis.train.crops import Crops
from visavis.train.labeled_photos import list_few

LEAST_PEOPLE = 2
"""Least number of people on either side, where people are held out."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSplit:
    """Rows to train on and rows held out, and whether the latter are of other ``people``."""

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    people: bool


def split(data: Crops, how: Validation, *, seed: int, ails: bool = True) -> TrainingSplit:
    """Hold out the photos that the user set aside; or people, or every so many-th picture of each (0: nothing).

    Rows that the data leaves out are in neither part.

    UsageError where fewer than two people are left to learn from, and if it ``ails``, for a person in both parts;
    otherwise the person's training photos are left out.
    """
    used = np.setdiff1d(np.arange(len(data.labels)), data.left_out)
    if len(data.test):
        return _split_given(data, used, ails=ails)
    parts = _split(data.labels[used], how, seed=seed)
    return TrainingSplit(used[parts.train], used[parts.held_out], parts.people)


def find_people_in_both(data: Crops) -> list[str]:
    """Return the people with training photos among the photos that the user set aside."""
    used = np.setdiff1d(np.arange(len(data.labels)), data.left_out)
    tested = np.isin(used, data.test)
    both = np.intersect1d(data.labels[used[tested]], data.labels[used[~tested]])
    return [data.people[person] for person in both]


def _split_given(data: Crops, used: NDArray[np.int64], *, ails: bool) -> TrainingSplit:
    both = find_people_in_both(data)
    if both and ails:
        raise UsageError(
            f"{describe_both(both)} Move them to one part; or leave out --test and hold out other pictures of the same "
            "people (validation.every = 10); or set stop.ails = false to train without them."
        )
    held_out = np.intersect1d(used, data.test)
    train = used[~np.isin(data.labels[used], data.labels[held_out])]
    if len(np.unique(data.labels[train])) < LEAST_PEOPLE:
        raise UsageError(
            f"training needs pictures of at least two people; there is {len(np.unique(data.labels[train]))}."
        )
    return TrainingSplit(train, held_out, people=True)


def describe_both(people: list[str]) -> str:
    """Return the sentence that these people are in both parts of a split."""
    who = "1 person is" if len(people) == 1 else f"{len(people):,} people are"
    return (
        f"{who} in both parts of the split, so the network would be judged on people it has seen: {list_few(people)}."
    )


def _split(labels: NDArray[np.int64], how: Validation, *, seed: int) -> TrainingSplit:
    people = np.unique(labels)
    if len(people) < LEAST_PEOPLE:
        raise UsageError(f"training needs pictures of at least two people; there is {len(people)}.")
    if how.every:
        held_out = np.concatenate([np.flatnonzero(labels == person)[:: how.every] for person in people])
        lonely = [rows[0] for person in people if len(rows := np.flatnonzero(labels == person)) == 1]
        return _make(labels, np.setdiff1d(held_out, lonely), people=False)
    count = round(how.people * len(people))
    if not count:
        return _make(labels, np.empty(0, np.int64), people=False)
    count = min(max(count, LEAST_PEOPLE), len(people) - LEAST_PEOPLE)
    if count < LEAST_PEOPLE:
        raise UsageError(
            f"of {len(people)} people none can be held out: hold out pictures instead, by [validation] every = 10 in "
            "the file of --config, or nothing, by [validation] people = 0."
        )
    chosen = np.random.default_rng([seed, 1]).choice(people, count, replace=False)
    return _make(labels, np.flatnonzero(np.isin(labels, chosen)), people=True)


def _make(labels: NDArray[np.int64], held_out: NDArray[np.int64], *, people: bool) -> TrainingSplit:
    return TrainingSplit(np.setdiff1d(np.arange(len(labels)), held_out), np.sort(held_out), people)
