"""Batches of an epoch: which pictures the network sees together, as rows of the training data.

Each function depends on its arguments alone, so that a resumed run sees the batches that it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def shuffled(count: int, size: int, rng: np.random.Generator) -> list[Rows]:
    """Return all ``count`` rows in random order, ``size`` a batch; a last batch of one row joins the one before.

    Batch normalization has no variance of a single row.
    """
    order = rng.permutation(count)
    batches = [order[start : start + size] for start in range(0, count, size)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches


def people_by_pictures(labels: Rows, *, people: int, pictures: int, rng: np.random.Generator) -> list[Rows]:
    """Return batches of P people with K pictures each; the epoch has about as many rows as there are pictures.

    ``labels (n,)`` numbers the person of each picture. Each person's pictures come in random order, all of them before
    one is repeated, and each person comes once before one comes again. A batch has no picture twice. But
    people with fewer than K pictures repeat theirs.
    """
    owners, counts = np.unique(labels, return_counts=True)
    rows_of = dict(
        zip(owners.tolist(), np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1]), strict=True)
    )
    people = min(people, len(owners))
    left = {int(person): list[int]() for person in owners}
    chosen = _endless(owners, rng)
    batches = []
    for _ in range(-(-len(labels) // (people * pictures))):
        batch = dict[int, list[int]]()
        while len(batch) < people:
            person = next(chosen)
            if person not in batch:
                batch[person] = _draw(left[person], rows_of[person], pictures, rng)
        batches.append(np.array([row for rows in batch.values() for row in rows], np.int64))
    return batches


def triplet_rows(anchors: Rows, positives: Rows, negatives: Rows, size: int) -> list[Rows]:
    """Return batches of whole triplets of about ``size`` rows: anchors, then their positives, then their negatives."""
    each = max(size // 3, 2)
    starts = range(0, len(anchors), each)
    return [np.concatenate([part[i : i + each] for part in (anchors, positives, negatives)]) for i in starts]


def _draw(left: list[int], rows: Rows, count: int, rng: np.random.Generator) -> list[int]:
    """Take ``count`` rows from those ``left`` of a person, which are filled again; none twice if there are enough."""
    drawn: list[int] = []
    while len(drawn) < count:
        if not left:
            again = rng.permutation(rows).tolist()
            left += [row for row in again if row in drawn] + [row for row in again if row not in drawn]
        drawn.append(left.pop())
    return drawn


def _endless(values: Rows, rng: np.random.Generator) -> Iterator[int]:
    """Yield the values in random order, again and again in another order."""
    while True:
        yield from rng.permutation(values).tolist()
