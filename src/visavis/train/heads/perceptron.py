"""Multilayer perceptron: one hidden layer of rectified linear units, and a softmax over people."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.train.heads.head import Arrays, Head, fitting, log_softmax
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

HIDDEN = 32
ITERATIONS = 60
DECAY = 1.0
"""Weight of the squared parameters in the loss."""


def _fit(features: Doubles, labels: Labels, balance: bool, seed: int) -> dict[str, NDArray[Any]]:
    rows = repeat_rare(labels) if balance else np.arange(len(labels))
    with fitting():
        from sklearn.neural_network import MLPClassifier

        fitted = MLPClassifier((HIDDEN,), solver="lbfgs", alpha=DECAY, max_iter=ITERATIONS, random_state=seed)
        fitted.fit(features[rows], labels[rows])
    return take_layers(fitted)


def take_layers(fitted: Any) -> dict[str, NDArray[Any]]:
    """Return the weights of scikit-learn's two layers. Of two people there is one output, for the second."""
    (first, second), (first_bias, second_bias) = fitted.coefs_, fitted.intercepts_
    if second.shape[1] == 1:
        second, second_bias = np.hstack([0 * second, second]), np.append(0.0, second_bias)
    return {"hidden": first, "hidden_bias": first_bias, "output": second, "output_bias": second_bias}


def repeat_rare(labels: Labels) -> NDArray[np.intp]:
    """Return rows in which every person comes as often as the most frequent one, the photos of each in turn."""
    most = int(np.bincount(labels).max())
    people = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.concatenate([np.resize(rows, most) for rows in people])


def _compute_log_probabilities(arrays: Arrays, features: Doubles) -> Doubles:
    hidden = np.maximum(features @ arrays["hidden"] + arrays["hidden_bias"], 0)
    return log_softmax(hidden @ arrays["output"] + arrays["output_bias"])


PERCEPTRON = Head(
    name="mlp",
    title="multilayer perceptron",
    fit=_fit,
    logits=_compute_log_probabilities,
    shapes={"hidden": ("d", "h"), "hidden_bias": ("h",), "output": ("h", "k"), "output_bias": ("k",)},
    balancing="photos of rare people are repeated until all people have equally many",
    most_work=3e5,
)
