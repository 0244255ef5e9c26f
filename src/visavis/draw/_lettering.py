"""Text in pictures: fonts, what they can show, and colors."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
from PIL import ImageFont

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
"""Looked for on the system only for text that Pillow's own font lacks glyphs for."""


def ink_on(color: Color) -> Color:
    """Black or white, whichever is read better (luminance of Rec. 709)."""
    return INK if np.dot(color, (0.2126, 0.7152, 0.0722)) > 127 else PAPER


def shortened(text: str, font: Font, room: float) -> str:
    """As much of the text as ``room`` pixels hold, with dots for the rest."""
    if font.getbbox(text)[2] <= room:
        return text
    kept = next((n for n in range(len(text), 0, -1) if font.getbbox(text[:n] + "...")[2] <= room), 0)
    return text[:kept] + "..."


def legible(text: str, size: int) -> tuple[str, Font]:
    """Return the text as far as it can be shown, and the font that shows most of it.

    Letters that no font has lose their accents, then become "?"; control characters become spaces.
    """
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    text = unicodedata.normalize("NFC", text)
    own = _own_font(size)
    if all(_has(own, c) for c in text):
        return text, own
    font = max([own, *_system_fonts(size)], key=lambda font: sum(_has(font, c) for c in text))
    return "".join(_nearest(font, c) for c in text), font


def _nearest(font: Font, character: str) -> str:
    if _has(font, character):
        return character
    plain = unicodedata.normalize("NFKD", character)[0]
    return plain if _has(font, plain) else "?"


@lru_cache(maxsize=4096)
def _has(font: Font, character: str) -> bool:
    """Whether the font has this glyph: what it lacks, it draws as it draws a code that is no character."""
    if character.isspace():
        return True
    glyph, missing = (font.getmask(c) for c in (character, "\uffff"))
    return glyph.size != missing.size or bytes(glyph) != bytes(missing)


@lru_cache(maxsize=8)
def _own_font(size: int) -> Font:
    return ImageFont.load_default(size)


@lru_cache(maxsize=8)
def _system_fonts(size: int) -> tuple[Font, ...]:
    fonts = []
    for name in FALLBACK_FONTS:
        try:
            fonts.append(ImageFont.truetype(name, size))
        except OSError:  # not on this system
            continue
    return tuple(fonts)
