"""Heads: the answers of our arrays are those of scikit-learn, and tiny cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'visavis[classify]'")

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from visavis.errors import UnknownNameError
from visavis.train.heads import HEADS, bayes, find_head, forest, linear, neighbors, perceptron
from visavis.train.heads.head import fitting, log_softmax
from visavis.train.labeled_photos import Labels
from visavis.types import Doubles

PEOPLE = pytest.mark.parametrize("people", [2, 3, 7])


def made_up(people: int, *, seed: int = 0, photos: int = 12, dimension: int = 9) -> tuple[Doubles, Labels, Doubles]:
    """Return features and labels of people that overlap, and features of probes."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), photos)
    means = rng.normal(size=(people, dimension))
    features = means[labels] + rng.normal(size=(len(labels), dimension))
    return features, labels, rng.normal(size=(40, dimension)) * 1.5


def fit(name: str, features: Doubles, labels: Labels, *, balance: bool = False) -> dict[str, np.ndarray]:
    return HEADS[name].fit(features, labels, balance, 0)


def probabilities(name: str, arrays: dict[str, np.ndarray], probes: Doubles) -> Doubles:
    return np.exp(log_softmax(HEADS[name].logits(arrays, probes)))


@PEOPLE
def test_nearest_mean_predicts_as_scikit_learn(people: int) -> None:
    features, labels, probes = made_up(people)
    logits = HEADS["nearest-mean"].logits(fit("nearest-mean", features, labels), probes)
    expected = NearestCentroid().fit(features, labels)
    assert np.array_equal(logits.argmax(axis=1), expected.predict(probes))
    squares = ((probes[:, None] - expected.centroids_) ** 2).sum(axis=-1)
    np.testing.assert_allclose(logits, -squares / 2, atol=1e-6)


@PEOPLE
@pytest.mark.parametrize("balance", [False, True])
def test_linear_svm_decides_as_scikit_learn(people: int, balance: bool) -> None:
    features, labels, probes = made_up(people)
    features, labels = features[: -people - 4], labels[: -people - 4]
    logits = HEADS["linear-svm"].logits(fit("linear-svm", features, labels, balance=balance), probes)
    with fitting():
        weights = "balanced" if balance else None
        expected = LinearSVC(C=linear.SVM_COST, dual=True, max_iter=1000, class_weight=weights, random_state=0)
        decisions = expected.fit(features, labels).decision_function(probes)
    two = decisions.ndim == 1
    np.testing.assert_allclose(logits[:, 1] if two else logits, decisions, atol=1e-6)
    assert np.array_equal(logits.argmax(axis=1), expected.predict(probes))


@PEOPLE
def test_nearest_neighbors_vote_as_in_scikit_learn(people: int) -> None:
    features, labels, probes = made_up(people)
    probes = np.vstack([probes, features[:3]])  # three that are equal to a photo
    votes = neighbors.vote(fit("nearest-neighbors", features, labels), probes)
    expected = KNeighborsClassifier(neighbors.NEIGHBORS, weights="distance").fit(features, labels)
    np.testing.assert_allclose(votes, expected.predict_proba(probes), atol=1e-6)
    assert np.array_equal(votes.argmax(axis=1), expected.predict(probes))


@PEOPLE
@pytest.mark.parametrize("balance", [False, True])
def test_logistic_regression_has_the_probabilities_of_scikit_learn(people: int, balance: bool) -> None:
    features, labels, probes = made_up(people)
    arrays = fit("logistic-regression", features, labels, balance=balance)
    weights = "balanced" if balance else None
    expected = LogisticRegression(C=linear.REGRESSION_COST, max_iter=1000, class_weight=weights, random_state=0)
    with fitting():
        expected.fit(features, labels)
    np.testing.assert_allclose(
        probabilities("logistic-regression", arrays, probes), expected.predict_proba(probes), atol=1e-6
    )


@PEOPLE
@pytest.mark.parametrize("balance", [False, True])
def test_naive_bayes_has_the_probabilities_of_scikit_learn(people: int, balance: bool) -> None:
    features, labels, probes = made_up(people)
    features, labels = features[:-5], labels[:-5]
    arrays = fit("naive-bayes", features, labels, balance=balance)
    priors = np.full(people, 1 / people) if balance else None
    expected = GaussianNB(priors=priors, var_smoothing=bayes.SMOOTHING).fit(features, labels)
    np.testing.assert_allclose(probabilities("naive-bayes", arrays, probes), expected.predict_proba(probes), atol=1e-6)


@PEOPLE
@pytest.mark.parametrize("balance", [False, True])
def test_the_forest_has_the_probabilities_of_scikit_learn(people: int, balance: bool) -> None:
    features, labels, probes = made_up(people)
    features, labels = np.vstack([features, features[:4]]), np.append(labels, labels[-4:])  # leaves of two people
    arrays = fit("random-forest", features, labels, balance=balance)
    weights = "balanced" if balance else None
    expected = RandomForestClassifier(forest.TREES, class_weight=weights, random_state=0).fit(features, labels)
    np.testing.assert_allclose(forest.average_trees(arrays, probes), expected.predict_proba(probes), atol=1e-6)
    assert HEADS["random-forest"].check(arrays, features.shape[1]) == ""


@PEOPLE
def test_the_perceptron_has_the_probabilities_of_scikit_learn(people: int) -> None:
    features, labels, probes = made_up(people)
    arrays = fit("mlp", features, labels)
    with fitting():
        expected = MLPClassifier(
            (perceptron.HIDDEN,), solver="lbfgs", alpha=perceptron.DECAY, max_iter=perceptron.ITERATIONS, random_state=0
        ).fit(features, labels)
    np.testing.assert_allclose(probabilities("mlp", arrays, probes), expected.predict_proba(probes), atol=1e-6)


@pytest.mark.parametrize("name", HEADS)
def test_every_head_states_its_shapes_and_answers_for_all_people(name: str) -> None:
    features, labels, probes = made_up(4)
    arrays = fit(name, features, labels)
    sizes = {"k": 4, "d": 9}
    assert arrays.keys() == HEADS[name].shapes.keys()
    for array_name, sides in HEADS[name].shapes.items():
        assert arrays[array_name].ndim == len(sides)
        for side, length in zip(sides, arrays[array_name].shape, strict=True):
            assert sizes.setdefault(side, length) == length
    logits = HEADS[name].logits(arrays, probes)
    assert logits.shape == (40, 4)
    assert np.isfinite(logits).all()
    assert HEADS[name].check(arrays, 9) == ""


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("balance", [False, True])
def test_every_head_takes_people_with_one_photo(name: str, balance: bool) -> None:
    features, labels, _ = made_up(3)
    rows = np.flatnonzero((labels > 0) | (np.arange(len(labels)) == 0))
    arrays = fit(name, features[rows], labels[rows], balance=balance)
    assert HEADS[name].logits(arrays, features).shape == (len(labels), 3)


def test_neighbors_by_hand() -> None:
    """Four neighbors at distances 1, 1, 2 and 4, and one that is equal."""
    features = np.array([[1.0], [-1.0], [2.0], [4.0]])
    arrays = fit("nearest-neighbors", features, np.array([0, 1, 1, 0]))
    np.testing.assert_allclose(neighbors.vote(arrays, np.zeros((1, 1))), [[1.25 / 2.75, 1.5 / 2.75]])
    np.testing.assert_allclose(neighbors.vote(arrays, np.array([[2.0]])), [[0, 1]])


def test_balanced_neighbors_count_a_rare_person_more() -> None:
    features = np.array([[1.0], [-1.0], [1.5]])
    arrays = fit("nearest-neighbors", features, np.array([0, 1, 1]), balance=True)
    assert arrays["votes"].tolist() == [1.5, 0.75]
    np.testing.assert_allclose(neighbors.vote(arrays, np.zeros((1, 1))), [[1.5 / 2.75, 1.25 / 2.75]])


def test_rare_people_are_repeated_in_turn() -> None:
    rows = perceptron.repeat_rare(np.array([0, 0, 0, 1, 2, 2]))
    assert rows.tolist() == [0, 1, 2, 3, 3, 3, 4, 5, 4]


def test_balance_helps_the_rare_person() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], [200, 6])
    features = rng.normal(size=(206, 4)) + labels[:, None]
    probes = rng.normal(size=(400, 4)) + 1
    for name in ("linear-svm", "logistic-regression", "naive-bayes", "nearest-neighbors", "mlp"):
        shares = [
            (HEADS[name].logits(fit(name, features, labels, balance=balance), probes).argmax(axis=1) == 1).mean()
            for balance in (False, True)
        ]
        assert shares[1] > shares[0] + 0.1, name


def test_logarithms_of_probabilities_do_not_overflow() -> None:
    logs = log_softmax(np.array([[1000.0, 0.0], [-1e300, -1e300]]))
    np.testing.assert_allclose(logs, [[0, -1000], [np.log(0.5)] * 2])


def test_an_unknown_head_lists_the_others() -> None:
    with pytest.raises(UnknownNameError, match="nearest-mean, linear-svm"):
        find_head("svm")
