"""Report of sections, each with figures and tables: one page of HTML without external files.

The modules ``*_page.py`` make the sections. Verification has a page of its own (``verification_page.py``), which shows
several models side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from visavis import atomic
from visavis.evaluate.report._rendering import render
from visavis.evaluate.results import Interval
from visavis.printable import make_printable


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as SVG, and its caption."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Words:
    """A cell of text that may need several lines, such as names of photos or people."""

    text: str

    def __str__(self) -> str:
        return make_printable(self.text)


@dataclass(frozen=True, slots=True)
class Bar:
    """A cell that draws a rate and its interval on an axis from ``low`` to ``high``, shared by all rows."""

    rate: float
    interval: Interval
    low: float
    high: float

    @property
    def svg(self) -> str:
        """Draw the interval as a line and the rate as a dot, on a logarithmic axis."""
        ends = [self._place(value) for value in (*self.interval, self.rate)]
        ticks = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
        grid = "".join(f'<path class="grid" d="M{self._place(10.0**n):.1f} 0v14"/>' for n in ticks)
        line = f'<path d="M{ends[0]:.1f} 7H{ends[1]:.1f}" stroke="currentColor" stroke-width="2"/>'
        dot = f'<circle cx="{ends[2]:.1f}" cy="7" r="4" fill="currentColor"/>'
        head = '<svg xmlns="http://www.w3.org/2000/svg" class="bar s0" viewBox="0 0 240 14" role="img" '
        return f'{head}aria-label="{self.rate:.3g}">{grid}{line}{dot}</svg>'

    def _place(self, value: float) -> float:
        low, high = math.log10(self.low), math.log10(self.high)
        return 5 + 230 * (math.log10(min(max(value, self.low), self.high)) - low) / (high - low)


Cell = str | Words | Bar


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first cell of each is its name."""

    rows: Sequence[Sequence[Cell]]
    heads: Sequence[str] = ()
    caption: str = ""

    def is_words(self, column: int) -> bool:
        """Tell whether a column holds text of several lines, which is aligned to the left."""
        return any(isinstance(row[column], Words | Bar) for row in self.rows if column < len(row))


@dataclass(frozen=True, slots=True)
class Picture:
    """A face as a data address (None: it cannot be shown), and lines of text below it."""

    address: str | None
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page."""

    title: str
    text: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page that answers ``question``; ``words`` explains its terms."""

    title: str
    question: str
    sections: Sequence[Section]
    words: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the page as HTML."""
        return render("page.html.j2", page=self)

    def write(self, path: Path) -> None:
        """Write the page atomically."""
        atomic.write_text(path, self.text())


def percent(rate: float | None, interval: Interval | None = None, *, digits: int = 2) -> str:
    """Format a rate in percent with its interval; a dash for None."""
    if rate is None:
        return "–"
    ends = f" ({100 * interval[0]:.{digits}f} to {100 * interval[1]:.{digits}f})" if interval else ""
    return f"{100 * rate:.{digits}f} %{ends}"


def decades(rates: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten around all rates above 0, from 1e-7 to 1, at least one decade apart."""
    positive = [rate for rate in rates if 0 < rate < math.inf] or [0.1]
    low = max(-7, math.floor(math.log10(min(positive)) + 1e-9))
    high = min(0, math.ceil(math.log10(max(positive)) - 1e-9))
    return 10.0 ** min(low, high - 1), 10.0**high
