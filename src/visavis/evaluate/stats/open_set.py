"""Error rates of searches for people who may not be enrolled: ranks and distances -> FPIR and FNIR.

Embeddings are not needed here. Terms are those of ISO/IEC 19795-1. The false-positive identification rate (FPIR) is the
share of searches for people who are not enrolled that return a person; the false-negative identification rate (FNIR) is
the share of searches for enrolled people that do not return them, because another person is nearer or no person is near
enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.compare import Calibration, search_far
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson_of_people
from visavis.evaluate.stats.metrics import Counts, Roc
from visavis.types import Doubles

RowNumbers = NDArray[np.intp]
"""Row or person numbers."""

FALSE_POSITIVES = 10
"""Fewest false positives behind a threshold: with fewer, its rate is uncertain by a factor of two or more."""
SAMPLES = 1000
"""Draws of the bootstrap."""


@dataclass(frozen=True, slots=True)
class CalibratedSearchRate:
    """Error rates at the calibrated threshold of an FPIR on these probes.

    ``measured`` tells whether the calibration covers the FAR that the number of people requires; if not, its last
    threshold is used.
    """

    threshold: float
    measured: bool
    fpir: float
    false_positives: int
    fpir_interval: Interval
    fnir: float
    fnir_interval: Interval


@dataclass(frozen=True, slots=True)
class SearchRate:
    """FNIR at a requested FPIR.

    ``threshold`` is the greatest with an FPIR up to ``fpir``; it and ``fnir`` are None if fewer than ten false
    positives would support it. The intervals hold threshold and FNIR for other people at the same FPIR; that of the
    FNIR is never narrower than the interval at a fixed threshold. ``calibrated`` is None without a table, and without
    unknown probes.
    """

    fpir: float
    threshold: float | None = None
    fnir: float | None = None
    false_positives: int | None = None
    threshold_interval: Interval | None = None
    fnir_interval: Interval | None = None
    calibrated: CalibratedSearchRate | None = None


@dataclass(frozen=True, slots=True, eq=False)
class KnownProbes:
    """Probes of enrolled people: their ``person``, its rank (0: not found), and its distance."""

    person: RowNumbers
    ranks: RowNumbers
    distances: Doubles

    def hits(self, threshold: float) -> NDArray[np.bool_]:
        """Return which probes have their person at rank 1 and within the threshold ``(n,)``."""
        matched: NDArray[np.bool_] = (self.ranks == 1) & (self.distances <= threshold)
        return matched


@dataclass(frozen=True, slots=True, eq=False)
class UnknownProbes:
    """Probes of other people: their ``person``, and the distance of the nearest enrolled person."""

    person: RowNumbers
    distances: Doubles


def compute_interval(happened: NDArray[np.bool_], person: RowNumbers) -> Interval:
    """Return the 95 % interval of how often something ``happened (n,)`` to probes of each ``person (n,)``."""
    _, code = np.unique(person, return_inverse=True)
    return wilson_of_people(np.bincount(code[happened], minlength=int(code.max(initial=-1)) + 1), np.bincount(code))


def open_set_roc(enrolled: KnownProbes, others: UnknownProbes) -> Roc | None:
    """Count all thresholds at once: FAR is the FPIR, TAR is 1 - FNIR. None without unknown probes."""
    if not len(others.person):
        return None
    first = enrolled.ranks == 1
    return Roc.of(enrolled.distances[first], others.distances, failed=int((~first).sum()))


def search_rates(
    enrolled: KnownProbes,
    others: UnknownProbes,
    fpirs: Sequence[float],
    *,
    comparisons: int,
    table: Calibration | None,
    seed: int,
) -> tuple[SearchRate, ...]:
    """Measure the FNIR at each of ``fpirs``, and the rates at the thresholds of ``table`` for ``comparisons``."""
    roc = open_set_roc(enrolled, others)
    if roc is None:
        return tuple(SearchRate(fpir) for fpir in fpirs)
    offered = [fpir for fpir in fpirs if fpir * roc.impostors >= FALSE_POSITIVES - 1e-9]
    intervals = dict(zip(offered, _resample(enrolled, others, offered, seed), strict=True))
    rates = []
    for fpir in fpirs:
        promise = _measure_promise(enrolled, others, table, fpir, comparisons) if table else None
        threshold = roc.threshold(fpir) if fpir in intervals else None
        if threshold is None:  # too few false positives, or too many equal distances
            rates.append(SearchRate(fpir, calibrated=promise))
            continue
        missed, accepted = ~enrolled.hits(threshold), others.distances <= threshold
        moved, drawn = intervals[fpir]
        fixed = compute_interval(missed, enrolled.person)  # has a width even if no draw misses a person
        hull = min(drawn[0], fixed[0]), max(drawn[1], fixed[1])
        rates.append(SearchRate(fpir, threshold, float(missed.mean()), int(accepted.sum()), moved, hull, promise))
    return tuple(rates)


def _measure_promise(
    enrolled: KnownProbes, others: UnknownProbes, table: Calibration, fpir: float, comparisons: int
) -> CalibratedSearchRate:
    threshold = table.search_threshold(fpir, comparisons)
    named, missed = others.distances <= threshold, ~enrolled.hits(threshold)
    return CalibratedSearchRate(
        threshold=threshold,
        measured=table.far[-1] <= search_far(fpir, comparisons) <= table.far[0],
        fpir=float(named.mean()),
        false_positives=int(named.sum()),
        fpir_interval=compute_interval(named, others.person),
        fnir=float(missed.mean()),
        fnir_interval=compute_interval(missed, enrolled.person),
    )


def _resample(
    enrolled: KnownProbes, others: UnknownProbes, fpirs: Sequence[float], seed: int
) -> list[tuple[Interval, Interval]]:
    """Return intervals of threshold and FNIR at each FPIR: both kinds of people drawn again, with all their probes."""
    if not fpirs:
        return []
    rng = np.random.default_rng(seed)
    first = enrolled.ranks == 1
    code, probe_counts = np.unique(enrolled.person, return_inverse=True, return_counts=True)[1:]
    hits, hit_people = _sort_by_distance(enrolled.distances[first], code[first])
    people, other_people = np.unique(others.person, return_inverse=True)
    other_distances, other_people = _sort_by_distance(others.distances, other_people)
    limits, fnir = np.empty((SAMPLES, len(fpirs))), np.empty((SAMPLES, len(fpirs)))
    for n in range(SAMPLES):
        named = np.cumsum(_draw_people(rng, len(people))[other_people])
        beyond = np.searchsorted(named, np.floor(np.multiply(fpirs, named[-1]) + 1e-9), side="right")
        limits[n] = other_distances[beyond]  # the nearest distance that may not be accepted
        weights = _draw_people(rng, len(probe_counts))
        accepted = np.append(0, np.cumsum(weights[hit_people]))[np.searchsorted(hits, limits[n])]
        fnir[n] = 1 - accepted / (weights @ probe_counts)
    occurring = np.sort(np.concatenate([[0.0], hits, other_distances]))
    thresholds = occurring[np.maximum(np.searchsorted(occurring, limits) - 1, 0)]
    return list(zip(_middle_intervals(thresholds), _middle_intervals(fnir), strict=True))


def _sort_by_distance(distances: Doubles, person: RowNumbers) -> tuple[Doubles, RowNumbers]:
    order = np.argsort(distances)
    return distances[order], person[order]


def _draw_people(rng: np.random.Generator, people: int) -> Counts:
    """Return how often each person is drawn, in as many draws as there are people."""
    return rng.multinomial(people, np.full(people, 1 / people))


def _middle_intervals(values: Doubles) -> list[Interval]:
    """Return the 95 % intervals of the columns."""
    low, high = np.quantile(values, (0.025, 0.975), axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))
