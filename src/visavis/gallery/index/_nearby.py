"""From what an engine finds in float32 to the answer: distances in float64, ties in order, each person once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Hit, Ids
from visavis.types import Floats

TIMES = 4
"""Templates asked for a hit that is wanted, and how many times more where that was too few."""


class Near(NamedTuple):
    """Templates that an engine found for one probe, nearest first; ``scores`` are its own distances."""

    ids: Ids
    people: Ids
    embeddings: Floats
    scores: NDArray[np.float64]


Fetch = Callable[[Floats, int], Sequence[Near]]
"""Finds the so many templates nearest to each probe; fewer where there are no more."""

By = Callable[[Near], Ids]
"""What is to be found once each: people, or templates themselves."""


def last_of_each(ids: Ids) -> Ids:
    """Return the rows that count where an id comes twice: the last of each, in order."""
    _, first = np.unique(ids[::-1], return_index=True)
    return np.sort(len(ids) - 1 - first)


def found(fetch: Fetch, probes: Floats, top: int, *, by: By, most: int) -> list[list[Hit]]:
    """Return the ``top`` hits of each probe, asking for more templates until they are certain, or ``most`` were got."""
    answers: list[list[Hit]] = [[] for _ in probes]
    left, wanted = list(range(len(probes))), min(TIMES * top, most)
    while left:
        again = []
        for i, near in zip(left, fetch(probes[left], wanted), strict=True):
            if wanted < most and len(near.ids) >= wanted and not _certain(near, top, by(near), probes.shape[1]):
                again.append(i)
            else:
                answers[i] = _ranked(probes[i], near, top, by(near))
        left, wanted = again, min(TIMES * wanted, most)
    return answers


def _certain(near: Near, top: int, by: Ids, dimension: int) -> bool:
    """Tell whether no template beyond those found can be among the first ``top``."""
    _, first = np.unique(by, return_index=True)
    if len(first) < top:
        return False
    # A float32 product of unit vectors errs by less than dimension * 2**-24, both ways.
    last = near.scores[np.sort(first)[top - 1]] + 2 * (dimension + 1) * 2.0**-24
    return bool(near.scores[-1] > last)


def _ranked(probe: Floats, near: Near, top: int, by: Ids) -> list[Hit]:
    distance = np.clip(1 - (near.embeddings * probe.astype(np.float64)).sum(axis=1), 0.0, 2.0)
    hits: dict[int, Hit] = {}
    for i in np.lexsort((near.ids, by, distance)):
        hits.setdefault(int(by[i]), Hit(int(near.people[i]), int(near.ids[i]), float(distance[i])))
        if len(hits) == top:
            break
    return list(hits.values())
