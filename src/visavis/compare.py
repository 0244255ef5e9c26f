"""COMPARE: distances between embeddings, and what a distance means.

All code uses one metric: cosine distance ``1 - cos`` of unit vectors, 0 (same) to 2. L2, squared L2 and the angle are
functions of it, so a threshold is stored once and converted. The meaning of a distance is measured:
``calibration/<model>.json`` holds thresholds at false-accept rates and the distance -> probability map, with their
provenance (written by ``visavis calibrate``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from visavis import input_files, poor_photos
from visavis._checks import check_number, check_whole
from visavis.distance_histogram import DistanceHistogram
from visavis.errors import UsageError, WeightsError, fault_of
from visavis.model_names import check_model_name, is_model_name
from visavis.poor_photos import PoorPhotos
from visavis.structured_text import parse_json
from visavis.types import Floats, Quality
from visavis.weights import user_models
from visavis.weights.spec import all_specs

METRICS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    # name: (from cosine distance, back to cosine distance)
    "cosine": (lambda c: c, lambda v: v),
    "l2": (lambda c: math.sqrt(max(2 * c, 0.0)), lambda v: v * v / 2),
    "squared_l2": (lambda c: 2 * c, lambda v: v / 2),
    "angle": (lambda c: math.acos(min(max(1 - c, -1.0), 1.0)), lambda v: 1 - math.cos(v)),
}
"""L2 and squared L2 are between unit vectors; the angle is in radians."""

MAX_DISTANCE = 2.0
"""Cosine distance of opposite embeddings: no two embeddings are farther apart."""


def from_cosine(distance: float, metric: str) -> float:
    """Express a cosine distance in ``metric``."""
    return _find_metric(metric)[0](distance)


def to_cosine(value: float, metric: str) -> float:
    """Express a value of ``metric`` as a cosine distance; UsageError where it is not a distance."""
    forward, back = _find_metric(metric)
    return back(check_number(value, f"a distance in {metric} is", least=0, most=forward(MAX_DISTANCE)))


def _find_metric(name: str) -> tuple[Callable[[float], float], Callable[[float], float]]:
    if not isinstance(name, str) or name not in METRICS:
        raise UsageError(f"no metric is called {name!r}; there are: {', '.join(METRICS)}.")
    return METRICS[name]


def unit(embeddings: Floats) -> Floats:
    """Scale the rows of ``(..., d)`` to length 1; a row of zeros remains zero."""
    norms = np.linalg.norm(embeddings, axis=-1, keepdims=True)
    scaled: Floats = np.divide(embeddings, norms, out=np.zeros_like(embeddings), where=norms > 0)
    return scaled


def check_computed(embeddings: Floats, model: str) -> Floats:
    """Return the embeddings ``(n, d)`` that a model computed, of any length, unchanged.

    WeightsError where a row is zero or not finite: it stands for no face.
    """
    if _find_faulty(embeddings) is not None:
        raise WeightsError(
            f"{model} computes an embedding that is zero or not finite: its network is damaged, or does not work on "
            "this device. Try --device cpu, or import the model again."
        )
    return embeddings


def cosine_distances(a: Floats, b: Floats) -> Floats:
    """Return the distances ``(n, m)`` in 0..2 between the unit rows of ``a (n, d)`` and of ``b (m, d)``.

    UsageError for a row that is zero or not finite.
    """
    for rows in (a, b):
        if (row := _find_faulty(rows)) is not None:
            raise UsageError(f"embedding {row} is zero or not finite: it stands for no face.")
    distances: Floats = np.clip(1 - a @ b.T, 0.0, 2.0)
    return distances


def _find_faulty(rows: Floats) -> int | None:
    """Return the number of the first row of ``(n, d)`` whose squared length is 0 or not finite; None without one."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("nd,nd->n", rows, rows)
    good = np.isfinite(squares) & (squares > 0)
    return None if good.all() else int(np.argmin(good))


TIE = 1e-6
"""Cosine distances of float32 embeddings that differ by no more are equal except for rounding."""
MEAN_WEIGHT = 0.4
"""Weight of the mean embedding in the distance to a person, beside the mean of the distances to each template."""


def person_embedding(templates: Floats) -> Floats:
    """Return the embedding ``(d,)`` of a person with templates ``(k, d)``; a distance is 1 - its product with a probe.

    That is .4 times the distance to the templates' mean embedding plus .6 times the mean of the distances to each. Of
    the rules in docs/accuracy.md it is the one that keeps the thresholds of single pairs, with any number of templates,
    and it is nowhere worse than the nearest template. With one template it is the distance to it.
    """
    mean = templates.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    embedding: Floats = mean * (1 - MEAN_WEIGHT + (MEAN_WEIGHT / length if length else 0.0))
    return embedding


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measured meaning of a model's cosine distances.

    ``far`` (descending) and ``thresholds`` (descending with it) are the table; between its rows the threshold is
    interpolated linearly in log FAR. ``slope`` and ``intercept`` map distance -> probability of "same person" at even
    prior odds. Nothing is extrapolated outside the table: see :meth:`threshold`. ``poor`` holds how the thresholds
    shrink for poor photos, None where that was not measured: see :meth:`threshold_share`. ``histogram`` is that of the
    distances that the table was measured on, None where it was not kept.
    """

    model: str
    far: tuple[float, ...]
    thresholds: tuple[float, ...]
    slope: float
    intercept: float
    provenance: dict[str, object] = field(default_factory=dict, hash=False)
    poor: PoorPhotos | None = None
    histogram: DistanceHistogram | None = None

    @property
    def resolution(self) -> float:
        """The cosine distance over which the odds of one person change by the factor e: what the model can resolve."""
        return 1 / abs(self.slope)

    @property
    def lowest_far(self) -> float:
        """The lowest rate that the measurement supports."""
        return self.far[-1]

    def threshold(self, far: float) -> float:
        """Return the cosine distance below which impostors pass at rate ``far``; UsageError outside the table."""
        far = check_number(far, "a FAR is a number", finite=False)
        if not self.far[-1] <= far <= self.far[0]:
            raise UsageError(
                f"a FAR of {far:g} was not measured for {self.model}: choose from {self.far[-1]:g} to {self.far[0]:g}."
            )
        return float(np.interp(-math.log(far), -np.log(self.far), self.thresholds))

    def threshold_share(self, embedding: Floats, quality: Quality | float | None = None) -> float | None:
        """Return the share of a threshold that remains between faces as poor as one with this embedding ``(d,)``.

        The share is 1 for a good photo and where poor photos were not measured. ``quality`` is a Quality or its score;
        without it the share follows from the embedding alone. Returns None where the face is poorer than any measured
        face: no answer is possible then.
        """
        if self.poor is None:
            return 1.0
        share = float(self.poor.shares(embedding[None], [quality])[0])
        return None if math.isnan(share) else share

    def usable(self, embeddings: Floats, scores: Sequence[float | None]) -> NDArray[np.bool_]:
        """Return which faces ``(n,)`` are not poorer than measured, by embeddings ``(n, d)`` and quality scores."""
        if self.poor is None:
            return np.ones(len(embeddings), np.bool_)
        return np.isfinite(self.poor.shares(embeddings, scores))

    def threshold_share_of_pair(self, first: float | None, second: float | None) -> float | None:
        """Return the share for two faces of these shares, 1 where either is 1; None: too poor for an answer.

        Distances divided by the share have the meaning of those of good photos.
        """
        return 1.0 if self.poor is None else self.poor.share_of_pair(first, second)

    def far_at(self, threshold: float) -> float | None:
        """Return the FAR of a cosine threshold; None outside the table."""
        if not self.thresholds[-1] <= threshold <= self.thresholds[0]:
            return None
        return math.exp(float(np.interp(threshold, self.thresholds[::-1], np.log(self.far[::-1]))))

    def search_threshold(self, fpir: float, people: int) -> float:
        """Return the threshold at which a search among ``people`` names a stranger with probability ``fpir``, or less.

        A search is a comparison with each person: ``fpir = 1 - (1 - far) ** people`` if the comparisons were
        independent. Where that needs a lower FAR than was measured, the strictest measured threshold is returned, and
        strangers are named more often: the caller should say so (``lowest_far``).
        """
        check_whole(people, "people is a whole number", least=0)
        check_fpir(fpir)
        return self.threshold(min(max(search_far(fpir, people), self.far[-1]), self.far[0]))

    def table(self) -> dict[str, object]:
        """Return the content of the table's JSON file, as :func:`parse_calibration` reads it."""
        return {
            "model": self.model,
            "far_threshold": [[far, threshold] for far, threshold in zip(self.far, self.thresholds, strict=True)],
            "logistic": [self.slope, self.intercept],
            **({} if self.poor is None else {"poor_photos": self.poor.table()}),
            **({} if self.histogram is None else {"histogram": self.histogram.table()}),
            "provenance": self.provenance,
        }

    def probability(self, distance: float) -> float:
        """Return the probability that a pair at this cosine distance is one person, at even prior odds."""
        return 1 / (1 + math.exp(min(-(self.slope * distance + self.intercept), 700.0)))

    def search_probabilities(self, distances: Sequence[float], people: int) -> list[float]:
        """Return for each candidate of one search the probability that the probe is that person.

        ``distances`` are cosine distances of the nearest candidates, ``people`` is the number of people searched.
        Beforehand the probe is a stranger with probability 1/2, and each of the people with 1/(2 people): half of all
        searches are for people who are not in the gallery. The odds of a distance are those of :meth:`probability`, and
        the probe is one person at most, so the probabilities of all candidates and of a stranger sum to 1.
        """
        evidence = [self.slope * distance + self.intercept for distance in distances]
        stranger = math.log(max(people, 1))
        highest = max([stranger, *evidence])
        weights = [math.exp(value - highest) for value in evidence]
        total = sum(weights) + math.exp(stranger - highest)
        return [weight / total for weight in weights]


def check_fpir(fpir: float) -> None:
    """Raise UsageError for a rate of searches that is no number between 0 and 1."""
    if not 0 < check_number(fpir, "fpir is a number", finite=False) < 1:
        raise UsageError(f"fpir must be between 0 and 1, got {fpir:g}.")


def search_far(fpir: float, people: int) -> float:
    """Return the FAR of a single comparison at which a search among ``people`` errs at rate ``fpir``."""
    return -math.expm1(math.log1p(-fpir) / max(people, 1))


def calibration(model: str) -> Calibration | None:
    """Return the table shipped for ``model``, or imported with it; None where there is none ("uncalibrated").

    Raises UsageError for an imported table that is damaged.
    """
    shipped = _shipped_calibration(model)
    imported = None if shipped else user_models.calibration(model)
    return read_calibration(imported) if imported else shipped


@lru_cache
def _shipped_calibration(model: str) -> Calibration | None:
    if not is_model_name(model):  # it would be a path
        return None
    resource = files("visavis") / "calibration" / f"{model}.json"
    if not resource.is_file():
        return None
    table = cast("dict[str, object]", json.loads(resource.read_text(encoding="utf-8")))
    return parse_calibration(table)


def uncalibrated(model: str, why: str) -> UsageError:
    """Return the error for a model without a table; ``why`` says what cannot be derived therefore, "so no ...".

    The message names the threshold that was published for the model, if any, and the command that measures one.
    """
    plain = model.partition("@")[0]
    row = next((row for row in all_specs() if row.name == plain and row.threshold is not None), None)
    published = f": --threshold {row.threshold:g} is that of {row.threshold_source}" if row else ""
    measure = f"visavis calibrate DIR --model {model} --out FILE"
    return UsageError(f"{model} is uncalibrated, {why}: give a threshold{published}; or measure one by {measure}.")


def read_calibration(path: Path) -> Calibration:
    """Read a table that ``visavis calibrate`` wrote; UsageError where the file holds none."""
    try:
        table = parse_json(input_files.read_file(path, most=input_files.TABLES))
    except FileNotFoundError as error:
        raise UsageError(f"there is no calibration table {path}.") from error
    except ValueError as error:
        raise UsageError(f"{path} holds no calibration table: it is not JSON.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return parse_calibration(table)
    except UsageError as error:
        raise UsageError(f"{path}: {error} One is written by visavis calibrate DIR --out FILE.") from error


def own_or_shipped(own: Calibration | None, model: str) -> Calibration | None:
    """Return the caller's table, else the shipped one; None where there is neither.

    Raises UsageError for a table of another model: its distances mean something else.
    """
    if own is None:
        return calibration(model)
    if own.model != model:
        raise UsageError(f"this calibration table is of {own.model}, and {model} is in use.")
    return own


def parse_calibration(table: object) -> Calibration:
    """Return the table that the content of a JSON file describes; UsageError where a part is missing or invalid."""
    try:
        content = cast("dict[str, object]", table)
        rows = sorted(cast("list[tuple[float, float]]", content["far_threshold"]), reverse=True)
        slope, intercept = cast("tuple[float, float]", content["logistic"])
        result = Calibration(
            model=check_model_name(content["model"]),
            far=tuple(float(far) for far, _ in rows),
            thresholds=tuple(float(threshold) for _, threshold in rows),
            slope=float(slope),
            intercept=float(intercept),
            provenance=dict(cast("dict[str, object]", content.get("provenance", {}))),
            poor=poor_photos.parse(content["poor_photos"]) if "poor_photos" in content else None,
            histogram=DistanceHistogram.parse(content["histogram"]) if "histogram" in content else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"this is not a calibration table: {fault_of(error)}.") from error
    if fault := _find_fault(result):
        raise UsageError(f"a calibration table needs {fault}.")
    return result


def _find_fault(table: Calibration) -> str:
    """Say what a table lacks; an empty text where it is valid."""
    if len(table.far) < 2 or len(set(table.far)) < len(table.far):
        return "two rows or more, each of another FAR"
    if not (table.far[-1] > 0 and table.far[0] <= 1):  # NaN too
        return "FARs above 0 and up to 1"
    if (
        not all(0 <= value <= 2 for value in table.thresholds)
        or list(table.thresholds) != sorted(table.thresholds)[::-1]
    ):
        return "cosine distances from 0 to 2 for thresholds, that fall with the FAR"
    if not (math.isfinite(table.intercept) and -math.inf < table.slope < 0):
        return "a probability that falls with the distance: a slope below 0"
    return ""
