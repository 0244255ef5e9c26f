"""Zones of a camera's picture: where faces are looked at, and where they are ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from visavis.errors import UsageError
from visavis.types import Face, Floats

CORNERS = 3
"""A zone has at least so many corners."""


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Polygons with corners ``(n, 2)``, x and y as parts of the width and the height of the picture, 0 to 1.

    A face counts whose center lies in a polygon of ``look`` (anywhere, if there is none) and in none of ``ignore``.
    """

    look: tuple[Floats, ...] = field(default=())
    ignore: tuple[Floats, ...] = field(default=())

    def select(self, faces: Sequence[Face], *, width: int, height: int) -> list[Face]:
        """Return the faces that count in a picture of this size."""
        return [face for face in faces if self._counts(face, width, height)]

    def _counts(self, face: Face, width: int, height: int) -> bool:
        left, top, right, bottom = face.box
        x, y = float(left + right) / 2 / width, float(top + bottom) / 2 / height
        if any(is_inside(polygon, x, y) for polygon in self.ignore):
            return False
        return not self.look or any(is_inside(polygon, x, y) for polygon in self.look)


def is_inside(polygon: Floats, x: float, y: float) -> bool:
    """Return whether a point lies in a polygon ``(n, 2)``: a ray to its left crosses an odd number of sides."""
    ends = np.roll(polygon, -1, axis=0)
    spans = (polygon[:, 1] > y) != (ends[:, 1] > y)
    start, end = polygon[spans], ends[spans]
    crossings = start[:, 0] + (y - start[:, 1]) / (end[:, 1] - start[:, 1]) * (end[:, 0] - start[:, 0])
    return bool(np.count_nonzero(crossings > x) % 2)


def make_polygon(corners: object) -> Floats:
    """Return the corners ``(n, 2)`` of a list of pairs; UsageError, without its beginning, for anything else."""
    try:
        polygon = np.asarray(corners, np.float64)
    except (ValueError, TypeError, OverflowError):
        polygon = np.empty(0)
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < CORNERS:
        raise UsageError("is a list of 3 or more corners, each [x, y]")
    if not (np.isfinite(polygon).all() and polygon.min() >= 0 and polygon.max() <= 1):
        raise UsageError("has corners outside of the picture: x and y are parts of its width and height, 0 to 1")
    return polygon.astype(np.float32)
