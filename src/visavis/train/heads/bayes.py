"""Naive Bayes: each feature of a person has a normal distribution, independent of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.train.heads.head import Arrays, Head, fitting, log_softmax
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

SMOOTHING = 0.1
"""Share of the largest variance of a feature that is added to all variances: a person may have a single photo."""

LEAST = 1e-100
"""Least variance of a file: its inverse is finite, also times the largest numbers of a file."""


def _fit(features: Doubles, labels: Labels, balance: bool, seed: int) -> dict[str, NDArray[Any]]:
    people = int(labels.max()) + 1
    with fitting():
        from sklearn.naive_bayes import GaussianNB

        fitted = GaussianNB(priors=np.full(people, 1 / people) if balance else None, var_smoothing=SMOOTHING)
        fitted.fit(features, labels)
    return {"means": fitted.theta_, "variances": fitted.var_, "priors": fitted.class_prior_}


def _compute_log_probabilities(arrays: Arrays, features: Doubles) -> Doubles:
    means, precisions = arrays["means"], 1 / arrays["variances"]
    squares = features**2 @ precisions.T - 2 * features @ (means * precisions).T + (means**2 * precisions).sum(axis=1)
    normalizers = np.log(2 * np.pi * arrays["variances"]).sum(axis=1)
    return log_softmax(np.log(arrays["priors"]) - (normalizers + squares) / 2)


def _check(arrays: Arrays, features: int) -> str:
    positive = (arrays["variances"] >= LEAST).all() and (arrays["priors"] >= LEAST).all()
    return "" if positive else "variances or priors that are too close to 0"


NAIVE_BAYES = Head(
    name="naive-bayes",
    title="naive Bayes",
    fit=_fit,
    logits=_compute_log_probabilities,
    shapes={"means": ("k", "d"), "variances": ("k", "d"), "priors": ("k",)},
    balancing="every person is equally likely beforehand",
    most_work=2e7,
    check=_check,
    temperature=lambda features: features / 2.7,  # of 10 people with one photo, embeddings of sface
)
