"""Shares of thresholds on made-up copies, whose faces move towards one place by a known part."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultless import FAULTLESS
from visavis.compare import Calibration, cosine_distances, unit
from visavis.evaluate import poor_photos
from visavis.evaluate.poor_photos import Copies, likeness_function, shares, windows
from visavis.poor_photos import PoorPhotos, interpolate_share, pair_shares
from visavis.types import Floats

PEOPLE = 600


def copies(seed: int, harm: float, *, worst: float = 0.0) -> Copies:
    """Two faces a person; the lower their clarity in ``worst``..1, the nearer they are to one common place."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(PEOPLE), 2)
    clarity = rng.uniform(worst, 1, 2 * PEOPLE)
    embeddings = rng.normal(size=(PEOPLE, 24))[people] + 0.3 * rng.normal(size=(2 * PEOPLE, 24))
    embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    embeddings[:, 0] += harm * (1 - clarity)
    qualities = tuple(replace(FAULTLESS, clarity=float(value), score=float(value)) for value in clarity)
    return Copies(unit(embeddings.astype(np.float32)), people, qualities)


def table_of(embeddings: Floats, people: np.ndarray) -> Calibration:
    distances = cosine_distances(embeddings, embeddings)[people[:, None] != people]
    far = (1e-1, 1e-2, 3e-3, 1e-3, 3e-4)
    return Calibration("made-up", far, tuple(float(np.quantile(distances, one)) for one in far), -10.0, 4.0)


CLEAN = copies(0, 0.0, worst=0.9)
TABLE = table_of(CLEAN.embeddings, CLEAN.people)


def test_copies_without_harm_keep_the_threshold() -> None:
    some = copies(1, 0.0)
    found = windows(some, some.values("clarity"), TABLE)
    assert len(found) == 7  # each of ``LEAST_COPIES``, that overlap by half
    assert [one.share for one in found] == pytest.approx([1] * len(found), abs=0.05)
    assert [one.value for one in found] == pytest.approx(np.linspace(0.125, 0.875, len(found)), abs=0.05)
    assert found[0].end == pytest.approx(0.024, abs=0.01)


def test_strangers_pass_at_the_promised_rate_with_the_share() -> None:
    """Of other copies that are as poor, up to 2e-3 of the strangers pass where 1e-3 is promised, as in no window."""
    poor = shares({"": CLEAN, "noisy": copies(2, 1.5)}, TABLE)
    others = copies(3, 1.5)
    left = np.nan_to_num(poor.shares(others.embeddings, others.qualities))
    pairs = 1 - np.sqrt((1 - left)[:, None] * (1 - left))
    distances = cosine_distances(others.embeddings, others.embeddings)
    strangers = others.people[:, None] != others.people
    for low, high in pairwise((0, 0.2, 0.4, 0.6, 0.8, 1.0)):
        rows = (others.values("clarity") >= low) & (others.values("clarity") < high)
        both = strangers & rows[:, None] & rows
        uncorrected = (distances <= TABLE.threshold(1e-3))[both].mean()
        corrected = (distances <= pairs * TABLE.threshold(1e-3))[both].mean()
        assert corrected <= 2e-3
        assert uncorrected > 5e-3 or low >= 0.6


def test_the_embedding_alone_tells_what_the_quality_does_not() -> None:
    """Harm that no part of the quality sees: the rate is kept by the likeness of embeddings."""
    hidden = replace_qualities(copies(2, 1.5))
    poor = shares({"": CLEAN, "noisy": hidden}, TABLE)
    others = replace_qualities(copies(3, 1.5))
    left = poor.shares(others.embeddings)
    pairs = np.nan_to_num(pair_shares(left[:, None], left))
    distances = cosine_distances(others.embeddings, others.embeddings)
    strangers = others.people[:, None] != others.people
    assert (distances <= TABLE.threshold(1e-3))[strangers].mean() > 2e-2
    assert (distances <= pairs * TABLE.threshold(1e-3))[strangers].mean() <= 2e-3
    assert np.nanmedian(poor.shares(CLEAN.embeddings)) == 1.0


def replace_qualities(some: Copies) -> Copies:
    return replace(some, qualities=(FAULTLESS,) * len(some.people))


def test_the_direction_is_that_of_the_harm() -> None:
    direction, axes = likeness_function({"": CLEAN, "noisy": copies(2, 1.5)})
    assert np.argmax(np.abs(direction)) == 0
    assert direction[0] > 0.1
    heaviest = max(axes)[1]
    assert abs(heaviest[0]) > 0.97
    assert np.linalg.norm(heaviest) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("ways", [1, 2])
def test_harm_in_several_ways_is_told_by_the_embedding(ways: int) -> None:
    """Half of the people go one way and half the other, along as many axes: a linear function would tell nothing."""
    poor = shares({"": CLEAN, "noisy": replace_qualities(opposite(7, ways))}, TABLE)
    others = replace_qualities(opposite(8, ways))
    before, after = rates(others, poor)
    assert before > 5e-3 / ways
    assert after <= 2e-3
    assert np.nanmedian(poor.shares(CLEAN.embeddings)) == 1.0


def opposite(seed: int, ways: int) -> Copies:
    """Return copies of which each is harmed along one of some axes, in its direction or against it, by its person."""
    some = copies(seed, 0.0)
    away = 1.5 * (1 - some.values("clarity")) * np.where(some.people % 2, 1, -1)
    embeddings = some.embeddings.astype(np.float64)
    embeddings[np.arange(len(away)), some.people // 2 % ways] += away
    return replace(some, embeddings=unit(embeddings.astype(np.float32)))


def rates(some: Copies, poor: PoorPhotos) -> tuple[float, float]:
    """Return the rates of strangers that pass by the threshold of good photos, and by that of these shares."""
    left = poor.shares(some.embeddings, some.qualities)
    pairs = np.nan_to_num(pair_shares(left[:, None], left))
    distances = cosine_distances(some.embeddings, some.embeddings)
    strangers = some.people[:, None] != some.people
    fixed, followed = distances <= TABLE.threshold(1e-3), distances <= pairs * TABLE.threshold(1e-3)
    return float(fixed[strangers].mean()), float(followed[strangers].mean())


def test_what_the_likeness_does_not_explain_is_left_to_the_quality() -> None:
    """Harm along more axes than the likeness has."""
    poor = shares({"": CLEAN, "noisy": opposite(7, 8)}, TABLE)
    before, after = rates(opposite(8, 8), poor)
    assert dict(poor.parts)["clarity"][0][1] < 0.95
    assert before > 2e-3
    assert after <= 2e-3


def test_good_photos_keep_the_threshold_and_the_worst_are_not_judged() -> None:
    some = copies(4, 1.5, worst=0.2)
    poor = shares({"": CLEAN, "noisy": some}, TABLE)
    assert [name for name, _ in poor.parts] == ["clarity", "score"]
    clean = CLEAN.embeddings[int(poor.likenesses(CLEAN.embeddings).argmin())][None]
    assert poor.shares(clean, [replace(FAULTLESS, clarity=0.95)])[0] == 1.0
    assert np.isnan(poor.shares(clean, [replace(FAULTLESS, clarity=0.19)])[0])
    assert np.isnan(poor.shares(np.array([[1.0, *[0.0] * 23]], np.float32))[0])


def test_a_share_at_which_nobody_passes_is_useless() -> None:
    some = copies(5, 1.5)
    rng = np.random.default_rng(5)
    strange = replace(some, people=rng.permutation(some.people))  # "one person" is two: hardly a pair passes
    poor = shares({"": CLEAN, "noisy": strange}, TABLE)
    assert 0 < poor.useless < 1
    assert shares({"": CLEAN, "noisy": copies(5, 0.2)}, TABLE).useless == 0


def test_too_few_copies_tell_nothing() -> None:
    few = copies(6, 1.0).rows(np.arange(40))
    assert windows(few, few.values("clarity"), TABLE) == []
    poor = shares({"": CLEAN, "noisy": few}, TABLE)
    assert poor.parts == ()
    assert poor.shares(few.embeddings).tolist() == [1.0] * 40


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_rising_values_are_the_nearest(values: list[float]) -> None:
    found = poor_photos._fit_rising(values)
    assert (np.diff(found) >= -1e-12).all()
    assert found.sum() == pytest.approx(sum(values))
    assert (np.diff(values) < 0).any() or found.tolist() == pytest.approx(values)


def test_rising_by_hand() -> None:
    assert poor_photos._fit_rising([1, 3, 2, 2, 5, 4]).tolist() == pytest.approx([1, 7 / 3, 7 / 3, 7 / 3, 4.5, 4.5])


def test_the_worst_of_two_kinds_counts_where_both_were_measured() -> None:
    found = poor_photos._merge_curves([((0.2, 0.5), (0.8, 1.0)), ((0.5, 0.3), (0.8, 1.0))])
    assert found == ((0.2, 0.3), (0.5, 0.3), (0.8, 1.0))  # what is poorer than 0.5 is not held to less


POINTS = st.tuples(st.integers(1, 99).map(lambda value: value / 100), st.floats(0.1, 1))


@given(st.lists(POINTS, min_size=2, max_size=15, unique_by=lambda point: point[0]))
def test_a_thinned_curve_tells_the_same(points: list[tuple[float, float]]) -> None:
    values, given_shares = sorted(value for value, _ in points), sorted(share for _, share in points)
    full = tuple(zip(values, given_shares, strict=True))
    thin = poor_photos._thin_points(full, interpolate_share)
    assert {*thin} <= {*full}
    assert all(
        interpolate_share(thin, value) == pytest.approx(share, abs=poor_photos.TOLERANCE + 1e-9)
        for value, share in full
    )
