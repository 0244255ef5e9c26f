"""Choose fonts, legible text and colors for text in pictures."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache

import numpy as np
from PIL import ImageFont

from visavis.printable import make_printable

Color = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

INK: Color = (0, 0, 0)
PAPER: Color = (255, 255, 255)

SMALLEST_TEXT = 11
"""Height in pixels of the smallest text that is drawn."""

FALLBACK_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "arial.ttf",
    "msyh.ttc",
)
"""System fonts, used only for text with glyphs that Pillow's own font lacks."""


LONGEST = 2_000
"""Characters of a text that are drawn at most: a name in a file may have millions."""


def ink_on(color: Color) -> Color:
    """Return black or white, whichever is more legible on ``color`` (luminance of Rec. 709)."""
    return INK if np.dot(color, (0.2126, 0.7152, 0.0722)) > 127 else PAPER


def shorten(text: str, font: Font, room: float) -> str:
    """Return as much of the text as fits ``room`` pixels, with dots for the rest."""
    if len(text) <= LONGEST and font.getbbox(text)[2] <= room:
        return text
    lengths = range(1, min(len(text), LONGEST) + 1)
    kept = bisect_right(lengths, room, key=lambda n: font.getbbox(text[:n] + "...")[2])
    return text[:kept] + "..."


def legible(text: str, size: int) -> tuple[str, Font]:
    """Return the text that can be drawn, and the font that has most of its glyphs.

    Letters that the font lacks lose their accents, or become "?"; control characters become spaces, and bidi
    and zero-width characters are shown escaped.
    """
    text = text[: LONGEST + 1]
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    text = unicodedata.normalize("NFC", make_printable(text))
    own = _load_own_font(size)
    if all(_has_glyph(own, c) for c in text):
        return text, own
    font = max([own, *_load_system_fonts(size)], key=lambda font: sum(_has_glyph(font, c) for c in text))
    return "".join(_replace_missing(font, c) for c in text), font


def _replace_missing(font: Font, character: str) -> str:
    """Return the character, without its accent if the font lacks it, or "?" if it lacks that too."""
    if _has_glyph(font, character):
        return character
    plain = unicodedata.normalize("NFKD", character)[0]
    return plain if _has_glyph(font, plain) else "?"


@lru_cache(maxsize=4096)
def _has_glyph(font: Font, character: str) -> bool:
    """Return whether the font has a glyph: a font draws all missing glyphs like that of a code without character."""
    if character.isspace():
        return True
    glyph, missing = (font.getmask(c) for c in (character, "\uffff"))
    return glyph.size != missing.size or bytes(glyph) != bytes(missing)


@lru_cache(maxsize=8)
def _load_own_font(size: int) -> Font:
    return ImageFont.load_default(size)


@lru_cache(maxsize=8)
def _load_system_fonts(size: int) -> tuple[Font, ...]:
    fonts = []
    for name in FALLBACK_FONTS:
        try:
            fonts.append(ImageFont.truetype(name, size))
        except OSError:  # not on this system
            continue
    return tuple(fonts)
