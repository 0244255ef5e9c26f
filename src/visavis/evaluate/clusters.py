"""Agreement of clusters of faces with the people in them.

All measures follow from the contingency table: the number of items of each person in each cluster, of which only cells
above 0 are stored. Pairwise: the answer is all pairs of items in one cluster, the truth all pairs of one person.
B-cubed (A. Bagga, B. Baldwin, Entity-based cross-document coreferencing, 1998): the same comparison of each item with
its whole cluster, itself included, averaged over the items, so that a large cluster does not weigh by its square. The
mutual information (NMI) is normalized by the mean of both entropies; the Rand index is adjusted for chance (L. Hubert,
P. Arabie, Comparing partitions, 1985).
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
    """Precision (the share of joined items that belong together), recall, and their harmonic mean ``f``."""

    precision: float
    recall: float
    f: float


@dataclass(frozen=True, slots=True)
class ClusterResult:
    """Agreement of ``clusters`` with ``people``.

    ``pairs_together`` pairs of items are in one cluster, ``pairs_of_one`` are of one person, ``pairs_right`` are both;
    they are exact. ``nmi`` is in 0..1, ``rand`` (adjusted) is 1 for the same partition and 0 for chance. If no pair is
    in one cluster the pairwise precision is 1, since no answer is wrong; if no pair is of one person the recall is 1.
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


ClusterLabels = Sequence[Hashable] | NDArray[np.intp]


def measure_clustering(people: ClusterLabels, clusters: ClusterLabels) -> ClusterResult:
    """Compare the cluster of each item with its person; only the equality of labels matters.

    Raises UsageError without items, and for different numbers of people and clusters.
    """
    if len(people) != len(clusters):
        raise UsageError(
            f"each item has a person and a cluster: got {len(people)} people and {len(clusters)} clusters."
        )
    if not len(people):
        raise UsageError("there is no item to compare.")
    table = _Table.of(_number_labels(people), _number_labels(clusters))
    right, of_one, together = (_count_pairs(counts) for counts in (table.cells, table.people, table.clusters))
    return ClusterResult(
        items=len(people),
        people=len(table.people),
        clusters=len(table.clusters),
        singletons=int((table.clusters == 1).sum()),
        pairs_right=right,
        pairs_together=together,
        pairs_of_one=of_one,
        pairwise=_make_agreement(right / together if together else 1.0, right / of_one if of_one else 1.0),
        b_cubed=_make_agreement(
            float(table.cells @ (table.cells / table.clusters[table.cluster])) / len(people),
            float(table.cells @ (table.cells / table.people[table.person])) / len(people),
        ),
        nmi=_compute_nmi(table),
        rand=_compute_rand(len(people) * (len(people) - 1) // 2, right, together, of_one),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Contingency table: ``cells (c,)`` items of ``person (c,)`` in ``cluster (c,)``; and the sums."""

    cells: Counts
    person: NDArray[np.intp]
    cluster: NDArray[np.intp]
    people: Counts
    clusters: Counts

    @classmethod
    def of(cls, person: NDArray[np.intp], cluster: NDArray[np.intp]) -> _Table:
        width = int(cluster.max()) + 1
        keys, cells = np.unique(person.astype(np.int64) * width + cluster, return_counts=True)
        return cls(cells.astype(np.int64), keys // width, keys % width, np.bincount(person), np.bincount(cluster))


def _number_labels(labels: ClusterLabels) -> NDArray[np.intp]:
    """Number the labels from 0."""
    if isinstance(labels, np.ndarray):
        return np.unique(labels, return_inverse=True)[1]
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(label, len(numbers)) for label in labels), np.intp, len(labels))


def _count_pairs(counts: Counts) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _make_agreement(precision: float, recall: float) -> Agreement:
    both = precision + recall
    return Agreement(precision, recall, 2 * precision * recall / both if both else 0.0)


def _compute_entropy(counts: Counts) -> float:
    """Return the entropy in nats."""
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def _compute_nmi(table: _Table) -> float:
    """Return the mutual information over the mean of both entropies; 1 where both are one single group."""
    people, clusters = _compute_entropy(table.people), _compute_entropy(table.clusters)
    if len(table.people) == len(table.clusters) == 1:
        return 1.0
    mutual = people + clusters - _compute_entropy(table.cells)
    return min(max(2 * mutual / (people + clusters), 0.0), 1.0)  # rounding may exceed either end


def _compute_rand(pairs: int, right: int, together: int, of_one: int) -> float:
    """Return the adjusted Rand index, in integers up to the one division; 1 for equal partitions."""
    if right == together == of_one:
        return 1.0
    return 2 * (pairs * right - together * of_one) / (pairs * (together + of_one) - 2 * together * of_one)
