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

from visavis.evaluate.compared import Compared
from visavis.evaluate.metrics import Doubles
from visavis.evaluate.results import Interval, Rate

DRAWS = 400
LEAST = 30
"""A rate is given only where it stands for so many false accepts: it is then right within a third or so."""


class Draw(NamedTuple):
    """How often each genuine pair and each of the nearest impostors was drawn, and how many of both in all."""

    genuine: Doubles
    impostors: Doubles
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
        often = rng.multinomial(number, np.full(number, 1 / number)).astype(np.float64)
        photos = often * self._photos
        return Draw(
            often[self._whose],
            often[self._first] * often[self._second],
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
            genuine[: self._compared_genuine].astype(np.float64),
            impostors.astype(np.float64),
            float(self._genuine),
            float(self._impostors),
        )


def rates(
    compared: Compared, resampling: Resampling, wanted: Sequence[float], *, draws: int = DRAWS, seed: int = 0
) -> tuple[Rate, ...]:
    """Threshold and TAR at each FAR of ``wanted`` that the data can tell, with 95 % intervals.

    A rate that stands for fewer than ``LEAST`` false accepts is left out, as is one beyond the kept impostors.
    """
    roc = compared.roc
    told = [far for far in wanted if far * roc.impostors + 1e-9 >= LEAST]
    thresholds = [roc.threshold(far) or 0.0 for far in told]
    values = np.array(list(_drawn(compared, resampling, told, thresholds, draws, seed))).reshape(draws, 3, len(told))
    intervals = np.percentile(values, [2.5, 97.5], axis=0)
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


def thresholds_drawn(
    compared: Compared, resampling: Resampling, wanted: Sequence[float], *, draws: int = DRAWS, seed: int = 0
) -> Doubles:
    """Thresholds at each FAR of ``wanted`` in each of the draws ``(draws, len(wanted))``."""
    near, rng = compared.impostors.distances, np.random.default_rng(seed)
    found = np.empty((draws, len(wanted)))
    for row in found:
        one = resampling.draw(rng)
        reached = np.searchsorted(np.cumsum(one.impostors), np.multiply(wanted, one.all_impostors), side="right")
        row[:] = near[np.minimum(reached, len(near) - 1)]
    return found


def fars_drawn(compared: Compared, resampling: Resampling, thresholds: Doubles, *, seed: int = 0) -> Doubles:
    """FAR at each threshold ``(draws, k)``, each row on a draw of its own ``(draws, k)``."""
    near, rng = compared.impostors.distances, np.random.default_rng(seed)
    found = np.empty_like(thresholds)
    for row, limits in zip(found, thresholds, strict=True):
        one = resampling.draw(rng)
        false = np.append(0.0, np.cumsum(one.impostors))
        row[:] = false[np.searchsorted(near, limits, side="right")] / max(one.all_impostors, 1)
    return found


def _ends(column: Doubles) -> Interval | None:
    """Return the ends of an interval; None where a draw had no answer."""
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
    near, genuine = compared.impostors.distances, compared.genuine.distances
    # Thresholds may be rounded up to the grid of counts; the pairs themselves are not.
    at = np.searchsorted(near, np.array(thresholds, np.float32), side="right")
    for _ in range(draws):
        one = resampling.draw(rng)
        false = np.append(0.0, np.cumsum(one.impostors))
        true = np.append(0.0, np.cumsum(one.genuine))
        reached = np.searchsorted(false[1:], np.multiply(wanted, one.all_impostors), side="right")
        beyond = reached >= len(near)
        limit = near[np.minimum(reached, len(near) - 1)].astype(np.float64)
        tar = true[np.searchsorted(genuine, limit, side="left")] / max(one.all_genuine, 1)
        far = false[at] / max(one.all_impostors, 1)
        yield np.where(beyond, np.nan, limit), np.where(beyond, np.nan, tar), np.where(at >= len(near), np.nan, far)
