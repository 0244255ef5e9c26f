"""Distances of the templates of a person to the person, each without itself."""

from __future__ import annotations

import numpy as np

from visavis.compare import MEAN_WEIGHT
from visavis.types import Doubles, Floats


def compute_distances_without_self(templates: Floats) -> Doubles:
    """Return the cosine distance ``(k,)`` of each of ``templates (k, d)`` to the person with the others alone.

    These are the distances of :func:`visavis.compare.person_embedding` of the other templates, computed for all of them
    at once from their sum; infinite for a single template.
    """
    count = len(templates)
    if count < 2:
        return np.full(count, np.inf)
    exact = templates.astype(np.float64)
    total = exact.sum(axis=0)
    with_total, squares = exact @ total, np.einsum("kd,kd->k", exact, exact)
    products = (with_total - squares) / (count - 1)
    lengths = np.sqrt(np.maximum(total @ total - 2 * with_total + squares, 0)) / (count - 1)
    mean_part = np.divide(MEAN_WEIGHT, lengths, out=np.zeros(count), where=lengths > 0)
    distances: Doubles = np.clip(1 - products * (1 - MEAN_WEIGHT + mean_part), 0, 2)
    return distances
