"""Place labels in a photo with faces: beside their faces, never over a face or another label.

Rectangles are left, top, right and bottom in whole pixels, right and bottom exclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats

Rectangle = tuple[int, int, int, int]
Size = tuple[int, int]

SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Positions along the edge of a label above or below its face, from left-aligned to right-aligned."""

STEPS = 6
"""Number of distances from the face that are tried, in label heights from 0; from 1 on a line leads to the face."""


def pixel_boxes(boxes: Floats, limits: Size) -> NDArray[np.int64]:
    """Return the pixels ``(n, 4)`` that the drawn boxes ``(n, 4)`` cover in a picture of ``limits`` (width, height)."""
    corners = np.rint(np.clip(boxes.astype(np.float64).reshape(-1, 4), -1, max(limits) + 1)).astype(np.int64)
    low, high = np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])
    return np.concatenate([low, high + 1], axis=1)


def arrange(
    sizes: Sequence[Size | None],
    boxes: NDArray[np.int64],
    limits: Size,
    *,
    occupied: Sequence[Rectangle] = (),
) -> list[Rectangle | None]:
    """Place a label of each size (width, height) beside its box of ``boxes (n, 4)``.

    A label lies within a picture of ``limits`` (width, height) and overlaps no box, no other label and no rectangle of
    ``occupied``; if it does not touch its box, the line between the two crosses no other box. The label with the fewest
    places is placed first. The place is None if the size is None or there is no room.
    """
    blocked = np.concatenate([boxes, np.array(occupied, np.int64).reshape(-1, 4)])
    choices = {
        n: _keep_unhindered(_keep_free(list(_list_places(size, boxes[n], limits)), blocked, limits), n, boxes)
        for n, size in enumerate(sizes)
        if size is not None
    }
    places: list[Rectangle | None] = [None] * len(sizes)
    placed = np.empty((0, 4), np.int64)
    for n in sorted(choices, key=lambda n: (len(choices[n]), n)):
        free = _keep_free(choices[n], placed, limits)
        if free:
            places[n] = free[0]
            placed = np.concatenate([placed, np.array([free[0]], np.int64)])
    return places


def overlaps(rectangle: Rectangle, others: NDArray[np.int64]) -> bool:
    """Return whether a rectangle shares a pixel with any of ``others (n, 4)``."""
    free: list[Rectangle] = _keep_free([rectangle], others, None)
    return len(free) == 0


def adjacent(label: Rectangle, box: NDArray[np.int64]) -> bool:
    """Return whether a label touches its box, so that it needs no line."""
    left, top, right, bottom = (int(side) for side in box)
    return label[0] <= right + 1 and label[2] >= left - 1 and label[1] <= bottom + 1 and label[3] >= top - 1


def leader(label: Rectangle, box: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Return the line between the nearest points of a label and a box: x and y of both ends."""
    x, a = _nearest_points((label[0], label[2] - 1), (int(box[0]), int(box[2]) - 1))
    y, b = _nearest_points((label[1], label[3] - 1), (int(box[1]), int(box[3]) - 1))
    return x, y, a, b


def _nearest_points(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    """Return the nearest points of two intervals; for intervals that overlap, twice the middle of the overlap."""
    low, high = max(first[0], second[0]), min(first[1], second[1])
    if low <= high:
        return (low + high) // 2, (low + high) // 2
    return (first[1], second[0]) if first[1] < second[0] else (first[0], second[1])


def _list_places(size: Size, box: NDArray[np.int64], limits: Size) -> Iterator[Rectangle]:
    """Yield places for a label, the best first: above, below, to the sides, then farther away."""
    wide, high = size
    left, top, right, bottom = box.tolist()
    gap = max(2, high // 4)
    for step in range(STEPS):
        away = step * high + (gap if step else 0)
        xs = [round(left + shift * (right - left - wide)) for shift in SHIFTS]
        xs += [left - wide - away, right + away] if step else []
        xs = [min(max(x, 0), max(limits[0] - wide, 0)) for x in xs]
        ys = [top, (top + bottom - high) // 2, bottom - high]
        for y in (top - high - away, bottom + away):
            yield from ((x, y, x + wide, y + high) for x in xs)
        for x in (right + away, left - wide - away):
            yield from ((x, y, x + wide, y + high) for y in ys)


def _keep_free(candidates: list[Rectangle], blocked: NDArray[np.int64], limits: Size | None) -> list[Rectangle]:
    """Keep the candidates that lie within the limits and overlap none of ``blocked (n, 4)``."""
    places = np.array(candidates, np.int64).reshape(-1, 4)
    low = np.maximum(places[:, None, :2], blocked[None, :, :2])
    high = np.minimum(places[:, None, 2:], blocked[None, :, 2:])
    blocked_places: NDArray[np.bool_] = np.all(low < high, axis=2).any(axis=1)
    if limits is not None:
        blocked_places |= np.any(places[:, :2] < 0, axis=1) | np.any(places[:, 2:] > np.array(limits), axis=1)
    return [place for place, is_blocked in zip(candidates, blocked_places.tolist(), strict=True) if not is_blocked]


def _keep_unhindered(candidates: list[Rectangle], own: int, boxes: NDArray[np.int64]) -> list[Rectangle]:
    """Keep the candidates with a line to box number ``own`` that crosses no other box, or without a line."""
    others = np.delete(boxes, own, axis=0)
    lines = [_enclose_line(place, boxes[own]) for place in candidates]
    return [place for place, line in zip(candidates, lines, strict=True) if line is None or not overlaps(line, others)]


def _enclose_line(label: Rectangle, box: NDArray[np.int64]) -> Rectangle | None:
    """Return the rectangle around the line from a label to its box; None if they touch."""
    if adjacent(label, box):
        return None
    x, y, a, b = leader(label, box)
    return min(x, a), min(y, b), max(x, a) + 1, max(y, b) + 1
