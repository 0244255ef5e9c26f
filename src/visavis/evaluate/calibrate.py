"""Calibration of a model: thresholds at rates of false accepts, and the map from distance to probability.

The table is measured on labeled photos and stored with its provenance. It leaves out rates that the photos do not
support, so such rates cannot be requested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata

import numpy as np
from numpy.typing import NDArray

from visavis.compare import Calibration, parse_calibration
from visavis.distance_histogram import DistanceHistogram
from visavis.embedders import EMBEDDERS, precision_of
from visavis.errors import UnknownNameError, UsageError
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.poor_photos import Copies, shares
from visavis.evaluate.results import Interval, Rate
from visavis.evaluate.stats import bootstrap
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.pair_distances import Compared, compare_everybody, compare_listed
from visavis.printable import dump_json
from visavis.weights.spec import spec

FARS = tuple(float(f"{factor}e-{power}") for power in range(1, 9) for factor in (1, 0.3))
CHECKED = (1e-2, 1e-3, 1e-4)
"""Rates at which thresholds from half the people are checked on the other half."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Threshold of FAR ``far`` on one half of the people, and the FAR ``measured`` at it on the other half.

    ``interval`` is that of ``measured``, with both halves resampled; it should include ``far``.
    """

    far: float
    threshold: float
    measured: float
    interval: Interval

    @property
    def kept(self) -> bool:
        """Whether the interval of the measured rate includes ``far``."""
        return self.interval[0] <= self.far <= self.interval[1]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A calibration, the rates it was made from, and its check on held-out people (empty: too few)."""

    calibration: Calibration
    rates: tuple[Rate, ...]
    held_out: tuple[HeldOut, ...]

    def text(self) -> str:
        """Return the table as the text of a JSON file, a key a line, as ``visavis.compare`` reads it."""
        lines = (f" {json.dumps(key)}: {dump_json(value, allow_nan=True)}" for key, value in self.table().items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def table(self) -> dict[str, object]:
        """Return the content of the JSON file."""
        table = self.calibration
        return {
            "model": table.model,
            "far_threshold": [[rate.far, round(rate.threshold, 6)] for rate in self.rates],
            "intervals": [
                {
                    "far": rate.far,
                    "threshold": _round_values(rate.threshold_interval),
                    "far_at_threshold": _round_values(rate.far_interval),
                    "tar": round(rate.tar, 5),
                    "false_accepts": rate.false_accepts,
                }
                for rate in self.rates
            ],
            "logistic": [table.slope, table.intercept],
            "held_out": [
                {
                    "far": check.far,
                    "threshold": round(check.threshold, 6),
                    "measured": _round_values([check.measured])[0],
                    "interval": _round_values(check.interval),
                }
                for check in self.held_out
            ],
            **({} if table.poor is None else {"poor_photos": table.poor.table()}),
            **({} if table.histogram is None else {"histogram": table.histogram.table()}),
            "provenance": table.provenance,
        }


def _round_values(values: Sequence[float] | None) -> list[float]:
    return [] if values is None else [float(f"{value:.4g}") for value in values]


def of_people(templates: Templates, names: Sequence[str], *, data: str, seed: int = 0) -> Measured:
    """Calibrate on all pairs of photos of a folder of people; ``names (n,)`` holds the person of each photo."""
    has_template, people = templates.has_template, np.unique(np.array(names), return_inverse=True)[1]
    compared = compare_everybody(templates.embeddings, has_template, people)
    rates = bootstrap.rates(compared, bootstrap.ByPeople(compared, people, has_template), FARS, seed=seed)
    counts = {"people": int(people.max()) + 1, "intervals_by": "people"}
    return _make_measured(templates, compared, rates, held_out(templates, people, seed=seed), data=data, counts=counts)


def with_poor_photos(measured: Measured, copies: Mapping[str, Copies]) -> Measured:
    """Add the shares of the thresholds that remain on poor photos, measured on worsened copies."""
    counts = {name or "as they are": len(group.embeddings) for name, group in copies.items()}
    provenance = {**measured.calibration.provenance, "worsened_copies": counts}
    poor = shares(copies, measured.calibration)
    return replace(measured, calibration=replace(measured.calibration, poor=poor, provenance=provenance))


def of_pairs(templates: Templates, pairs: PairList, *, data: str, seed: int = 0) -> Measured:
    """Calibrate on listed pairs. Their people are unknown: no people are held out, and intervals are of pairs."""
    compared = compare_listed(templates.embeddings, templates.has_template, pairs.a, pairs.b, pairs.same)
    rates = bootstrap.rates(compared, bootstrap.ByPairs(compared), FARS, seed=seed)
    return _make_measured(templates, compared, rates, (), data=data, counts={"intervals_by": "pairs"})


def held_out(templates: Templates, people: NDArray[np.intp], *, seed: int = 0) -> tuple[HeldOut, ...]:
    """Take thresholds from a random half of the people, and measure the FAR at them on the other half.

    The halves have similar numbers of photos a person: people are paired by that number, and each pair is split.
    """
    chosen = _choose_half(people, np.random.default_rng(seed))[people]
    try:
        (first, first_draws), (other, other_draws) = (
            _compare_half(templates, people, rows) for rows in (chosen, ~chosen)
        )
    except UsageError:  # a half without pairs of both kinds
        return ()
    smaller = min(first.roc.impostors, other.roc.impostors)
    enough = [far for far in CHECKED if far * smaller + 1e-9 >= bootstrap.LEAST]
    supported, thresholds = bootstrap.supported_fars(first.roc, enough)
    if not supported:
        return ()
    drawn = bootstrap.thresholds_drawn(first, first_draws, supported, seed=seed)
    fars = bootstrap.middle(bootstrap.fars_drawn(other, other_draws, drawn, seed=seed + 1))
    return tuple(
        HeldOut(far, threshold, other.roc.at(threshold)[0], (float(fars[0, n]), float(fars[1, n])))
        for n, (far, threshold) in enumerate(zip(supported, thresholds, strict=True))
        if np.isfinite(fars[:, n]).all()
    )


def _choose_half(people: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which people ``(p,)`` are in one half."""
    photos = np.bincount(people)
    by_photos = np.lexsort((rng.random(len(photos)), photos))
    chosen = np.zeros(len(photos), np.bool_)
    pairs = len(photos) // 2
    chosen[by_photos[2 * np.arange(pairs) + rng.integers(0, 2, pairs)]] = True
    return chosen


def _compare_half(
    templates: Templates, people: NDArray[np.intp], rows: NDArray[np.bool_]
) -> tuple[Compared, bootstrap.ByPeople]:
    has_template, numbers = templates.has_template[rows], np.unique(people[rows], return_inverse=True)[1]
    compared = compare_everybody(templates.embeddings[rows], has_template, numbers)
    return compared, bootstrap.ByPeople(compared, numbers, has_template)


def _make_measured(
    templates: Templates,
    compared: Compared,
    rates: tuple[Rate, ...],
    checked: tuple[HeldOut, ...],
    *,
    data: str,
    counts: Mapping[str, object],
) -> Measured:
    if compared.roc.impostors * 0.03 + 1e-9 < bootstrap.LEAST:
        raise UsageError(
            f"{compared.roc.impostors} pairs of two people are too few for a table of thresholds: a FAR of 0.03 "
            f"needs {bootstrap.LEAST / 0.03:.0f}."
        )
    if len(rates) < 2:
        raise UsageError("too many pairs of two people are as near as can be: no threshold tells these photos apart.")
    slope, intercept = (round(value, 4) for value in logistic(compared.roc))
    provenance: dict[str, object] = {
        "data": data,
        "photos": len(templates.photos),
        "without_a_face": int((~templates.has_template).sum()),
        **counts,
        "genuine_pairs": compared.roc.genuine,
        "impostor_pairs": compared.roc.impostors,
        "detector": templates.detector,
        "face": "large and near the middle",
        "crop": _describe_crop(templates.model),
        "precision": precision_of(templates.model),
        "version": metadata.version("visavis"),
        "libraries": {name: metadata.version(name) for name in ("numpy", "onnxruntime")},
        "date": datetime.now(UTC).date().isoformat(),
    }
    table = Calibration(
        templates.model,
        tuple(rate.far for rate in rates),
        tuple(round(rate.threshold, 6) for rate in rates),
        slope,
        intercept,
        provenance,
        histogram=make_histogram(compared.roc),
    )
    measured = Measured(table, rates, checked)
    parse_calibration(json.loads(measured.text()))  # check that the text can be read back
    return measured


def make_histogram(roc: Roc) -> DistanceHistogram:
    """Return the numbers of pairs by distance."""
    counts = (np.diff(accepted, prepend=0) for accepted in (roc.genuine_accepted, roc.impostors_accepted))
    return DistanceHistogram.of(roc.thresholds, *counts)


def _describe_crop(model: str) -> str:
    """Return the geometry of the model's crops, which is unknown without a row of weights."""
    name = model.partition("@")[0]
    if row := EMBEDDERS.row(name):
        return row.geometry
    try:
        return spec(name).geometry
    except UnknownNameError:
        return "the model's own"


def logistic(roc: Roc, *, steps: int = 50) -> tuple[float, float]:
    """Fit log odds against distance: slope and intercept, by Newton's method; both kinds of pairs weigh the same.

    The probability is therefore that at even prior odds. Where a distance separates the two kinds, no slope is steep
    enough; each kind of n pairs then gets a doubt of one in n + 2 (J. Platt, Probabilistic outputs for support
    embedding machines, 1999). Raises UsageError where no genuine pair could be compared.
    """
    genuine, impostors = (np.diff(count, prepend=0) for count in (roc.genuine_accepted, roc.impostors_accepted))
    if not genuine.any():
        raise UsageError("no pair of one person can be compared, so there is no probability.")
    x = roc.thresholds
    yes, no = genuine / genuine.sum() / 2, impostors / impostors.sum() / 2
    near, far = x[genuine > 0], x[impostors > 0]
    if near.max() <= far.min() or far.max() <= near.min():
        doubt, other = 1 / (int(genuine.sum()) + 2), 1 / (int(impostors.sum()) + 2)
        yes, no = yes * (1 - doubt) + no * other, no * (1 - other) + yes * doubt
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.zeros(2)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -700, 700)))
        hessian = design.T @ (design * ((yes + no) * p * (1 - p))[:, None]) + 1e-12 * np.eye(2)
        change = np.linalg.solve(hessian, design.T @ (yes - (yes + no) * p))
        weights = weights + change
        if float(np.abs(change).max()) < 1e-9 * max(float(np.abs(weights).max()), 1):
            break
    return float(weights[0]), float(weights[1])
