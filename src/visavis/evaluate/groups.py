"""Error rates of groups of people at one threshold for all, so that bias is seen.

Of each group: the false-match rate (FMR) of the pairs of two people who both belong to it, the false-non-match rate
(FNMR) of the pairs of one person, and the rate of failures to enroll. A pair of one person with a photo that gave no
template counts as not matched; such pairs of two people are left out.

Intervals are those of other people of the same kind: people are drawn anew with replacement, a pair counts as often
as both its people were drawn. For FMR that is cautious where chance of the single pair outweighs that of the person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.data.group_table import GroupTable, place
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.bootstrap import LEAST
from visavis.evaluate.stats.metrics import Counts, Doubles
from visavis.evaluate.stats.pair_distances import STEP, Compared, everybody

DRAWS = 1000
FEWEST_PEOPLE = 10
FEWEST_SOURCES = 5
"""A rate is given where its errors come from so many people (FMR: pairs of people): one odd photo is no rate."""
AT_ONCE = 4_000_000
"""Numbers of a step of the bootstrap."""

People = NDArray[np.intp]
KINDS = ("fmr", "fnmr", "failures")


@dataclass(frozen=True, slots=True)
class GroupRate:
    """``errors`` of ``whole``. ``rate`` and ``interval`` are None where that says too little; ``reason`` says why."""

    errors: int
    whole: int
    rate: float | None = None
    interval: Interval | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its people and photos, and its rates (``failures``: photos that gave no template)."""

    name: str
    people: int
    photos: int
    fmr: GroupRate
    fnmr: GroupRate
    failures: GroupRate


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times the rate of the ``worst`` group is that of the ``best``, among the groups with a rate.

    The two are picked after looking, so the interval is widened (Bonferroni) to hold for all pairs of groups at once:
    where it excludes 1 the groups do differ. With very many groups it is the range of all draws. Its upper end may be
    infinite. ``value`` is None, with a ``reason``, where fewer than two groups have a rate; ``left_out`` names the
    groups without one, which may well be better or worse.
    """

    value: float | None
    interval: Interval | None = None
    worst: str = ""
    best: str = ""
    left_out: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way of grouping; ``ungrouped`` counts the photos that are in no group of it."""

    column: str
    groups: tuple[Group, ...]
    fmr_ratio: Ratio
    fnmr_ratio: Ratio
    ungrouped: int


@dataclass(frozen=True, slots=True)
class GroupsResult:
    """Rates of all groups at ``threshold``, a cosine distance; ``far`` is its FAR over ``everybody``.

    ``unlisted`` people (or photos) are in no group, since the table does not name them; ``unknown`` ones are named
    there and are not in the data.
    """

    model: str
    detector: str
    threshold: float
    far: float
    everybody: Group
    groupings: tuple[Grouping, ...]
    unlisted: tuple[str, ...]
    unknown: tuple[str, ...]


def groups_result(
    templates: Templates,
    names: Sequence[str],
    table: GroupTable,
    *,
    far: float = 1e-3,
    threshold: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> GroupsResult:
    """Measure the rates of the groups of ``table``; ``names (n,)`` holds the person of each template.

    All pairs are compared, at ``threshold`` or at that of a ``far`` over all people, in a group or not. Raises
    UsageError where the data cannot tell so low a FAR, and for a threshold that takes a tenth of strangers for one.
    """
    placed = place(table, templates.photos, names)
    people = np.unique(np.array(names), return_inverse=True)[1].astype(np.intp)
    compared = everybody(templates.embeddings, templates.found, people)
    limit = _threshold(compared, far) if threshold is None else threshold
    data = _Data(people, templates.found, *_errors(compared, limit))
    codes = [_codes(groups) for groups in placed.groups.values()]
    masks = [np.ones(len(people), np.bool_), *(code == n for all_names, code in codes for n in range(len(all_names)))]
    counted = [_count(data, mask) for mask in masks]
    drawn = _draw(counted, draws, seed)
    labels = ["all", *(name for all_names, _ in codes for name in all_names)]
    groups = [_group(name, one, drawn[:, n]) for n, (name, one) in enumerate(zip(labels, counted, strict=True))]
    return GroupsResult(
        model=templates.model,
        detector=templates.detector,
        threshold=limit,
        far=compared.roc.at(limit)[0],
        everybody=groups[0],
        groupings=tuple(_groupings(placed.groups, codes, groups, drawn)),
        unlisted=placed.unlisted,
        unknown=placed.unknown,
    )


def _threshold(compared: Compared, far: float) -> float:
    impostors = compared.roc.impostors
    if not 0 < far < 1:
        raise UsageError(f"far is a rate between 0 and 1, got {far:g}.")
    if far * impostors + 1e-9 < LEAST:
        raise UsageError(
            f"a FAR of {far:g} cannot be told from {impostors} pairs of strangers, since it takes {LEAST} false "
            "matches to tell one: give a higher FAR, or more photos."
        )
    threshold = compared.roc.threshold(far)
    if threshold is None:
        raise UsageError(f"no threshold keeps a FAR of {far:g}: more strangers than that are as near as can be.")
    return threshold


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Templates: ``people`` and ``found (n,)``. Pairs of their rows: ``genuine (g, 2)``, ``accepted (a, 2)`` impostors.

    ``rejected (g,)`` says which of the genuine pairs are.
    """

    people: People
    found: NDArray[np.bool_]
    genuine: NDArray[np.int32]
    rejected: NDArray[np.bool_]
    accepted: NDArray[np.int32]


def _errors(compared: Compared, threshold: float) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int32]]:
    if not 0 <= threshold <= 2:
        raise UsageError(f"a threshold is a cosine distance in 0..2, got {threshold:g}.")
    genuine, near = compared.genuine, compared.impostors
    # Counts are of distances rounded up to a step: one step further none can be missing.
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
class _Counted:
    """Counts of each person ``(p,)`` in a group; ``times (k,)`` that ``first (k,)`` was taken for ``second (k,)``."""

    photos: Doubles
    found: Doubles
    genuine: Doubles
    rejected: Doubles
    first: People
    second: People
    times: Doubles


def _count(data: _Data, inside: NDArray[np.bool_]) -> _Counted:
    size = int(data.people.max()) + 1

    def of_each(rows: NDArray[np.integer] | NDArray[np.bool_]) -> Doubles:
        return np.bincount(data.people[rows], minlength=size).astype(np.float64)

    genuine = inside[data.genuine].all(axis=1)
    accepted = data.accepted[inside[data.accepted].all(axis=1)]
    pairs = np.sort(data.people[accepted], axis=1)
    keys, times = np.unique(pairs[:, 0] * size + pairs[:, 1], return_counts=True)
    return _Counted(
        photos=of_each(inside),
        found=of_each(inside & data.found),
        genuine=of_each(data.genuine[genuine, 0]),
        rejected=of_each(data.genuine[genuine & data.rejected, 0]),
        first=keys // size,
        second=keys % size,
        times=times.astype(np.float64),
    )


def _shares(one: _Counted, often: Doubles) -> Iterator[tuple[Doubles, Doubles]]:
    """Errors and all, ``(m,)`` each, of the three kinds, where people count ``often (m, p)``."""
    photos = often * one.found
    strangers = (photos.sum(axis=1) ** 2 - (photos**2).sum(axis=1)) / 2
    yield (often[:, one.first] * often[:, one.second]) @ one.times, strangers
    yield often @ one.rejected, often @ one.genuine
    yield often @ (one.photos - one.found), often @ one.photos


def _draw(counted: Sequence[_Counted], draws: int, seed: int) -> Doubles:
    """Rates ``(draws, groups, 3)`` for people drawn anew; NaN where none of a group was drawn."""
    rng = np.random.default_rng(seed)
    size = len(counted[0].photos)
    step = max(1, AT_ONCE // max(size, *(len(one.times) for one in counted)))
    parts = []
    for start in range(0, draws, step):
        drawn = rng.multinomial(size, np.full(size, 1 / size), size=min(step, draws - start)).astype(np.float64)
        rates = [[_divided(*share) for share in _shares(one, drawn)] for one in counted]
        parts.append(np.array(rates).transpose(2, 0, 1))
    return np.concatenate(parts)


def _divided(part: Doubles, whole: Doubles) -> Doubles:
    rates: Doubles = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return rates


# ---------------------------------------------------------------------------------------------------- the answer


def _codes(groups: Sequence[str]) -> tuple[list[str], Counts]:
    """Names of the groups, sorted, and the number of each template's ``(n,)``; -1 for none."""
    names = sorted({name for name in groups if name})
    numbers = {name: n for n, name in enumerate(names)}
    return names, np.array([numbers.get(name, -1) for name in groups], np.int64)


def _group(name: str, one: _Counted, drawn: Doubles) -> Group:
    sources = (len(one.times), np.count_nonzero(one.rejected), np.count_nonzero(one.photos - one.found))
    members = (np.count_nonzero(one.found), np.count_nonzero(one.genuine), np.count_nonzero(one.photos))
    totals = [(int(part[0]), int(whole[0])) for part, whole in _shares(one, np.ones((1, len(one.photos))))]
    fmr, fnmr, failures = (
        _rate(*totals[n], int(members[n]), int(sources[n]), drawn[:, n], "pairs of people" if n == 0 else "people")
        for n in range(len(KINDS))
    )
    return Group(name, int(members[2]), int(one.photos.sum()), fmr, fnmr, failures)


def _rate(errors: int, whole: int, members: int, sources: int, drawn: Doubles, what: str) -> GroupRate:
    if members < FEWEST_PEOPLE:
        return GroupRate(errors, whole, reason=f"{members} people to measure on, it takes {FEWEST_PEOPLE}")
    if sources < FEWEST_SOURCES:
        return GroupRate(errors, whole, reason=f"errors of {sources} {what}, it takes {FEWEST_SOURCES}")
    low, high = _quantiles(drawn, 0.05)
    return GroupRate(errors, whole, errors / whole, (low, high))


def _groupings(
    columns: Mapping[str, tuple[str, ...]],
    codes: Sequence[tuple[list[str], Counts]],
    groups: Sequence[Group],
    drawn: Doubles,
) -> Iterator[Grouping]:
    start = 1
    for column, (names, code) in zip(columns, codes, strict=True):
        end = start + len(names)
        some = tuple(groups[start:end])
        fmr, fnmr = (
            _ratio(names, [getattr(one, kind) for one in some], drawn[:, start:end, KINDS.index(kind)])
            for kind in ("fmr", "fnmr")
        )
        yield Grouping(column, some, fmr, fnmr, int((code < 0).sum()))
        start = end


def _ratio(names: Sequence[str], rates: Sequence[GroupRate], drawn: Doubles) -> Ratio:
    known = [(one.rate, n) for n, one in enumerate(rates) if one.rate is not None]
    left_out = tuple(name for name, one in zip(names, rates, strict=True) if one.rate is None)
    if len(known) < 2:
        return Ratio(None, left_out=left_out, reason=f"{len(known)} groups have a rate, it takes 2")
    (low, best), (high, worst) = min(known), max(known)
    ratios = np.divide(drawn[:, worst], drawn[:, best], out=np.full(len(drawn), np.inf), where=drawn[:, best] > 0)
    comparisons = len(known) * (len(known) - 1) / 2
    usable = np.isfinite(drawn[:, [worst, best]]).all(axis=1)
    return Ratio(high / low, _quantiles(ratios[usable], 0.05 / comparisons), names[worst], names[best], left_out)


def _quantiles(values: Doubles, outside: float) -> Interval:
    """Ends between which all but a part ``outside`` of the values lie; NaN are passed over, infinity is a value."""
    known = values[~np.isnan(values)]
    low, high = np.quantile(known, [outside / 2, 1 - outside / 2], method="inverted_cdf")
    return float(low), float(high)
