"""How near two faces must be where their photos are poor.

Poor photos of two people look more alike than good ones, so a threshold that keeps a rate of false accepts on good
photos does not keep it there. A network makes all distances between equally poor photos smaller by about the same
factor, at any rate, so what is measured is that factor: the *share* of a threshold that is left, for each fault as
:class:`~visavis.types.Quality` scores it. ``visavis calibrate --degrade`` measures the shares on photos made worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visavis.types import Floats, Quality

NEAREST = 1e-9
"""Least distance from 0 and 1 of a part of a quality on the scale of log odds."""
SCORE = "score"
"""Name of the curve for faces of which only the score of the quality is known, as those in a gallery."""

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class PoorPhotos:
    """Shares of the threshold that are left, by a part of the quality: what ``visavis calibrate --degrade`` measured.

    ``curves`` holds for the name of a part pairs of its value and of the share (above 0 and up to 1), both rising.
    Between pairs the share is interpolated by the log odds of the value, above the last value it is the last. Below the
    first value nothing was measured, and nothing is said. The curve ``score`` is for faces of which the parts are not
    known. Where the share of a pair is ``useless`` or less, hardly a pair of one person would pass: nothing is said
    there either.
    """

    curves: tuple[tuple[str, Curve], ...]
    useless: float = 0.0

    def share(self, quality: Quality | float | None) -> float | None:
        """Return the share of the threshold for a face, that of its worst fault; None: poorer than was measured.

        A quality that is not known (None) counts as good.
        """
        if quality is None:
            return 1.0
        if isinstance(quality, Quality):
            values = {name: float(getattr(quality, name)) for name, _ in self.curves if name != SCORE}
        else:
            values = {SCORE: quality}
        return _least([interpolated(curve, values[name]) for name, curve in self.curves if name in values])

    def share_of_pair(self, first: Quality | float | None, second: Quality | float | None) -> float | None:
        """Return the share of the threshold between two faces; None: too poor to say.

        Strangers look alike only as far as both photos are poor: what is taken off is the geometric mean of what each
        would take off by itself, nothing where one of them is good.
        """
        shares = (self.share(first), self.share(second))
        if shares[0] is None or shares[1] is None:
            return None
        left = float(pair_shares(np.float64(shares[0]), np.float64(shares[1])))
        return left if left > self.useless else None

    def shares_of_scores(self, scores: Floats) -> Floats:
        """Return the share for each face by its score ``(n,)``; NaN for those that are poorer than was measured."""
        known = [self.share(float(score)) for score in scores]
        return np.array([np.nan if share is None else share for share in known], np.float32)

    def table(self) -> dict[str, object]:
        """Return what a file of a calibration holds of it."""
        curves = {name: [[value, share] for value, share in curve] for name, curve in self.curves}
        return {"useless": self.useless, "curves": curves}


def pair_shares(first: Any, second: Any) -> Any:
    """Return what is left of a threshold between two faces by what is left between faces as poor as each."""
    return 1 - np.sqrt((1 - first) * (1 - second))


def _least(shares: Sequence[float | None]) -> float | None:
    """Return the least share, 1 of none; None where one of them is not known."""
    known = [share for share in shares if share is not None]
    return min(known, default=1.0) if len(known) == len(shares) else None


def interpolated(curve: Curve, value: float) -> float | None:
    """Return the share at a value of a curve; None below its first."""
    values, shares = zip(*curve, strict=True)
    return None if value < values[0] else float(np.interp(_log_odds(value), _log_odds(np.array(values)), shares))


def _log_odds(values: ArrayLike) -> NDArray[np.float64]:
    """Return the scale on which a part of a quality is linear in the logarithm of what it was measured by."""
    inside = np.clip(np.asarray(values, np.float64), NEAREST, 1 - NEAREST)
    odds: NDArray[np.float64] = np.log(inside / (1 - inside))
    return odds


def parse(table: object) -> PoorPhotos:
    """Read what :meth:`PoorPhotos.table` wrote; KeyError, TypeError or ValueError where it means nothing."""
    content = cast("Mapping[str, object]", table)
    useless = float(cast("float", content["useless"]))
    if not 0 <= useless < 1:
        raise ValueError("a useless share is from 0 up to below 1")
    curves = []
    for name, pairs in cast("Mapping[str, Sequence[tuple[float, float]]]", content["curves"]).items():
        curve = tuple((float(value), float(share)) for value, share in pairs)
        values, shares = [value for value, _ in curve], [share for _, share in curve]
        if not curve or values != sorted(set(values)) or shares != sorted(shares):
            raise ValueError(f"the shares of {name} do not rise with it")
        if not (values[0] >= 0 and values[-1] <= 1 and shares[0] > 0 and shares[-1] <= 1):
            raise ValueError(f"qualities and shares of {name} are from 0 to 1")
        if name != SCORE and name not in Quality.__slots__:
            raise ValueError(f"no part of a quality is called {name}")
        curves.append((name, curve))
    return PoorPhotos(tuple(curves), useless)
