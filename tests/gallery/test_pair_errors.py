"""Error rates on a gallery's own pairs, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.gallery._pair_errors import compute_pair_errors
from visavis.types import Floats


def at(*degrees: float) -> Floats:
    """Embeddings in a plane, at these angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_pairs_farther_than_the_nearest_strangers_are_missed() -> None:
    """Ann at 0, 10 and 51 degrees, Ben at 90 and 100: strangers are 39 degrees apart or more, two pairs of Ann too."""
    errors = compute_pair_errors("m", at(0, 10, 51, 90, 100), [1, 1, 1, 2, 2], far=0.001)
    assert (errors.same_pairs, errors.stranger_pairs) == (4, 6)
    assert errors.threshold == pytest.approx(1 - np.cos(np.radians(39)), abs=1e-6)
    assert (errors.missed, errors.miss_rate, errors.accepted) == (2, 0.5, 0)


def test_the_threshold_accepts_the_share_of_strangers_that_is_allowed() -> None:
    errors = compute_pair_errors("m", at(0, 10, 51, 90, 100), [1, 1, 1, 2, 2], far=0.2)
    assert errors.accepted == 1  # of six
    assert errors.threshold == pytest.approx(1 - np.cos(np.radians(49)), abs=1e-6)
    assert errors.missed == 1  # the pair of 51 degrees; that of 41 is nearer than 49


def test_equal_strangers_are_all_refused() -> None:
    errors = compute_pair_errors("m", at(0, 0, 30, 30), [1, 1, 2, 3], far=0.5)
    assert (errors.accepted, errors.stranger_pairs) == (1, 5)
    assert errors.missed == 0


@pytest.mark.parametrize(("owners", "pairs"), [([1, 1, 1], (3, 0)), ([1, 2, 3], (0, 3)), ([], (0, 0))])
def test_without_pairs_of_both_kinds_nothing_is_measured(owners: list[int], pairs: tuple[int, int]) -> None:
    errors = compute_pair_errors("m", at(*range(len(owners))), owners)
    assert (errors.same_pairs, errors.stranger_pairs) == pairs
    assert (errors.threshold, errors.miss_rate) == (None, None)
