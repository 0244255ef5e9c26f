"""Calibration: tables as counted directly, probabilities as scikit-learn has them, promises kept by other people."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import visavis
from embedders import tiny_models as own
from visavis.compare import parse_calibration
from visavis.embedders import EMBEDDERS
from visavis.embedders.onnx_file import import_model
from visavis.errors import UsageError
from visavis.evaluate import calibrate
from visavis.evaluate.calibrate import CHECKED, held_out, logistic, of_pairs, of_people
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.stats import bootstrap, pair_distances
from visavis.evaluate.stats.metrics import Roc

from .conftest import View1
from .generated import Crowd, slow_pairs, templates


def crowd(seed: int, people: int, *, missing: tuple[int, ...] = ()) -> tuple[Templates, NDArray[np.intp]]:
    embeddings, whose = Crowd().draw(np.random.default_rng(seed), people)
    return templates(embeddings, missing=missing), whose


def test_precision_and_crop_are_those_of_an_imported_models_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    row = own.write(tmp_path, name="own-int8", precision="int8", quantized_from="own")
    import_model(row, reserved=EMBEDDERS.built_in())
    made, people = crowd(1, 60)
    for model in ("own-int8", "own-int8@4"):
        measured = of_people(replace(made, model=model), [f"{n}" for n in people], data="crowd")
        told = measured.table()["provenance"]
        assert isinstance(told, dict)
        assert (told["precision"], told["crop"]) == ("int8", "the box made square, 16 pixels")


def all_pairs(made: Templates, people: NDArray[np.intp]) -> PairList:
    a, b = (rows.astype(np.int32) for rows in np.triu_indices(len(people), 1))
    return PairList(made.photos, a, b, people[a] == people[b], np.zeros(len(a), np.intp))


def test_the_rates_of_a_table() -> None:
    assert calibrate.FARS[:5] == (0.1, 0.03, 0.01, 0.003, 0.001)
    assert list(calibrate.FARS) == sorted(calibrate.FARS, reverse=True)


def test_a_table_counted_directly() -> None:
    made, people = crowd(1, 60, missing=(7,))
    begun = datetime.now(UTC).date()
    measured = of_people(made, [f"{n}" for n in people], data="crowd")
    assert measured.calibration.provenance["date"] in {f"{day}" for day in (begun, datetime.now(UTC).date())}
    slow = slow_pairs(made.embeddings, made.has_template, people)
    table = measured.calibration
    assert table.far == (0.1, 0.03, 0.01, 0.003)  # 0.001 of 15,755 is 15
    for rate, threshold in zip(measured.rates, table.thresholds, strict=True):
        near = [distance for distance, _, _ in slow.impostors if distance <= rate.threshold + 1e-7]
        assert len(near) == rate.false_accepts == int(rate.far * len(slow.impostors))
        assert threshold == pytest.approx(rate.threshold, abs=5e-7)
        assert rate.tar == sum(one[0] <= rate.threshold + 1e-7 for one in slow.genuine) / 180
    assert table.model == "made-up"
    expected = {
        "data": "crowd",
        "photos": 180,
        "without_a_face": 1,
        "people": 60,
        "intervals_by": "people",
        "genuine_pairs": 180,
        "impostor_pairs": len(slow.impostors),
        "detector": "by hand",
        "face": "large and near the middle",
        "crop": "the model's own",
        "precision": "float32",
        "version": visavis.__version__,
        "libraries": {"numpy": np.__version__, "onnxruntime": metadata.version("onnxruntime")},
    }
    assert {key: table.provenance.get(key) for key in expected} == expected


def test_what_is_written_is_read_as_it_was() -> None:
    made, people = crowd(2, 60)
    measured = of_people(made, [f"{n}" for n in people], data="Müller's photos")
    text = measured.text()
    read = parse_calibration(json.loads(text))
    assert read == measured.calibration
    assert measured.calibration.histogram is not None
    counts = measured.calibration.histogram
    assert (sum(counts.genuine), sum(counts.impostors)) == (
        read.provenance["genuine_pairs"],
        read.provenance["impostor_pairs"],
    )
    assert text.endswith("}\n")
    assert "Müller" in text
    content = json.loads(text)
    assert [row[0] for row in content["far_threshold"]] == [one["far"] for one in content["intervals"]]
    for (far, threshold), one in zip(content["far_threshold"], content["intervals"], strict=True):
        assert read.threshold(far) == threshold
        assert one["threshold"][0] < threshold < one["threshold"][1]
        assert one["far_at_threshold"][0] < far < one["far_at_threshold"][1]
    assert [one["far"] for one in content["held_out"]] == [0.01]
    with pytest.raises(UsageError, match="was not measured"):
        read.threshold(read.lowest_far / 1.01)


def test_listed_pairs_give_the_same_table() -> None:
    made, people = crowd(3, 40)
    one = of_people(made, [f"{n}" for n in people], data="same")
    other = of_pairs(made, all_pairs(made, people), data="same")
    assert other.calibration.far == one.calibration.far
    assert other.calibration.thresholds == pytest.approx(one.calibration.thresholds, abs=2e-6)
    assert (other.calibration.slope, other.calibration.intercept) == pytest.approx(
        (one.calibration.slope, one.calibration.intercept), rel=1e-4
    )
    assert (other.held_out, other.calibration.provenance["intervals_by"]) == ((), "pairs")
    assert "people" not in other.calibration.provenance


def test_too_little_data_is_said_in_words() -> None:
    made, people = crowd(4, 14)  # 91 * 9 = 819 pairs of two people
    names = [f"{n}" for n in people]
    with pytest.raises(UsageError, match=r"819 pairs of two people are too few .*: a FAR of 0.03 needs 1000"):
        of_people(made, names, data="few")
    with pytest.raises(UsageError, match="819 pairs of two people are too few"):
        of_pairs(made, all_pairs(made, people), data="few")
    with pytest.raises(UsageError, match="one kind is missing"):
        of_people(made, [f"{n}" for n in range(len(names))], data="nobody twice")


def test_a_thousand_pairs_are_enough() -> None:
    impostors = 0.4 + np.arange(1000) / 2000
    roc = Roc.of([0.1, 0.45], impostors)
    assert bootstrap.supported_fars(roc, calibrate.FARS)[0] == [0.1, 0.03]
    assert bootstrap.supported_fars(Roc.of([0.1], impostors[:999]), calibrate.FARS)[0] == [0.1]


def test_photos_that_no_threshold_tells_apart_are_refused() -> None:
    embeddings = np.zeros((90, 3), np.float32)
    embeddings[:, 0] = 1
    with pytest.raises(UsageError, match="no threshold tells these photos apart"):
        of_people(templates(embeddings), [f"{n // 2}" for n in range(90)], data="all alike")


def test_a_model_that_has_it_backwards_is_refused() -> None:
    """Photos of one person are opposite: a probability that rises with the distance is no calibration."""
    rng = np.random.default_rng(5)
    ones = rng.standard_normal((40, 4))
    ones /= np.linalg.norm(ones, axis=1, keepdims=True)
    embeddings = np.stack([ones, -ones], axis=1).reshape(80, 4).astype(np.float32)
    with pytest.raises(UsageError, match="a probability that falls with the distance"):
        of_people(templates(embeddings), [f"{n // 2}" for n in range(80)], data="backwards")


# ------------------------------------------------------------------------------------------------- the probability


def by_scikit_learn(near: NDArray[np.float64], far: NDArray[np.float64], smooth: float = 0) -> tuple[float, float]:
    """Balanced, without a penalty; ``x`` scaled, so that its solver meets the optimum. Answers may be doubted."""
    x = np.concatenate([near, far])
    middle, scale = x.mean(), x.std()
    model = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10, max_iter=10_000)
    model.fit(((x - middle) / scale)[:, None], np.repeat([1, 0], [len(near), len(far)]))
    slope = float(model.coef_[0, 0]) / scale
    return slope, float(model.intercept_[0]) - slope * middle


@pytest.mark.parametrize("apart", [0.2, 0.5, 1, 2, 4, 6])
@pytest.mark.parametrize("many", [60, 30_000])
def test_logistic_as_scikit_learn_has_it(apart: float, many: int) -> None:
    """Two kinds that are more or less apart, on the scale of distances of faces; impostors are many."""
    rng = np.random.default_rng(int(10 * apart))
    near = 0.05 + 0.012 * rng.standard_normal(400)
    far = 0.05 + 0.012 * apart + 0.012 * rng.standard_normal(many)
    if near.max() <= far.min():
        far[0] = near.max() - 0.003  # they overlap
    assert logistic(Roc.of(near, far)) == pytest.approx(by_scikit_learn(near, far), rel=1e-3, abs=1e-3)


def test_logistic_with_one_far_outlier() -> None:
    """One genuine pair among the impostors, all others far from them."""
    near = np.append(np.full(5000, 0.001), 1.9)
    far = np.linspace(1.0, 2.0, 200_000)
    slope, intercept = logistic(Roc.of(near, far))
    assert (slope, intercept) == pytest.approx(by_scikit_learn(near, far), rel=1e-2)
    assert np.isfinite([slope, intercept]).all()


def test_at_even_odds_it_is_the_share_of_the_genuine() -> None:
    """Two distances only: at 0.1 are 3 of 4 genuine pairs and 1 of 10 impostors, so the odds are 0.75 to 0.1."""
    slope, intercept = logistic(Roc.of([0.1] * 3 + [0.5], [0.1] + [0.5] * 9))
    assert slope * 0.1 + intercept == pytest.approx(math.log(0.75 / 0.1), abs=1e-6)
    assert slope * 0.5 + intercept == pytest.approx(math.log(0.25 / 0.9), abs=1e-6)


@pytest.mark.parametrize("between", [0.5, 0.01, 1e-6, 0])
def test_kinds_that_are_wholly_apart_keep_a_doubt(between: float) -> None:
    """All genuine pairs are nearer: no slope would be too steep. With n pairs the doubt is one in n + 2."""
    near, far = np.linspace(0.1, 0.3, 18), np.linspace(0.3 + between, 1, 98)
    slope, intercept = logistic(Roc.of(near, far))
    assert -1e7 < slope < 0
    assert np.isfinite(intercept)

    def probability(distance: float) -> float:
        return 1 / (1 + math.exp(-(slope * distance + intercept)))

    # What maximum likelihood holds: means of probability and answer agree, each kind weighing half.
    mean = (np.mean([probability(x) for x in near]) + np.mean([probability(x) for x in far])) / 2
    assert mean == pytest.approx((19 / 20 + 1 / 100) / 2, abs=1e-6)
    assert probability(0.1) > 0.94
    assert probability(1) < 0.02


@pytest.mark.parametrize(("near", "far"), [(0.1, 0.5), (0.5, 0.1)])
def test_two_distances_wholly_apart(near: float, far: float) -> None:
    """Of 18 genuine pairs one in twenty is doubted, of 98 impostors one in a hundred."""
    slope, intercept = logistic(Roc.of([near] * 18, [far] * 98))
    assert slope * near + intercept == pytest.approx(math.log(0.95 / 0.05), abs=1e-6)
    assert slope * far + intercept == pytest.approx(math.log(0.01 / 0.99), abs=1e-6)


def test_pairs_that_failed_have_no_distance_to_learn_from() -> None:
    near, far = [0.1, 0.2, 0.4], [0.3, 0.5, 0.6]
    assert logistic(Roc.of(near, far, failed=5)) == logistic(Roc.of(near, far))
    with pytest.raises(UsageError, match="no pair of one person can be compared"):
        logistic(Roc.of([], far, failed=2))


def test_more_of_either_kind_changes_nothing() -> None:
    near, far = [0.1, 0.2, 0.4], [0.3, 0.5, 0.6]
    assert logistic(Roc.of(near * 7, far)) == pytest.approx(logistic(Roc.of(near, far * 9)), rel=1e-9)


# ------------------------------------------------------------------------------------------------- the other half


@pytest.mark.parametrize("number", [2, 7, 40, 101])
def test_halves_are_of_different_people_with_as_many_photos(number: int) -> None:
    rng = np.random.default_rng(number)
    photos = rng.integers(1, 30, number)
    people = rng.permutation(np.repeat(np.arange(number), photos))
    chosen = calibrate._choose_half(people, rng)
    assert (chosen.shape, chosen.sum()) == ((number,), number // 2)
    one, other = np.sort(photos[chosen]), np.sort(photos[~chosen])
    # Of each two who are next to each other by number of photos, one is in either half.
    least = [sorted(pair) for pair in zip(one, other, strict=False)]
    in_order = np.sort(photos)
    assert [sum(pair) for pair in least] == [in_order[2 * n] + in_order[2 * n + 1] for n in range(number // 2)]
    assert abs(int(one.sum()) - int(other[: len(one)].sum())) <= photos.max()


@pytest.mark.parametrize("photos", [np.full(40, 3), np.arange(1, 41)])
def test_who_is_in_which_half_is_drawn(photos: NDArray[np.intp]) -> None:
    people = np.repeat(np.arange(40), photos)
    draws = np.array([calibrate._choose_half(people, np.random.default_rng(seed)) for seed in range(200)])
    assert draws.mean(axis=0) == pytest.approx(np.full(40, 0.5), abs=0.16)
    together = (draws[:, 0] == draws[:, 1]).mean()  # with as many photos they may be; next to each other they are not
    assert together == (pytest.approx(0.5, abs=0.16) if photos[0] == photos[1] else 0)


def test_a_half_measures_what_the_other_half_promised() -> None:
    made, people = crowd(6, 60)
    (half,) = held_out(made, people, seed=3)
    chosen = calibrate._choose_half(people, np.random.default_rng(3))[people]
    known = slow_pairs(made.embeddings[chosen], np.ones(90, np.bool_), people[chosen]).impostors
    other = slow_pairs(made.embeddings[~chosen], np.ones(90, np.bool_), people[~chosen]).impostors
    assert len(known) == len(other) == 90 * 89 // 2 - 90
    assert half.far == 0.01
    assert sum(distance <= half.threshold + 1e-7 for distance, _, _ in known) == 39
    assert half.measured == sum(distance <= half.threshold for distance, _, _ in other) / len(other)
    assert half.interval[0] < half.measured < half.interval[1]
    assert held_out(made, people, seed=3) == (half,)
    assert held_out(made, people, seed=4) != (half,)


def test_a_promise_is_kept_where_the_rate_is_within() -> None:
    assert calibrate.HeldOut(0.01, 0.1, 0.02, (0.01, 0.03)).kept
    assert not calibrate.HeldOut(0.01, 0.1, 0.02, (0.0101, 0.03)).kept
    assert not calibrate.HeldOut(0.01, 0.1, 0.005, (0.003, 0.0099)).kept


def test_halves_too_small_to_tell_are_not_held_against_each_other() -> None:
    assert held_out(*crowd(7, 50)) == ()  # 75 photos in each half: 2,700 pairs of two people, of which 0.01 are 27
    made, people = crowd(9, 60)
    people[120:] = 40  # one has 60 photos: his half has pairs enough, the other has 1,710
    assert held_out(made, people) == ()
    embeddings, people = Crowd().draw(np.random.default_rng(8), 100)
    people[:] = np.arange(300)
    people[1] = 0  # one half has no pair of one person
    assert held_out(templates(embeddings), people) == ()


def test_no_promise_is_judged_by_impostors_that_were_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_distances, "MOST_KEPT", 20)
    assert held_out(*crowd(6, 60)) == ()


@pytest.mark.slow(seconds=6)
def test_promises_are_kept_as_often_as_said() -> None:
    """Other people each time: in 95 % of the cases the promised rate is within the interval."""
    kept = [held_out(*crowd(100 + seed, 64), seed=seed)[0].kept for seed in range(50)]
    assert 0.88 <= np.mean(kept) <= 0.99


@pytest.mark.slow
def test_promises_of_one_half_of_view_1_are_kept_on_the_other(lfw_view1: View1) -> None:
    """Thresholds of 1e-2, 1e-3 and 1e-4 by half the people of LFW's view 1, measured on the other half."""
    people = np.unique(lfw_view1.names, return_inverse=True)[1]
    halves = held_out(lfw_view1.templates, people)
    assert [half.far for half in halves] == list(CHECKED)
    for half in halves:
        assert half.kept, half
        assert half.interval[0] < half.measured < half.interval[1]
        assert half.interval[1] < 6 * half.far  # an interval that tells something
