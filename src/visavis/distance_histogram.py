"""How far pairs of faces are apart: numbers of measured pairs by their distance, part of a calibration table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, cast

import numpy as np
from numpy.typing import ArrayLike

from visavis.types import Doubles

BINS = 64
"""Number of bins that are asked for; their width is rounded to one digit."""
MOST_BINS = 1000


@dataclass(frozen=True, slots=True)
class DistanceHistogram:
    """Numbers of pairs of one person (``genuine``) and of two people (``impostors``) by cosine distance.

    All bins have the same ``width``; the first begins at 0.
    """

    width: float
    genuine: tuple[int, ...]
    impostors: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 0 < self.width <= 2:
            raise ValueError("the width of its bins is above 0 and at most 2")
        if not 0 < len(self.genuine) == len(self.impostors) <= MOST_BINS:
            raise ValueError("both kinds of pairs have the same number of bins")
        if min(*self.genuine, *self.impostors) < 0 or not any(self.genuine) or not any(self.impostors):
            raise ValueError("its numbers of pairs are 0 or more, and not all 0")

    @classmethod
    def of(cls, distances: Doubles, genuine: ArrayLike, impostors: ArrayLike) -> Self:
        """Count pairs: ``genuine (k,)`` and ``impostors (k,)`` are their numbers at each of ``distances (k,)``."""
        width = float(f"{max(float(distances.max()), 1e-6) / BINS:.0g}")
        bins = (distances / width).astype(np.int64)
        counts = [
            np.bincount(bins, weights=np.asarray(kind)).astype(np.int64).tolist() for kind in (genuine, impostors)
        ]
        return cls(width, tuple(counts[0]), tuple(counts[1]))

    @classmethod
    def parse(cls, content: object) -> Self:
        """Return what :meth:`table` returned; ValueError, TypeError, KeyError or OverflowError for anything else."""
        table = cast("dict[str, object]", content)
        kinds = [tuple(int(count) for count in cast("list[int]", table[kind])) for kind in ("genuine", "impostors")]
        return cls(float(cast(float, table["width"])), *kinds)

    def table(self) -> dict[str, object]:
        """Return the content for a JSON file."""
        return {"width": self.width, "genuine": [*self.genuine], "impostors": [*self.impostors]}
