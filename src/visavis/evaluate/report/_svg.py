"""Plots as SVG text: axes (linear, log, probit), curves, bars and a legend.

The page that holds a plot gives the colors: ``s0`` ... ``s5`` are the classes of the series, ``grid``, ``tick`` and
``label`` those of the rest. Without a style sheet, and in print without colors, series differ by their dashes.
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
from visavis.evaluate.stats.metrics import Counts, Doubles

WIDTH, HEIGHT = 460, 346
LEFT, RIGHT, TOP, BOTTOM = 58, 446, 14, 290
"""Pixels of the plot's own area within ``WIDTH`` x ``HEIGHT``; the legend lies below."""
LETTER = 7
"""Width of a letter of a tick's text, about."""
KEY_HEIGHT = 19
KEY_LETTERS = 56

COLORS = 6
DASHES = ("", "7 3", "2 3", "9 3 2 3", "14 4", "6 2 1 2 1 2")
CELLS = 400
"""Curves are thinned to what differs on a grid of so many lines each way: less than a pixel apart."""
PROBIT_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99, 0.999)

Scale = Literal["linear", "log", "probit"]
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Axis:
    """What lies along one side: from ``low`` to ``high`` on a ``scale``, with ``ticks`` (value, text)."""

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
        """Where values lie, 0 (``low``) to 1 (``high``); what is beyond an end lies on it."""
        low, high = self._warped(np.array([self.low, self.high]))
        warped = self._warped(np.clip(np.asarray(values, np.float64), self.low, self.high))
        places: Doubles = (warped - low) / (high - low)
        return places

    def lines(self, count: int) -> Doubles:
        """Return ``count`` values from ``low`` to ``high`` that lie equally far apart."""
        low, high = self._warped(np.array([self.low, self.high]))
        places = np.linspace(low, high, count)
        if self.scale == "log":
            places = 10**places
        elif self.scale == "probit":
            places = np.array([_NORMAL.cdf(place) for place in places])
        return np.clip(places, self.low, self.high)

    def _warped(self, values: Doubles) -> Doubles:
        if self.scale == "log":
            return np.log10(values)
        if self.scale == "probit":
            return np.array([_NORMAL.inv_cdf(value) for value in values.ravel()]).reshape(values.shape)
        return values


def linear(label: str, low: float, high: float) -> Axis:
    """Return an axis with four to eight ticks at multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * (1 - 1e-9))
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
class Frame:
    """The area of a plot: what turns values into pixels."""

    x: Axis
    y: Axis

    def across(self, values: ArrayLike) -> Doubles:
        """Pixels from the left."""
        return LEFT + (RIGHT - LEFT) * self.x.place(values)

    def down(self, values: ArrayLike) -> Doubles:
        """Pixels from the top."""
        return BOTTOM - (BOTTOM - TOP) * self.y.place(values)


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the legend."""

    text: str
    series: int
    kind: Literal["line", "area"] = "line"


def legible(text: str) -> str:
    """Put what cannot be printed (controls, broken UTF-8, marks that turn the direction) as an escape."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode("ascii") for one in text
    )


def figure(frame: Frame, parts: Sequence[str], *, label: str, keys: Sequence[Key] = ()) -> str:
    """Put ``parts`` and a legend of ``keys`` together; ``label`` says in words what is to be seen."""
    height = HEIGHT + KEY_HEIGHT * len(keys)
    legend = [_key(key, HEIGHT + KEY_HEIGHT * row) for row, key in enumerate(keys)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {height}" role="img" '
    return "\n".join([f'{head}aria-label="{_text(label)}">', *_grid(frame), *parts, *legend, "</svg>"])


# ---------------------------------------------------------------------------------------------- what is drawn


def steps(frame: Frame, x: Doubles, y: Doubles, *, series: int) -> str:
    """Draw a step curve: ``y[i]`` from ``x[i]`` to ``x[i + 1]``, both ``(n,)``, ``x`` rising, ``y`` monotone."""
    rows = thinned(frame, x, y)
    across, down = frame.across(x[rows]), frame.down(y[rows])
    path = [f"M{_n(across[0])} {_n(down[0])}"]
    path += [f"H{_n(one)}V{_n(other)}" for one, other in zip(across[1:], down[1:], strict=True)]
    if rows[-1] < len(x) - 1:
        path.append(f"H{RIGHT}")
    return f'<path class="{_color(series)}" d="{"".join(path)}" {_stroke(series)}/>'


def thinned(frame: Frame, x: Doubles, y: Doubles) -> Counts:
    """Rows of a monotone curve that can be told apart on ``CELLS`` x ``CELLS`` lines, within the x axis."""
    sign = 1 if y[-1] >= y[0] else -1
    columns = np.searchsorted(x, frame.x.lines(CELLS), side="right") - 1
    levels = np.searchsorted(sign * y, np.sort(sign * frame.y.lines(CELLS)), side="right") - 1
    first, last = max(0, int(columns[0])), max(0, int(columns[-1]))
    return np.unique(np.clip(np.concatenate([columns, levels]), first, last)).astype(np.int64)


def polyline(frame: Frame, x: ArrayLike, y: ArrayLike, *, series: int, tips: Sequence[str]) -> str:
    """Draw straight lines between points ``(n,)``, each with a dot that tells its ``tips``."""
    points = list(zip(frame.across(x), frame.down(y), strict=True))
    line = " ".join(f"{_n(one)},{_n(other)}" for one, other in points)
    dots = "".join(_dot(one, other, tip) for (one, other), tip in zip(points, tips, strict=True))
    return f'<g class="{_color(series)}"><polyline points="{line}" {_stroke(series)}/>{dots}</g>'


def whisker(
    frame: Frame, x: float, y: float, interval: tuple[float, float] | None, *, series: int, tip: str, shift: float = 0
) -> str:
    """Draw a dot, and the ends of its ``interval`` along y; ``shift`` pixels aside, so that neighbors are seen."""
    across, down = float(frame.across(x)) + shift, float(frame.down(y))
    bar = ""
    if interval is not None:
        low, high = (float(one) for one in frame.down(interval))
        caps = f"M{_n(across - 3)} {_n(low)}h6m-3 0V{_n(high)}m-3 0h6"
        bar = f'<path d="{caps}" fill="none" stroke="currentColor" stroke-width="1.2"/>'
    return f'<g class="{_color(series)}">{bar}{_dot(across, down, tip)}</g>'


def bars(frame: Frame, edges: ArrayLike, heights: ArrayLike, *, series: int, tips: Sequence[str]) -> str:
    """Draw a histogram: ``heights (k,)`` between ``edges (k + 1,)``, in one outline; each bar tells its ``tips``."""
    across, down = frame.across(edges), frame.down(heights)
    outline = "".join(f"V{_n(top)}H{_n(end)}" for top, end in zip(down, across[1:], strict=True))
    path = f"M{_n(across[0])} {BOTTOM}{outline}V{BOTTOM}"
    told = "".join(
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(BOTTOM - top)}" '
        f'fill="transparent"><title>{_text(tip)}</title></rect>'
        for left, right, top, tip in zip(across[:-1], across[1:], down, tips, strict=True)
        if BOTTOM - top >= 1
    )
    fill = '<path d="{}" fill="currentColor" fill-opacity=".18" stroke="none"/><path d="{}" {}/>'
    return f'<g class="{_color(series)}">{fill.format(path, path, _stroke(series))}{told}</g>'


def rule(frame: Frame, x: float, text: str, *, row: int, tip: str) -> str:
    """Draw an upright line at ``x`` with ``text`` beside it, the further down the greater ``row``."""
    across = float(frame.across(x))
    left = across > RIGHT - 70
    place = f'x="{_n(across - 4 if left else across + 4)}" text-anchor="{"end" if left else "start"}"'
    return (
        f'<g class="rule"><title>{_text(tip)}</title><path d="M{_n(across)} {TOP}V{BOTTOM}"/>'
        f'<text class="tick" {place} y="{TOP + 11 + 14 * row}">{_text(text)}</text></g>'
    )


# ---------------------------------------------------------------------------------------------------- pieces


def _grid(frame: Frame) -> list[str]:
    parts = [f'<path class="grid" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}V{TOP}Z" fill="none"/>']
    free = 0.0
    for value, text in frame.x.ticks:
        across, half = float(frame.across(value)), LETTER * len(text) / 2
        parts.append(f'<path class="grid" d="M{_n(across)} {TOP}V{BOTTOM}" fill="none"/>')
        if across - half >= free:  # else the text would touch the one before
            middle = f'x="{_n(across)}" y="{BOTTOM + 16}" text-anchor="middle"'
            parts.append(f'<text class="tick" {middle}>{_text(text)}</text>')
            free = across + half + LETTER
    for value, text in frame.y.ticks:
        down = float(frame.down(value))
        parts.append(f'<path class="grid" d="M{LEFT} {_n(down)}H{RIGHT}" fill="none"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{_n(down + 4)}" text-anchor="end">{_text(text)}</text>')
    below = f'x="{(LEFT + RIGHT) // 2}" y="{BOTTOM + 36}"'
    beside = f'transform="translate(13 {(TOP + BOTTOM) // 2}) rotate(-90)"'
    for place, axis in ((below, frame.x), (beside, frame.y)):
        parts.append(f'<text class="label" {place} text-anchor="middle">{_text(axis.label)}</text>')
    return parts


def _key(key: Key, y: int) -> str:
    text = legible(key.text)
    shown = text if len(text) <= KEY_LETTERS else text[: KEY_LETTERS - 1] + "…"
    mark = f'<path d="M{LEFT} {y}h32" {_stroke(key.series)}/>'
    if key.kind == "area":
        box = f'd="M{LEFT} {y + 5}v-10h32v10z"'
        mark = f'<path {box} fill="currentColor" fill-opacity=".18"/><path {box} {_stroke(key.series)}/>'
    return (
        f'<g class="{_color(key.series)}"><title>{_text(text)}</title>{mark}'
        f'<text class="key" x="{LEFT + 40}" y="{y + 4}">{_text(shown)}</text></g>'
    )


def _dot(across: float, down: float, tip: str) -> str:
    circle = f'<circle cx="{_n(across)}" cy="{_n(down)}" r="3" fill="currentColor">'
    return f"{circle}<title>{_text(tip)}</title></circle>"


def _stroke(series: int) -> str:
    """Six colors, then the same again with other dashes."""
    dash = DASHES[(series + series // COLORS) % len(DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round"{dashes}'


def _color(series: int) -> str:
    return f"s{series % COLORS}"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(legible(text))
