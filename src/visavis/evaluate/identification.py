"""Identification: choice of enrolled people and probes, ranks, and error rates at thresholds.

The closed set is measured by the CMC (ISO/IEC 19795-1): how often the right person is among the nearest r of the
enrolled people. The open set, with probes of people who are not enrolled, is measured by
:mod:`visavis.evaluate.stats.open_set`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from visavis import compare
from visavis.errors import UsageError
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.open_set import (
    KnownProbes,
    RowNumbers,
    SearchRate,
    UnknownProbes,
    compute_interval,
    open_set_roc,
    search_rates,
)
from visavis.types import Doubles, Floats

DistanceRule = Literal["person", "nearest", "mean"]

RANKS = (1, 5, 10, 20, 50)
FPIRS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
BLOCK = 1 << 22
"""Distances in memory at once: 16 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows of the photos that are enrolled, and of the probes: of enrolled people, and of others."""

    gallery: RowNumbers
    known: RowNumbers
    unknown: RowNumbers


@dataclass(frozen=True, slots=True)
class RankRate:
    """Share of the known probes with their person among the nearest ``rank``; ``hits`` is their number."""

    rank: int
    rate: float
    hits: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Failures:
    """Photos without a template, by their role, and the ``people`` who could not be enrolled therefore.

    ``known`` probes count as misses, and so do the ``orphans``: probes of the ``people`` who are not enrolled.
    ``unknown`` probes are left out of the FPIR.
    """

    templates: int
    people: int
    known: int
    orphans: int
    unknown: int


@dataclass(frozen=True, slots=True, eq=False)
class IdentificationResult:
    """Error rates of identification in a gallery by one model.

    ``people`` are enrolled with ``templates`` in all. ``known`` probes (failed ones included) are of ``known_people``,
    ``unknown`` probes (without the failed ones) of ``unknown_people``. ``cmc (people,)`` holds the share of probes with
    their person up to each rank from 1. ``roc`` counts the open-set searches: its FAR is the FPIR, its TAR is 1 - FNIR;
    None without unknown probes.
    """

    model: str
    rule: DistanceRule
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
    """Choose the enrolled people and photos, and the probes; ``names`` holds the person of each photo.

    People with more photos than ``templates`` can be known. Of these people the share ``known`` (rounded) is drawn by
    ``seed`` and enrolled with their first ``templates`` photos; their other photos are the known probes. All photos of
    all other people are unknown probes. Failed photos do not affect the choice.
    """
    if templates < 1:
        raise UsageError(f"a person is enrolled with 1 template or more, got {templates}.")
    if not 0 < known <= 1:
        raise UsageError(f"the share of known people must be above 0 and up to 1, got {known:g}.")
    people, person, counts = np.unique(np.asarray(names, np.str_), return_inverse=True, return_counts=True)
    eligible = np.flatnonzero(counts > templates)
    if not len(eligible):
        raise UsageError(
            f"no person has more than {templates} photos: some to enroll, and one to search for, are needed."
        )
    chosen = np.zeros(len(people), np.bool_)
    chosen[np.random.default_rng(seed).permutation(eligible)[: max(1, round(known * len(eligible)))]] = True
    position = _count_earlier(person)
    enrolled = chosen[person] & (position < templates)
    return Split(np.flatnonzero(enrolled), np.flatnonzero(chosen[person] & ~enrolled), np.flatnonzero(~chosen[person]))


def measure_identification(
    templates: Templates,
    names: Sequence[str],
    split: Split,
    *,
    ranks: Sequence[int] = RANKS,
    fpirs: Sequence[float] = FPIRS,
    rule: DistanceRule = "person",
    calibration: compare.Calibration | None = None,
    seed: int = 0,
) -> IdentificationResult:
    """Search for every probe of ``split`` among the people it enrolls; ``names`` holds the person of each photo.

    With rule "person" the distance of a person is that of a gallery (:func:`visavis.compare.person_embedding`), with
    "nearest" that of the nearest template, with "mean" that of their unit mean. People as near as the right person
    count as nearer. A known probe is a hit where its person is at rank 1 and within the threshold. ``calibration`` is
    the model's shipped table by default, and unused with "mean". Ranks beyond the number of people are left out. Raises
    UsageError if no person is enrolled, if no probe is of a known person, and for invalid rates and ranks.
    """
    if len(names) != len(templates.photos):
        raise UsageError(f"each photo has one name: got {len(names)} names for {len(templates.photos)} photos.")
    if any(not 0 < fpir < 1 for fpir in fpirs) or any(rank < 1 for rank in ranks):
        raise UsageError("an FPIR must be between 0 and 1, and a rank 1 or more.")
    person = np.unique(np.asarray(names, np.str_), return_inverse=True)[1]
    has_template = templates.has_template
    gallery = _Gallery.of(templates.embeddings, person, split.gallery[has_template[split.gallery]], rule)
    known_probes = KnownProbes(person[split.known], *_rank_people(templates, person, split.known, gallery))
    searched = split.unknown[has_template[split.unknown]]
    unknown_probes = UnknownProbes(person[searched], _find_nearest(templates.embeddings[searched], gallery))
    failed = ~has_template[split.known]
    return IdentificationResult(
        model=templates.model,
        rule=rule,
        people=len(gallery.people),
        templates=int(has_template[split.gallery].sum()),
        known=len(known_probes.person),
        known_people=len(np.unique(known_probes.person)),
        unknown=len(unknown_probes.person),
        unknown_people=len(np.unique(unknown_probes.person)),
        failures=Failures(
            templates=int((~has_template[split.gallery]).sum()),
            people=len(np.unique(person[split.gallery])) - len(gallery.people),
            known=int(failed.sum()),
            orphans=int((~failed & ~np.isin(known_probes.person, gallery.people)).sum()),
            unknown=len(split.unknown) - len(searched),
        ),
        cmc=np.cumsum(np.bincount(known_probes.ranks, minlength=len(gallery.people) + 1)[1:])
        / len(known_probes.person),
        ranks=tuple(_make_rank_rate(known_probes, rank) for rank in ranks if rank <= len(gallery.people)),
        searches=search_rates(
            known_probes,
            unknown_probes,
            fpirs,
            comparisons=int(has_template[split.gallery].sum()) if rule == "nearest" else len(gallery.people),
            table=_choose_table(templates.model, rule, calibration),
            seed=seed,
        ),
        roc=open_set_roc(known_probes, unknown_probes),
    )


def _choose_table(
    model: str, rule: DistanceRule, calibration: compare.Calibration | None
) -> compare.Calibration | None:
    """Return the calibration, or None for "mean": a table is measured on pairs of templates, not on means."""
    if rule == "mean":
        return None
    return calibration if calibration is not None else compare.calibration(model)


def _count_earlier(person: RowNumbers) -> RowNumbers:
    """Count for each photo the photos of the same person before it."""
    order = np.argsort(person, kind="stable")
    starts = np.flatnonzero(np.diff(person[order], prepend=-1))
    position = np.empty(len(person), np.intp)
    position[order] = np.arange(len(person)) - np.repeat(starts, np.diff(starts, append=len(person)))
    return position


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """Templates ``embeddings (t, d)`` by person: those of ``people[i]`` begin at row ``starts[i]``."""

    embeddings: Floats
    starts: RowNumbers
    people: RowNumbers

    @classmethod
    def of(cls, embeddings: Floats, person: RowNumbers, rows: RowNumbers, rule: DistanceRule) -> _Gallery:
        if not len(rows):
            raise UsageError("no person could be enrolled: no photo of the gallery gave a template.")
        rows = rows[np.argsort(person[rows], kind="stable")]
        people, starts = np.unique(person[rows], return_index=True)
        if rule == "nearest":
            return cls(embeddings[rows], starts, people)
        if rule == "person":
            means = np.stack([compare.person_embedding(group) for group in np.split(embeddings[rows], starts[1:])])
        else:
            means = compare.unit(np.add.reduceat(embeddings[rows], starts))
        return cls(means.astype(np.float32), np.arange(len(people)), people)

    def distances(self, probes: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield blocks of ``probes`` and their distances ``(b, people)``."""
        step = max(1, BLOCK // len(self.embeddings))
        for start in range(0, len(probes), step):
            block = slice(start, min(start + step, len(probes)))
            to_templates = compare.cosine_distances(probes[block], self.embeddings)
            if len(self.starts) == len(self.embeddings):
                yield block, to_templates
            else:
                yield block, np.minimum.reduceat(to_templates, self.starts, axis=1)


def _rank_people(
    templates: Templates, person: RowNumbers, rows: RowNumbers, gallery: _Gallery
) -> tuple[RowNumbers, Doubles]:
    """Return ranks of the right people (0: failed, or not enrolled) and their distances (infinite without one)."""
    if not len(rows):
        raise UsageError("there is no photo to search for: no enrolled person has another one.")
    ranks, right = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf)
    searchable = np.flatnonzero(templates.has_template[rows] & np.isin(person[rows], gallery.people))
    columns = np.searchsorted(gallery.people, person[rows[searchable]])
    for block, distances in gallery.distances(templates.embeddings[rows[searchable]]):
        own = np.take_along_axis(distances, columns[block, None], axis=1)
        right[searchable[block]] = own[:, 0]
        ranks[searchable[block]] = np.count_nonzero(distances <= own + compare.TIE, axis=1)
    return ranks, right


def _find_nearest(probes: Floats, gallery: _Gallery) -> Doubles:
    nearest = np.empty(len(probes))
    for block, distances in gallery.distances(probes):
        nearest[block] = distances.min(axis=1)
    return nearest


def _make_rank_rate(probes: KnownProbes, rank: int) -> RankRate:
    hits = (probes.ranks >= 1) & (probes.ranks <= rank)
    return RankRate(rank, float(hits.mean()), int(hits.sum()), compute_interval(hits, probes.person))
