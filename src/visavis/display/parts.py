"""Parts of the HTML: pictures of bounded size, tables, lists of notes, and a scale with distances and a threshold.

Text has the color of the page around it, so that it can be read on light and on dark pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from visavis import images
from visavis.printable import make_printable
from visavis.types import RGB

SIDE = 600
"""Longest side of a photo in pixels."""
PHOTO_BYTES, CROP_BYTES = 160_000, 12_000
"""Most characters of a picture in the HTML; a picture that needs more is made smaller."""
SMALLEST_SIDE = 32

SCALE_WIDTH, SCALE_HEIGHT, BAR_TOP, BAR_HEIGHT = 460, 74, 26, 16
WITHIN, BEYOND = "#1a9e6c", "#d2691e"
LINE = "1px solid rgba(128,128,128,.5)"


def box(*parts: str) -> str:
    """Wrap parts in a block."""
    return f'<div class="visavis" style="color:inherit;line-height:1.5">{"".join(parts)}</div>'


def escape_text(text: str) -> str:
    """Return a foreign text as HTML: markup is escaped, and what :func:`make_printable` escapes."""
    return escape(make_printable(text))


def count(number: int, noun: str) -> str:
    """Return "1 face", "2 faces"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def picture(pixels: RGB, *, alt: str, side: int = SIDE, most: int = PHOTO_BYTES, shown: int | None = None) -> str:
    """Return an ``<img>`` of a picture of at most ``side`` pixels and ``most`` characters; ``shown`` is its width."""
    while True:
        address = images.data_address(images.shrink(pixels, side), quality=80)
        if len(address) <= most or side <= SMALLEST_SIDE:
            break
        side = side * 3 // 4
    width = f"width:{shown}px;" if shown else ""
    return f'<img src="{address}" alt="{escape_text(alt)}" style="{width}max-width:100%;height:auto;margin:2px">'


def line(text: str, *, strong: bool = False) -> str:
    """Return a line of text, escaped."""
    weight = "font-weight:600;" if strong else ""
    return f'<div style="{weight}overflow-wrap:anywhere">{escape_text(text)}</div>'


def notes(texts: Iterable[str]) -> str:
    """Return a list of notes, "" for none."""
    items = "".join(f"<li>{escape_text(text)}</li>" for text in texts)
    return f'<ul style="margin:.3em 0 0;padding-left:1.4em;opacity:.85">{items}</ul>' if items else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; cells are escaped."""
    style = f'style="text-align:left;padding:2px 10px 2px 0;border-bottom:{LINE};overflow-wrap:anywhere"'
    head = "".join(f"<th {style}>{escape_text(text)}</th>" for text in heads)
    cells = ("".join(f"<td {style}>{escape_text(str(cell))}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table style="border-collapse:collapse;color:inherit"><tr>{head}</tr>{body}</table>'


def scale(distance: float, threshold: float, *, unit: str = "distance") -> str:
    """Return an SVG with a distance on a bar: green up to the threshold, orange beyond it."""
    last = 1.1 * max(distance, 2 * threshold)
    limit, place = (round(SCALE_WIDTH * value / last, 1) for value in (threshold, distance))
    bottom, middle = BAR_TOP + BAR_HEIGHT, BAR_TOP + BAR_HEIGHT / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{SCALE_WIDTH}" height="{SCALE_HEIGHT}" '
        f'viewBox="0 0 {SCALE_WIDTH} {SCALE_HEIGHT}" style="max-width:100%;display:block" '
        'font-family="sans-serif" font-size="13" fill="currentColor">'
        f"<title>{escape_text(unit)} {distance:.4f}, threshold {threshold:.4f}</title>"
        f'<rect y="{BAR_TOP}" width="{limit}" height="{BAR_HEIGHT}" fill="{WITHIN}" fill-opacity=".75"/>'
        f'<rect x="{limit}" y="{BAR_TOP}" width="{round(SCALE_WIDTH - limit, 1)}" height="{BAR_HEIGHT}" '
        f'fill="{BEYOND}" fill-opacity=".75"/>'
        f'<path d="M{limit} {BAR_TOP}V{bottom + 8}" stroke="currentColor" stroke-dasharray="3 2"/>'
        f'<circle cx="{place}" cy="{middle}" r="7" fill="#fff" stroke="#111" stroke-width="3"/>'
        + _text(place, BAR_TOP - 9, f"{unit} {distance:.4f}")
        + _text(limit, bottom + 22, f"threshold {threshold:.4f}")
        + "</svg>"
    )


def _text(x: float, y: float, text: str) -> str:
    """Return a text about ``x``, moved inwards where it would leave the scale."""
    half = 4 * len(text)
    inside = min(max(x, half), SCALE_WIDTH - half)
    return f'<text x="{inside:.1f}" y="{y}" text-anchor="middle">{escape_text(text)}</text>'
