"""Chinese whispers (C. Biemann, 2006): each node adopts the label with the greatest weight among its neighbors.

The original updates one node at a time, in random order. Here a random eighth of the nodes is updated at a time, which
allows operations on whole arrays; the others wait, so that two neighbors do not swap labels forever. Faces of one photo
are different people: a face never adopts a label that another face of its photo has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.clustering._neighbors import Edges, Ints
from visavis.types import Floats

WeightSums = NDArray[np.float64]

PARTS = 8
ROUNDS = 30
"""Greatest number of rounds; mostly nothing changes after ten."""


def chinese_whispers(
    edges: Edges, weights: Floats, labels: Ints, groups: Ints, *, free: NDArray[np.bool_], seed: int
) -> Ints:
    """Spread ``labels (n,)`` along edges of ``weights (m,)``, sorted by row; nodes not ``free`` keep their label.

    Two nodes of one group in ``groups (n,)`` never get the same label, unless they have the same label at first.
    """
    random = np.random.default_rng(seed)
    labels = labels.copy()
    starts = np.searchsorted(edges.rows, np.arange(len(labels) + 1))
    nodes = np.flatnonzero(free & (np.diff(starts) > 0))
    shared = _mark_shared_groups(groups)
    for _ in range(ROUNDS):
        changed = 0
        for part in np.array_split(random.permutation(nodes), PARTS):
            changed += _pass_on(np.sort(part), starts, edges.columns, weights, labels, groups, shared)
        if not changed:
            break
    return labels


def _mark_shared_groups(groups: Ints) -> NDArray[np.bool_]:
    """Mark the nodes that are not alone in their group."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    shared: NDArray[np.bool_] = counts[inverse] > 1
    return shared


def _pass_on(
    part: Ints,
    starts: Ints,
    columns: Ints,
    weights: Floats,
    labels: Ints,
    groups: Ints,
    shared: NDArray[np.bool_],
) -> int:
    """Relabel the nodes of a part in place; return how many have changed."""
    lengths = starts[part + 1] - starts[part]
    edge = np.repeat(starts[part] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    owner = np.repeat(np.arange(len(part)), lengths)
    nodes, offered, sums = _sum_weights(owner, labels[columns[edge]], weights[edge])
    if shared[part].any():
        available = _mark_available(part[nodes], offered, labels, groups, shared)
        nodes, offered, sums = nodes[available], offered[available], sums[available]
    own = offered == labels[part[nodes]]
    order = np.lexsort((offered, ~own, -sums, nodes))  # at equal weight the node's own label, else the lowest
    nodes, offered, sums = nodes[order], offered[order], sums[order]
    first = np.ones(len(nodes), np.bool_)
    first[1:] = nodes[1:] != nodes[:-1]
    targets, label, sums = part[nodes[first]], offered[first], sums[first]
    moved = label != labels[targets]
    targets, label, sums = targets[moved], label[moved], sums[moved]
    winners = _select_winners(targets, label, sums, groups)
    labels[targets[winners]] = label[winners]
    return len(winners)


def _sum_weights(owner: Ints, label: Ints, weights: Floats) -> tuple[Ints, Ints, WeightSums]:
    """Sum weights by owner and label."""
    order = np.lexsort((label, owner))
    owner, label = owner[order], label[order]
    first = np.ones(len(owner), np.bool_)
    first[1:] = (owner[1:] != owner[:-1]) | (label[1:] != label[:-1])
    starts = np.flatnonzero(first)
    sums: WeightSums = np.add.reduceat(weights[order].astype(np.float64), starts)
    return owner[starts], label[starts], sums


def _mark_available(
    nodes: Ints, label: Ints, labels: Ints, groups: Ints, shared: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark the offers of a label that no other node of the same group has now."""
    size = int(labels.max()) + 1
    used = np.unique(groups[shared] * size + labels[shared])
    free: NDArray[np.bool_] = ~np.isin(groups[nodes] * size + label, used) | (labels[nodes] == label)
    return free


def _select_winners(nodes: Ints, label: Ints, sums: WeightSums, groups: Ints) -> Ints:
    """Return one offer for each label and group: that of the node with the greatest weight."""
    order = np.lexsort((nodes, -sums, label, groups[nodes]))
    group, offered = groups[nodes][order], label[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (group[1:] != group[:-1]) | (offered[1:] != offered[:-1])
    return order[first]
