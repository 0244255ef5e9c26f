"""Miners choose the triplets (anchor, positive, negative) or pairs of a batch that the loss is computed on.

Most triplets of a batch are learned soon, and their loss of 0 teaches nothing: a miner looks for those that still do.

- random: for each pair of one person a negative at random.
- all: every triplet there is.
- semi-hard: for each pair a negative that is farther than the positive, by less than the margin (FaceNet). Harder ones
  can pull all embeddings into one point early in training.
- batch-hard: for each anchor the farthest positive and the nearest negative (Hermans, Beyer, Leibe 2017).
- offline: see :func:`offline_triplets`; for whole data sets, every few epochs, rather than for a batch.
"""

from __future__ import annotations

from typing import NamedTuple

from visavis.pytorch import Tensor, torch

ANCHORS = 256
"""Anchors of offline mining that share a random pool."""


class Triplets(NamedTuple):
    """Rows of a batch: anchors, positives, negatives, each ``(t,)`` int64."""

    anchors: Tensor
    positives: Tensor
    negatives: Tensor


class Pairs(NamedTuple):
    """Pairs of rows of a batch ``(k,)`` int64, and whether they are ``same``, of one person."""

    first: Tensor
    second: Tensor
    same: Tensor


def distances_between(x: Tensor, y: Tensor) -> Tensor:
    """Return squared L2 of all rows ``x (n, d)`` to all rows ``y (m, d)`` of length 1: ``(n, m)``."""
    return (2 - 2 * x @ y.T).clamp(min=0)


def all_pairs(labels: Tensor) -> Pairs:
    """Return each pair of two rows of a batch, once."""
    first, second = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
    return Pairs(first, second, labels[first] == labels[second])


def all_triplets(labels: Tensor) -> Triplets:
    """Return every triplet of a batch with labels ``(b,)``, each anchor with each positive and each negative."""
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return Triplets(*torch.where(positive[:, :, None] & ~same[:, None, :]))


def random_triplets(labels: Tensor, generator: torch.Generator) -> Triplets:
    """Return each pair of one person with a negative at random."""
    return _choose_negatives(labels, _positive_pairs(labels), ~_same(labels), generator)


def semi_hard_triplets(apart: Tensor, labels: Tensor, generator: torch.Generator, *, margin: float) -> Triplets:
    """Return each pair of one person that has semi-hard negatives, with one of them at random.

    ``apart (b, b)`` are the distances of the batch. Pairs without such a negative are left out.
    """
    anchors, positives = _positive_pairs(labels)
    own = apart[anchors, positives][:, None]
    semi_hard = (apart[anchors] > own) & (apart[anchors] < own + margin) & ~_same(labels)[anchors]
    return _choose(anchors, positives, semi_hard, generator)


def batch_hard_triplets(apart: Tensor, labels: Tensor) -> Triplets:
    """Return each anchor with its farthest positive and its nearest negative, if it has both."""
    same = _same(labels)
    own = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    anchors = torch.where(own.any(dim=1) & ~same.all(dim=1))[0]
    farthest = apart.masked_fill(~own, -torch.inf).argmax(dim=1)
    nearest = apart.masked_fill(same, torch.inf).argmin(dim=1)
    return Triplets(anchors, farthest[anchors], nearest[anchors])


def offline_triplets(embeddings: Tensor, labels: Tensor, generator: torch.Generator, *, pool: int = 1000) -> Triplets:
    """Return a hard triplet for each picture of a data set, whose embeddings ``(n, d)`` have length 1, in random order.

    The positive is one at random; the negative is the nearest within a random pool of ``pool`` pictures that is farther
    than the positive, else the farthest of those nearer (the least hard). Pictures without a positive, or without a
    negative in their pool, are left out. Memory grows with n, not with its square.
    """
    positives = _random_positives(labels, generator)
    order = torch.randperm(len(labels), generator=generator)
    parts = []
    order = order[positives[order] != order]
    for start in range(0, len(order), ANCHORS):
        anchors = order[start : start + ANCHORS]
        others = torch.randperm(len(labels), generator=generator)[:pool]
        apart = distances_between(embeddings[anchors], embeddings[others])
        limits = (embeddings[anchors] - embeddings[positives[anchors]]).square().sum(dim=1, keepdim=True)
        scores = torch.where(apart > limits, apart, 8 - apart)  # farther ones, the nearest first; then nearer ones
        scores = scores.masked_fill(labels[anchors][:, None] == labels[others], torch.inf)
        best = scores.min(dim=1)
        usable = best.values < torch.inf
        parts.append(torch.stack([anchors, positives[anchors], others[best.indices]])[:, usable])
    return Triplets(*torch.cat([torch.empty(3, 0, dtype=torch.int64), *parts], dim=1))


def _random_positives(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return for each row ``(n,)`` another row of the same label at random; the row itself where there is none."""
    by_label = torch.argsort(labels, stable=True)
    counts = torch.unique_consecutive(labels[by_label], return_counts=True)[1]
    starts, sizes = (values.repeat_interleave(counts) for values in (counts.cumsum(0) - counts, counts))
    places = torch.arange(len(labels)) - starts
    steps = 1 + (torch.rand(len(labels), generator=generator, dtype=torch.float64) * (sizes - 1)).long()
    positives = torch.empty_like(by_label)
    positives[by_label] = by_label[starts + (places + steps) % sizes]
    return positives


def _same(labels: Tensor) -> Tensor:
    return labels[:, None] == labels[None]


def _positive_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return anchors and positives ``(k,)``: all ordered pairs of two pictures of one person."""
    anchors, positives = torch.where(_same(labels) & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device))
    return anchors, positives


def _choose_negatives(
    labels: Tensor, pairs: tuple[Tensor, Tensor], allowed: Tensor, generator: torch.Generator
) -> Triplets:
    return _choose(*pairs, allowed[pairs[0]], generator)


def _choose(anchors: Tensor, positives: Tensor, allowed: Tensor, generator: torch.Generator) -> Triplets:
    """Return each pair with one of its ``allowed (k, b)`` negatives at random; leave out pairs without any."""
    able = allowed.any(dim=1)
    anchors, positives, allowed = anchors[able], positives[able], allowed[able]
    if not len(anchors):
        return Triplets(anchors, positives, anchors)
    negatives = torch.multinomial(allowed.float(), 1, generator=generator)[:, 0]
    return Triplets(anchors, positives, negatives)
