"""Heads: what names a person from the features of a face. scikit-learn fits them, plain arrays hold what was fitted.

A head is a row of :data:`HEADS`: a function that fits it, and a function that computes logits ``(n, k)`` from the
arrays with numpy alone. So a stored classifier needs no scikit-learn, no pickle, and gives the same answers in every
version.
"""

from __future__ import annotations

from collections.abc import Mapping

from visavis.errors import UnknownNameError
from visavis.train.heads import bayes, forest, linear, neighbors, perceptron
from visavis.train.heads.head import Arrays, Head

__all__ = ["HEADS", "Arrays", "Head", "find_head"]

HEADS: Mapping[str, Head] = {
    head.name: head
    for head in (
        neighbors.NEAREST_MEAN,
        linear.LINEAR_SVM,
        neighbors.NEAREST_NEIGHBORS,
        linear.LOGISTIC_REGRESSION,
        bayes.NAIVE_BAYES,
        forest.RANDOM_FOREST,
        perceptron.PERCEPTRON,
    )
}
"""Heads by name, in the order in which they are tried; of equally good ones the first is chosen."""


def find_head(name: str) -> Head:
    """Return the head of that name; UnknownNameError lists the names there are."""
    if not isinstance(name, str) or name not in HEADS:
        raise UnknownNameError(f"no head of a classifier is called {name!r}; there are: {', '.join(HEADS)}.")
    return HEADS[name]
