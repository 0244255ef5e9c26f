"""Which head is chosen, and what its probabilities are worth."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'visavis[classify]'")

from visavis.errors import UnknownNameError, UsageError
from visavis.train import classifier_answers
from visavis.train.classifier_answers import answer, fit_temperature, make_prototypes, measure_distances
from visavis.train.classifier_fit import FitOptions, choose_head, compact_labels, fit_head
from visavis.train.heads import HEADS, find_head
from visavis.train.heads.head import log_softmax

from .colors import made_up_faces

FAST = FitOptions(heads=("nearest-mean", "nearest-neighbors", "naive-bayes"))


def test_the_head_with_most_right_answers_is_chosen() -> None:
    faces = made_up_faces(5, 12, spread=0.35)
    fitted, scores = choose_head(faces.values, faces.labels, FitOptions())
    best = max(scores, key=lambda score: score.right)
    assert fitted.head.name == best.name
    assert [score.name for score in scores] == [*HEADS]
    assert {score.photos for score in scores} == {60}
    assert fitted.calibrated


def test_held_out_answers_are_those_of_heads_fitted_without_them() -> None:
    """Every photo of a person equals every other one of that person: held out, it is always right."""
    values = np.repeat(np.eye(4, dtype=np.float32), 6, axis=0)
    _, scores = choose_head(values, np.repeat(np.arange(4), 6), FAST)
    assert [score.accuracy for score in scores] == [1.0, 1.0, 1.0]
    # Photos that are nothing like each other cannot be named rightly, although a fit on them can.
    _, scores = choose_head(np.eye(24, dtype=np.float32), np.repeat(np.arange(4), 6), FAST)
    assert all(score.right <= 9 for score in scores)


def test_balance_chooses_by_the_mean_recall() -> None:
    faces = made_up_faces(4, 20, spread=0.4)
    rare = np.flatnonzero((faces.labels > 0) | (np.arange(len(faces)) < 4))
    options = FitOptions(balance=True)
    fitted, scores = choose_head(faces.values[rare], faces.labels[rare], options)
    assert fitted.head.name == max(scores, key=lambda score: score.recall).name


def test_people_of_one_photo_leave_the_first_head_uncalibrated() -> None:
    faces = made_up_faces(6, 1)
    fitted, scores = choose_head(faces.values, faces.labels, FAST)
    assert (fitted.head.name, fitted.calibrated) == ("nearest-mean", False)
    assert fitted.temperature == faces.values.shape[1] / 12
    assert [score.photos for score in scores] == [0, 0, 0]
    assert np.array_equal(answer(fitted, faces.values).best, faces.labels)


@pytest.mark.parametrize("name", HEADS)
def test_a_single_photo_of_each_person_makes_no_head_certain(name: str) -> None:
    """Embeddings of 128 numbers: a face half way between two people is no certain answer, one of a stranger neither."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 128)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    options = FitOptions(heads=(name,))
    fitted, _ = choose_head(values, np.arange(6), options)
    strangers = rng.normal(size=(50, 128)).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    assert answer(fitted, strangers).confidence.max() < 0.9


@pytest.mark.filterwarnings("error")
def test_mostly_single_photos_are_no_warning() -> None:
    faces = made_up_faces(12, 1)
    for name in HEADS:
        choose_head(faces.values, faces.labels, FitOptions(heads=(name,)))


def test_seeds_are_those_that_scikit_learn_takes() -> None:
    for seed in (-1, 2**32):
        with pytest.raises(UsageError, match="a seed is a whole number from 0 to 4294967295, got"):
            FitOptions(seed=seed)


def test_heads_that_would_take_minutes_are_left_out_with_a_reason() -> None:
    faces = made_up_faces(600, 2)
    fitted, scores = choose_head(faces.values, faces.labels, FitOptions(heads=("random-forest", "nearest-mean")))
    assert fitted.head.name == "nearest-mean"
    assert scores[0].reason == ("random forest is not fitted to 600 people with 1,200 photos, which would take long")
    with pytest.raises(UsageError, match="add the head nearest-mean"):
        choose_head(faces.values, faces.labels, FitOptions(heads=("random-forest",)))


def test_the_temperature_makes_probabilities_true() -> None:
    """Labels drawn from the probabilities at temperature 3."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 5)) * 6
    shares = np.exp(log_softmax(logits / 3))
    labels = np.array([rng.choice(5, p=row) for row in shares])
    assert fit_temperature(logits, labels) == pytest.approx(3, rel=0.06)


def test_photos_that_are_all_right_do_not_make_certainty() -> None:
    logits = np.eye(3)[np.arange(30) % 3] * 10
    temperature = fit_temperature(logits, np.arange(30) % 3)
    confidence = np.exp(log_softmax(logits / temperature)).max(axis=1)
    assert confidence == pytest.approx(1 - 1 / 32, abs=1e-3)


def test_answers_come_best_first_with_distances_to_the_best() -> None:
    faces = made_up_faces(7, 5)
    fitted = fit_head(find_head("nearest-mean"), faces.values, faces.labels, FAST, temperature=2.0)
    answers = answer(fitted, faces.values, top=3)
    assert answers.top.shape == (35, 3)
    assert (np.diff(answers.probabilities, axis=1) <= 0).all()
    full = answer(fitted, faces.values, top=99)
    np.testing.assert_allclose(full.probabilities.sum(axis=1), 1)
    assert np.array_equal(answers.top, full.top[:, :3])
    np.testing.assert_allclose(answers.distances, measure_distances(fitted, faces.values, answers.best))


def test_blocks_of_rows_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = made_up_faces(6, 9)
    fitted = fit_head(find_head("nearest-mean"), faces.values, faces.labels, FAST)
    whole = answer(fitted, faces.values)
    monkeypatch.setattr(classifier_answers, "BLOCK_VALUES", 40)
    parts = answer(fitted, faces.values)
    assert np.array_equal(whole.top, parts.top)
    np.testing.assert_allclose(whole.probabilities, parts.probabilities, atol=1e-12)


def test_distances_are_those_of_galleries() -> None:
    """.4 of the distance to the mean embedding, .6 of the mean distance to each template."""
    values = np.array([[1, 0], [0, 1], [0, -1]], np.float64)
    first, second = make_prototypes(values, np.array([0, 0, 1]), angular=True)
    probe = np.array([1, 0])
    assert 1 - probe @ first == pytest.approx(0.4 * (1 - np.sqrt(0.5)) + 0.6 * 0.5)
    assert 1 - probe @ second == pytest.approx(1)


def test_other_features_are_standardized() -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(30, 3)) * [1, 100, 0] + [5, 0, 7]).astype(np.float32)
    fitted = fit_head(find_head("nearest-mean"), values, np.arange(30) % 3, FitOptions(angular=False))
    scaled = fitted.scaled(values)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 0], atol=1e-6)


@pytest.mark.parametrize(
    "name", ["nearest-mean", "linear-svm", "nearest-neighbors", "logistic-regression", "naive-bayes"]
)
def test_permuted_people_and_photos_change_no_answer(name: str) -> None:
    faces, probes = made_up_faces(5, 8, spread=0.3), made_up_faces(5, 6, spread=0.3, seed=0)
    order, people = np.random.default_rng(2).permutation(40), np.random.default_rng(3).permutation(5)
    head = find_head(name)
    first = answer(fit_head(head, faces.values, faces.labels, FAST), probes.values)
    second = answer(fit_head(head, faces.values[order], people[faces.labels[order]], FAST), probes.values)
    assert np.array_equal(people[first.best], second.best)
    np.testing.assert_allclose(first.confidence, second.confidence, atol=5e-3)  # solvers end a little apart


def test_labels_without_photos_are_closed_up() -> None:
    labels, people = compact_labels(np.array([4, 1, 4]), ("a", "b", "c", "d", "e"))
    assert (labels.tolist(), people) == ([1, 0, 1], ("b", "e"))


def test_unknown_and_missing_heads_are_one_sentence() -> None:
    with pytest.raises(UnknownNameError, match="no head of a classifier is called 'tree'"):
        FitOptions(heads=("tree",))
    with pytest.raises(UsageError, match="name a head"):
        FitOptions(heads=())
