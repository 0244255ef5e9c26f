"""The rule for unknown faces: thresholds by hand, and the stated rate on strangers it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from visavis import compare
from visavis.train.classifier_answers import HeadAnswers, answer
from visavis.train.classifier_fit import FitOptions, fit_head
from visavis.train.heads import find_head
from visavis.train.unknown_rule import (
    StrangerProbes,
    UnknownRule,
    choose_rule,
    collect_probes,
    least_score,
    make_rule,
    make_unmeasured_rule,
)

from .colors import made_up_faces

OPTIONS = FitOptions(heads=("nearest-mean",))
MEAN = find_head("nearest-mean")


def probes(confidence: list[float], distances: list[float], stranger: list[bool]) -> StrangerProbes:
    n = len(confidence)
    answers = HeadAnswers(np.zeros((n, 1), np.int64), np.array(confidence)[:, None], np.array(distances))
    return StrangerProbes(answers, np.arange(n), np.array(stranger), np.arange(n) % 2)


@pytest.mark.parametrize(
    ("fpir", "threshold"),
    [(0.5, 0.35), (0.25, 0.45), (0.2, 0.65), (0.01, 0.65)],
)
def test_thresholds_by_hand(fpir: float, threshold: float) -> None:
    """Strangers at .6, .4, .3 and .1; own photos at .7 and .5."""
    scores = np.array([0.6, 0.4, 0.3, 0.1, 0.7, 0.5])
    stranger = np.array([True] * 4 + [False] * 2)
    assert least_score(scores, stranger, fpir) == pytest.approx(threshold)
    assert (scores[stranger] >= threshold).mean() <= fpir


def test_equal_scores_of_strangers_stay_on_one_side() -> None:
    scores = np.array([0.5, 0.5, 0.5, 0.2])
    assert (scores >= least_score(scores, np.ones(4, np.bool_), 0.5)).sum() == 0


def test_the_better_kind_of_score_is_chosen() -> None:
    """Probabilities mix strangers and own photos, distances tell them apart."""
    stranger = [True] * 20 + [False] * 20
    confidence = [0.9] * 20 + [0.8] * 20
    distances = [0.9] * 20 + [0.3] * 20
    rule = choose_rule(probes(confidence, distances, stranger), fpir=0.05)
    assert rule.kind == "distance"
    assert rule.threshold == pytest.approx(0.6)
    assert rule.measured is not None
    assert (rule.measured.strangers, rule.measured.named, rule.measured.own, rule.measured.kept) == (20, 0, 20, 20)
    assert rule.accepts(np.array([0.1, 0.9]), np.array([0.5, 0.7])).tolist() == [True, False]
    turned = choose_rule(probes([0.2] * 20 + [0.9] * 20, [0.5] * 40, stranger), fpir=0.05)
    assert (turned.kind, turned.threshold) == ("probability", pytest.approx(0.55))
    assert turned.accepts(np.array([0.6, 0.5]), np.array([9.0, 0.0])).tolist() == [True, False]


def test_every_photo_is_a_stranger_once_and_never_own_in_the_same_fold() -> None:
    faces = made_up_faces(8, 6)
    scored = collect_probes(faces.values, faces.labels, MEAN, OPTIONS, temperature=1.0)
    assert scored.stranger.sum() == len(faces)
    for fold in range(5):
        inside = scored.folds == fold
        assert not {*scored.people[inside & scored.stranger]} & {*scored.people[inside & ~scored.stranger]}


def test_the_stated_rate_holds_for_strangers_that_were_never_seen() -> None:
    """Of 60 people 30 are trained; the interval of the measured rate covers the rate of the other 30."""
    faces = made_up_faces(60, 10, dimension=24, spread=0.14)
    own = faces.labels < 30
    rule = make_rule(faces.values[own], faces.labels[own], MEAN, OPTIONS, temperature=4.0, fpir=0.05, model="")
    assert rule.measured is not None
    assert rule.measured.people == 30
    assert rule.measured.rate <= 0.1
    assert rule.measured.kept_share > 0.6
    fitted = fit_head(MEAN, faces.values[own], faces.labels[own], OPTIONS, temperature=4.0)
    strangers = answer(fitted, faces.values[~own])
    rate = rule.accepts(strangers.confidence, strangers.distances).mean()
    low, high = rule.measured.rate_interval
    assert low - 0.03 <= rate <= high + 0.03


def test_few_people_get_the_shipped_threshold_and_a_sentence() -> None:
    faces = made_up_faces(3, 8)
    rule = make_rule(faces.values, faces.labels, MEAN, OPTIONS, temperature=1.0, fpir=0.01, model="sface")
    table = compare.calibration("sface")
    assert table is not None
    assert (rule.kind, rule.threshold) == ("distance", table.search_threshold(0.01, 3))
    assert rule.measured is None
    assert rule.basis == (
        "not measured: 3 people, and measuring takes 5 people or more with two photos; "
        "the threshold shipped for sface, at an FPIR of 0.01 among 3 people"
    )


def test_one_photo_a_person_is_not_measured_either() -> None:
    faces = made_up_faces(9, 1)
    rule = make_rule(faces.values, faces.labels, MEAN, OPTIONS, temperature=float("nan"), fpir=0.01, model="sface")
    assert rule.measured is None
    assert "one photo a person" in rule.basis


def test_a_model_without_a_table_is_named_from_one_half() -> None:
    rule = make_unmeasured_rule(3, fpir=0.01, model="no-such-model", why="3 people")
    assert (rule.kind, rule.threshold) == ("probability", 0.5)
    assert rule.basis.endswith("a probability of one half, at no measured rate")
    assert isinstance(rule, UnknownRule)
