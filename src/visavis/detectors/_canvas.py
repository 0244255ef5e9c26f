"""Pack rectangles onto few canvases, so that a fully convolutional network processes many pictures in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """The top left corner ``x, y`` of rectangle ``index`` on the canvas."""

    index: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Canvas:
    """A canvas of ``width`` x ``height`` with the places of its rectangles."""

    width: int
    height: int
    places: tuple[Place, ...]


@lru_cache(maxsize=256)
def pack(sizes: tuple[Size, ...], *, area: int) -> tuple[Canvas, ...]:
    """Pack rectangles (width, height), all even, onto canvases of about ``area`` pixels, with little waste.

    Rectangles are assigned to canvases, the largest first; each canvas is then packed at the width that wastes least.
    """
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i][1], -sizes[i][0]))
    canvases: list[Canvas] = []
    group: list[int] = []
    filled = 0
    for index in order:
        width, height = sizes[index]
        if group and filled + width * height > area:
            canvases.append(_pack_best(group, sizes))
            group, filled = [], 0
        group.append(index)
        filled += width * height
    if group:
        canvases.append(_pack_best(group, sizes))
    return tuple(canvases)


def _pack_best(group: Sequence[int], sizes: Sequence[Size]) -> Canvas:
    """Try the widths of the first rectangles side by side; return the smallest canvas."""
    widths, total = [], 0
    for index in group[:12]:
        total += sizes[index][0]
        widths.append(total)
    widest = max(sizes[index][0] for index in group)
    tries = (_pack_skyline(group, sizes, max(width, widest)) for width in widths)
    return min(tries, key=lambda canvas: canvas.width * canvas.height)


def _pack_skyline(group: Sequence[int], sizes: Sequence[Size], width: int) -> Canvas:
    """Place each rectangle as high up as possible, then as far left as possible."""
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
    """Replace the steps over ``x .. x + w`` by one step of height ``y``."""
    result = [(x, y, w)]
    for sx, sy, sw in steps:
        if sx < x:
            result.append((sx, sy, min(sw, x - sx)))
        if sx + sw > x + w:
            start = max(sx, x + w)
            result.append((start, sy, sx + sw - start))
    return sorted(result)
