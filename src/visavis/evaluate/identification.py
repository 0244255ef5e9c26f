"""1:N: who is found among the enrolled, and who is taken for one of them.

Terms are those of ISO/IEC 19795-1. Closed set: the CMC says how often the right person is among the nearest r. Open
set: the false-positive identification rate (FPIR) is the share of searches for people who are not enrolled that name
somebody; the false-negative identification rate (FNIR) the share of searches for enrolled people that do not name
them, be it that another is nearer or that nobody is near enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visavis import compare
from visavis.errors import UsageError
from visavis.evaluate.intervals import wilson_of_people
from visavis.evaluate.metrics import Counts, Doubles, Roc
from visavis.evaluate.results import Interval
from visavis.evaluate.templates import Templates
from visavis.types import Floats

Rows = NDArray[np.intp]
Rule = Literal["nearest", "mean"]

RANKS = (1, 5, 10, 20, 50)
FPIRS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
FALSE_POSITIVES = 10
"""A threshold rests on at least as many: with fewer, its rate is known to no more than a factor of two."""
BLOCK = 1 << 22
"""Distances held at once: 16 MiB."""
TIE = 1e-6
"""Cosine distances of float32 vectors closer than this are equal but for rounding."""
SAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Which photos (rows) are enrolled, and which are searched for: of enrolled people, and of others."""

    gallery: Rows
    known: Rows
    unknown: Rows


@dataclass(frozen=True, slots=True)
class RankRate:
    """Share of the known probes whose person is among the nearest ``rank``; ``hits`` are they."""

    rank: int
    rate: float
    hits: int
    interval: Interval


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
    positives would stand behind it. The intervals say where the two would lie with other people at the same FPIR.
    ``calibrated`` is None for a model without a table, and without unknown probes.
    """

    fpir: float
    threshold: float | None = None
    fnir: float | None = None
    false_positives: int | None = None
    threshold_interval: Interval | None = None
    fnir_interval: Interval | None = None
    calibrated: Promise | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """Photos without a template, by what they were for, and the people that nobody could enrol therefore.

    ``known`` probes count as misses, as do the ``orphans``: probes of the ``people`` who are not enrolled.
    ``unknown`` probes are left out of the FPIR.
    """

    templates: int
    people: int
    known: int
    orphans: int
    unknown: int


@dataclass(frozen=True, slots=True, eq=False)
class IdentificationResult:
    """How well people are found in a gallery by one model.

    ``people`` are enrolled with ``templates`` in all. ``known`` probes (failed ones among them) are of
    ``known_people``, ``unknown`` probes (without the failed ones) of ``unknown_people``. ``cmc (people,)`` holds the
    share found up to each rank from 1. ``roc`` counts the open-set searches: its FAR is the FPIR, its TAR is
    1 - FNIR; None without unknown probes.
    """

    model: str
    rule: Rule
    people: int
    templates: int
    known: int
    known_people: int
    unknown: int
    unknown_people: int
    failures: Failures
    cmc: Doubles
    ranks: tuple[RankRate, ...]
    searches: tuple[SearchRate, ...]
    roc: Roc | None


def split(names: Sequence[str], *, templates: int = 1, known: float = 0.5, seed: int = 0) -> Split:
    """Choose who is enrolled, and by which photos; ``names`` says of each photo whose it is.

    Whoever has more photos than ``templates`` can be known. Of these people the share ``known`` (rounded) is drawn by
    ``seed`` and enrolled with their first ``templates`` photos; the others of their photos are the known probes. All
    photos of everybody else are unknown probes. Which photos failed is not looked at: nobody is chosen by success.
    """
    if templates < 1:
        raise UsageError(f"a person is enrolled with 1 template or more, got {templates}.")
    if not 0 < known <= 1:
        raise UsageError(f"the share of known people must be above 0 and up to 1, got {known:g}.")
    people, person, counts = np.unique(np.asarray(names, np.str_), return_inverse=True, return_counts=True)
    can = np.flatnonzero(counts > templates)
    if not len(can):
        raise UsageError(f"nobody has more than {templates} photos: some to enrol, and one to search for, are needed.")
    chosen = np.zeros(len(people), np.bool_)
    chosen[np.random.default_rng(seed).permutation(can)[: max(1, round(known * len(can)))]] = True
    turn = _turn(person)
    enrolled = chosen[person] & (turn < templates)
    return Split(np.flatnonzero(enrolled), np.flatnonzero(chosen[person] & ~enrolled), np.flatnonzero(~chosen[person]))


def identification(
    templates: Templates,
    names: Sequence[str],
    split: Split,
    *,
    ranks: Sequence[int] = RANKS,
    fpirs: Sequence[float] = FPIRS,
    rule: Rule = "nearest",
    calibration: compare.Calibration | None = None,
    seed: int = 0,
) -> IdentificationResult:
    """Search for every probe of ``split`` among the people it enrols; ``names`` says of each photo whose it is.

    With rule "nearest" a person is as far as the nearest template, with "mean" as far as the unit mean of them.
    Whoever is as near as the right person counts as nearer. A known probe is a hit where its person is at rank 1 and
    within the threshold. ``calibration`` is the model's shipped table unless given. Ranks beyond the number of
    people are left out. UsageError where nobody is enrolled, no probe is of a known person, or a rate is none.
    """
    if len(names) != len(templates.photos):
        raise UsageError(f"each photo has one name: got {len(names)} names for {len(templates.photos)} photos.")
    if any(not 0 < fpir < 1 for fpir in fpirs) or any(rank < 1 for rank in ranks):
        raise UsageError("an FPIR must be between 0 and 1, and a rank 1 or more.")
    person = np.unique(np.asarray(names, np.str_), return_inverse=True)[1]
    found = templates.found
    gallery = _Gallery.of(templates.vectors, person, split.gallery[found[split.gallery]], rule)
    known = _Known(person[split.known], *_find(templates, person, split.known, gallery))
    looked = split.unknown[found[split.unknown]]
    unknown = _Unknown(person[looked], _nearest(templates.vectors[looked], gallery))
    failed = ~found[split.known]
    return IdentificationResult(
        model=templates.model,
        rule=rule,
        people=len(gallery.people),
        templates=int(found[split.gallery].sum()),
        known=len(known.person),
        known_people=len(np.unique(known.person)),
        unknown=len(unknown.person),
        unknown_people=len(np.unique(unknown.person)),
        failures=Failures(
            templates=int((~found[split.gallery]).sum()),
            people=len(np.unique(person[split.gallery])) - len(gallery.people),
            known=int(failed.sum()),
            orphans=int((~failed & ~np.isin(known.person, gallery.people)).sum()),
            unknown=len(split.unknown) - len(looked),
        ),
        cmc=np.cumsum(np.bincount(known.ranks, minlength=len(gallery.people) + 1)[1:]) / len(known.person),
        ranks=tuple(_rank_rate(known, rank) for rank in ranks if rank <= len(gallery.people)),
        searches=_searches(
            known,
            unknown,
            fpirs,
            people=len(gallery.people),
            table=calibration if calibration is not None else compare.calibration(templates.model),
            seed=seed,
        ),
        roc=_roc(known, unknown),
    )


def _turn(person: Rows) -> Rows:
    """Say of each photo how many of the same person come before it."""
    order = np.argsort(person, kind="stable")
    starts = np.flatnonzero(np.diff(person[order], prepend=-1))
    turn = np.empty(len(person), np.intp)
    turn[order] = np.arange(len(person)) - np.repeat(starts, np.diff(starts, append=len(person)))
    return turn


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """Templates ``vectors (t, d)``, those of a person in a row: person ``people[i]`` from ``starts[i]`` on."""

    vectors: Floats
    starts: Rows
    people: Rows

    @classmethod
    def of(cls, vectors: Floats, person: Rows, rows: Rows, rule: Rule) -> _Gallery:
        if not len(rows):
            raise UsageError("nobody could be enrolled: no photo of the gallery gave a template.")
        rows = rows[np.argsort(person[rows], kind="stable")]
        people, starts = np.unique(person[rows], return_index=True)
        if rule == "nearest":
            return cls(vectors[rows], starts, people)
        means = compare.unit(np.add.reduceat(vectors[rows], starts))
        return cls(means, np.arange(len(people)), people)

    def distances(self, probes: Floats) -> Iterator[tuple[slice, Floats]]:
        """Give distances ``(b, people)`` of a block of ``probes`` at a time, and which block it is."""
        step = max(1, BLOCK // len(self.vectors))
        for start in range(0, len(probes), step):
            block = slice(start, min(start + step, len(probes)))
            to_templates = compare.cosine_distances(probes[block], self.vectors)
            if len(self.starts) == len(self.vectors):
                yield block, to_templates
            else:
                yield block, np.minimum.reduceat(to_templates, self.starts, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Probes of known people: whose each is, at which rank that person was found (0: never), and how far."""

    person: Rows
    ranks: Rows
    distances: Doubles

    def hits(self, threshold: float) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.ranks == 1) & (self.distances <= threshold)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Unknown:
    """Probes of other people: whose each is, and how far the nearest of the enrolled."""

    person: Rows
    distances: Doubles


def _find(templates: Templates, person: Rows, rows: Rows, gallery: _Gallery) -> tuple[Rows, Doubles]:
    """Ranks of the right people (0: failed, or not enrolled) and their distances (infinite where there is none)."""
    if not len(rows):
        raise UsageError("there is no photo to search for: nobody who is enrolled has another one.")
    ranks, right = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf)
    able = np.flatnonzero(templates.found[rows] & np.isin(person[rows], gallery.people))
    columns = np.searchsorted(gallery.people, person[rows[able]])
    for block, distances in gallery.distances(templates.vectors[rows[able]]):
        own = np.take_along_axis(distances, columns[block, None], axis=1)
        right[able[block]] = own[:, 0]
        ranks[able[block]] = np.count_nonzero(distances <= own + TIE, axis=1)
    return ranks, right


def _nearest(probes: Floats, gallery: _Gallery) -> Doubles:
    nearest = np.empty(len(probes))
    for block, distances in gallery.distances(probes):
        nearest[block] = distances.min(axis=1)
    return nearest


def _rank_rate(known: _Known, rank: int) -> RankRate:
    hits = (known.ranks >= 1) & (known.ranks <= rank)
    return RankRate(rank, float(hits.mean()), int(hits.sum()), _interval(hits, known.person))


def _interval(happened: NDArray[np.bool_], person: Rows) -> Interval:
    """Return the interval of a rate over probes of several a person."""
    _, code = np.unique(person, return_inverse=True)
    return wilson_of_people(np.bincount(code[happened], minlength=int(code.max(initial=-1)) + 1), np.bincount(code))


def _roc(known: _Known, unknown: _Unknown) -> Roc | None:
    if not len(unknown.person):
        return None
    first = known.ranks == 1
    return Roc.of(known.distances[first], unknown.distances, failed=int((~first).sum()))


def _searches(
    known: _Known,
    unknown: _Unknown,
    fpirs: Sequence[float],
    *,
    people: int,
    table: compare.Calibration | None,
    seed: int,
) -> tuple[SearchRate, ...]:
    roc = _roc(known, unknown)
    if roc is None:
        return tuple(SearchRate(fpir) for fpir in fpirs)
    offered = [fpir for fpir in fpirs if fpir * roc.impostors >= FALSE_POSITIVES - 1e-9]
    intervals = dict(zip(offered, _resampled(known, unknown, offered, seed), strict=True))
    rates = []
    for fpir in fpirs:
        promise = _promise(known, unknown, table, fpir, people) if table else None
        threshold = roc.threshold(fpir) if fpir in intervals else None
        if threshold is None:
            rates.append(SearchRate(fpir, calibrated=promise))
            continue
        accepted = int((unknown.distances <= threshold).sum())
        rates.append(
            SearchRate(fpir, threshold, 1 - roc.at(threshold)[1], accepted, *intervals[fpir], calibrated=promise)
        )
    return tuple(rates)


def _promise(known: _Known, unknown: _Unknown, table: compare.Calibration, fpir: float, people: int) -> Promise:
    threshold = table.search_threshold(fpir, people)
    named, missed = unknown.distances <= threshold, ~known.hits(threshold)
    return Promise(
        threshold=threshold,
        measured=table.far[-1] <= -math.expm1(math.log1p(-fpir) / people) <= table.far[0],
        fpir=float(named.mean()),
        false_positives=int(named.sum()),
        fpir_interval=_interval(named, unknown.person),
        fnir=float(missed.mean()),
        fnir_interval=_interval(missed, known.person),
    )


def _resampled(known: _Known, unknown: _Unknown, fpirs: Sequence[float], seed: int) -> list[tuple[Interval, Interval]]:
    """Intervals of threshold and FNIR at each FPIR: both kinds of people drawn again, with all their probes."""
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
