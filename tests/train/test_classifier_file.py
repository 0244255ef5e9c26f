"""Saved classifiers: the same answers after loading, and one sentence for every damaged file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'visavis[classify]'")

from visavis.errors import UsageError
from visavis.train.array_file import read_arrays, write_arrays
from visavis.train.classifier_answers import answer
from visavis.train.classifier_features import FeatureKind
from visavis.train.classifier_file import FILE, load_classifier, save_classifier
from visavis.train.classifier_fit import FitOptions, fit_head
from visavis.train.classifier_model import EmbeddingClassifier
from visavis.train.heads import HEADS
from visavis.train.unknown_rule import StrangerRate, UnknownRule

from .colors import made_up_faces

FACES = made_up_faces(4, 6)
RATE = StrangerRate(4, 24, 1, (0.01, 0.2), 20, 19)
RULE = UnknownRule("probability", 0.875, 0.05, "measured on made-up people", RATE)


def trained(head: str = "nearest-mean") -> EmbeddingClassifier:
    options = FitOptions(heads=(head,), balance=True, seed=7)
    fitted = fit_head(HEADS[head], FACES.values, FACES.labels, options, temperature=2.5)
    return EmbeddingClassifier(
        FACES.people, FeatureKind.embeddings, "sface", "mtcnn", 24.0, fitted, RULE, FACES.training(), options
    )


@pytest.mark.parametrize("head", HEADS)
def test_a_loaded_classifier_answers_as_before(head: str, tmp_path: Path) -> None:
    before = trained(head)
    path = save_classifier(before, tmp_path / "run")
    assert path == tmp_path / "run" / FILE
    for place in (path, tmp_path / "run", str(path)):
        after = load_classifier(place)
        assert (after.people, after.kind, after.model, after.detector) == (
            before.people, before.kind, before.model, before.detector,
        )  # fmt: skip
        assert (after.min_face, after.rule, after.options) == (24.0, RULE, before.options)
        first, second = answer(before.fitted, FACES.values), answer(after.fitted, FACES.values)
        assert np.array_equal(first.top, second.top)
        np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-12)
        np.testing.assert_allclose(first.distances, second.distances, atol=1e-12)
        assert after.training.sha256 == before.training.sha256
        assert np.array_equal(after.training.values, before.training.values)


def test_the_file_is_json_and_plain_numbers(tmp_path: Path) -> None:
    content, arrays = read_arrays(save_classifier(trained("random-forest"), tmp_path))
    assert content["people"] == [*FACES.people]
    assert content["unknown"]["measured"]["rate"] == 1 / 24
    assert {array.dtype.str for array in arrays.values()} <= {"<f4", "<f8", "<i8", "|u1"}
    assert b"sklearn" not in (tmp_path / FILE).read_bytes()


def test_a_run_without_a_classifier_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no classifier: .*visavis train classifier DIR --out RUN"):
        load_classifier(tmp_path)
    with pytest.raises(UsageError, match="holds no classifier"):
        load_classifier(tmp_path / "none")


Content, Arrays = dict[str, Any], dict[str, np.ndarray]


def set_content(**values: object) -> Callable[[Content, Arrays], None]:
    return lambda content, arrays: content.update(values)


def set_rule(**values: object) -> Callable[[Content, Arrays], None]:
    return lambda content, arrays: content["unknown"].update(values)


def set_array(name: str, value: object, dtype: str = "f8") -> Callable[[Content, Arrays], None]:
    return lambda content, arrays: arrays.update({name: np.array(value, dtype)})


def fill(name: str, value: float) -> Callable[[Content, Arrays], None]:
    def change(content: Content, arrays: Arrays) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name].flat[0] = value

    return change


RATE_JSON = {"people": 1, "strangers": 2, "named": 1, "own": 1, "kept": 1, "rate_interval": [0, 1]}

SPOILT = {
    "another format": set_content(format="x"),
    "a newer version": set_content(version=2),
    "no version": lambda content, arrays: content.pop("version"),
    "an unknown head": set_content(head="tree"),
    "a head that is a list": set_content(head=["nearest-mean"]),
    "another head": set_content(head="mlp"),
    "one person": set_content(people=["P00000"]),
    "people twice": set_content(people=["a", "a", "b", "c"]),
    "a person that is a number": set_content(people=["a", 1, "b", "c"]),
    "people that are a number": set_content(people=4),
    "fewer people": set_content(people=["a", "b", "c"]),
    "unknown features": set_content(features="iris"),
    "a temperature of 0": set_content(temperature=0),
    "a temperature of almost 0": set_content(temperature=1e-300),
    "a number whose square is infinite": fill("head.means", 1e200),
    "a seed beyond 32 bits": set_content(seed=2**32),
    "a seed below 0": set_content(seed=-1),
    "a temperature that is text": set_content(temperature="1"),
    "a huge temperature": set_content(temperature=10**400),
    "a model that is null": set_content(model=None),
    "a rule that is null": set_content(unknown=None),
    "an unknown rule": set_rule(kind="taste"),
    "a threshold that is text": set_rule(threshold="high"),
    "an interval of one end": set_rule(measured={**RATE_JSON, "rate_interval": [0.1]}),
    "no strangers": set_rule(measured={**RATE_JSON, "strangers": 0}),
    "a missing array": lambda content, arrays: arrays.pop("center"),
    "one array more": set_array("extra", [1.0]),
    "another dimension": set_array("center", [0.0] * 3),
    "no rows": set_array("head.means", np.zeros((0, 16))),
    "NaN": fill("head.means", float("nan")),
    "infinity": fill("training_values", float("inf")),
    "whole bytes for numbers": set_array("scale", [1] * 16, "u1"),
    "labels beyond the people": fill("training_labels", 4),
    "labels below 0": fill("training_labels", -1),
    "labels that are fractions": set_array("training_labels", [0.0] * 24),
    "a person without photos": set_array("training_labels", [0] * 24, "i8"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_classifier_is_one_sentence(name: str, tmp_path: Path) -> None:
    content, arrays = read_arrays(save_classifier(trained(), tmp_path))
    SPOILT[name](content, arrays)
    write_arrays(tmp_path / FILE, content, arrays)
    with pytest.raises(UsageError, match="is damaged or no classifier: ") as caught:
        load_classifier(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


TREES = {
    "a branch to itself": fill("head.left", 0),
    "a branch out of the nodes": fill("head.right", 10**6),
    "a branch that another one has": lambda content, arrays: fill("head.right", arrays["head.left"][0])(
        content, arrays
    ),
    "a root out of the nodes": fill("head.roots", -5),
    "two roots in one place": lambda content, arrays: fill("head.roots", arrays["head.roots"][1])(content, arrays),
    "a feature that is not there": fill("head.feature", 16),
    "a leaf at a branch": fill("head.leaf", 0),
    "a negative share": fill("head.shares", -1),
    "branches that are fractions": lambda content, arrays: arrays.update({"head.left": arrays["head.left"] * 1.0}),
}


@pytest.mark.parametrize("name", TREES)
def test_a_spoilt_forest_is_one_sentence_and_never_walks_in_circles(name: str, tmp_path: Path) -> None:
    content, arrays = read_arrays(save_classifier(trained("random-forest"), tmp_path))
    TREES[name](content, arrays)
    write_arrays(tmp_path / FILE, content, arrays)
    with pytest.raises(UsageError, match="its random forest has"):
        load_classifier(tmp_path)


def test_a_tree_as_deep_as_its_file_is_refused_in_a_moment(tmp_path: Path) -> None:
    """A chain of 60,000 branches would take as many steps for each face."""
    content, arrays = read_arrays(save_classifier(trained("random-forest"), tmp_path))
    depth = 60_000
    inner = np.arange(2 * depth + 1) % 2 == 0
    inner[-1] = False
    rows = np.arange(2 * depth + 1)
    arrays |= {
        "head.left": np.where(inner, rows + 1, -1),
        "head.right": np.where(inner, rows + 2, -1),
        "head.feature": np.zeros(len(rows), np.int64),
        "head.limit": np.zeros(len(rows)),
        "head.leaf": np.where(inner, -1, 0),
        "head.roots": np.array([0]),
    }
    write_arrays(tmp_path / FILE, content, arrays)
    with pytest.raises(UsageError, match="trees of more than 1000 levels"):
        load_classifier(tmp_path)


def test_neighbors_of_nobody_are_one_sentence(tmp_path: Path) -> None:
    content, arrays = read_arrays(save_classifier(trained("nearest-neighbors"), tmp_path))
    fill("head.photo_labels", 4)(content, arrays)
    write_arrays(tmp_path / FILE, content, arrays)
    with pytest.raises(UsageError, match="labels of photos that are no rows of people"):
        load_classifier(tmp_path)


def test_variances_of_almost_nothing_are_one_sentence(tmp_path: Path) -> None:
    content, arrays = read_arrays(save_classifier(trained("naive-bayes"), tmp_path))
    fill("head.variances", 1e-320)(content, arrays)
    write_arrays(tmp_path / FILE, content, arrays)
    with pytest.raises(UsageError, match="variances or priors that are too close to 0"):
        load_classifier(tmp_path)


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    data = save_classifier(trained(), tmp_path / "whole").read_bytes()
    for length in [*range(0, 40), *range(40, len(data), 997)]:
        (tmp_path / FILE).write_bytes(data[:length])
        with pytest.raises(UsageError, match="is damaged or no classifier"):
            load_classifier(tmp_path)
    assert json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
