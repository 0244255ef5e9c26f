"""What a model's distances mean: thresholds at rates of false accepts, and the map from distance to probability.

Everything comes from labeled photos and is written down with its provenance. A rate that the photos cannot tell is not
in the table, so nobody can ask for it.
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
from visavis.embedders import EMBEDDERS, precision_of
from visavis.errors import UnknownNameError, UsageError
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.poor_photos import Copies, shares
from visavis.evaluate.results import Interval, Rate
from visavis.evaluate.stats import bootstrap
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.pair_distances import Compared, everybody, listed
from visavis.weights.spec import spec

FARS = tuple(float(f"{factor}e-{power}") for power in range(1, 9) for factor in (1, 0.3))
CHECKED = (1e-2, 1e-3, 1e-4)
"""Rates at which a table made of half the people is held against the other half."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A threshold of FAR ``far`` by one half of the people, and the rate ``measured`` at it on the other half.

    ``interval`` is where that rate lies for people like these, both halves drawn anew: ``far`` should be within.
    """

    far: float
    threshold: float
    measured: float
    interval: Interval

    @property
    def kept(self) -> bool:
        """Whether the promised rate is within the interval of the measured one."""
        return self.interval[0] <= self.far <= self.interval[1]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A calibration, the rates it was made from, and how it did on people it had not seen (empty: too few)."""

    calibration: Calibration
    rates: tuple[Rate, ...]
    held_out: tuple[HeldOut, ...]

    def text(self) -> str:
        """Write the table as the text of a JSON file, a key a line, as ``visavis.compare`` reads it."""
        lines = (f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in self.table().items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def table(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        table = self.calibration
        return {
            "model": table.model,
            "far_threshold": [[one.far, round(one.threshold, 6)] for one in self.rates],
            "intervals": [
                {
                    "far": one.far,
                    "threshold": _rounded(one.threshold_interval),
                    "far_at_threshold": _rounded(one.far_interval),
                    "tar": round(one.tar, 5),
                    "false_accepts": one.false_accepts,
                }
                for one in self.rates
            ],
            "logistic": [table.slope, table.intercept],
            "held_out": [
                {
                    "far": one.far,
                    "threshold": round(one.threshold, 6),
                    "measured": _rounded([one.measured])[0],
                    "interval": _rounded(one.interval),
                }
                for one in self.held_out
            ],
            **({} if table.poor is None else {"poor_photos": table.poor.table()}),
            "provenance": table.provenance,
        }


def _rounded(values: Sequence[float] | None) -> list[float]:
    return [] if values is None else [float(f"{value:.4g}") for value in values]


def of_people(templates: Templates, names: Sequence[str], *, data: str, seed: int = 0) -> Measured:
    """Calibrate on all pairs of photos of a folder of people; ``names (n,)`` holds the person of each photo."""
    found, people = templates.found, np.unique(np.array(names), return_inverse=True)[1]
    compared = everybody(templates.embeddings, found, people)
    rates = bootstrap.rates(compared, bootstrap.ByPeople(compared, people, found), FARS, seed=seed)
    counts = {"people": int(people.max()) + 1, "intervals_by": "people"}
    return _measured(templates, compared, rates, held_out(templates, people, seed=seed), data=data, counts=counts)


def with_poor_photos(measured: Measured, copies: Mapping[str, Copies]) -> Measured:
    """Add what is left of the thresholds where photos are poor, measured on copies of the photos."""
    counts = {name or "as they are": len(some.embeddings) for name, some in copies.items()}
    provenance = {**measured.calibration.provenance, "worsened_copies": counts}
    poor = shares(copies, measured.calibration)
    return replace(measured, calibration=replace(measured.calibration, poor=poor, provenance=provenance))


def of_pairs(templates: Templates, pairs: PairList, *, data: str, seed: int = 0) -> Measured:
    """Calibrate on listed pairs. Who is in them is not asked, so nothing is held out and intervals are of pairs."""
    compared = listed(templates.embeddings, templates.found, pairs.a, pairs.b, pairs.same)
    rates = bootstrap.rates(compared, bootstrap.ByPairs(compared), FARS, seed=seed)
    return _measured(templates, compared, rates, (), data=data, counts={"intervals_by": "pairs"})


def held_out(templates: Templates, people: NDArray[np.intp], *, seed: int = 0) -> tuple[HeldOut, ...]:
    """Take thresholds from a random half of the people, and measure the FAR at them on the other half.

    The halves are alike in how many photos their people have: people are paired by that, and each pair is split.
    """
    chosen = _half_of_the_people(people, np.random.default_rng(seed))[people]
    try:
        (known, known_draws), (other, other_draws) = (_half(templates, people, half) for half in (chosen, ~chosen))
    except UsageError:  # a half without pairs of both kinds
        return ()
    smaller = min(known.roc.impostors, other.roc.impostors)
    enough = [far for far in CHECKED if far * smaller + 1e-9 >= bootstrap.LEAST]
    told, thresholds = bootstrap.told_by(known.roc, enough)
    if not told:
        return ()
    drawn = bootstrap.thresholds_drawn(known, known_draws, told, seed=seed)
    fars = bootstrap.middle(bootstrap.fars_drawn(other, other_draws, drawn, seed=seed + 1))
    return tuple(
        HeldOut(far, threshold, other.roc.at(threshold)[0], (float(fars[0, n]), float(fars[1, n])))
        for n, (far, threshold) in enumerate(zip(told, thresholds, strict=True))
        if np.isfinite(fars[:, n]).all()
    )


def _half_of_the_people(people: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which people ``(p,)`` are of one half."""
    photos = np.bincount(people)
    by_photos = np.lexsort((rng.random(len(photos)), photos))
    chosen = np.zeros(len(photos), np.bool_)
    pairs = len(photos) // 2
    chosen[by_photos[2 * np.arange(pairs) + rng.integers(0, 2, pairs)]] = True
    return chosen


def _half(
    templates: Templates, people: NDArray[np.intp], rows: NDArray[np.bool_]
) -> tuple[Compared, bootstrap.ByPeople]:
    found, some = templates.found[rows], np.unique(people[rows], return_inverse=True)[1]
    compared = everybody(templates.embeddings[rows], found, some)
    return compared, bootstrap.ByPeople(compared, some, found)


def _measured(
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
        "without_a_face": int((~templates.found).sum()),
        **counts,
        "genuine_pairs": compared.roc.genuine,
        "impostor_pairs": compared.roc.impostors,
        "detector": templates.detector,
        "face": "large and near the middle",
        "crop": _crop(templates.model),
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
    )
    measured = Measured(table, rates, checked)
    parse_calibration(json.loads(measured.text()))  # what is written can be read
    return measured


def _crop(model: str) -> str:
    """How the model wants faces cut; a model that comes with no row of weights keeps it to itself."""
    name = model.partition("@")[0]
    if own := EMBEDDERS.row(name):
        return own.geometry
    try:
        return spec(name).geometry
    except UnknownNameError:
        return "the model's own"


def logistic(roc: Roc, *, steps: int = 50) -> tuple[float, float]:
    """Slope and intercept of log odds against distance, by Newton's method; both kinds of pairs weigh the same.

    So the probability is that at even odds beforehand. Where one distance parts the two kinds, no slope is too steep
    for the data; each kind of n pairs is then given a doubt of one in n + 2 (J. Platt, Probabilistic outputs for
    support embedding machines, 1999). Raises UsageError where no genuine pair could be compared.
    """
    genuine, impostors = (np.diff(count, prepend=0) for count in (roc.genuine_accepted, roc.impostors_accepted))
    if not genuine.any():
        raise UsageError("not one pair of one person can be compared: no probability can be told.")
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
