"""Which pictures a network learns from, and which it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.train.config import Validation

LEAST_PEOPLE = 2
"""Least number of people on either side, where people are held out."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSplit:
    """Rows to train on and rows held out, and whether the latter are of other ``people``."""

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    people: bool


def split(labels: NDArray[np.int64], how: Validation, *, seed: int) -> TrainingSplit:
    """Hold out people, or every so many-th picture of each; nothing where both are 0.

    UsageError where fewer than two people are left to learn from.
    """
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
