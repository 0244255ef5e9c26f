"""Heads that compare with the training photos: the mean of each person, and the nearest photos."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.train.heads.head import Arrays, Head
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

NEIGHBORS = 5
ZERO = 1e-9
"""Squared distance, as a share of the squared lengths, below which two rows of features are equal."""
FLOOR = 1e-3
"""Share of the votes that a person without a vote counts for, so that no probability is exactly 0."""


def _fit_means(features: Doubles, labels: Labels, balance: bool, seed: int) -> dict[str, NDArray[Any]]:
    sums = np.zeros((int(labels.max()) + 1, features.shape[1]))
    np.add.at(sums, labels, features)
    return {"means": sums / np.bincount(labels)[:, None]}


def _compare_with_means(arrays: Arrays, features: Doubles) -> Doubles:
    """Return half the negative squared distances: the logits of equal normal distributions around the means."""
    means = arrays["means"]
    logits: Doubles = features @ means.T - (means**2).sum(axis=1) / 2 - (features**2).sum(axis=1, keepdims=True) / 2
    return logits


def _keep_photos(features: Doubles, labels: Labels, balance: bool, seed: int) -> dict[str, NDArray[Any]]:
    counts = np.bincount(labels)
    votes = len(labels) / (len(counts) * counts) if balance else np.ones(len(counts))
    return {"photos": features, "photo_labels": labels, "votes": votes}


def vote(arrays: Arrays, features: Doubles) -> Doubles:
    """Return the share of the votes of the nearest photos for each person ``(n, k)``.

    A vote weighs by the inverse distance; if photos are equal to the probe, they alone vote.
    """
    photos, labels, votes = arrays["photos"], arrays["photo_labels"], arrays["votes"]
    lengths = (features**2).sum(axis=1, keepdims=True), (photos**2).sum(axis=1)
    squares = np.maximum(lengths[0] + lengths[1] - 2 * features @ photos.T, 0)
    squares[squares <= ZERO * (lengths[0] + lengths[1])] = 0
    nearest = np.argsort(squares, axis=1, kind="stable")[:, :NEIGHBORS]
    distances = np.sqrt(np.take_along_axis(squares, nearest, axis=1))
    equal = distances == 0
    weights = np.where(equal.any(axis=1, keepdims=True), equal, 1 / np.where(equal, 1, distances))
    shares = np.zeros((len(features), len(votes)))
    np.add.at(shares, (np.arange(len(features))[:, None], labels[nearest]), weights * votes[labels[nearest]])
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _compute_vote_logits(arrays: Arrays, features: Doubles) -> Doubles:
    return np.log(vote(arrays, features) + FLOOR)


def _check_photos(arrays: Arrays, features: int) -> str:
    labels, votes = arrays["photo_labels"], arrays["votes"]
    if labels.dtype.kind != "i" or not len(labels) or labels.min() < 0 or labels.max() >= len(votes):
        return "labels of photos that are no rows of people"
    return "" if (votes > 0).all() else "votes that are not above 0"


NEAREST_MEAN = Head(
    name="nearest-mean",
    title="nearest mean",
    fit=_fit_means,
    logits=_compare_with_means,
    shapes={"means": ("k", "d")},
    balancing="each person counts by one mean, with --balance and without",
    extra=False,
    temperature=lambda features: features / 12,  # of 10 people with one photo, embeddings of sface
)
NEAREST_NEIGHBORS = Head(
    name="nearest-neighbors",
    title="5 nearest neighbors",
    fit=_keep_photos,
    logits=_compute_vote_logits,
    shapes={"photos": ("m", "d"), "photo_labels": ("m",), "votes": ("k",)},
    balancing="votes weigh by the inverse number of a person's photos",
    check=_check_photos,
    extra=False,
)
