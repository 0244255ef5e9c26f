"""N:N: how well clusters of faces agree with the people they are of.

All measures follow from the contingency table, how many items of each person are in each cluster, of which only the
cells that are not 0 are held. Pairwise: of all pairs of items, those in one cluster are the answer, those of one
person the truth. B-cubed (A. Bagga, B. Baldwin, Entity-based cross-document coreferencing, 1998): the same question
asked of each item with all of its cluster, itself included, and averaged over the items, so that a large cluster does
not weigh by its square. The mutual information (NMI) is normalized by the mean of both entropies; the Rand index is
adjusted for chance (L. Hubert, P. Arabie, Comparing partitions, 1985).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.stats.metrics import Counts


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much of what was put together belongs together, how much of what does was put so; ``f``: harmonic mean."""

    precision: float
    recall: float
    f: float


@dataclass(frozen=True, slots=True)
class ClusterResult:
    """How well ``clusters`` agree with ``people``.

    ``pairs_together`` pairs of items are in one cluster, ``pairs_of_one`` are of one person, ``pairs_right`` are both:
    they are exact. ``nmi`` is in 0..1, ``rand`` (adjusted) is 1 for the same partition and 0 for what chance gives.
    Where no pair is in one cluster the pairwise precision is 1, as nothing that was said is wrong; where no pair is
    of one person so is the recall.
    """

    items: int
    people: int
    clusters: int
    singletons: int
    pairs_right: int
    pairs_together: int
    pairs_of_one: int
    pairwise: Agreement
    b_cubed: Agreement
    nmi: float
    rand: float


Labels = Sequence[Hashable] | NDArray[np.intp]


def clustering(people: Labels, clusters: Labels) -> ClusterResult:
    """Compare the cluster of each item with the person it is of; UsageError where there are no items, or not as many.

    Labels only tell apart: which they are changes nothing.
    """
    if len(people) != len(clusters):
        raise UsageError(
            f"each item has a person and a cluster: got {len(people)} people and {len(clusters)} clusters."
        )
    if not len(people):
        raise UsageError("there is no item to compare.")
    table = _Table.of(_codes(people), _codes(clusters))
    right, of_one, together = (_pairs(counts) for counts in (table.cells, table.people, table.clusters))
    return ClusterResult(
        items=len(people),
        people=len(table.people),
        clusters=len(table.clusters),
        singletons=int((table.clusters == 1).sum()),
        pairs_right=right,
        pairs_together=together,
        pairs_of_one=of_one,
        pairwise=_agreement(right / together if together else 1.0, right / of_one if of_one else 1.0),
        b_cubed=_agreement(
            float(table.cells @ (table.cells / table.clusters[table.cluster])) / len(people),
            float(table.cells @ (table.cells / table.people[table.person])) / len(people),
        ),
        nmi=_nmi(table),
        rand=_rand(len(people) * (len(people) - 1) // 2, right, together, of_one),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Contingency: ``cells (c,)`` items are of person ``person (c,)`` in cluster ``cluster (c,)``; and the sums."""

    cells: Counts
    person: NDArray[np.intp]
    cluster: NDArray[np.intp]
    people: Counts
    clusters: Counts

    @classmethod
    def of(cls, person: NDArray[np.intp], cluster: NDArray[np.intp]) -> _Table:
        width = int(cluster.max()) + 1
        which, cells = np.unique(person.astype(np.int64) * width + cluster, return_counts=True)
        return cls(cells.astype(np.int64), which // width, which % width, np.bincount(person), np.bincount(cluster))


def _codes(labels: Labels) -> NDArray[np.intp]:
    """Number the labels from 0 in the order of their first coming."""
    if isinstance(labels, np.ndarray):
        return np.unique(labels, return_inverse=True)[1]
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(label, len(numbers)) for label in labels), np.intp, len(labels))


def _pairs(counts: Counts) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _agreement(precision: float, recall: float) -> Agreement:
    both = precision + recall
    return Agreement(precision, recall, 2 * precision * recall / both if both else 0.0)


def _entropy(counts: Counts) -> float:
    """Entropy in nats."""
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def _nmi(table: _Table) -> float:
    """Mutual information over the mean of both entropies; 1 where both are one single group."""
    people, clusters = _entropy(table.people), _entropy(table.clusters)
    if len(table.people) == len(table.clusters) == 1:
        return 1.0
    mutual = people + clusters - _entropy(table.cells)
    return min(max(2 * mutual / (people + clusters), 0.0), 1.0)  # rounding may pass either end


def _rand(pairs: int, right: int, together: int, of_one: int) -> float:
    """Adjusted Rand index, in whole numbers up to the one division; 1 where both partitions are the same."""
    if right == together == of_one:
        return 1.0
    return 2 * (pairs * right - together * of_one) / (pairs * (together + of_one) - 2 * together * of_one)
