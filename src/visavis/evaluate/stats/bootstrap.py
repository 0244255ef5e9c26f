"""Confidence intervals of rates by the bootstrap, which draws the sample anew from itself.

Pairs are not independent: a person who resembles many others is in many pairs. If the people are labeled, people are
drawn, each pair counting as often as both of its people; the interval is then that of other people. If pairs are only
listed, pairs are drawn, and the interval is too narrow, as pairs share people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from visavis.evaluate.results import Interval, Rate
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.pair_distances import Compared
from visavis.types import Doubles

IntegerArray = NDArray[np.integer]

DRAWS = 400
LEAST = 30
"""Fewest false accepts behind a reported rate, which is then right within about a third."""


class Draw(NamedTuple):
    """Number of times that each genuine pair and each of the nearest impostors was drawn, and the totals of both."""

    genuine: IntegerArray
    impostors: IntegerArray
    all_genuine: float
    all_impostors: float


class Resampling(Protocol):
    """Draw samples from the data."""

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw a sample."""
        ...


class ByPeople:
    """Draw people; ``people (n,)`` numbers the person of each row, ``has_template (n,)`` marks rows with a template."""

    def __init__(self, compared: Compared, people: NDArray[np.intp], has_template: NDArray[np.bool_]) -> None:
        self._genuine_people = people[compared.genuine.a]
        self._first, self._second = people[compared.impostors.a], people[compared.impostors.b]
        self._photos = np.bincount(people[has_template], minlength=int(people.max()) + 1).astype(np.float64)
        pairs = np.concatenate([self._genuine_people, people[compared.failed_genuine[:, 0]]])
        self._genuine = np.bincount(pairs, minlength=len(self._photos)).astype(np.float64)

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw as many people as there are."""
        count = len(self._photos)
        times = rng.multinomial(count, np.full(count, 1 / count)).astype(np.int32)  # faster below than floats
        photos = times * self._photos
        return Draw(
            times[self._genuine_people],
            times.take(self._first) * times.take(self._second),
            float(times @ self._genuine),
            float(photos.sum() ** 2 - photos @ photos) / 2,
        )


class ByPairs:
    """Draw genuine pairs and impostor pairs separately."""

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
    compared: Compared, resampling: Resampling, fars: Sequence[float], *, draws: int = DRAWS, seed: int = 0
) -> tuple[Rate, ...]:
    """Return threshold and TAR at each of ``fars`` that the data supports, with 95 % intervals.

    A FAR of fewer than ``LEAST`` false accepts is left out, and so is one that no threshold reaches because too many
    impostors are as near as the nearest. An interval that reaches beyond the kept impostors is None.
    """
    roc = compared.roc
    supported, thresholds = supported_fars(roc, fars)
    if not supported:
        return ()
    values = np.array(list(_draw_rates(compared, resampling, supported, thresholds, draws, seed)))
    intervals = middle(values)
    return tuple(
        Rate(
            far,
            threshold,
            roc.at(threshold)[1],
            round(roc.at(threshold)[0] * roc.impostors),
            threshold_interval=_make_interval(intervals[:, 0, n]),
            tar_interval=_make_interval(intervals[:, 1, n]),
            far_interval=_make_interval(intervals[:, 2, n]),
        )
        for n, (far, threshold) in enumerate(zip(supported, thresholds, strict=True))
    )


def supported_fars(roc: Roc, fars: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return those of ``fars`` that the data supports, and the threshold of each."""
    thresholds = [(far, roc.threshold(far)) for far in fars if far * roc.impostors + 1e-9 >= LEAST]
    reached = [(far, threshold) for far, threshold in thresholds if threshold is not None]
    return [far for far, _ in reached], [threshold for _, threshold in reached]


def middle(values: Doubles) -> Doubles:
    """Return the ends ``(2, ...)`` of the middle 95 % of ``values (draws, ...)``; infinity is a value."""
    outside = int(0.025 * len(values))
    ends: Doubles = np.sort(values, axis=0)[[outside, len(values) - 1 - outside]]
    return ends


def thresholds_drawn(
    compared: Compared, resampling: Resampling, fars: Sequence[float], *, draws: int = DRAWS, seed: int = 0
) -> Doubles:
    """Return the thresholds at each of ``fars`` in each draw ``(draws, len(fars))``.

    A threshold lies just below the first impostor too many; it is inf where that impostor was not kept.
    """
    rng = np.random.default_rng(seed)
    return np.array([_find_thresholds(compared, _accumulate_fars(resampling.draw(rng)), fars) for _ in range(draws)])


def fars_drawn(compared: Compared, resampling: Resampling, thresholds: Doubles, *, seed: int = 0) -> Doubles:
    """Return the FAR at each threshold ``(draws, k)``, a draw a row; inf where it is unknown."""
    rng = np.random.default_rng(seed)
    return np.array([_find_fars(compared, _accumulate_fars(resampling.draw(rng)), row) for row in thresholds])


def _accumulate_fars(draw: Draw) -> Doubles:
    """Return the FAR ``(k + 1,)`` of a draw where the n nearest of the k kept impostors are accepted."""
    if not draw.all_impostors:  # only one person was drawn
        return np.full(len(draw.impostors) + 1, np.inf)
    accepted = np.zeros(len(draw.impostors) + 1, np.int64)
    np.cumsum(draw.impostors, out=accepted[1:])
    return accepted / draw.all_impostors


def _find_thresholds(compared: Compared, false: Doubles, fars: Sequence[float]) -> Doubles:
    """Return the threshold at each of ``fars``: just below the first impostor too many; inf where it was not kept."""
    near = compared.impostors.distances
    first = np.searchsorted(false[1:], np.multiply(fars, 1 + 1e-12), side="right")
    limits = np.full(len(fars), np.inf)
    kept = (first < len(near)) & np.isfinite(false[0])
    limits[kept] = np.nextafter(near[first[kept]], np.float32(-1))
    return limits


def _find_fars(compared: Compared, false: Doubles, thresholds: Doubles) -> Doubles:
    """Return the FAR at each threshold; inf where more impostors may be accepted than are kept."""
    accepted = np.searchsorted(compared.impostors.distances, thresholds, side="right")
    complete = (accepted < len(compared.impostors)) | (len(compared.impostors) == compared.roc.impostors)
    return np.where(complete & np.isfinite(thresholds), false[accepted], np.inf)


def _make_interval(column: Doubles) -> Interval | None:
    """Return the ends of an interval; None where one of them is infinite."""
    return (float(column[0]), float(column[1])) if np.isfinite(column).all() else None


def _draw_rates(
    compared: Compared,
    resampling: Resampling,
    fars: Sequence[float],
    thresholds: Sequence[float],
    draws: int,
    seed: int,
) -> Iterator[tuple[Doubles, Doubles, Doubles]]:
    """Yield for each draw its thresholds and TARs at ``fars``, and its FARs at the thresholds of the data."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        draw = resampling.draw(rng)
        false, genuine = _accumulate_fars(draw), np.append(0.0, np.cumsum(draw.genuine))
        limits = _find_thresholds(compared, false, fars)
        finite = np.isfinite(limits) & (draw.all_genuine > 0)
        accepted = genuine[np.searchsorted(compared.genuine.distances, limits, side="right")]
        tar = np.divide(accepted, draw.all_genuine, out=np.full(len(fars), np.inf), where=finite)
        yield limits, tar, _find_fars(compared, false, np.array(thresholds))
