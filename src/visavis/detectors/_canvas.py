"""Packing of rectangles onto few canvases, so that a fully convolutional network sees many pictures in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where rectangle ``index`` lies: its top left corner on the canvas."""

    index: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Canvas:
    """One canvas of ``width`` x ``height`` and what lies on it."""

    width: int
    height: int
    places: tuple[Place, ...]


@lru_cache(maxsize=256)
def pack(sizes: tuple[Size, ...], *, area: int) -> tuple[Canvas, ...]:
    """Pack rectangles (width, height), all even, onto canvases of about ``area`` pixels, with little left over.

    Rectangles are dealt to canvases largest first, then each canvas is packed at the width that wastes least.
    """
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i][1], -sizes[i][0]))
    canvases: list[Canvas] = []
    group: list[int] = []
    filled = 0
    for index in order:
        width, height = sizes[index]
        if group and filled + width * height > area:
            canvases.append(_best(group, sizes))
            group, filled = [], 0
        group.append(index)
        filled += width * height
    if group:
        canvases.append(_best(group, sizes))
    return tuple(canvases)


def _best(group: Sequence[int], sizes: Sequence[Size]) -> Canvas:
    """Try the widths at which the first rectangles stand side by side; keep the smallest canvas."""
    widths, total = [], 0
    for index in group[:12]:
        total += sizes[index][0]
        widths.append(total)
    widest = max(sizes[index][0] for index in group)
    tries = (_skyline(group, sizes, max(width, widest)) for width in widths)
    return min(tries, key=lambda canvas: canvas.width * canvas.height)


def _skyline(group: Sequence[int], sizes: Sequence[Size], width: int) -> Canvas:
    """Put each rectangle where its top comes to lie highest up, leftmost first."""
    steps = [(0, 0, width)]  # x, y, width of the steps of the lower edge, left to right
    places = []
    for index in group:
        w, h = sizes[index]
        y, x = min(
            (max(sy for sx, sy, sw in steps if sx < at + w and sx + sw > at), at)
            for at, _, _ in steps
            if at + w <= width
        )
        places.append(Place(index, x, y))
        steps = _raise(steps, x, w, y + h)
    return Canvas(width, max(y for _, y, _ in steps), tuple(places))


def _raise(steps: list[tuple[int, int, int]], x: int, w: int, y: int) -> list[tuple[int, int, int]]:
    """Put a step of height ``y`` over ``x .. x + w``."""
    result = [(x, y, w)]
    for sx, sy, sw in steps:
        if sx < x:
            result.append((sx, sy, min(sw, x - sx)))
        if sx + sw > x + w:
            left = max(sx, x + w)
            result.append((left, sy, sx + sw - left))
    return sorted(result)
