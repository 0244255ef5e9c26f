"""The file of a trained classifier: its arrays and a JSON object, in a layout that runs nothing.

``classifier.safetensors`` in the folder of a run. It holds the embeddings of the training photos with the names of
people, so it is as sensitive as a gallery: without them no person could be added later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis import permissions
from visavis.errors import UsageError, fault_of, reason_of
from visavis.evaluate.results import Interval
from visavis.images import shown
from visavis.train.array_file import ArrayFileError, read_arrays, write_arrays
from visavis.train.classifier_answers import FittedHead
from visavis.train.classifier_features import FeatureKind
from visavis.train.classifier_fit import FitOptions
from visavis.train.classifier_model import EmbeddingClassifier, TrainingPhotos
from visavis.train.heads import Head, find_head
from visavis.train.unknown_rule import RULE_KINDS, StrangerRate, UnknownRule

FILE = "classifier.safetensors"
FORMAT, VERSION = "visavis classifier", 1
LARGEST = 1e15
"""Largest number of an array, and of a temperature: squares of it are finite."""
HEAD = "head."
"""Beginning of the names of the head's own arrays."""
_SHARED = {
    "center": ("d",), "scale": ("d",), "prototypes": ("k", "d"),
    "training_values": ("n", "d"), "training_labels": ("n",), "training_sha256": ("n", "hash"),
}  # fmt: skip


def save_classifier(classifier: EmbeddingClassifier, folder: Path) -> Path:
    """Write the classifier into a folder, which is made if it is not there; return the path of the file.

    UsageError if it cannot be written.
    """
    path = folder / FILE
    try:
        permissions.make_folder(folder)
    except OSError as error:
        raise UsageError(f"{shown(str(folder))} cannot be made: {reason_of(error)}.") from error
    write_arrays(path, _describe(classifier), _collect_arrays(classifier))
    return path


def load_classifier(path: str | Path) -> EmbeddingClassifier:
    """Load a classifier from the folder of its run, or from its file. Runs no code from it.

    Raises UsageError where there is none, or where it is damaged: one sentence, in a time and memory that the size of
    the file bounds.
    """
    file = Path(path)
    file = file / FILE if file.is_dir() else file
    try:
        content, arrays = read_arrays(file)
        return _build(content, arrays)
    except OSError as error:
        raise UsageError(
            f"{shown(str(path))} holds no classifier: {error.strerror} ({FILE}). "
            "One is made by visavis train classifier DIR --out RUN."
        ) from error
    except (ArrayFileError, UsageError, KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UsageError(f"{shown(str(file))} is damaged or no classifier: {fault_of(error).rstrip('.')}.") from error


# ------------------------------------------------------------------------------------------------------ write


def _describe(classifier: EmbeddingClassifier) -> dict[str, object]:
    fitted, rule, options = classifier.fitted, classifier.rule, classifier.options
    return {
        "format": FORMAT,
        "version": VERSION,
        "people": list(classifier.people),
        "features": classifier.kind.value,
        "model": classifier.model,
        "detector": classifier.detector,
        "min_face": classifier.min_face,
        "head": fitted.head.name,
        "temperature": fitted.temperature,
        "calibrated": fitted.calibrated,
        "balance": options.balance,
        "seed": options.seed,
        "heads": list(options.heads),
        "unknown": {
            "kind": rule.kind,
            "threshold": rule.threshold,
            "fpir": rule.fpir,
            "basis": rule.basis,
            "measured": None if rule.measured is None else describe_rate(rule.measured),
        },
    }


def describe_rate(rate: StrangerRate) -> dict[str, object]:
    """Return the measured rate of a rule as JSON."""
    return {
        "people": rate.people,
        "strangers": rate.strangers,
        "named": rate.named,
        "rate": rate.rate,
        "rate_interval": list(rate.rate_interval),
        "own": rate.own,
        "kept": rate.kept,
        "kept_share": rate.kept_share,
    }


def _collect_arrays(classifier: EmbeddingClassifier) -> dict[str, NDArray[Any]]:
    fitted, training = classifier.fitted, classifier.training
    hashes = b"".join(bytes.fromhex(sha256) if sha256 else bytes(32) for sha256 in training.sha256)
    return {
        "center": fitted.center,
        "scale": fitted.scale,
        "prototypes": fitted.prototypes,
        "training_values": training.values.astype(np.float32),
        "training_labels": training.labels.astype(np.int64),
        "training_sha256": np.frombuffer(hashes, np.uint8).reshape(len(training), 32),
        **{HEAD + name: _widen(array) for name, array in fitted.arrays.items()},
    }


def _widen(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.int64 if array.dtype.kind in "iu" else np.float64)


# ------------------------------------------------------------------------------------------------------- read


def _build(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> EmbeddingClassifier:
    if content.get("format") != FORMAT:
        raise UsageError("it holds something else")
    if content["version"] != VERSION:
        raise UsageError("it was written by a newer visavis, upgrade visavis")
    head = find_head(content["head"])
    people = tuple(map(_checked_text, content["people"]))
    if len(people) < 2 or len(set(people)) < len(people):
        raise UsageError("its people are not two or more of different names")
    _check_shapes(head, len(people), arrays)
    kind = FeatureKind(content["features"])
    options = FitOptions(
        heads=tuple(map(_checked_text, content["heads"])),
        balance=bool(content["balance"]),
        angular=kind is FeatureKind.embeddings,
        seed=int(content["seed"]),
    )
    fitted = FittedHead(
        head,
        {name.removeprefix(HEAD): array for name, array in arrays.items() if name.startswith(HEAD)},
        arrays["center"],
        arrays["scale"],
        _checked_positive(content["temperature"]),
        bool(content["calibrated"]),
        arrays["prototypes"],
        kind is FeatureKind.embeddings,
    )
    if fault := head.check(fitted.arrays, len(arrays["center"])):
        raise UsageError(f"its {head.title} has {fault}")
    return EmbeddingClassifier(
        people, kind, _checked_text(content["model"]), _checked_text(content["detector"]),
        max(1.0, _checked_positive(content["min_face"])), fitted, _parse_rule(content["unknown"]),
        _parse_training(arrays, len(people)), options,
    )  # fmt: skip


def _check_shapes(head: Head, people: int, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise UsageError unless there are exactly the arrays of the head, sides of one name agree, numbers are finite."""
    shapes = {**_SHARED, **{HEAD + name: sides for name, sides in head.shapes.items()}}
    if arrays.keys() != shapes.keys():
        raise UsageError(f"it lacks an array of a {head.title}, or has one more")
    sizes = {"k": people, "hash": 32}
    for name, sides in shapes.items():
        array = arrays[name]
        agrees = array.ndim == len(sides) and all(
            sizes.setdefault(side, length) == length for side, length in zip(sides, array.shape, strict=True)
        )
        if not agrees or 0 in array.shape:
            raise UsageError(f"its array {name} has the wrong shape {array.shape}")
        if array.dtype.kind == "f" and not (np.abs(array) <= LARGEST).all():  # NaN too
            raise UsageError(f"its array {name} holds numbers that are not finite, or too large")
        if array.dtype.kind == "u" and name != "training_sha256":
            raise UsageError(f"its array {name} holds bytes")


def _parse_training(arrays: Mapping[str, NDArray[Any]], people: int) -> TrainingPhotos:
    labels = arrays["training_labels"]
    if (
        labels.dtype.kind != "i"
        or (np.bincount(labels[(labels >= 0) & (labels < people)], minlength=people) == 0).any()
    ):
        raise UsageError("its training photos are not of its people")
    if labels.min() < 0 or labels.max() >= people:
        raise UsageError("its training photos are not of its people")
    hashes = tuple(row.tobytes().hex() if row.any() else "" for row in arrays["training_sha256"])
    return TrainingPhotos(arrays["training_values"], labels, hashes)


def _parse_rule(content: Mapping[str, Any]) -> UnknownRule:
    if content["kind"] not in RULE_KINDS:
        raise UsageError("its rule for unknown faces compares something unheard of")
    rate = content["measured"]
    measured = None if rate is None else _parse_rate(rate)
    threshold = float(content["threshold"])
    if not math.isfinite(threshold):
        raise UsageError("its threshold is not finite")
    return UnknownRule(
        content["kind"], threshold, _checked_positive(content["fpir"]), _checked_text(content["basis"]), measured
    )


def _parse_rate(content: Mapping[str, Any]) -> StrangerRate:
    counts = {name: int(content[name]) for name in ("people", "strangers", "named", "own", "kept")}
    low, high = content["rate_interval"]
    interval: Interval = float(low), float(high)
    if min(counts.values()) < 0 or not counts["strangers"] or not counts["own"]:
        raise UsageError("its measured rate is of no photos")
    return StrangerRate(rate_interval=interval, **counts)


def _checked_text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError("a name in it is no text")
    return value


def _checked_positive(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    if not 1 / LARGEST <= number <= LARGEST:  # NaN too
        raise UsageError("a number in it is not above 0, or too large")
    return number
