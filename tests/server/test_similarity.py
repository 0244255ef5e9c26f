"""Similarities for clients of other servers: where they divide, and that they fall with the distance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.server.compat.similarity import scale, similarity_of

thresholds = st.floats(0.05, 1.5)
distances = st.floats(0, 2)
divides = st.sampled_from([0.5, 0.67])


@given(thresholds, divides)
def test_ends_and_the_threshold_have_fixed_similarities(threshold: float, divide: float) -> None:
    assert similarity_of(0, threshold, divide=divide) == 1
    assert similarity_of(threshold, threshold, divide=divide) == pytest.approx(divide, abs=1e-12)
    assert similarity_of(2, threshold, divide=divide) == 0
    assert similarity_of(-1e-7, threshold) == 1  # a distance of equal embeddings, computed in float32
    assert similarity_of(2.0000002, threshold) == 0


@given(distances, distances, thresholds, divides)
def test_a_greater_distance_is_a_smaller_similarity(
    first: float, second: float, threshold: float, divide: float
) -> None:
    nearer, farther = sorted([first, second])
    of_nearer, of_farther = (similarity_of(distance, threshold, divide=divide) for distance in (nearer, farther))
    assert 0 <= of_farther <= of_nearer <= 1
    assert (nearer <= threshold) == (of_nearer >= divide) or nearer == pytest.approx(threshold, abs=1e-9)


@given(thresholds, divides)
def test_it_is_smooth_at_the_threshold(threshold: float, divide: float) -> None:
    step = 1e-6
    before, at, after = (similarity_of(threshold + shift, threshold, divide=divide) for shift in (-step, 0, step))
    assert (at - before) / step == pytest.approx((after - at) / step, rel=1e-3)


def test_values_computed_by_hand() -> None:
    assert similarity_of(0.3, 0.6) == pytest.approx(1 - 0.5 / 8)
    assert similarity_of(0.3, 0.6, divide=0.67) == pytest.approx(1 - 0.33 / 8)
    # beyond: exponent 3 (1 - .5) (2 - .5) / (.5 .5) = 9, and (2 - 1.25) / (2 - .5) = 1/2
    assert similarity_of(1.25, 0.5) == pytest.approx(0.5 / 2**9)


@pytest.mark.parametrize("divide", [0.5, 0.67])
def test_what_is_no_match_stays_below(divide: float) -> None:
    assert scale(0.6000000001, 0.6, is_match=False, divide=divide) == pytest.approx(divide - 1e-5)
    assert scale(0.6, 0.6, is_match=True, divide=divide) == divide
    assert scale(0.0, 0.0, is_match=False, divide=divide) == pytest.approx(divide - 1e-5)  # too poor for an answer
    assert scale(0.5, 0.0, is_match=False) == pytest.approx(0.5 * (1 - 0.5 / 8))
