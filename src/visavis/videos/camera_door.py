"""The attendance of a camera: whether it looks at an entrance, an exit, or a line that people cross."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from visavis.errors import UsageError

DOOR_KEYS = ("attendance", "line", "inside")
_MODES = ("entrance", "exit", "line")
_LINE = "line is two ends, each [x, y], and inside a point [x, y] on the side that is inside: parts of the picture"

PicturePoint = tuple[float, float]
"""x and y, as parts of the width and the height of a picture."""


@dataclass(frozen=True, slots=True)
class CameraLine:
    """A line from ``start`` to ``end``, and a point on the side that is inside: x and y, 0 to 1."""

    start: PicturePoint
    end: PicturePoint
    inside: PicturePoint


@dataclass(frozen=True, slots=True)
class CameraAttendance:
    """What passages before a camera mean; ``line`` belongs to the mode "line"."""

    mode: Literal["entrance", "exit", "line"]
    line: CameraLine | None = None


def parse_attendance(table: Mapping[str, object], what: str, *, is_file: bool) -> CameraAttendance | None:
    """Return the attendance of a camera, None without the key; UsageError, which begins with ``what``, for mistakes.

    ``is_file``: frames of a file have no time of day.
    """
    mode = table.get("attendance")
    if mode != "line" and ("line" in table or "inside" in table):
        raise UsageError(f'{what} has a line, which needs attendance = "line".')
    if mode is None:
        return None
    if mode not in _MODES:
        raise UsageError(f"{what}: attendance is {', '.join(_MODES[:-1])} or {_MODES[-1]}, got {mode!r}.")
    if is_file:
        raise UsageError(
            f"{what} is a file, whose frames have no time of day: attendance takes a device or an address."
        )
    if mode != "line":
        return CameraAttendance(mode)  # type: ignore[arg-type]
    points = [*_parse_points(table.get("line"), 2, what), *_parse_points([table.get("inside")], 1, what)]
    return CameraAttendance("line", CameraLine(*points))


def _parse_points(value: object, count: int, what: str) -> list[PicturePoint]:
    try:
        points = np.asarray(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        points = np.empty(0)
    if points.shape != (count, 2) or not (np.isfinite(points).all() and points.min() >= 0 and points.max() <= 1):
        raise UsageError(f"{what}: {_LINE}.")
    return [(float(x), float(y)) for x, y in points]
