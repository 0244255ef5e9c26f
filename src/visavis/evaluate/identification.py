"""1:N: who is enrolled and who is searched for, how often the right person is near, and what a threshold does.

The closed set is told by the CMC (ISO/IEC 19795-1): how often the right person is among the nearest r of the enrolled.
The open set, in which somebody may be nobody, by :mod:`visavis.evaluate.stats.open_set`.
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
from visavis.evaluate.stats.metrics import Doubles, Roc
from visavis.evaluate.stats.open_set import Known, Rows, SearchRate, Unknown, interval, open_set_roc, search_rates
from visavis.types import Floats

Rule = Literal["person", "nearest", "mean"]

RANKS = (1, 5, 10, 20, 50)
FPIRS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
BLOCK = 1 << 22
"""Distances held at once: 16 MiB."""
TIE = 1e-6
"""Cosine distances of float32 embeddings closer than this are equal but for rounding."""


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
class Failures:
    """Photos without a template, by what they were for, and the people that nobody could enroll therefore.

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
        raise UsageError(f"nobody has more than {templates} photos: some to enroll, and one to search for, are needed.")
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
    rule: Rule = "person",
    calibration: compare.Calibration | None = None,
    seed: int = 0,
) -> IdentificationResult:
    """Search for every probe of ``split`` among the people it enrolls; ``names`` says of each photo whose it is.

    With rule "person" a person is as far as a gallery says (:func:`visavis.compare.person_embedding`), with "nearest"
    as far as the nearest template, with "mean" as far as the unit mean of them. Whoever is as near as the right person
    counts as nearer. A known probe is a hit where its person is at rank 1 and within the threshold. ``calibration`` is
    the model's shipped table unless given, and unused with "mean". Ranks beyond the number of people are left out.
    UsageError where nobody is enrolled, where no probe is of a known person, and for a rate or a rank that is none.
    """
    if len(names) != len(templates.photos):
        raise UsageError(f"each photo has one name: got {len(names)} names for {len(templates.photos)} photos.")
    if any(not 0 < fpir < 1 for fpir in fpirs) or any(rank < 1 for rank in ranks):
        raise UsageError("an FPIR must be between 0 and 1, and a rank 1 or more.")
    person = np.unique(np.asarray(names, np.str_), return_inverse=True)[1]
    found = templates.found
    gallery = _Gallery.of(templates.embeddings, person, split.gallery[found[split.gallery]], rule)
    known = Known(person[split.known], *_find(templates, person, split.known, gallery))
    looked = split.unknown[found[split.unknown]]
    unknown = Unknown(person[looked], _nearest(templates.embeddings[looked], gallery))
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
        searches=search_rates(
            known,
            unknown,
            fpirs,
            comparisons=int(found[split.gallery].sum()) if rule == "nearest" else len(gallery.people),
            table=_table(templates.model, rule, calibration),
            seed=seed,
        ),
        roc=open_set_roc(known, unknown),
    )


def _table(model: str, rule: Rule, calibration: compare.Calibration | None) -> compare.Calibration | None:
    """A table is measured on pairs of templates, and does not speak of means."""
    if rule == "mean":
        return None
    return calibration if calibration is not None else compare.calibration(model)


def _turn(person: Rows) -> Rows:
    """Say of each photo how many of the same person come before it."""
    order = np.argsort(person, kind="stable")
    starts = np.flatnonzero(np.diff(person[order], prepend=-1))
    turn = np.empty(len(person), np.intp)
    turn[order] = np.arange(len(person)) - np.repeat(starts, np.diff(starts, append=len(person)))
    return turn


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """Templates ``embeddings (t, d)``, those of a person in a row: person ``people[i]`` from ``starts[i]`` on."""

    embeddings: Floats
    starts: Rows
    people: Rows

    @classmethod
    def of(cls, embeddings: Floats, person: Rows, rows: Rows, rule: Rule) -> _Gallery:
        if not len(rows):
            raise UsageError("nobody could be enrolled: no photo of the gallery gave a template.")
        rows = rows[np.argsort(person[rows], kind="stable")]
        people, starts = np.unique(person[rows], return_index=True)
        if rule == "nearest":
            return cls(embeddings[rows], starts, people)
        if rule == "person":
            means = np.stack([compare.person_embedding(some) for some in np.split(embeddings[rows], starts[1:])])
        else:
            means = compare.unit(np.add.reduceat(embeddings[rows], starts))
        return cls(means.astype(np.float32), np.arange(len(people)), people)

    def distances(self, probes: Floats) -> Iterator[tuple[slice, Floats]]:
        """Give distances ``(b, people)`` of a block of ``probes`` at a time, and which block it is."""
        step = max(1, BLOCK // len(self.embeddings))
        for start in range(0, len(probes), step):
            block = slice(start, min(start + step, len(probes)))
            to_templates = compare.cosine_distances(probes[block], self.embeddings)
            if len(self.starts) == len(self.embeddings):
                yield block, to_templates
            else:
                yield block, np.minimum.reduceat(to_templates, self.starts, axis=1)


def _find(templates: Templates, person: Rows, rows: Rows, gallery: _Gallery) -> tuple[Rows, Doubles]:
    """Ranks of the right people (0: failed, or not enrolled) and their distances (infinite where there is none)."""
    if not len(rows):
        raise UsageError("there is no photo to search for: nobody who is enrolled has another one.")
    ranks, right = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf)
    able = np.flatnonzero(templates.found[rows] & np.isin(person[rows], gallery.people))
    columns = np.searchsorted(gallery.people, person[rows[able]])
    for block, distances in gallery.distances(templates.embeddings[rows[able]]):
        own = np.take_along_axis(distances, columns[block, None], axis=1)
        right[able[block]] = own[:, 0]
        ranks[able[block]] = np.count_nonzero(distances <= own + TIE, axis=1)
    return ranks, right


def _nearest(probes: Floats, gallery: _Gallery) -> Doubles:
    nearest = np.empty(len(probes))
    for block, distances in gallery.distances(probes):
        nearest[block] = distances.min(axis=1)
    return nearest


def _rank_rate(known: Known, rank: int) -> RankRate:
    hits = (known.ranks >= 1) & (known.ranks <= rank)
    return RankRate(rank, float(hits.mean()), int(hits.sum()), interval(hits, known.person))
