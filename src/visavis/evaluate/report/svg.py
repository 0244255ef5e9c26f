"""Plots as SVG text: axes (linear, log, probit), curves, bars and a legend.

The page sets the colors: ``s0`` ... ``s5`` are the classes of the series, ``grid``, ``tick`` and ``label`` those of the
other parts. Without a style sheet, and in print without colors, series differ by their dashes.

Why not by matplotlib: the classes of the page's style sheet, and a tip on each point, would be edits of its SVG, and it
brings several more packages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from visavis.errors import UsageError
from visavis.evaluate.stats.metrics import Counts
from visavis.printable import make_printable
from visavis.types import Doubles

WIDTH, HEIGHT = 460, 346
LEFT, RIGHT, TOP, BOTTOM = 58, 446, 14, 290
"""Edges in pixels of the plot's area within ``WIDTH`` x ``HEIGHT``; the legend lies below."""
LETTER = 7
"""Approximate width of a letter of a tick's text."""
KEY_HEIGHT = 19
KEY_LETTERS = 56

COLORS = 6
DASHES = ("", "7 3", "2 3", "9 3 2 3", "14 4", "6 2 1 2 1 2")
CELLS = 400
"""Lines each way of the grid to which curves are thinned: less than a pixel apart."""
PROBIT_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99, 0.999)

Scale = Literal["linear", "log", "probit"]
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Axis:
    """Axis of a plot: from ``low`` to ``high`` on a ``scale``, with ``ticks`` (value, text)."""

    label: str
    scale: Scale
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise UsageError(f"an axis must rise, got {self.low:g} to {self.high:g}.")
        if (self.scale != "linear" and self.low <= 0) or (self.scale == "probit" and self.high >= 1):
            raise UsageError(f"a {self.scale} axis cannot go from {self.low:g} to {self.high:g}.")

    def place(self, values: ArrayLike) -> Doubles:
        """Return positions of values from 0 (``low``) to 1 (``high``); values beyond an end lie on it."""
        low, high = self._transform(np.array([self.low, self.high]))
        transformed = self._transform(np.clip(np.asarray(values, np.float64), self.low, self.high))
        places: Doubles = (transformed - low) / (high - low)
        return places

    def lines(self, count: int) -> Doubles:
        """Return ``count`` values from ``low`` to ``high`` at equal distances on the axis."""
        low, high = self._transform(np.array([self.low, self.high]))
        places = np.linspace(low, high, count)
        if self.scale == "log":
            places = 10**places
        elif self.scale == "probit":
            places = np.array([_NORMAL.cdf(place) for place in places])
        return np.clip(places, self.low, self.high)

    def _transform(self, values: Doubles) -> Doubles:
        if self.scale == "log":
            return np.log10(values)
        if self.scale == "probit":
            return np.array([_NORMAL.inv_cdf(value) for value in values.ravel()]).reshape(values.shape)
        return values


def linear(label: str, low: float, high: float) -> Axis:
    """Return an axis with four to eight ticks at multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Axis(label, "linear", low, high, tuple((n * step, f"{n * step:.{places}f}") for n in range(first, last + 1)))


def logarithmic(label: str, low: int, high: int) -> Axis:
    """Return an axis of the decades from ``10 ** low`` to ``10 ** high``."""
    ticks = tuple((10.0**n, "1" if n == 0 else f"1e{n}") for n in range(low, high + 1))
    return Axis(label, "log", 10.0**low, 10.0**high, ticks)


def probit(label: str, low: float, high: float) -> Axis:
    """Return an axis of normal deviates with ticks in %: errors of normally distributed scores are straight lines."""
    ticks = tuple((value, f"{value * 100:g}") for value in PROBIT_TICKS if low <= value <= high)
    return Axis(label, "probit", low, high, ticks)


@dataclass(frozen=True, slots=True)
class PlotFrame:
    """Area of a plot, which converts values to pixels."""

    x: Axis
    y: Axis

    def across(self, values: ArrayLike) -> Doubles:
        """Return pixels from the left."""
        return LEFT + (RIGHT - LEFT) * self.x.place(values)

    def down(self, values: ArrayLike) -> Doubles:
        """Return pixels from the top."""
        return BOTTOM - (BOTTOM - TOP) * self.y.place(values)


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the legend."""

    text: str
    series: int
    kind: Literal["line", "area"] = "line"


def figure(frame: PlotFrame, parts: Sequence[str], *, label: str, keys: Sequence[Key] = ()) -> str:
    """Join ``parts`` and a legend of ``keys``; ``label`` describes the figure in words."""
    height = HEIGHT + KEY_HEIGHT * len(keys)
    legend = [_draw_key(key, HEIGHT + KEY_HEIGHT * row) for row, key in enumerate(keys)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {height}" role="img" '
    return "\n".join([f'{head}aria-label="{_escape(label)}">', *_draw_grid(frame), *parts, *legend, "</svg>"])


# ---------------------------------------------------------------------------------------------- parts of a plot


def steps(frame: PlotFrame, x: Doubles, y: Doubles, *, series: int) -> str:
    """Draw a step curve: ``y[i]`` from ``x[i]`` to ``x[i + 1]``, both ``(n,)``, ``x`` rising, ``y`` monotone."""
    rows = thin_rows(frame, x, y)
    across, down = frame.across(x[rows]), frame.down(y[rows])
    path = [f"M{_trim(across[0])} {_trim(down[0])}"]
    path += [f"H{_trim(right)}V{_trim(height)}" for right, height in zip(across[1:], down[1:], strict=True)]
    if rows[-1] < len(x) - 1:
        path.append(f"H{RIGHT}")
    return f'<path class="{_color_class(series)}" d="{"".join(path)}" {_format_stroke(series)}/>'


def thin_rows(frame: PlotFrame, x: Doubles, y: Doubles) -> Counts:
    """Return the rows of a monotone curve that are distinct on ``CELLS`` x ``CELLS`` lines, within the x axis."""
    sign = 1 if y[-1] >= y[0] else -1
    columns = np.searchsorted(x, frame.x.lines(CELLS), side="right") - 1
    levels = np.searchsorted(sign * y, np.sort(sign * frame.y.lines(CELLS)), side="right") - 1
    first, last = max(0, int(columns[0])), max(0, int(columns[-1]))
    return np.unique(np.clip(np.concatenate([columns, levels]), first, last)).astype(np.int64)


def polyline(frame: PlotFrame, x: ArrayLike, y: ArrayLike, *, series: int, tips: Sequence[str]) -> str:
    """Draw straight lines between points ``(n,)``, each with a dot and a tooltip from ``tips``."""
    points = list(zip(frame.across(x), frame.down(y), strict=True))
    line = " ".join(f"{_trim(across)},{_trim(down)}" for across, down in points)
    dots = "".join(_draw_dot(across, down, tip) for (across, down), tip in zip(points, tips, strict=True))
    return f'<g class="{_color_class(series)}"><polyline points="{line}" {_format_stroke(series)}/>{dots}</g>'


def whisker(
    frame: PlotFrame,
    x: float,
    y: float,
    interval: tuple[float, float] | None,
    *,
    series: int,
    tip: str,
    shift: float = 0,
) -> str:
    """Draw a dot, and the ends of its ``interval`` along y; ``shift`` moves it in pixels, away from neighbors."""
    across, down = float(frame.across(x)) + shift, float(frame.down(y))
    bar = ""
    if interval is not None:
        low, high = (float(end) for end in frame.down(interval))
        caps = f"M{_trim(across - 3)} {_trim(low)}h6m-3 0V{_trim(high)}m-3 0h6"
        bar = f'<path d="{caps}" fill="none" stroke="currentColor" stroke-width="1.2"/>'
    return f'<g class="{_color_class(series)}">{bar}{_draw_dot(across, down, tip)}</g>'


def bars(frame: PlotFrame, edges: ArrayLike, heights: ArrayLike, *, series: int, tips: Sequence[str]) -> str:
    """Draw a histogram: ``heights (k,)`` between ``edges (k + 1,)``, in one outline; ``tips`` are texts of the bars."""
    across, down = frame.across(edges), frame.down(heights)
    outline = "".join(f"V{_trim(top)}H{_trim(end)}" for top, end in zip(down, across[1:], strict=True))
    path = f"M{_trim(across[0])} {BOTTOM}{outline}V{BOTTOM}"
    areas = "".join(
        f'<rect x="{_trim(left)}" y="{_trim(top)}" width="{_trim(right - left)}" height="{_trim(BOTTOM - top)}" '
        f'fill="transparent"><title>{_escape(tip)}</title></rect>'
        for left, right, top, tip in zip(across[:-1], across[1:], down, tips, strict=True)
        if BOTTOM - top >= 1
    )
    fill = '<path d="{}" fill="currentColor" fill-opacity=".18" stroke="none"/><path d="{}" {}/>'
    return f'<g class="{_color_class(series)}">{fill.format(path, path, _format_stroke(series))}{areas}</g>'


def rule(frame: PlotFrame, x: float, text: str, *, row: int, tip: str) -> str:
    """Draw a vertical line at ``x`` with ``text`` beside it, lower for a greater ``row``."""
    across = float(frame.across(x))
    text_left = across > RIGHT - 70
    place = f'x="{_trim(across - 4 if text_left else across + 4)}" text-anchor="{"end" if text_left else "start"}"'
    return (
        f'<g class="rule"><title>{_escape(tip)}</title><path d="M{_trim(across)} {TOP}V{BOTTOM}"/>'
        f'<text class="tick" {place} y="{TOP + 11 + 14 * row}">{_escape(text)}</text></g>'
    )


# ---------------------------------------------------------------------------------------------------- pieces


def _draw_grid(frame: PlotFrame) -> list[str]:
    parts = [f'<path class="grid" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}V{TOP}Z" fill="none"/>']
    free = 0.0
    for value, text in frame.x.ticks:
        across, half = float(frame.across(value)), LETTER * len(text) / 2
        parts.append(f'<path class="grid" d="M{_trim(across)} {TOP}V{BOTTOM}" fill="none"/>')
        if across - half >= free:  # else the text would touch the previous one
            middle = f'x="{_trim(across)}" y="{BOTTOM + 16}" text-anchor="middle"'
            parts.append(f'<text class="tick" {middle}>{_escape(text)}</text>')
            free = across + half + LETTER
    for value, text in frame.y.ticks:
        down = float(frame.down(value))
        parts.append(f'<path class="grid" d="M{LEFT} {_trim(down)}H{RIGHT}" fill="none"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 6}" y="{_trim(down + 4)}" text-anchor="end">{_escape(text)}</text>'
        )
    below = f'x="{(LEFT + RIGHT) // 2}" y="{BOTTOM + 36}"'
    beside = f'transform="translate(13 {(TOP + BOTTOM) // 2}) rotate(-90)"'
    for place, axis in ((below, frame.x), (beside, frame.y)):
        parts.append(f'<text class="label" {place} text-anchor="middle">{_escape(axis.label)}</text>')
    return parts


def _draw_key(key: Key, y: int) -> str:
    text = make_printable(key.text)
    shortened = text if len(text) <= KEY_LETTERS else text[: KEY_LETTERS - 1] + "…"
    mark = f'<path d="M{LEFT} {y}h32" {_format_stroke(key.series)}/>'
    if key.kind == "area":
        box = f'd="M{LEFT} {y + 5}v-10h32v10z"'
        mark = f'<path {box} fill="currentColor" fill-opacity=".18"/><path {box} {_format_stroke(key.series)}/>'
    return (
        f'<g class="{_color_class(key.series)}"><title>{_escape(text)}</title>{mark}'
        f'<text class="key" x="{LEFT + 40}" y="{y + 4}">{_escape(shortened)}</text></g>'
    )


def _draw_dot(across: float, down: float, tip: str) -> str:
    circle = f'<circle cx="{_trim(across)}" cy="{_trim(down)}" r="3" fill="currentColor">'
    return f"{circle}<title>{_escape(tip)}</title></circle>"


def _format_stroke(series: int) -> str:
    """Return the stroke of a series: the dashes change after six colors."""
    dash = DASHES[(series + series // COLORS) % len(DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round"{dashes}'


def _color_class(series: int) -> str:
    return f"s{series % COLORS}"


def _trim(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _escape(text: str) -> str:
    return escape(make_printable(text))
