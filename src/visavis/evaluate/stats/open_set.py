"""Searches for people who may not be enrolled: ranks and distances -> FPIR and FNIR. Knows nothing of embeddings.

Terms are those of ISO/IEC 19795-1. The false-positive identification rate (FPIR) is the share of searches for people
who are not enrolled that name somebody; the false-negative identification rate (FNIR) the share of searches for
enrolled people that do not name them, be it that another is nearer or that nobody is near enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.compare import Calibration, search_far
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.intervals import wilson_of_people
from visavis.evaluate.stats.metrics import Counts, Doubles, Roc

Rows = NDArray[np.intp]
"""Row or person numbers."""

FALSE_POSITIVES = 10
"""A threshold rests on at least as many: with fewer, its rate is known to no more than a factor of two."""
SAMPLES = 1000
"""Draws of the bootstrap."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the calibrated threshold of an FPIR really does on these probes.

    ``measured`` tells whether the calibration reaches as far as the number of people asks for; where it does not,
    its last threshold stands in.
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
    """FNIR at a wanted FPIR.

    ``threshold`` is the greatest with an FPIR up to ``fpir``; it and ``fnir`` are None where fewer than ten false
    positives would stand behind it. The intervals say where the two would lie with other people at the same FPIR;
    that of the FNIR is never narrower than the one at a fixed threshold.
    ``calibrated`` is None without a table, and without unknown probes.
    """

    fpir: float
    threshold: float | None = None
    fnir: float | None = None
    false_positives: int | None = None
    threshold_interval: Interval | None = None
    fnir_interval: Interval | None = None
    calibrated: Promise | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Probes of known people: whose each is, at which rank that person was found (0: never), and how far."""

    person: Rows
    ranks: Rows
    distances: Doubles

    def hits(self, threshold: float) -> NDArray[np.bool_]:
        """Which are found at rank 1 and within the threshold ``(n,)``."""
        found: NDArray[np.bool_] = (self.ranks == 1) & (self.distances <= threshold)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Unknown:
    """Probes of other people: whose each is, and how far the nearest of the enrolled."""

    person: Rows
    distances: Doubles


def interval(happened: NDArray[np.bool_], person: Rows) -> Interval:
    """Return the 95 % interval of how often something ``happened (n,)`` to probes of each ``person (n,)``."""
    _, code = np.unique(person, return_inverse=True)
    return wilson_of_people(np.bincount(code[happened], minlength=int(code.max(initial=-1)) + 1), np.bincount(code))


def open_set_roc(known: Known, unknown: Unknown) -> Roc | None:
    """Count all thresholds at once: FAR is the FPIR, TAR is 1 - FNIR. None without unknown probes."""
    if not len(unknown.person):
        return None
    first = known.ranks == 1
    return Roc.of(known.distances[first], unknown.distances, failed=int((~first).sum()))


def search_rates(
    known: Known,
    unknown: Unknown,
    fpirs: Sequence[float],
    *,
    comparisons: int,
    table: Calibration | None,
    seed: int,
) -> tuple[SearchRate, ...]:
    """FNIR at each of ``fpirs``, and what the thresholds of ``table`` for searches of so many ``comparisons`` do."""
    roc = open_set_roc(known, unknown)
    if roc is None:
        return tuple(SearchRate(fpir) for fpir in fpirs)
    offered = [fpir for fpir in fpirs if fpir * roc.impostors >= FALSE_POSITIVES - 1e-9]
    intervals = dict(zip(offered, _resampled(known, unknown, offered, seed), strict=True))
    rates = []
    for fpir in fpirs:
        promise = _promise(known, unknown, table, fpir, comparisons) if table else None
        threshold = roc.threshold(fpir) if fpir in intervals else None
        if threshold is None:  # also where more are equally near than may be accepted
            rates.append(SearchRate(fpir, calibrated=promise))
            continue
        missed, accepted = ~known.hits(threshold), unknown.distances <= threshold
        moved, drawn = intervals[fpir]
        fixed = interval(missed, known.person)  # has a width also where nobody is missed, whoever is drawn
        hull = min(drawn[0], fixed[0]), max(drawn[1], fixed[1])
        rates.append(SearchRate(fpir, threshold, float(missed.mean()), int(accepted.sum()), moved, hull, promise))
    return tuple(rates)


def _promise(known: Known, unknown: Unknown, table: Calibration, fpir: float, comparisons: int) -> Promise:
    threshold = table.search_threshold(fpir, comparisons)
    named, missed = unknown.distances <= threshold, ~known.hits(threshold)
    return Promise(
        threshold=threshold,
        measured=table.far[-1] <= search_far(fpir, comparisons) <= table.far[0],
        fpir=float(named.mean()),
        false_positives=int(named.sum()),
        fpir_interval=interval(named, unknown.person),
        fnir=float(missed.mean()),
        fnir_interval=interval(missed, known.person),
    )


def _resampled(known: Known, unknown: Unknown, fpirs: Sequence[float], seed: int) -> list[tuple[Interval, Interval]]:
    """Intervals of threshold and FNIR at each FPIR: both kinds of people drawn again, with all their probes."""
    if not fpirs:
        return []
    rng = np.random.default_rng(seed)
    first = known.ranks == 1
    code, probes = np.unique(known.person, return_inverse=True, return_counts=True)[1:]
    hits, whose = _sorted(known.distances[first], code[first])
    people, theirs = np.unique(unknown.person, return_inverse=True)
    others, theirs = _sorted(unknown.distances, theirs)
    limits, fnir = np.empty((SAMPLES, len(fpirs))), np.empty((SAMPLES, len(fpirs)))
    for n in range(SAMPLES):
        named = np.cumsum(_drawn(rng, len(people))[theirs])
        beyond = np.searchsorted(named, np.floor(np.multiply(fpirs, named[-1]) + 1e-9), side="right")
        limits[n] = others[beyond]  # the nearest distance that may not be accepted
        weights = _drawn(rng, len(probes))
        accepted = np.append(0, np.cumsum(weights[whose]))[np.searchsorted(hits, limits[n])]
        fnir[n] = 1 - accepted / (weights @ probes)
    occurring = np.sort(np.concatenate([[0.0], hits, others]))
    thresholds = occurring[np.maximum(np.searchsorted(occurring, limits) - 1, 0)]
    return list(zip(_middle(thresholds), _middle(fnir), strict=True))


def _sorted(distances: Doubles, person: Rows) -> tuple[Doubles, Rows]:
    order = np.argsort(distances)
    return distances[order], person[order]


def _drawn(rng: np.random.Generator, people: int) -> Counts:
    """Say how often each person is drawn, where as many are drawn as there are."""
    return rng.multinomial(people, np.full(people, 1 / people))


def _middle(values: Doubles) -> list[Interval]:
    """95 % intervals of the columns."""
    low, high = np.quantile(values, (0.025, 0.975), axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))
