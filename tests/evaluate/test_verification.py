"""Verification as a whole: every field of small results by hand, and of LFW's view 1 what is known of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from visavis import compare
from visavis.compare import Calibration
from visavis.errors import UsageError
from visavis.evaluate import verification
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.stats import bootstrap
from visavis.evaluate.stats.rejection import rejection_curve
from visavis.evaluate.verification import of_lfw, of_pairs, of_people, read_lfw
from visavis.types import Floats

from .conftest import View1
from .generated import Crowd, slow_pairs, templates


def listed(pairs: list[tuple[int, int, bool]], photos: int, *, names: tuple[str, ...] = ()) -> PairList:
    a, b, same = zip(*pairs, strict=True)
    return PairList(
        tuple(f"{n}.jpg" for n in range(photos)),
        np.array(a, np.int32),
        np.array(b, np.int32),
        np.array(same, np.bool_),
        np.zeros(len(pairs), np.intp),
        names,
    )


def spokes(distances: list[float]) -> Floats:
    """Row 0 is the hub; row n + 1 lies at ``distances[n]`` from it."""
    cosine = 1 - np.array([0.0, *distances])
    return np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1).astype(np.float32)


@pytest.fixture
def hub() -> tuple[Templates, PairList]:
    """Row 0 against 1 ... 10, the same person, at 0.05, 0.1 ... 0.5, and against 11 ... 410, others, from 0.3 on.

    Photo 411 (the same person) and photo 412 (another) show no face.
    """
    genuine = [0.05 * n for n in range(1, 11)]
    impostors = [0.3 + n / 500 for n in range(400)]
    embeddings = spokes([*genuine, *impostors, 0.5, 0.5])
    quality = [1.0, *(0.1 * n for n in range(10, 0, -1)), *[0.5] * 402]
    pairs = [(0, n, n <= 10 or n == 411) for n in range(1, 413)]
    return templates(embeddings, missing=[411, 412], quality=quality), listed(pairs, 413)


def test_listed_pairs_by_hand(hub: tuple[Templates, PairList]) -> None:
    """At a FAR of 0.1, 40 of 400, the threshold is the nearest below 0.38: that of the genuine pair at 0.35, or 0.378.

    Genuine pairs at 0.4, 0.45 and 0.5 are beyond, and the failed one is missed too: 7 of 11.
    """
    result = of_pairs(*hub, data="hub", draws=50)
    assert (result.data, result.model, result.detector) == ("hub", "made-up", "by hand")
    assert (result.photos, result.people, result.failures) == (413, 0, 2)
    assert (result.failed_genuine, result.failed_impostors) == (1, 1)
    assert (result.roc.genuine, result.roc.impostors) == (11, 400)
    (rate,) = result.rates
    assert (rate.far, rate.false_accepts, rate.tar) == (0.1, 40, 7 / 11)
    assert rate.threshold == pytest.approx(0.378, abs=1e-6)
    assert rate.far_interval is not None
    assert rate.far_interval[0] < 0.1 < rate.far_interval[1]
    assert result.mistakes_at == 0.1
    assert [(one.a, one.b, one.same) for one in result.worst_rejects] == [(0, 10, True), (0, 9, True), (0, 8, True)]
    assert [one.distance for one in result.worst_rejects] == pytest.approx([0.5, 0.45, 0.4], abs=1e-6)
    assert [(one.a, one.b, one.same) for one in result.worst_accepts] == [(0, n, False) for n in range(11, 23)]
    assert [one.distance for one in result.worst_accepts] == pytest.approx([0.3 + n / 500 for n in range(12)], abs=1e-6)
    assert result.accuracy is not None
    assert (result.accuracy.pairs, result.accuracy.folds) == (412, 10)


def test_only_mistakes_are_shown(hub: tuple[Templates, PairList], monkeypatch: pytest.MonkeyPatch) -> None:
    """At a FAR of 0.01 four impostors are within 0.306, and four genuine pairs are not, the failed one aside."""
    monkeypatch.setattr(bootstrap, "LEAST", 2)
    result = of_pairs(*hub, data="hub", draws=5)
    assert result.mistakes_at == 0.01
    assert [one.b for one in result.worst_accepts] == [11, 12, 13, 14]
    assert [one.b for one in result.worst_rejects] == [10, 9, 8, 7]


def test_rejection_by_hand(hub: tuple[Templates, PairList]) -> None:
    """The failed pair has quality 0, then comes the pair at 0.5, at 0.45 ...: of 11, 0.2 are two."""
    curve = of_pairs(*hub, data="hub", draws=5).rejection
    assert curve is not None
    assert (curve.pairs, curve.threshold) == (11, pytest.approx(0.378, abs=1e-6))
    fnmr = dict(zip(curve.shares, curve.fnmr, strict=True))
    assert (fnmr[0], fnmr[0.1], fnmr[0.2], fnmr[0.3]) == pytest.approx((4 / 11, 3 / 10, 2 / 9, 1 / 8))


def test_histogram_by_hand(hub: tuple[Templates, PairList]) -> None:
    histogram = of_pairs(*hub, data="hub", draws=5).histogram
    assert (len(histogram.edges), histogram.edges[0], histogram.edges[-1]) == (101, 0, pytest.approx(1.098, abs=1e-6))
    assert (histogram.genuine.sum(), histogram.impostors.sum()) == (pytest.approx(1), pytest.approx(1))
    distances = 0.05 * np.arange(1, 11)
    inside = [((distances > low) & (distances <= high)).sum() / 10 for low, high in pairwise(histogram.edges)]
    assert histogram.genuine == pytest.approx(np.array(inside))


@pytest.fixture
def crowd() -> tuple[Templates, list[str]]:
    embeddings, people = Crowd().draw(np.random.default_rng(2), 80)
    missing = [0, 5, 100]
    quality = np.random.default_rng(3).random(240)
    return templates(embeddings, missing=missing, quality=quality.tolist()), [f"person {n:03}" for n in people]


def test_everybody_as_in_a_double_loop(crowd: tuple[Templates, list[str]]) -> None:
    made, names = crowd
    result = of_people(made, names, data="crowd", draws=30)
    people = np.unique(names, return_inverse=True)[1]
    slow = slow_pairs(made.embeddings, made.has_template, people)
    assert (result.photos, result.people, result.failures) == (240, 80, 3)
    assert (result.failed_genuine, result.failed_impostors) == (len(slow.failed_genuine), slow.failed_impostors)
    assert result.failed_genuine == 6
    assert (result.roc.genuine, result.roc.impostors) == (240, len(slow.impostors))
    assert [rate.far for rate in result.rates] == [0.1, 0.01]  # 0.001 would be 28 false accepts
    for rate in result.rates:
        near = [distance for distance, _, _ in slow.impostors if distance <= rate.threshold + 1e-7]
        assert rate.false_accepts == len(near) == int(rate.far * len(slow.impostors))
        accepted = sum(distance <= rate.threshold + 1e-7 for distance, _, _ in slow.genuine)
        assert rate.tar == accepted / 240
        for interval, value in (
            (rate.threshold_interval, rate.threshold),
            (rate.tar_interval, rate.tar),
            (rate.far_interval, rate.far),
        ):
            assert interval is not None
            assert interval[0] < value < interval[1]
    assert result.mistakes_at == 0.01
    assert result.accuracy is None
    limit = result.rates[-1].threshold
    expected = [(a, b) for _, a, b in slow.impostors[:12]]
    assert [tuple(sorted((one.a, one.b))) for one in result.worst_accepts] == expected
    assert all(one.distance <= limit and names[one.a] != names[one.b] for one in result.worst_accepts)
    missed = [(a, b) for distance, a, b in reversed(slow.genuine) if distance > limit][:12]
    assert [tuple(sorted((one.a, one.b))) for one in result.worst_rejects] == missed
    assert all(one.distance > limit and names[one.a] == names[one.b] for one in result.worst_rejects)
    assert len(missed) == 12


def test_rejection_is_of_the_genuine_pairs_with_their_people(crowd: tuple[Templates, list[str]]) -> None:
    """Failed pairs are missed, and the first to go; then the pair whose worse photo is worst."""
    made, names = crowd
    curve = of_people(made, names, data="crowd", draws=5).rejection
    assert curve is not None
    slow = slow_pairs(made.embeddings, made.has_template, np.unique(names, return_inverse=True)[1])
    pairs = [(0.0, True)] * 6 + sorted(
        (float(min(made.quality[a], made.quality[b])), distance > curve.threshold) for distance, a, b in slow.genuine
    )
    assert curve.pairs == len(pairs) == 240
    for share, left, fnmr in zip(curve.shares, curve.left, curve.fnmr, strict=True):
        gone = int(share * 240 + 1e-9)
        last = pairs[gone - 1][0] if gone else -1
        surely = [missed for quality, missed in pairs if quality < last]
        perhaps = [missed for quality, missed in pairs if quality == last]  # pairs of one photo: in equal parts
        rejected = sum(surely) + sum(perhaps) * (gone - len(surely)) / max(len(perhaps), 1)
        assert left == 240 - gone
        assert fnmr == pytest.approx((sum(one[1] for one in pairs) - rejected) / left)


def test_rejection_draws_people_where_they_are_known(crowd: tuple[Templates, list[str]]) -> None:
    made, names = crowd
    people = np.unique(names, return_inverse=True)[1]
    slow = slow_pairs(made.embeddings, made.has_template, people)
    a, b = np.array([one[1:] for one in slow.genuine] + slow.failed_genuine).T
    distances = [one[0] for one in slow.genuine] + [np.inf] * 6
    curve = of_people(made, names, data="crowd", draws=5).rejection
    assert curve is not None
    by_people, by_pairs = (
        rejection_curve(
            distances, np.ones(240), made.quality[a], made.quality[b], threshold=curve.threshold, people=labels
        )
        for labels in (people[a], None)
    )
    assert curve.drop_interval == pytest.approx(by_people.drop_interval, abs=1e-9)
    assert curve.drop_interval != pytest.approx(by_pairs.drop_interval, abs=1e-4)


def test_the_same_seed_and_order_give_the_same(crowd: tuple[Templates, list[str]]) -> None:
    one, other = (of_people(*crowd, data="crowd", draws=20) for _ in range(2))
    assert one.rates == other.rates
    assert one.rejection == other.rejection
    assert (one.worst_accepts, one.worst_rejects) == (other.worst_accepts, other.worst_rejects)


def test_mistakes_are_shown_at_a_thousandth_where_the_data_tell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "LEAST", 2)
    embeddings, people = Crowd().draw(np.random.default_rng(2), 80)
    result = of_people(templates(embeddings), [f"{n}" for n in people], data="crowd", draws=5)
    assert [rate.far for rate in result.rates] == [0.1, 0.01, 0.001, 0.0001]
    assert result.mistakes_at == 0.001
    assert len(result.worst_accepts) == 12
    limit = result.rates[2].threshold
    assert all(one.distance <= limit for one in result.worst_accepts)


def test_promises_of_a_calibrated_model_are_held_against_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """FAR and TAR at the thresholds of a table, counted in a double loop; an uncalibrated model promises nothing."""
    embeddings, people = Crowd().draw(np.random.default_rng(3), 60)
    made, names = templates(embeddings, missing=(4,)), [f"{one}" for one in people]
    assert of_people(made, names, data="crowd", draws=20).promises == ()
    table = Calibration("made-up", (0.1, 0.01, 0.003), (0.2, 0.05, 0.01), slope=-9, intercept=1)
    monkeypatch.setattr(compare, "calibration", {"made-up": table}.get)
    promises = of_people(made, names, data="crowd", draws=100).promises
    slow = slow_pairs(made.embeddings, made.has_template, people)
    assert [one.far for one in promises] == [0.01]  # 0.001 and 0.0001 are beyond the table
    (one,) = promises
    assert one.threshold == pytest.approx(0.05)
    near = sum(distance <= 0.05 for distance, _, _ in slow.impostors)
    assert one.measured == pytest.approx(near / len(slow.impostors), abs=2 / len(slow.impostors))
    assert one.tar == pytest.approx(sum(pair[0] <= 0.05 for pair in slow.genuine) / 180, abs=1 / 180)
    assert one.interval is not None
    assert one.interval[0] < one.measured < one.interval[1]


def test_data_too_small_for_any_rate() -> None:
    result = of_people(templates(spokes([0.1, 0.5, 0.6])), ["a", "a", "b", "c"], data="few", draws=5)
    assert (result.rates, result.mistakes_at, result.rejection) == ((), None, None)
    assert (result.worst_accepts, result.worst_rejects) == ((), ())
    assert (result.photos, result.people, result.roc.genuine, result.roc.impostors) == (4, 3, 1, 5)
    assert result.histogram.genuine.sum() == pytest.approx(1)


def test_a_model_that_answers_the_same_for_everybody() -> None:
    embeddings = np.zeros((60, 3), np.float32)
    embeddings[:, 0] = 1
    result = of_people(templates(embeddings), [f"{n // 2}" for n in range(60)], data="all alike", draws=5)
    assert (result.rates, result.mistakes_at, result.roc.area, result.roc.equal_error) == ((), None, 0.5, 0.5)
    assert (result.histogram.genuine.sum(), result.histogram.impostors.sum()) == (1, 1)


def test_every_pair_of_one_person_failed() -> None:
    """TAR is 0 at any FAR, and all that is missed was never compared."""
    embeddings, _ = Crowd(1).draw(np.random.default_rng(4), 60)
    names = [f"{n}" for n in range(59)] + ["0"]
    result = of_people(templates(embeddings, missing=[59]), names, data="failed", draws=20)
    assert [(rate.far, rate.tar) for rate in result.rates] == [(0.1, 0)]
    assert (result.failed_genuine, result.roc.area, result.histogram.genuine.sum()) == (1, 0, 0)
    assert result.worst_rejects == ()
    assert result.rejection is not None
    assert result.rejection.fnmr[0] == 1


def test_not_one_face_is_an_error_in_words() -> None:
    nobody = templates(np.zeros((4, 0), np.float32), missing=range(4))
    with pytest.raises(UsageError, match="one kind is missing"):
        of_people(nobody, ["a", "a", "b", "b"], data="nobody")
    with pytest.raises(UsageError, match="one kind is missing"):
        of_pairs(nobody, listed([(0, 1, True), (2, 3, True), (0, 2, False)], 4), data="nobody")


def test_names_of_a_list_are_counted() -> None:
    embeddings, people = Crowd().draw(np.random.default_rng(2), 30)
    names = tuple(f"{n}" for n in people)
    pairs = [(a, b, names[a] == names[b]) for a in range(90) for b in range(a + 1, 90)]
    result = of_pairs(templates(embeddings), listed(pairs, 90, names=names), data="named", draws=20)
    assert result.people == 30
    everybody = of_people(templates(embeddings), names, data="named", draws=20)
    assert [rate.false_accepts for rate in result.rates] == [rate.false_accepts for rate in everybody.rates]
    assert result.roc.area == pytest.approx(everybody.roc.area, abs=1e-4)


# ------------------------------------------------------------------------------------------------- LFW's layout


def album(folder: Path) -> None:
    for name, count in (("Ada", 3), ("Bob", 2), ("Cleo", 1)):
        (folder / name).mkdir(parents=True)
        for n in range(1, count + 1):
            (folder / name / f"{name}_{n:04}.jpg").touch()


@pytest.mark.parametrize("place", ["images", "lfw", "lfw-deepfunneled", "."])
def test_photos_are_found_where_archives_unpack_to(tmp_path: Path, place: str) -> None:
    album(tmp_path / place)
    (tmp_path / "lfw.tgz").touch()
    (tmp_path / "pairsDevTrain.txt").write_text("1\nAda\t1\t2\nAda\t1\tBob\t2\n")
    (tmp_path / "pairsDevTest.txt").write_text("1\nAda\t1\t3\nBob\t1\tCleo\t1\n")
    train, test = read_lfw(tmp_path, view=1)
    assert train.photos == test.photos
    assert len(train.photos) == 6
    assert all(Path(photo).is_file() for photo in train.photos)
    assert train.names == test.names == ("Ada", "Ada", "Ada", "Bob", "Bob", "Cleo")
    (given,) = [read_lfw(tmp_path, view=1, photos=tmp_path / place)[0]]
    assert [Path(photo).resolve() for photo in given.photos] == [Path(photo).resolve() for photo in train.photos]


@pytest.mark.parametrize(("view", "missing"), [(1, "pairsDevTrain.txt"), (1, "pairsDevTest.txt"), (2, "pairs.txt")])
def test_the_missing_list_is_named(tmp_path: Path, view: int, missing: str) -> None:
    album(tmp_path / "images")
    for name in {"pairsDevTrain.txt", "pairsDevTest.txt", "pairs.txt"} - {missing}:
        (tmp_path / name).write_text("1\nAda\t1\t2\nAda\t1\tBob\t2\n")
    with pytest.raises(UsageError, match=f"there is no list of pairs .*{missing}"):
        read_lfw(tmp_path, view=view)


def test_missing_photos_and_other_views_are_said(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("1\nAda\t1\t2\nAda\t1\tBob\t2\n")
    with pytest.raises(UsageError, match="holds no photos of LFW"):
        read_lfw(tmp_path, view=2)
    with pytest.raises(UsageError, match="elsewhere holds no photos of LFW"):
        read_lfw(tmp_path, view=2, photos=tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="LFW has the views 1 and 2, got 3"):
        read_lfw(tmp_path, view=3)
    album(tmp_path / "images")
    assert len(read_lfw(tmp_path, view=2)[0]) == 2
    (tmp_path / "pairs.txt").write_text("Ada/Ada_0001.jpg,Bob/Bob_0001.jpg,0\n")
    with pytest.raises(UsageError, match="is not in LFW's format"):
        read_lfw(tmp_path, view=2)


def test_lfw_views_by_hand(tmp_path: Path) -> None:
    """Six photos at known distances from Ada's first; rates are of everybody, accuracy is of the lists."""
    album(tmp_path / "images")
    (tmp_path / "pairsDevTrain.txt").write_text("2\nAda\t1\t2\nAda\t1\t3\nAda\t1\tBob\t1\nAda\t1\tBob\t2\n")
    (tmp_path / "pairsDevTest.txt").write_text("1\nAda\t1\t3\nAda\t1\tCleo\t1\n")
    lists = read_lfw(tmp_path, view=1)
    made = templates(spokes([0.1, 0.4, 0.6, 0.8, 0.45]))  # Ada 2, 3, Bob 1, 2, Cleo 1
    result = of_lfw(made, lists, data="view 1", draws=5)
    assert result.accuracy is not None
    assert result.accuracy.threshold == pytest.approx(0.5, abs=1e-6)
    assert (result.accuracy.accuracy, result.accuracy.pairs, result.accuracy.folds) == (0.5, 2, 1)  # Cleo is accepted
    assert (result.people, result.roc.genuine, result.roc.impostors) == (3, 4, 11)
    (tmp_path / "pairs.txt").write_text(
        "3 1\nAda\t1\t2\nAda\t1\tBob\t1\nAda\t1\t3\nAda\t1\tBob\t2\nAda\t2\t1\nAda\t1\tCleo\t1\n"
    )
    (view_2,) = read_lfw(tmp_path, view=2)
    folds = of_lfw(made, [view_2], data="view 2", draws=5).accuracy
    assert folds is not None
    # Thresholds 0.425, 0.425 (0.1 0.4 | 0.45 0.6), 0.275 (without fold 1) and 0.5 (without fold 2): fold 1 has 0.4
    # against 0.275, wrong; fold 2 has 0.45 against 0.5, wrong.
    assert (folds.folds, folds.pairs, folds.accuracy) == (3, 6, pytest.approx((1 + 0.5 + 0.5) / 3))
    assert folds.error == pytest.approx(np.std([1, 0.5, 0.5], ddof=1) / np.sqrt(3))
    assert folds.threshold == pytest.approx((0.425 + 0.275 + 0.5) / 3, abs=1e-6)


# ------------------------------------------------------------------------------------------------- LFW itself


@pytest.mark.slow
def test_accuracy_on_view_1(lfw_view1: View1) -> None:
    result = verification.lfw_accuracy(lfw_view1.templates, lfw_view1.lists)
    assert (result.pairs, result.folds) == (1000, 1)
    assert result.accuracy >= 0.985
    assert 0.58 < result.threshold < 0.66


@pytest.mark.slow
def test_view_1_has_the_rates_that_were_measured(lfw_view1: View1) -> None:
    result = of_people(lfw_view1.templates, lfw_view1.names, data="view 1", draws=40)
    assert (result.photos, result.failures, result.roc.genuine + result.roc.impostors) == (
        4992,
        1,
        4992 * 4991 // 2 - result.failed_impostors,
    )
    assert [rate.far for rate in result.rates] == [0.1, 0.01, 1e-3, 1e-4, 1e-5]
    assert {rate.far: rate.false_accepts for rate in result.rates}[1e-5] == int(1e-5 * result.roc.impostors)
    assert all(rate.tar_interval and rate.far_interval and rate.threshold_interval for rate in result.rates)
    assert result.mistakes_at == 1e-3
    curve = result.rejection
    assert curve is not None
    assert curve.drop_at == 0.05
    assert curve.drop_interval[0] > 0  # the worst 5 % are worse than others, whoever the people are
    assert dict(zip(curve.shares, curve.fnmr, strict=True))[0.05] < curve.fnmr[0]
