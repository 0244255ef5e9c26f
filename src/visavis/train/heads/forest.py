"""Random forest: the mean of the answers of many decision trees, kept as flat arrays.

The nodes of all trees lie one after the other. ``left`` and ``right`` are the rows of the two children, which come
after their parent, or -1 at a leaf; ``leaf`` is the row of a leaf's answer in ``shares``, or -1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.train.heads.head import Arrays, Head, fitting
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

TREES = 50
FLOOR = 1e-3
"""Share of the trees that a person without a tree counts for, so that no probability is exactly 0."""
DEEPEST = 1000
"""Levels of a tree that a file may hold; trees of n photos have about 2 log2(n)."""


def _fit(features: Doubles, labels: Labels, balance: bool, seed: int) -> dict[str, NDArray[Any]]:
    with fitting():
        from sklearn.ensemble import RandomForestClassifier

        weights = "balanced" if balance else None
        fitted = RandomForestClassifier(TREES, class_weight=weights, random_state=seed).fit(features, labels)
    return flatten_trees([tree.tree_ for tree in fitted.estimators_])


def flatten_trees(trees: list[Any]) -> dict[str, NDArray[Any]]:
    """Return the arrays of scikit-learn's trees, one after the other."""
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ("left", "right", "feature", "limit")}
    shares = []
    for tree, start in zip(trees, starts, strict=True):
        leaf = tree.children_left < 0
        parts["left"].append(np.where(leaf, -1, tree.children_left + start))
        parts["right"].append(np.where(leaf, -1, tree.children_right + start))
        parts["feature"].append(np.where(leaf, 0, tree.feature))
        parts["limit"].append(np.where(leaf, 0.0, tree.threshold))
        values = tree.value[leaf, 0]
        shares.append(values / values.sum(axis=1, keepdims=True))
    arrays = {name: np.concatenate(values) for name, values in parts.items()}
    is_leaf = arrays["left"] < 0
    arrays["leaf"] = np.where(is_leaf, np.cumsum(is_leaf) - 1, -1)
    return {**arrays, "shares": np.concatenate(shares), "roots": starts.astype(np.int64)}


def average_trees(arrays: Arrays, features: Doubles) -> Doubles:
    """Return the mean of the trees' answers ``(n, k)``. Features are compared in float32, as scikit-learn does."""
    rows = features.astype(np.float32)
    total = np.zeros((len(rows), arrays["shares"].shape[1]))
    for root in arrays["roots"]:
        nodes = np.full(len(rows), root)
        while (inner := np.flatnonzero(arrays["left"][nodes] >= 0)).size:
            at = nodes[inner]
            low = rows[inner, arrays["feature"][at]] <= arrays["limit"][at]
            nodes[inner] = np.where(low, arrays["left"][at], arrays["right"][at])
        total += arrays["shares"][arrays["leaf"][nodes]]
    return total / len(arrays["roots"])


def _compute_logits(arrays: Arrays, features: Doubles) -> Doubles:
    return np.log(average_trees(arrays, features) + FLOOR)


def _check(arrays: Arrays, features: int) -> str:
    """Hold every walk to the nodes, to the features and answers that are there, and to ``DEEPEST`` steps."""
    if any(arrays[name].dtype.kind != "i" for name in ("left", "right", "feature", "leaf", "roots")):
        return "nodes that are no whole numbers"
    inner, leaf = arrays["left"] >= 0, arrays["leaf"]
    if ((leaf < 0) != inner).any() or leaf.max() >= len(arrays["shares"]):
        return "leaves without an answer"
    if arrays["feature"].min() < 0 or arrays["feature"].max() >= features or (arrays["shares"] < 0).any():
        return "trees that ask for features that are not there"
    return _check_branches(arrays["left"], arrays["right"], arrays["roots"], inner)


def _check_branches(left: Labels, right: Labels, roots: Labels, inner: NDArray[np.bool_]) -> str:
    nodes = len(left)
    children = np.concatenate([left[inner], right[inner], roots])
    if children.min() < 0 or children.max() >= nodes:
        return "trees that lead out of their nodes"
    if np.bincount(children, minlength=nodes).max() > 1:
        return "nodes that two branches share"
    level = roots
    for _ in range(DEEPEST):
        level = level[inner[level]]
        if not len(level):
            return ""
        level = np.concatenate([left[level], right[level]])
    return f"trees of more than {DEEPEST} levels"


_NODES = ("left", "right", "feature", "limit", "leaf")

RANDOM_FOREST = Head(
    name="random-forest",
    title="random forest",
    fit=_fit,
    logits=_compute_logits,
    shapes={**dict.fromkeys(_NODES, ("nodes",)), "shares": ("leaves", "k"), "roots": ("trees",)},
    balancing="photos weigh by the inverse number of a person's photos",
    most_work=2e5,
    check=_check,
)
