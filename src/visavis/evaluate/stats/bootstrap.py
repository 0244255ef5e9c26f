"""How far a rate could be off: the bootstrap, which draws the sample anew from itself.

Pairs are not independent: somebody who looks like many is in many of them. Where the people are known it is they who
are drawn, each pair counting as often as both its people were; the interval is then that of other people. Where pairs
are only listed, pairs are drawn, and the interval is too narrow by what the pairs share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from visavis.evaluate.results import Interval, Rate
from visavis.evaluate.stats.metrics import Doubles, Roc
from visavis.evaluate.stats.pair_distances import Compared

Counts = NDArray[np.integer]

DRAWS = 400
LEAST = 30
"""A rate is given only where it stands for so many false accepts: it is then right within a third or so."""


class Draw(NamedTuple):
    """How often each genuine pair and each of the nearest impostors was drawn, and how many of both in all."""

    genuine: Counts
    impostors: Counts
    all_genuine: float
    all_impostors: float


class Resampling(Protocol):
    """Draws a sample from itself."""

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw once."""
        ...


class ByPeople:
    """Draws people; ``people (n,)`` numbers the person of each row, ``found (n,)`` says which rows have a template."""

    def __init__(self, compared: Compared, people: NDArray[np.intp], found: NDArray[np.bool_]) -> None:
        self._whose = people[compared.genuine.a]
        self._first, self._second = people[compared.impostors.a], people[compared.impostors.b]
        self._photos = np.bincount(people[found], minlength=int(people.max()) + 1).astype(np.float64)
        pairs = np.concatenate([self._whose, people[compared.failed_genuine[:, 0]]])
        self._genuine = np.bincount(pairs, minlength=len(self._photos)).astype(np.float64)

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw as many people as there are."""
        number = len(self._photos)
        often = rng.multinomial(number, np.full(number, 1 / number)).astype(np.int32)  # quicker than floats below
        photos = often * self._photos
        return Draw(
            often[self._whose],
            often.take(self._first) * often.take(self._second),
            float(often @ self._genuine),
            float(photos.sum() ** 2 - photos @ photos) / 2,
        )


class ByPairs:
    """Draws pairs, those of one person and those of two apart."""

    def __init__(self, compared: Compared) -> None:
        self._genuine, self._compared_genuine = compared.roc.genuine, len(compared.genuine)
        self._impostors = compared.roc.impostors

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw as many pairs of each kind as there are."""
        genuine = rng.multinomial(self._genuine, np.full(self._genuine, 1 / self._genuine))
        impostors = rng.multinomial(self._impostors, np.full(self._impostors, 1 / self._impostors))
        return Draw(
            genuine[: self._compared_genuine],
            impostors,
            float(self._genuine),
            float(self._impostors),
        )


def rates(
    compared: Compared, resampling: Resampling, wanted: Sequence[float], *, draws: int = DRAWS, seed: int = 0
) -> tuple[Rate, ...]:
    """Threshold and TAR at each FAR of ``wanted`` that the data can tell, with 95 % intervals.

    A rate that stands for fewer than ``LEAST`` false accepts is left out, as is one that no threshold keeps, since
    more impostors than that are as near as the nearest. Where an interval reaches beyond the kept impostors there is
    none.
    """
    roc = compared.roc
    told, thresholds = told_by(roc, wanted)
    if not told:
        return ()
    values = np.array(list(_drawn(compared, resampling, told, thresholds, draws, seed)))
    intervals = middle(values)
    return tuple(
        Rate(
            far,
            threshold,
            roc.at(threshold)[1],
            round(roc.at(threshold)[0] * roc.impostors),
            threshold_interval=_ends(intervals[:, 0, n]),
            tar_interval=_ends(intervals[:, 1, n]),
            far_interval=_ends(intervals[:, 2, n]),
        )
        for n, (far, threshold) in enumerate(zip(told, thresholds, strict=True))
    )


def told_by(roc: Roc, wanted: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the rates of ``wanted`` that the data can tell, and the threshold of each."""
    thresholds = [(far, roc.threshold(far)) for far in wanted if far * roc.impostors + 1e-9 >= LEAST]
    there = [(far, threshold) for far, threshold in thresholds if threshold is not None]
    return [far for far, _ in there], [threshold for _, threshold in there]


def middle(values: Doubles) -> Doubles:
    """Ends ``(2, ...)`` between which 95 % of ``values (draws, ...)`` lie; infinity is a value."""
    outside = int(0.025 * len(values))
    ends: Doubles = np.sort(values, axis=0)[[outside, len(values) - 1 - outside]]
    return ends


def thresholds_drawn(
    compared: Compared, resampling: Resampling, wanted: Sequence[float], *, draws: int = DRAWS, seed: int = 0
) -> Doubles:
    """Thresholds at each FAR of ``wanted`` in each draw ``(draws, len(wanted))``: below the first impostor too many.

    It is inf where that one is not among the kept.
    """
    rng = np.random.default_rng(seed)
    return np.array([_limits(compared, _false(resampling.draw(rng)), wanted) for _ in range(draws)])


def fars_drawn(compared: Compared, resampling: Resampling, thresholds: Doubles, *, seed: int = 0) -> Doubles:
    """FAR at each threshold ``(draws, k)``, each row on a draw of its own; inf where it cannot be told."""
    rng = np.random.default_rng(seed)
    return np.array([_fars(compared, _false(resampling.draw(rng)), row) for row in thresholds])


def _false(one: Draw) -> Doubles:
    """FAR ``(k + 1,)`` of a draw where the n nearest of the k kept impostors are accepted."""
    if not one.all_impostors:  # one person, again and again
        return np.full(len(one.impostors) + 1, np.inf)
    accepted = np.zeros(len(one.impostors) + 1, np.int64)
    np.cumsum(one.impostors, out=accepted[1:])
    return accepted / one.all_impostors


def _limits(compared: Compared, false: Doubles, wanted: Sequence[float]) -> Doubles:
    """Threshold at each FAR of ``wanted``: just below the first impostor too many; inf where that one is not kept."""
    near = compared.impostors.distances
    first = np.searchsorted(false[1:], np.multiply(wanted, 1 + 1e-12), side="right")
    limits = np.full(len(wanted), np.inf)
    kept = (first < len(near)) & np.isfinite(false[0])
    limits[kept] = np.nextafter(near[first[kept]], np.float32(-1))
    return limits


def _fars(compared: Compared, false: Doubles, thresholds: Doubles) -> Doubles:
    """FAR at each threshold; inf where more impostors may be accepted than are kept."""
    accepted = np.searchsorted(compared.impostors.distances, thresholds, side="right")
    told = (accepted < len(compared.impostors)) | (len(compared.impostors) == compared.roc.impostors)
    return np.where(told & np.isfinite(thresholds), false[accepted], np.inf)


def _ends(column: Doubles) -> Interval | None:
    """Return the ends of an interval; None where one of them is beyond what is known."""
    return (float(column[0]), float(column[1])) if np.isfinite(column).all() else None


def _drawn(
    compared: Compared,
    resampling: Resampling,
    wanted: Sequence[float],
    thresholds: Sequence[float],
    draws: int,
    seed: int,
) -> Iterator[tuple[Doubles, Doubles, Doubles]]:
    """Of each draw, at each wanted FAR: the threshold, the TAR there, and the FAR at the threshold of the data."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        one = resampling.draw(rng)
        false, true = _false(one), np.append(0.0, np.cumsum(one.genuine))
        limits = _limits(compared, false, wanted)
        told = np.isfinite(limits) & (one.all_genuine > 0)
        accepted = true[np.searchsorted(compared.genuine.distances, limits, side="right")]
        tar = np.divide(accepted, one.all_genuine, out=np.full(len(wanted), np.inf), where=told)
        yield limits, tar, _fars(compared, false, np.array(thresholds))
