"""Similarities for clients of other servers: where they divide, and that they fall with the distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.compare import Calibration
from visavis.errors import UsageError
from visavis.gallery import Template
from visavis.server.compat.compreface_photos import describe_subjects
from visavis.server.compat.deepstack import describe_person
from visavis.server.compat.similarity import compare_faces, scale, similarity_of
from visavis.types import Candidate, Identification

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


TABLE = Calibration("two", far=(1e-2, 1e-3), thresholds=(0.6, 0.5), slope=-10.0, intercept=5.0)


def face_at(distance: float) -> Template:
    """Return a face at this cosine distance from (1, 0)."""
    return Template(np.array([1 - distance, np.sqrt(1 - (1 - distance) ** 2)], np.float32))


def test_two_faces_divide_at_the_threshold_of_the_rate() -> None:
    reference, faces = face_at(0), [face_at(0), face_at(0.4999), face_at(0.5001), face_at(0.5999), face_at(1)]
    strict = compare_faces("two", TABLE, reference, faces, far=1e-3)
    loose = compare_faces("two", TABLE, reference, faces, far=1e-2)
    assert [similarity >= 0.5 for similarity in strict] == [True, True, False, False, False]
    assert [similarity >= 0.5 for similarity in loose] == [True, True, True, True, False]
    assert strict[0] == 1
    assert strict == sorted(strict, reverse=True)
    with pytest.raises(UsageError, match="uncalibrated"):
        compare_faces("two", None, reference, faces, far=1e-3)


def answer(distance: float, *, threshold: float = 0.6, known: bool) -> Identification:
    candidates = (Candidate(7, "Ann", distance), Candidate(8, "Ben", distance + 0.1))
    name, person_id = ("Ann", 7) if known else (None, None)
    return Identification(name, person_id, distance, threshold, None, candidates=candidates)


def test_who_is_not_recognized_stays_below_whatever_the_reason() -> None:
    assert describe_subjects(answer(0.3, known=True)) == [
        {"subject": "Ann", "similarity": 0.9375}, {"subject": "Ben", "similarity": round(1 - 0.5 * (2 / 3) ** 3, 5)}
    ]  # fmt: skip
    too_poor = [answer(distance, threshold=0.0, known=False) for distance in (0.0, 0.1)]
    for unknown in (answer(0.6000001, known=False), *too_poor):
        assert all(subject["similarity"] < 0.5 for subject in describe_subjects(unknown))
    assert describe_person(answer(0.3, known=True), 0.67) == {"confidence": round(1 - 0.33 / 8, 5), "userid": "Ann"}
    assert describe_person(answer(0.3, known=True), 0.97) == {"confidence": 0, "userid": "unknown"}
    assert describe_person(answer(0.6000001, known=False), 0.67) == {"confidence": 0, "userid": "unknown"}
    assert describe_person(answer(0.6000001, known=False), 0.5)["userid"] == "Ann"  # the client's own wish
    assert describe_person(too_poor[1], 0.0) == {"confidence": 0, "userid": "unknown"}
