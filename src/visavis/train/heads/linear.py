"""Linear heads: a support vector machine, one person against the others, and logistic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.train.heads.head import Arrays, Head, fitting, log_softmax
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

SVM_COST = 0.01
"""Cost of a margin error; features of length sqrt(d) make this about 1 for embeddings of length 1."""
REGRESSION_COST = 1.0
ITERATIONS = 1000


def _fit_svm(features: Doubles, labels: Labels, balance: bool, seed: int) -> dict[str, NDArray[Any]]:
    with fitting():
        from sklearn.svm import LinearSVC

        weights = "balanced" if balance else None
        fitted = LinearSVC(C=SVM_COST, dual=True, max_iter=ITERATIONS, class_weight=weights, random_state=seed)
        fitted.fit(features, labels)
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(coefficients) == 1:  # of two people there is one row, which is positive for the second
        coefficients, intercepts = np.vstack([-coefficients, coefficients]), np.append(-intercepts, intercepts)
    return {"coefficients": coefficients, "intercepts": intercepts}


def _fit_regression(features: Doubles, labels: Labels, balance: bool, seed: int) -> dict[str, NDArray[Any]]:
    with fitting():
        from sklearn.linear_model import LogisticRegression

        weights = "balanced" if balance else None
        fitted = LogisticRegression(C=REGRESSION_COST, max_iter=ITERATIONS, class_weight=weights, random_state=seed)
        fitted.fit(features, labels)
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(coefficients) == 1:
        coefficients, intercepts = np.vstack([0 * coefficients, coefficients]), np.append(0.0, intercepts)
    return {"coefficients": coefficients, "intercepts": intercepts}


def _compute_decisions(arrays: Arrays, features: Doubles) -> Doubles:
    decisions: Doubles = features @ arrays["coefficients"].T + arrays["intercepts"]
    return decisions


def _compute_log_probabilities(arrays: Arrays, features: Doubles) -> Doubles:
    return log_softmax(_compute_decisions(arrays, features))


_SHAPES = {"coefficients": ("k", "d"), "intercepts": ("k",)}

LINEAR_SVM = Head(
    name="linear-svm",
    title="linear SVM",
    fit=_fit_svm,
    logits=_compute_decisions,
    shapes=_SHAPES,
    balancing="errors weigh by the inverse number of a person's photos",
    most_work=2e6,
)
LOGISTIC_REGRESSION = Head(
    name="logistic-regression",
    title="logistic regression",
    fit=_fit_regression,
    logits=_compute_log_probabilities,
    shapes=_SHAPES,
    balancing="photos weigh by the inverse number of a person's photos",
    most_work=5e5,
)
