"""Searches, against cases computed by hand, loops in plain Python, and scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from sklearn.metrics import roc_curve, top_k_accuracy_score

from visavis import compare
from visavis.compare import Calibration
from visavis.errors import UsageError
from visavis.evaluate import identification as closed_set
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.identification import DistanceRule, Failures, Split, measure_identification, split
from visavis.evaluate.stats import open_set
from visavis.evaluate.stats.intervals import wilson
from visavis.evaluate.stats.open_set import CalibratedSearchRate, KnownProbes, SearchRate, UnknownProbes

TABLE = Calibration("made-up", far=(0.5, 0.1), thresholds=(0.4, 0.2), slope=-10.0, intercept=3.0)


def templates(embeddings: np.ndarray, *, failed: Sequence[int] = (), model: str = "made-up") -> Templates:
    n = len(embeddings)
    embeddings = compare.unit(np.asarray(embeddings, np.float32))
    embeddings[list(failed)] = 0
    return Templates(
        model,
        "none",
        tuple(f"{row}.jpg" for row in range(n)),
        tuple("no_face" if row in failed else "ok" for row in range(n)),
        embeddings,
        np.zeros((n, 4), np.float32),
        np.zeros(n, np.float32),
        np.ones(n, np.intp),
    )


def at(*degrees: float, failed: Sequence[int] = ()) -> Templates:
    """Embeddings in a plane: the distance of two is 1 - cos of the angle between them."""
    angles = np.radians(degrees)
    return templates(np.stack([np.cos(angles), np.sin(angles)], axis=1), failed=failed)


def far(degrees: float) -> float:
    return 1 - math.cos(math.radians(degrees))


def parts(gallery: Sequence[int], known: Sequence[int], unknown: Sequence[int] = ()) -> Split:
    return Split(*(np.array(rows, np.intp) for rows in (gallery, known, unknown)))


def crowd(
    *, people: int = 40, photos: int = 5, noise: float = 0.6, seed: int = 0, failed: Sequence[int] = ()
) -> tuple[Templates, list[str]]:
    """People around directions of their own, in eight dimensions."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(people, 1, 8))
    embeddings = middles + noise * rng.normal(size=(people, photos, 8))
    return templates(embeddings.reshape(-1, 8), failed=failed), [f"p{n}" for n in range(people) for _ in range(photos)]


# --- the split


NAMES = ["ann", "bob", "ann", "cid", "ann", "bob", "dan", "bob", "eve", "eve"]


def test_everybody_who_can_be_known_is() -> None:
    made = split(NAMES, templates=1, known=1.0)
    assert made.gallery.tolist() == [0, 1, 8]  # the first photos of ann, bob and eve
    assert made.known.tolist() == [2, 4, 5, 7, 9]
    assert made.unknown.tolist() == [3, 6]  # one photo only


def test_two_templates_ask_for_three_photos() -> None:
    made = split(NAMES, templates=2, known=1.0)
    assert [made.gallery.tolist(), made.known.tolist()] == [[0, 1, 2, 5], [4, 7]]
    assert made.unknown.tolist() == [3, 6, 8, 9]


@pytest.mark.parametrize("known", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("templates", [1, 3])
def test_each_photo_has_one_part_and_each_person_one_side(known: float, templates: int) -> None:
    rng = np.random.default_rng(7)
    names = [f"p{n}" for n in rng.integers(0, 60, size=300)]
    made = split(names, templates=templates, known=known, seed=3)
    assert sorted([*made.gallery, *made.known, *made.unknown]) == list(range(300))
    who = [{names[row] for row in rows} for rows in (made.gallery, made.known, made.unknown)]
    assert who[0] == who[1]
    assert not who[0] & who[2]
    eligible = [name for name in set(names) if names.count(name) > templates]
    assert len(who[0]) == round(known * len(eligible))
    for name in who[0]:
        rows = [row for row, whose in enumerate(names) if whose == name]
        assert [row for row in made.gallery if names[row] == name] == rows[:templates]


def test_the_seed_decides() -> None:
    names = [f"p{n // 3}" for n in range(300)]
    a, again, other = split(names, seed=1), split(names, seed=1), split(names, seed=2)
    assert a.gallery.tolist() == again.gallery.tolist() != other.gallery.tolist()
    assert len(a.gallery) == len(other.gallery) == 50


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"templates": 3}, "no person has more than 3 photos"),
        ({"templates": 0}, "1 template or more, got 0"),
        ({"known": 0.0}, "above 0 and up to 1, got 0"),
        ({"known": 1.5}, r"got 1\.5"),
        ({"known": math.nan}, "got nan"),
    ],
)
def test_splits_that_mean_nothing_are_refused(options: dict[str, float], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        split(NAMES, **options)  # type: ignore[arg-type]


# --- the closed set


def test_ranks_by_hand() -> None:
    """Enrolled at 0, 40 and 80 degrees. Probes of ann at 10 (rank 1) and 70 (rank 3), of bob at 65 (rank 2)."""
    names = ["ann", "bob", "cid", "ann", "ann", "bob"]
    found = measure_identification(at(0, 40, 80, 10, 70, 65), names, parts([0, 1, 2], [3, 4, 5]), ranks=(1, 2, 3, 5))
    np.testing.assert_allclose(found.cmc, [1 / 3, 2 / 3, 1])
    assert [(one.rank, one.hits) for one in found.ranks] == [(1, 1), (2, 2), (3, 3)]  # there is no rank 5 of 3
    assert [one.rate for one in found.ranks] == pytest.approx([1 / 3, 2 / 3, 1])
    assert (found.people, found.templates, found.known, found.known_people) == (3, 3, 3, 2)
    assert (found.unknown, found.unknown_people, found.roc) == (0, 0, None)
    assert [(one.threshold, one.fnir, one.calibrated) for one in found.searches] == [(None, None, None)] * 5


def test_whoever_is_as_near_counts_as_nearer() -> None:
    """Also where both are the same picture, in whatever order they stand."""
    for gallery in ([0, 1], [1, 0]):
        assert measure_identification(at(20, 20, 23), ["a", "b", "a"], parts(gallery, [2])).cmc.tolist() == [0, 1]
        assert measure_identification(at(10, 30, 20), ["a", "b", "a"], parts(gallery, [2])).cmc.tolist() == [0, 1]


def test_a_person_is_as_near_as_the_nearest_template_or_as_the_mean() -> None:
    """ann at 0 and 60 (mean 30), bob at 10 (twice). A probe of ann at 55 is hers; at 8 and at 22 only by the rule."""
    names = ["ann", "ann", "bob", "bob", "ann", "ann", "ann", "bob"]
    embeddings, who = at(0, 60, 10, 10, 55, 4, 22, 12), parts([0, 1, 2, 3], [4, 5, 6, 7])
    nearest, mean = (measure_identification(embeddings, names, who, rule=rule) for rule in ("nearest", "mean"))  # type: ignore[arg-type]
    assert nearest.ranks[0].hits == 3  # 55, 4 and bob's 12; 22 is 12 from bob, 22 from ann
    assert mean.ranks[0].hits == 3  # 55, 22 (8 from the mean) and bob's 12; 4 is 6 from bob, 26 from the mean
    assert (nearest.rule, mean.rule, nearest.templates, mean.templates) == ("nearest", "mean", 4, 4)
    only = parts([0, 1, 2, 3], [5])
    assert measure_identification(embeddings, names, only, rule="nearest").ranks[0].hits == 1
    assert measure_identification(embeddings, names, only, rule="mean").ranks[0].hits == 0


def test_a_person_is_as_far_as_a_gallery_says_unless_told_otherwise() -> None:
    """ann at 0 and 60, bob at 40. A probe at 8: .4 (1 - cos 22) + .6 (2 - cos 8 - cos 52) / 2 from ann, 1 - cos 32."""
    names = ["ann", "ann", "bob", "ann"]
    embeddings, who = at(0, 60, 40, 8), parts([0, 1, 2], [3])
    found = measure_identification(embeddings, names, who)
    ann = 0.4 * (1 - math.cos(math.radians(22))) + 0.3 * (2 - math.cos(math.radians(8)) - math.cos(math.radians(52)))
    bob = 1 - math.cos(math.radians(32))
    assert (found.rule, ann < bob, found.ranks[0].hits) == ("person", True, 1)
    further = measure_identification(at(0, 60, 28, 8), names, who)  # bob is 20 away now, and nearer than all of ann
    assert (1 - math.cos(math.radians(20)) < ann, further.ranks[0].hits) == (True, 0)
    assert measure_identification(at(0, 60, 28, 8), names, who, rule="nearest").ranks[0].hits == 1


def test_cmc_is_top_k_accuracy() -> None:
    embeddings, names = crowd(noise=0.8)
    made = split(names, known=1.0)
    found = measure_identification(embeddings, names, made, ranks=(1, 2, 5, 10))
    similar = embeddings.embeddings[made.known] @ embeddings.embeddings[made.gallery].T
    truth = [names[row] for row in made.known]
    labels = [names[row] for row in made.gallery]
    order = np.argsort(labels)
    for one in found.ranks:
        expected = top_k_accuracy_score(truth, similar[:, order], k=one.rank, labels=np.array(labels)[order])
        assert one.rate == pytest.approx(expected, abs=1e-12)
        assert found.cmc[one.rank - 1] == pytest.approx(expected, abs=1e-12)
    assert 0.3 < found.ranks[0].rate < 0.9  # neither is a matter of course
    assert found.cmc[-1] == pytest.approx(1)


# --- the open set


def plain(
    embeddings: Templates, names: Sequence[str], made: Split, threshold: float
) -> tuple[int, int, list[tuple[float, str]]]:
    """Misses and false positives in plain loops, and each unknown probe's nearest."""
    enrolled = [row for row in made.gallery if embeddings.has_template[row]]

    def nearest(row: int) -> tuple[float, str]:
        probe = embeddings.embeddings[row].astype(np.float64)
        return min((1 - float(probe @ embeddings.embeddings[one].astype(np.float64)), names[one]) for one in enrolled)

    misses = 0
    for row in made.known:
        distance, who = nearest(row)
        misses += not (embeddings.has_template[row] and who == names[row] and distance <= threshold)
    others = [nearest(row) for row in made.unknown if embeddings.has_template[row]]
    return misses, sum(distance <= threshold for distance, _ in others), others


@pytest.mark.parametrize("per_person", [1, 2])
@pytest.mark.parametrize("failed", [(), (0, 1, 7, 23, 88, 151, 152)])
def test_rates_are_those_of_plain_loops(per_person: int, failed: Sequence[int]) -> None:
    embeddings, names = crowd(failed=failed)
    made = split(names, templates=per_person, seed=5)
    found = measure_identification(embeddings, names, made, fpirs=(0.5, 0.2, 0.12), rule="nearest")
    assert len(found.searches) == 3
    for one in found.searches:
        assert one.threshold is not None
        misses, false, others = plain(embeddings, names, made, one.threshold + 1e-6)
        assert found.unknown == len(others)
        assert one.fnir == pytest.approx(misses / len(made.known), abs=1e-12)
        assert one.false_positives == false == math.floor(one.fpir * len(others))


def test_rates_are_those_of_scikit_learns_curve() -> None:
    """A miss at rank 1 is a search that no threshold accepts."""
    embeddings, names = crowd(noise=0.7)
    made = split(names)
    found = measure_identification(embeddings, names, made, fpirs=(0.4, 0.2, 0.1))
    distances = compare.cosine_distances(embeddings.embeddings, embeddings.embeddings[made.gallery])
    labels = np.array(names)
    right = labels[made.gallery][distances[made.known].argmin(axis=1)] == labels[made.known]
    score = np.concatenate(
        [np.where(right, -distances[made.known].min(axis=1), -9), -distances[made.unknown].min(axis=1)]
    )
    fpir, tpir, _ = roc_curve(np.repeat([1, 0], [len(made.known), len(made.unknown)]), score, drop_intermediate=False)
    for one in found.searches:
        assert one.fnir == pytest.approx(1 - tpir[fpir <= one.fpir + 1e-9].max(), abs=1e-12)
        assert 0.1 < one.fnir < 0.95


def test_thresholds_by_hand() -> None:
    """One person at 0. Strangers at 1 .. 20 degrees: half of them up to 10. Probes of the person at 3, 10.5, 15."""
    names = ["ann", "ann", "ann", "ann", *(f"x{n}" for n in range(20))]
    embeddings = at(0, 3, 10.5, 15, *range(1, 21))
    found = measure_identification(embeddings, names, parts([0], [1, 2, 3], range(4, 24)), fpirs=(0.5, 0.45))
    half, less = found.searches
    assert half.threshold == pytest.approx(far(10.5), abs=1e-6)  # the greatest distance short of 11 degrees
    assert (half.fnir, half.false_positives) == (pytest.approx(1 / 3), 10)
    assert (less.fpir, less.threshold, less.fnir, less.false_positives) == (0.45, None, None, None)  # 9 of 20
    assert found.roc is not None
    assert found.roc.threshold(0.5) == half.threshold


def test_equal_distances_are_accepted_together_or_not_at_all() -> None:
    names = ["ann", "ann", *(f"x{n}" for n in range(20))]
    embeddings = at(0, 1, *[2] * 8, *[5] * 4, *[9] * 8)
    (one,) = measure_identification(embeddings, names, parts([0], [1], range(2, 22)), fpirs=(0.5,)).searches
    assert one.threshold == pytest.approx(far(2), abs=1e-6)
    assert one.false_positives == 8


def test_a_known_probe_taken_for_another_is_missed_however_near() -> None:
    names = ["ann", "bob", "ann", *(f"x{n}" for n in range(20))]
    embeddings = at(0, 20, 19, *[60] * 10, *[70] * 10)
    (one,) = measure_identification(embeddings, names, parts([0, 1], [2], range(3, 23)), fpirs=(0.5,)).searches
    assert one.threshold == pytest.approx(far(40), abs=1e-6)
    assert one.fnir == 1


# --- failures


def test_what_failed_is_counted_where_it_hurts() -> None:
    """ann's first photo failed (the second stands in), both of bob's did; so did probes of both, and a stranger."""
    names = ["ann", "ann", "bob", "bob", "cid", "cid", "ann", "ann", "bob", "bob", "cid", "cid", "x", "y"]
    embeddings = at(0, 2, 30, 31, 60, 61, 1, 3, 30, 32, 62, 59, 90, 120, failed=[0, 2, 3, 7, 9, 13])
    found = measure_identification(embeddings, names, parts(range(6), range(6, 12), [12, 13]))
    assert found.failures == Failures(templates=3, people=1, known=2, orphans=1, unknown=1)
    assert (found.people, found.templates, found.unknown, found.known) == (2, 3, 1, 6)
    np.testing.assert_allclose(found.cmc, [0.5, 0.5])  # failed probes, and bob's, are never found
    assert found.ranks[0].hits == 3


def test_failed_probes_of_strangers_change_no_rate() -> None:
    embeddings, names = crowd()
    made = split(names)
    full = measure_identification(embeddings, names, made, fpirs=(0.2,))
    more = replace(made, unknown=np.append(made.unknown, [200, 201]))
    longer = templates(np.concatenate([embeddings.embeddings, np.ones((2, 8))]), failed=[200, 201])
    found = measure_identification(longer, [*names, "x", "y"], more, fpirs=(0.2,))
    assert found.failures.unknown == 2
    assert found.searches == full.searches


def test_nothing_to_search_in_or_for_is_refused() -> None:
    with pytest.raises(UsageError, match="no person could be enrolled"):
        measure_identification(at(0, 1, failed=[0]), ["a", "a"], parts([0], [1]))
    with pytest.raises(UsageError, match="no photo to search for"):
        measure_identification(at(0, 1), ["a", "b"], parts([0], [], [1]))
    with pytest.raises(UsageError, match="got 3 names for 2 photos"):
        measure_identification(at(0, 1), ["a", "a", "a"], parts([0], [1]))
    for wrong in ({"fpirs": (0.0,)}, {"fpirs": (1.0,)}, {"ranks": (0,)}):
        with pytest.raises(UsageError, match="between 0 and 1, and a rank 1 or more"):
            measure_identification(at(0, 1), ["a", "a"], parts([0], [1]), **wrong)  # type: ignore[arg-type]


# --- relations


@pytest.mark.parametrize("block", [1, 37, 1000])
@pytest.mark.parametrize("rule", ["nearest", "mean"])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, block: int, rule: DistanceRule) -> None:
    embeddings, names = crowd(failed=[3, 50])
    made = split(names, templates=2)
    whole = measure_identification(embeddings, names, made, fpirs=(0.3, 0.1), rule=rule)
    monkeypatch.setattr(closed_set, "BLOCK", block)
    parts = measure_identification(embeddings, names, made, fpirs=(0.3, 0.1), rule=rule)
    assert parts.cmc.tolist() == whole.cmc.tolist()
    assert [one.false_positives for one in parts.searches] == [one.false_positives for one in whole.searches]
    assert [one.threshold for one in parts.searches] == pytest.approx([one.threshold for one in whole.searches])


def test_the_order_of_photos_changes_nothing() -> None:
    embeddings, names = crowd(failed=[3, 50])
    made = split(names, templates=2)
    order = np.random.default_rng(2).permutation(len(names))
    place = np.argsort(order)
    moved = templates(embeddings.embeddings[order], failed=place[[3, 50]].tolist())
    there = Split(*(place[rows] for rows in (made.gallery, made.known, made.unknown)))
    a = measure_identification(embeddings, names, made, fpirs=(0.3, 0.1))
    b = measure_identification(moved, [names[row] for row in order], there, fpirs=(0.3, 0.1))
    assert (a.cmc.tolist(), a.ranks, a.failures) == (b.cmc.tolist(), b.ranks, b.failures)
    assert [one.fnir for one in a.searches] == [one.fnir for one in b.searches]
    assert [one.threshold for one in a.searches] == pytest.approx([one.threshold for one in b.searches], abs=1e-6)


def test_one_template_is_its_own_mean() -> None:
    embeddings, names = crowd()
    made = split(names)
    a, b = (measure_identification(embeddings, names, made, fpirs=(0.3,), rule=rule) for rule in ("nearest", "mean"))  # type: ignore[arg-type]
    assert (a.cmc.tolist(), a.searches[0].fnir) == (b.cmc.tolist(), b.searches[0].fnir)


def test_copies_of_the_probes_tell_nothing_new() -> None:
    """Neither the rates move nor their intervals, since it is people who are drawn."""
    embeddings, names = crowd()
    made = split(names)
    double = Split(made.gallery, np.tile(made.known, 2), np.tile(made.unknown, 2))
    a, b = (measure_identification(embeddings, names, each, fpirs=(0.3, 0.1)) for each in (made, double))
    assert a.cmc.tolist() == b.cmc.tolist()
    for one, other in zip(a.searches, b.searches, strict=True):
        assert other.false_positives == 2 * (one.false_positives or 0)
        # Products of larger batches are summed in another order: equal but for rounding.
        assert one.threshold == pytest.approx(other.threshold, abs=1e-6)
        assert one.fnir == pytest.approx(other.fnir, abs=1e-6)
        assert one.threshold_interval == pytest.approx(other.threshold_interval, abs=1e-6)
        assert one.fnir_interval == pytest.approx(other.fnir_interval, abs=1e-6)


# --- intervals


def made_up_search(people: int, seed: int) -> SearchRate:
    """Enrolled people found at rank 1 and strangers, three probes each, at angles that go with the person."""
    rng = np.random.default_rng(seed)
    known = rng.normal(20, 8, size=(people, 1)) + rng.normal(0, 4, size=(people, 3))
    unknown = rng.normal(40, 10, size=(people, 1)) + rng.normal(0, 3, size=(people, 3))
    person = np.repeat(np.arange(people), 3)
    near, others = (1 - np.cos(np.radians(angles)).ravel() for angles in (known, unknown))
    found = KnownProbes(person, np.ones(len(person), np.intp), near)
    return open_set.search_rates(found, UnknownProbes(person, others), (0.2,), comparisons=1, table=None, seed=seed)[0]


def test_intervals_hold_other_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """FNIR at an FPIR of 0.2 of 10,000 people lies in the intervals that draws of 120 of them give."""
    monkeypatch.setattr(open_set, "SAMPLES", 200)
    truth = made_up_search(10_000, 999)
    assert truth.threshold is not None
    assert truth.threshold == pytest.approx(far(40 - 0.8416 * math.hypot(10, 3)), abs=0.005)
    inside = {"fnir": 0, "threshold": 0}
    for seed in range(60):
        one = made_up_search(120, seed)
        for what in inside:
            low, high = getattr(one, f"{what}_interval")
            assert low <= getattr(one, what) <= high
            inside[what] += low <= getattr(truth, what) <= high
    assert min(inside.values()) >= 52


def test_nobody_missed_of_few_is_no_certainty() -> None:
    """All draws of uneven people have an FNIR of exactly 0; nobody missed of three people goes up to Wilson's end."""
    names = ["ann", "bob", "cid", "ann", "bob", "bob", "cid", "cid", "cid", *(f"x{n}" for n in range(20))]
    embeddings = at(0, 40, 80, 1, 41, 42, 81, 82, 83, *[-60] * 10, *[-90] * 10)
    (one,) = measure_identification(
        embeddings, names, parts(range(3), range(3, 9), range(9, 29)), fpirs=(0.5,)
    ).searches
    assert one.fnir == 0
    assert one.fnir_interval == (0, pytest.approx(wilson(0, 3)[1]))
    people = np.arange(3)
    known = KnownProbes(np.repeat(people, [1, 2, 3]), np.ones(6, np.intp), np.zeros(6))
    unknown = UnknownProbes(np.arange(20), np.repeat([0.5, 1.0], 10))
    assert open_set._resample(known, unknown, (0.5,), 0)[0][1] == (0, 0)


def test_of_one_probe_a_person_the_interval_of_a_rank_is_wilsons() -> None:
    embeddings, names = crowd(photos=2, noise=0.8)
    found = measure_identification(embeddings, names, split(names, known=1.0))
    assert found.ranks[0].interval == pytest.approx(wilson(found.ranks[0].hits, 40))


# --- the calibrated threshold


def test_the_promise_is_held_against_what_happens() -> None:
    """Two people enrolled, 80 degrees apart. An FPIR of 0.36 among two asks for a FAR of 0.2."""
    names = ["ann", "bob", "ann", "ann", "bob", *(f"x{n}" for n in range(10))]
    embeddings = at(0, 80, 10, 60, 100, *([-30] * 3), *([-90] * 7))
    made = parts([0, 1], [2, 3, 4], range(5, 15))
    (one,) = measure_identification(embeddings, names, made, fpirs=(0.36,), calibration=TABLE).searches
    threshold = 0.4 - 0.2 * math.log(0.5 / 0.2) / math.log(5)  # between the rows, in log FAR
    assert one.threshold is None  # ten probes cannot tell
    assert one.calibrated == CalibratedSearchRate(
        threshold=pytest.approx(threshold),
        measured=True,
        fpir=0.3,  # -30 degrees is 0.134 away, -90 is 1
        false_positives=3,
        fpir_interval=pytest.approx(wilson(3, 10)),
        fnir=pytest.approx(1 / 3),  # ann at 60 is taken for bob
        fnir_interval=one.calibrated.fnir_interval,  # type: ignore[union-attr]
    )


@pytest.mark.parametrize(("fpir", "measured", "threshold"), [(0.1, False, 0.2), (0.9, False, 0.4), (0.5, True, None)])
def test_beyond_the_table_is_said(fpir: float, measured: bool, threshold: float | None) -> None:
    names = ["ann", "bob", "ann", "x"]
    made = parts([0, 1], [2], [3])
    (one,) = measure_identification(at(0, 80, 5, 60), names, made, fpirs=(fpir,), calibration=TABLE).searches
    assert one.calibrated is not None
    assert one.calibrated.measured is measured
    assert threshold is None or one.calibrated.threshold == threshold


def test_whoever_is_just_at_the_calibrated_threshold_is_named() -> None:
    embeddings, names = at(0, 5, 60), ["ann", "ann", "x"]
    edge = float(compare.cosine_distances(embeddings.embeddings[2:], embeddings.embeddings[:1])[0, 0])
    table = replace(TABLE, thresholds=(edge, edge / 2))
    (one,) = measure_identification(embeddings, names, parts([0], [1], [2]), fpirs=(0.5,), calibration=table).searches
    assert one.calibrated is not None
    assert (one.calibrated.threshold, one.calibrated.fpir, one.calibrated.fnir) == (edge, 1, 0)


SHIPPED = sorted(one.name.removesuffix(".json") for one in files("visavis").joinpath("calibration").iterdir())


@pytest.mark.parametrize("model", SHIPPED)
def test_the_shipped_table_is_taken_for_its_model(model: str) -> None:
    embeddings, names = crowd()
    (own,) = measure_identification(replace(embeddings, model=model), names, split(names), fpirs=(0.1,)).searches
    table = compare.calibration(model)
    assert table is not None
    assert own.calibrated is not None
    assert own.calibrated.threshold == table.search_threshold(0.1, 20)


def test_a_model_without_a_table_has_no_promise() -> None:
    embeddings, names = crowd()
    (none,) = measure_identification(embeddings, names, split(names), fpirs=(0.1,)).searches
    assert none.calibrated is None
    assert none.threshold is not None


def test_a_table_of_pairs_does_not_speak_of_means() -> None:
    embeddings, names = crowd()
    made = split(names, templates=2)
    found = measure_identification(embeddings, names, made, fpirs=(0.1,), rule="mean", calibration=TABLE)
    assert found.searches[0].calibrated is None
