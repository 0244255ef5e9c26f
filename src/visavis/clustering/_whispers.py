"""Chinese whispers (C. Biemann, 2006): each node takes over the label that weighs most among its neighbors.

In the original one node after the other does so, in random order. Here a random eighth of the nodes does at a time,
which is the same idea in whole arrays; the rest stands still meanwhile, so that no two neighbors swap labels for ever.
Faces of one photo are two people: none takes over a label that another face of its photo has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.clustering._neighbors import Edges, Ints
from visavis.types import Floats

Sums = NDArray[np.float64]

PARTS = 8
ROUNDS = 30
"""At most; it mostly stands still after ten."""


def whispers(edges: Edges, weights: Floats, labels: Ints, groups: Ints, *, free: NDArray[np.bool_], seed: int) -> Ints:
    """Pass on ``labels (n,)`` along edges of ``weights (m,)``, sorted by row; nodes that are not ``free`` keep theirs.

    Two nodes of one group ``groups (n,)`` never come to one label, if they have none in common at first.
    """
    random = np.random.default_rng(seed)
    labels = labels.copy()
    starts = np.searchsorted(edges.rows, np.arange(len(labels) + 1))
    nodes = np.flatnonzero(free & (np.diff(starts) > 0))
    several = _in_company(groups)
    for _ in range(ROUNDS):
        changed = 0
        for part in np.array_split(random.permutation(nodes), PARTS):
            changed += _pass_on(np.sort(part), starts, edges.columns, weights, labels, groups, several)
        if not changed:
            break
    return labels


def _in_company(groups: Ints) -> NDArray[np.bool_]:
    """Mark nodes that are not alone in their group."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    company: NDArray[np.bool_] = counts[inverse] > 1
    return company


def _pass_on(
    part: Ints,
    starts: Ints,
    columns: Ints,
    weights: Floats,
    labels: Ints,
    groups: Ints,
    several: NDArray[np.bool_],
) -> int:
    """Relabel the nodes of a part in place; return how many have changed."""
    lengths = starts[part + 1] - starts[part]
    place = np.repeat(starts[part] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    owner = np.repeat(np.arange(len(part)), lengths)
    nodes, offered, sums = _summed(owner, labels[columns[place]], weights[place])
    if several[part].any():
        open_to = _not_taken(part[nodes], offered, labels, groups, several)
        nodes, offered, sums = nodes[open_to], offered[open_to], sums[open_to]
    own = offered == labels[part[nodes]]
    order = np.lexsort((offered, ~own, -sums, nodes))  # of equal weight the label that it has, else the lowest
    nodes, offered, sums = nodes[order], offered[order], sums[order]
    first = np.ones(len(nodes), np.bool_)
    first[1:] = nodes[1:] != nodes[:-1]
    who, label, sums = part[nodes[first]], offered[first], sums[first]
    moved = label != labels[who]
    who, label, sums = who[moved], label[moved], sums[moved]
    winners = _one_a_group(who, label, sums, groups)
    labels[who[winners]] = label[winners]
    return len(winners)


def _summed(owner: Ints, label: Ints, weights: Floats) -> tuple[Ints, Ints, Sums]:
    """Sum weights by owner and label."""
    order = np.lexsort((label, owner))
    owner, label = owner[order], label[order]
    first = np.ones(len(owner), np.bool_)
    first[1:] = (owner[1:] != owner[:-1]) | (label[1:] != label[:-1])
    starts = np.flatnonzero(first)
    sums: Sums = np.add.reduceat(weights[order].astype(np.float64), starts)
    return owner[starts], label[starts], sums


def _not_taken(who: Ints, label: Ints, labels: Ints, groups: Ints, several: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark offers of a label that no other node of the group has by now."""
    size = int(labels.max()) + 1
    taken = np.unique(groups[several] * size + labels[several])
    free: NDArray[np.bool_] = ~np.isin(groups[who] * size + label, taken) | (labels[who] == label)
    return free


def _one_a_group(who: Ints, label: Ints, sums: Sums, groups: Ints) -> Ints:
    """Of the nodes of one group that want the same label, let the one with most weight have it."""
    order = np.lexsort((who, -sums, label, groups[who]))
    group, wanted = groups[who][order], label[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (group[1:] != group[:-1]) | (wanted[1:] != wanted[:-1])
    return order[first]
