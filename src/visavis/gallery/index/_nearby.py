"""Turn an engine's float32 results into hits: distances in float64, ties in order, each person once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.index import Hit, Ids
from visavis.types import Floats

TIMES = 4
"""Templates requested per hit, and the factor by which the number grows where that was too few."""


class Near(NamedTuple):
    """Templates that an engine returned for one probe, nearest first; ``scores`` are the engine's distances."""

    ids: Ids
    people: Ids
    embeddings: Floats
    scores: NDArray[np.float64]


Fetch = Callable[[Floats, int], Sequence[Near]]
"""Returns the given number of nearest templates of each probe; fewer where there are no more."""

By = Callable[[Near], Ids]
"""Returns the column that hits are unique by: people, or template ids."""


def last_of_each(ids: Ids) -> Ids:
    """Return the last row of each id, in order: it is the one that counts where an id occurs twice."""
    _, first = np.unique(ids[::-1], return_index=True)
    return np.sort(len(ids) - 1 - first)


def find_hits(fetch: Fetch, probes: Floats, top: int, *, by: By, most: int) -> list[list[Hit]]:
    """Return the ``top`` hits of each probe; fetch more templates, up to ``most``, until the hits are certain."""
    answers: list[list[Hit]] = [[] for _ in probes]
    remaining, count = list(range(len(probes))), min(TIMES * top, most)
    while remaining:
        again = []
        for i, near in zip(remaining, fetch(probes[remaining], count), strict=True):
            if count < most and len(near.ids) >= count and not _is_certain(near, top, by(near), probes.shape[1]):
                again.append(i)
            else:
                answers[i] = _rank(probes[i], near, top, by(near))
        remaining, count = again, min(TIMES * count, most)
    return answers


def _is_certain(near: Near, top: int, by: Ids, dimension: int) -> bool:
    """Return whether no template beyond those fetched can be among the ``top`` hits."""
    _, first = np.unique(by, return_index=True)
    if len(first) < top:
        return False
    # A float32 product of unit vectors errs by less than dimension * 2**-24, up or down.
    last = near.scores[np.sort(first)[top - 1]] + 2 * (dimension + 1) * 2.0**-24
    return bool(near.scores[-1] > last)


def _rank(probe: Floats, near: Near, top: int, by: Ids) -> list[Hit]:
    distance = np.clip(1 - (near.embeddings * probe.astype(np.float64)).sum(axis=1), 0.0, 2.0)
    hits: dict[int, Hit] = {}
    for i in np.lexsort((near.ids, by, distance)):
        hits.setdefault(int(by[i]), Hit(int(near.people[i]), int(near.ids[i]), float(distance[i])))
        if len(hits) == top:
            break
    return list(hits.values())
