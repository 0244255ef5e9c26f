"""Error rates of groups of people at one threshold for all, which show bias.

For each group: the false-match rate (FMR) of the pairs of two people who both belong to it, the false-non-match rate
(FNMR) of the pairs of one person, and the rate of failures to enroll. A pair of one person with a photo without a
template counts as not matched; such pairs of two people are left out.

Intervals hold for other people of the same kind: people are drawn anew with replacement, and a pair counts as often as
both of its people were drawn. For FMR that is cautious if pairs vary more by chance than people do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis import defaults
from visavis.errors import UsageError
from visavis.evaluate.data.group_table import GroupTable, place
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.bootstrap import LEAST
from visavis.evaluate.stats.metrics import Counts
from visavis.evaluate.stats.pair_distances import STEP, Compared, compare_everybody
from visavis.types import Doubles

DRAWS = 1000
FEWEST_PEOPLE = 10
FEWEST_SOURCES = 5
"""Fewest people (FMR: pairs of people) with errors behind a rate, so that it does not rest on one odd photo."""
AT_ONCE = 4_000_000
"""Values in one step of the bootstrap."""

PersonNumbers = NDArray[np.intp]
KINDS = ("fmr", "fnmr", "failures")


@dataclass(frozen=True, slots=True)
class GroupRate:
    """``errors`` of ``whole``. ``rate`` and ``interval`` are None, with a ``reason``, for small counts."""

    errors: int
    whole: int
    rate: float | None = None
    interval: Interval | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Number of people and photos of a group, and its rates (``failures``: photos without a template)."""

    name: str
    people: int
    photos: int
    fmr: GroupRate
    fnmr: GroupRate
    failures: GroupRate


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ratio of the rate of the ``worst`` group to that of the ``best``, among the groups with a rate.

    The two are chosen by their rates, so the interval is widened (Bonferroni) to hold for all pairs of groups at once:
    if it excludes 1, the groups differ. With very many groups it is the range of all draws. Its upper end may be
    infinite. ``value`` is None, with a ``reason``, if fewer than two groups have a rate; ``left_out`` names the groups
    without a rate, which may be better or worse.
    """

    value: float | None
    interval: Interval | None = None
    worst: str = ""
    best: str = ""
    left_out: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups by one column; ``ungrouped`` counts the photos without a group in it."""

    column: str
    groups: tuple[Group, ...]
    fmr_ratio: Ratio
    fnmr_ratio: Ratio
    ungrouped: int


@dataclass(frozen=True, slots=True)
class GroupsResult:
    """Rates of all groups at ``threshold``, a cosine distance; ``far`` is its FAR over ``everybody``.

    ``unlisted`` people (or photos) are not in the table and so in no group; ``unknown`` ones are in the table but not
    in the data.
    """

    model: str
    detector: str
    threshold: float
    far: float
    everybody: Group
    groupings: tuple[Grouping, ...]
    unlisted: tuple[str, ...]
    unknown: tuple[str, ...]


def measure_groups(
    templates: Templates,
    names: Sequence[str],
    table: GroupTable,
    *,
    far: float = defaults.FAR,
    threshold: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> GroupsResult:
    """Measure the rates of the groups of ``table``; ``names (n,)`` holds the person of each template.

    All pairs are compared, at ``threshold`` or at the threshold of ``far`` over all people, grouped or not. Raises
    UsageError where the data is too small for the FAR, and for a threshold that accepts a tenth of the impostor pairs.
    """
    placed = place(table, templates.photos, names)
    people = np.unique(np.array(names), return_inverse=True)[1].astype(np.intp)
    compared = compare_everybody(templates.embeddings, templates.has_template, people)
    limit = _choose_threshold(compared, far) if threshold is None else threshold
    data = _Data(people, templates.has_template, *_find_errors(compared, limit))
    codes = [_number_groups(groups) for groups in placed.groups.values()]
    masks = [np.ones(len(people), np.bool_), *(code == n for all_names, code in codes for n in range(len(all_names)))]
    counted = [_count_group(data, mask) for mask in masks]
    drawn = _draw_rates(counted, draws, seed)
    labels = ["all", *(name for all_names, _ in codes for name in all_names)]
    groups = [
        _make_group(name, counts, drawn[:, n]) for n, (name, counts) in enumerate(zip(labels, counted, strict=True))
    ]
    return GroupsResult(
        model=templates.model,
        detector=templates.detector,
        threshold=limit,
        far=compared.roc.at(limit)[0],
        everybody=groups[0],
        groupings=tuple(_make_groupings(placed.groups, codes, groups, drawn)),
        unlisted=placed.unlisted,
        unknown=placed.unknown,
    )


def _choose_threshold(compared: Compared, far: float) -> float:
    impostors = compared.roc.impostors
    if not 0 < far < 1:
        raise UsageError(f"far is a rate between 0 and 1, got {far:g}.")
    if far * impostors + 1e-9 < LEAST:
        raise UsageError(
            f"a FAR of {far:g} cannot be measured on {impostors} pairs of strangers, since it takes {LEAST} false "
            "matches to tell one: give a higher FAR, or more photos."
        )
    threshold = compared.roc.threshold(far)
    if threshold is None:
        raise UsageError(f"no threshold keeps a FAR of {far:g}: more strangers than that are as near as can be.")
    return threshold


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Templates and pairs: ``people`` and ``has_template (n,)``, and rows of pairs.

    ``genuine (g, 2)`` are the pairs of one person, ``rejected (g,)`` marks those that are rejected, and
    ``accepted (a, 2)`` are the accepted impostors.
    """

    people: PersonNumbers
    has_template: NDArray[np.bool_]
    genuine: NDArray[np.int32]
    rejected: NDArray[np.bool_]
    accepted: NDArray[np.int32]


def _find_errors(
    compared: Compared, threshold: float
) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int32]]:
    if not 0 <= threshold <= 2:
        raise UsageError(f"a threshold is a cosine distance in 0..2, got {threshold:g}.")
    genuine, near = compared.genuine, compared.impostors
    # Distances are counted rounded up to a step: counts one step further include all.
    if round(compared.roc.at(threshold + STEP)[0] * compared.roc.impostors) > len(near):
        raise UsageError(
            f"a threshold of {threshold:g} takes a tenth of all pairs of strangers, or more, for one person: "
            "rates of groups mean nothing there; give a lower one."
        )
    accepted = int(np.searchsorted(near.distances, np.float32(threshold), side="right"))
    return (
        np.concatenate([np.stack([genuine.a, genuine.b], axis=1), compared.failed_genuine]),
        np.append(genuine.distances > np.float32(threshold), np.ones(len(compared.failed_genuine), np.bool_)),
        np.stack([near.a[:accepted], near.b[:accepted]], axis=1),
    )


# --------------------------------------------------------------------------------------------- one group's counts


@dataclass(frozen=True, slots=True, eq=False)
class _GroupCounts:
    """Counts a person ``(p,)`` in a group; ``times (k,)`` that ``first (k,)`` was accepted as ``second (k,)``."""

    photos: Doubles
    templates: Doubles
    genuine: Doubles
    rejected: Doubles
    first: PersonNumbers
    second: PersonNumbers
    times: Doubles


def _count_group(data: _Data, inside: NDArray[np.bool_]) -> _GroupCounts:
    size = int(data.people.max()) + 1

    def count_by_person(rows: NDArray[np.integer] | NDArray[np.bool_]) -> Doubles:
        return np.bincount(data.people[rows], minlength=size).astype(np.float64)

    genuine = inside[data.genuine].all(axis=1)
    accepted = data.accepted[inside[data.accepted].all(axis=1)]
    pairs = np.sort(data.people[accepted], axis=1)
    keys, times = np.unique(pairs[:, 0] * size + pairs[:, 1], return_counts=True)
    return _GroupCounts(
        photos=count_by_person(inside),
        templates=count_by_person(inside & data.has_template),
        genuine=count_by_person(data.genuine[genuine, 0]),
        rejected=count_by_person(data.genuine[genuine & data.rejected, 0]),
        first=keys // size,
        second=keys % size,
        times=times.astype(np.float64),
    )


def _sum_errors(counts: _GroupCounts, weights: Doubles) -> Iterator[tuple[Doubles, Doubles]]:
    """Yield the errors and the whole, ``(m,)`` each, of the three kinds, with people weighted by ``weights (m, p)``."""
    photos = weights * counts.templates
    strangers = (photos.sum(axis=1) ** 2 - (photos**2).sum(axis=1)) / 2
    yield (weights[:, counts.first] * weights[:, counts.second]) @ counts.times, strangers
    yield weights @ counts.rejected, weights @ counts.genuine
    yield weights @ (counts.photos - counts.templates), weights @ counts.photos


def _draw_rates(counted: Sequence[_GroupCounts], draws: int, seed: int) -> Doubles:
    """Draw people anew; return rates ``(draws, groups, 3)``, NaN where no person of a group was drawn."""
    rng = np.random.default_rng(seed)
    size = len(counted[0].photos)
    step = max(1, AT_ONCE // max(size, *(len(counts.times) for counts in counted)))
    parts = []
    for start in range(0, draws, step):
        drawn = rng.multinomial(size, np.full(size, 1 / size), size=min(step, draws - start)).astype(np.float64)
        rates = [[_divide(*share) for share in _sum_errors(counts, drawn)] for counts in counted]
        parts.append(np.array(rates).transpose(2, 0, 1))
    return np.concatenate(parts)


def _divide(part: Doubles, whole: Doubles) -> Doubles:
    rates: Doubles = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return rates


# ---------------------------------------------------------------------------------------------------- the answer


def _number_groups(groups: Sequence[str]) -> tuple[list[str], Counts]:
    """Return the sorted names of the groups, and the group number of each template ``(n,)``; -1 for none."""
    names = sorted({name for name in groups if name})
    numbers = {name: n for n, name in enumerate(names)}
    return names, np.array([numbers.get(name, -1) for name in groups], np.int64)


def _make_group(name: str, counts: _GroupCounts, drawn: Doubles) -> Group:
    sources = (len(counts.times), np.count_nonzero(counts.rejected), np.count_nonzero(counts.photos - counts.templates))
    members = (np.count_nonzero(counts.templates), np.count_nonzero(counts.genuine), np.count_nonzero(counts.photos))
    totals = [(int(part[0]), int(whole[0])) for part, whole in _sum_errors(counts, np.ones((1, len(counts.photos))))]
    fmr, fnmr, failures = (
        _make_rate(*totals[n], int(members[n]), int(sources[n]), drawn[:, n], "pairs of people" if n == 0 else "people")
        for n in range(len(KINDS))
    )
    return Group(name, int(members[2]), int(counts.photos.sum()), fmr, fnmr, failures)


def _make_rate(errors: int, whole: int, members: int, sources: int, drawn: Doubles, what: str) -> GroupRate:
    if members < FEWEST_PEOPLE:
        return GroupRate(errors, whole, reason=f"{members} people to measure on, it takes {FEWEST_PEOPLE}")
    if sources < FEWEST_SOURCES:
        return GroupRate(errors, whole, reason=f"errors of {sources} {what}, it takes {FEWEST_SOURCES}")
    low, high = _quantiles(drawn, 0.05)
    return GroupRate(errors, whole, errors / whole, (low, high))


def _make_groupings(
    columns: Mapping[str, tuple[str, ...]],
    codes: Sequence[tuple[list[str], Counts]],
    groups: Sequence[Group],
    drawn: Doubles,
) -> Iterator[Grouping]:
    start = 1
    for column, (names, code) in zip(columns, codes, strict=True):
        end = start + len(names)
        members = tuple(groups[start:end])
        fmr, fnmr = (
            _make_ratio(names, [getattr(group, kind) for group in members], drawn[:, start:end, KINDS.index(kind)])
            for kind in ("fmr", "fnmr")
        )
        yield Grouping(column, members, fmr, fnmr, int((code < 0).sum()))
        start = end


def _make_ratio(names: Sequence[str], rates: Sequence[GroupRate], drawn: Doubles) -> Ratio:
    measured = [(rate.rate, n) for n, rate in enumerate(rates) if rate.rate is not None]
    left_out = tuple(name for name, rate in zip(names, rates, strict=True) if rate.rate is None)
    if len(measured) < 2:
        return Ratio(None, left_out=left_out, reason=f"{len(measured)} groups have a rate, it takes 2")
    (low, best), (high, worst) = min(measured), max(measured)
    ratios = np.divide(drawn[:, worst], drawn[:, best], out=np.full(len(drawn), np.inf), where=drawn[:, best] > 0)
    comparisons = len(measured) * (len(measured) - 1) / 2
    usable = np.isfinite(drawn[:, [worst, best]]).all(axis=1)
    return Ratio(high / low, _quantiles(ratios[usable], 0.05 / comparisons), names[worst], names[best], left_out)


def _quantiles(values: Doubles, outside: float) -> Interval:
    """Return the ends that leave a part ``outside`` of the values outside; NaN is ignored, infinity is a value."""
    numbers = values[~np.isnan(values)]
    low, high = np.quantile(numbers, [outside / 2, 1 - outside / 2], method="inverted_cdf")
    return float(low), float(high)
