"""Which detected face continues which track: costs of pairs, and the assignment of least total cost."""

from __future__ import annotations

import numpy as np

from visavis.errors import MissingExtraError
from visavis.types import Doubles, Floats, Mask

FORBIDDEN = 1e6
"""Cost of a pair that must not be assigned, far above all other costs together."""


def assign(costs: Doubles, allowed: Mask) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of least total cost; as many pairs as possible, all of them allowed.

    ``costs`` and ``allowed`` are ``(n, m)``. Where pairs are contested, raises MissingExtraError without scipy, which
    takes half a second to import.
    """
    if not contested(allowed).any():
        return [(row, column) for row, column in np.argwhere(allowed).tolist()]
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise MissingExtraError("tracks of faces need scipy: pip install 'visavis[video]'.") from error
    rows, columns = linear_sum_assignment(np.where(allowed, costs, FORBIDDEN))
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if allowed[row, column]]


def contested(allowed: Mask) -> Mask:
    """Return which pairs ``(n, m)`` share their track or their face with another allowed pair."""
    rivals = allowed.sum(axis=1, keepdims=True) + allowed.sum(axis=0, keepdims=True)
    result: Mask = allowed & (rivals > 2)
    return result


def nearest_distance(memory: Floats, embedding: Floats) -> float:
    """Return the least cosine distance of an embedding ``(d,)`` from those of a track ``(k, d)``."""
    return float(1 - (memory @ embedding).max())
