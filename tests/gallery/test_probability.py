"""The probability in the answer of a search: it follows from the size of the gallery and supports the name."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis import compare
from visavis.gallery import Gallery, Template
from visavis.gallery._identify import NamingRule, ProbeQuality, apply_rule
from visavis.types import Candidate, Floats, Identification

SHIPPED = compare.calibration("dlib-resnet")
assert SHIPPED is not None
TABLE = SHIPPED


def answer(distances: list[float], people: int, *, limit: float, margin: float = 0.0, top: int = 5) -> Identification:
    chances = TABLE.search_probabilities(distances, people)
    found = [
        Candidate(number, f"person {number}", distance, chance)
        for number, (distance, chance) in enumerate(zip(distances, chances, strict=True), 1)
    ]
    return apply_rule(found, NamingRule(limit, margin, people, TABLE), top=top, probe=ProbeQuality())


@pytest.mark.parametrize("distances", [[math.nan], [math.nan, 0.1], [0.1, math.nan]])
def test_a_damaged_template_names_nobody_for_certain(distances: list[float]) -> None:
    """As where an embedding was overwritten with no number in it, which ``gallery check`` finds."""
    answered = answer(distances, 10, limit=0.2)
    assert answered.probability is None
    assert (answered.name is None) == math.isnan(distances[0])


def assert_consistent(found: Identification) -> None:
    shown = [found.probability, *(candidate.probability for candidate in found.candidates)]
    if found.name is None or found.probability is None:
        assert [one for one in shown if one is not None] == []
        assert found.name is None or len(found.notes) == 1
    else:
        assert found.probability >= 0.5
        assert shown[0] == shown[1]
        assert sum(one for one in shown[1:] if one is not None) <= 1 + 1e-6


SIZES = st.one_of(st.integers(1, 50), st.sampled_from([100, 1000, 10**4, 10**5, 10**6]))


@settings(max_examples=examples(300), deadline=None)
@given(
    people=SIZES,
    distances=st.lists(st.floats(0, 0.3), min_size=1, max_size=6).map(sorted),
    limit=st.one_of(st.none(), st.floats(0, 2)),
    margin=st.sampled_from([0.0, 0.01, 0.05]),
    top=st.integers(1, 6),
)
def test_a_shown_probability_supports_the_name(
    people: int, distances: list[float], limit: float | None, margin: float, top: int
) -> None:
    """Of whatever gallery, distances, threshold and margin."""
    threshold = TABLE.search_threshold(0.01, people) if limit is None else limit
    found = answer(distances[:people], people, limit=threshold, margin=margin, top=top)
    assert (found.name is not None) == (distances[0] <= threshold and (found.margin is None or found.margin >= margin))
    assert_consistent(found)


@pytest.mark.parametrize("people", [1, 2, 10, 100, 300])
def test_at_the_default_threshold_a_named_person_is_likelier_than_not(people: int) -> None:
    """Among up to 300 people, by the table shipped; among more see below."""
    limit = TABLE.search_threshold(0.01, people)
    found = answer([limit], people, limit=limit)
    assert found.probability is not None
    assert 0.5 <= found.probability < 0.9


@pytest.mark.parametrize("people", [500, 1000, 3000])
def test_among_more_people_a_borderline_name_has_a_note_in_place_of_a_probability(people: int) -> None:
    """A FAR of 3e-6 is that of a search among 3,350 people, the most that thresholds were measured for."""
    limit = TABLE.search_threshold(0.01, people)
    borderline, close = answer([limit], people, limit=limit), answer([limit / 2], people, limit=limit)
    assert (borderline.name, borderline.probability) == ("person 1", None)
    assert any("no probability is shown" in note for note in borderline.notes)
    assert close.probability is not None
    assert close.probability > 0.85


def test_beyond_the_measured_thresholds_a_note_takes_the_place_of_the_probability() -> None:
    limit = TABLE.search_threshold(0.01, 100_000)
    found = answer([limit], 100_000, limit=limit)
    assert (found.name, found.probability) == ("person 1", None)
    (text,) = found.notes
    assert "among 100000 people, a stranger is likelier than person 1" in text


def test_two_equally_near_people_get_no_probability() -> None:
    found = answer([0.03, 0.03], 10, limit=0.07)
    assert (found.name, found.probability) == ("person 1", None)
    assert found.notes == ("person 2 is nearly as near as person 1: no probability is shown, as it is below one half.",)


def embeddings(*degrees: float) -> Floats:
    rows = np.zeros((len(degrees), 128), np.float32)
    rows[:, 0], rows[:, 1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return rows


def test_a_gallery_counts_its_people(path: Path) -> None:
    """The same distance among 1 and among 200 people, by hand."""
    distance = 1 - math.cos(math.radians(16))
    odds = math.exp(TABLE.slope * distance + TABLE.intercept)
    with Gallery(path, model="dlib-resnet") as gallery:
        gallery.add("Ann", [Template(embeddings(0)[0])])
        (alone,) = gallery.identify_embeddings(embeddings(16))
        assert alone.probability == pytest.approx(odds / (1 + odds), rel=1e-4)
        gallery.add_many((f"other {n}", [Template(row)]) for n, row in enumerate(-np.eye(128, dtype=np.float32)[2:]))
        (among,) = gallery.identify_embeddings(embeddings(16), threshold=0.08)
        assert len(gallery.people()) == 127
        assert among.probability == pytest.approx(odds / (127 + odds), rel=1e-3)
        ann = gallery.find("Ann").id
        (only,) = gallery.search(embeddings(16), among=[ann])
        assert only[0].probability == pytest.approx(odds / (1 + odds), rel=1e-4)
        (unknown,) = gallery.identify_embeddings(embeddings(25))
        assert_consistent(unknown)
        assert unknown.name is None
