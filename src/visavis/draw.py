"""DRAW: answers made visible. Pure functions from RGB pictures to new RGB pictures.

Colours are of the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), safe for colour-blind eyes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from visavis.types import RGB, Face, Floats

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

BLUE: Colour = (0, 114, 178)
ORANGE: Colour = (230, 159, 0)
INK: Colour = (0, 0, 0)
PAPER: Colour = (255, 255, 255)

LINES_A_SIDE = 300
"""A line is this part of the picture's longer side."""

ROWS_A_SIDE = 40
SMALLEST_TEXT = 11

DOTS_ACROSS = 120
"""The radius of a dot is this part of the width or height of a face's points, whichever is larger."""

SHEET_COLUMNS = 4
CELL_SHAPE = 3 / 4

FALLBACK_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "arial.ttf",
    "msyh.ttc",
)
"""Looked for on the system only for text that Pillow's own font lacks glyphs for."""


def line_width(picture: RGB) -> int:
    """Width in pixels of the lines that :func:`annotate` draws."""
    longer: int = max(picture.shape[:2])
    return max(1, round(longer / LINES_A_SIDE))


def annotate(picture: RGB, faces: Sequence[Face], labels: Sequence[str] = (), *, colours: Sequence[Colour] = ()) -> RGB:
    """Draw box, landmarks and label of each face into a copy of ``picture (h, w, 3)``.

    ``labels`` and ``colours`` (default: blue) have an item a face or are empty; ValueError otherwise. A label
    lies within the picture, under the box where there is no room above; what does not fit is replaced by
    dots, what no font can show by plainer letters or "?".
    """
    labels = labels or [""] * len(faces)
    colours = colours or [BLUE] * len(faces)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = line_width(picture)
    for face, colour, _ in zip(faces, colours, labels, strict=True):
        _draw_face(draw, face, colour, width)
    size = max(SMALLEST_TEXT, round(max(image.size) / ROWS_A_SIDE))
    for face, colour, label in zip(faces, colours, labels, strict=True):  # over all boxes
        if label:
            _draw_label(draw, image.size, face, label, colour, size)
    return np.asarray(image)


def dots(picture: RGB, points: Sequence[Floats], *, colour: Colour = BLUE) -> RGB:
    """Draw the points ``(k, 2)`` of each face into a copy of ``picture (h, w, 3)``; dots of small faces are smaller."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for shape in points:
        across = float(np.ptp(shape, axis=0).max())
        radius = min(max(1.0, across / DOTS_ACROSS), 2.0 * line_width(picture))
        for x, y in shape.tolist():
            draw.circle((x, y), radius, fill=colour, outline=INK if radius > 2 else None)
    return np.asarray(image)


def contact_sheet(
    pictures: Sequence[RGB], captions: Sequence[str], *, width: int = 1600, columns: int = SHEET_COLUMNS
) -> RGB:
    """Lay pictures of any size out on one white sheet of ``width`` pixels, each whole, its caption below.

    A caption may have several lines. ValueError where there is no picture, or not a caption for each.
    """
    if not pictures or len(pictures) != len(captions):
        raise ValueError(f"a sheet needs pictures and a caption each, got {len(pictures)} and {len(captions)}")
    columns = min(len(pictures), columns)
    cell = width // columns
    gap = max(2, cell // 40)
    size = max(SMALLEST_TEXT, cell // 20)
    inner = cell - 2 * gap
    height = round(cell * CELL_SHAPE)
    text_height = gap + round(1.3 * size) * max(caption.count("\n") + 1 for caption in captions)
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (width, rows * (height + text_height)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = i % columns * cell, i // columns * (height + text_height)
        small = ImageOps.contain(Image.fromarray(picture), (inner, height - gap))
        sheet.paste(small, (left + (cell - small.width) // 2, top + gap + (height - gap - small.height) // 2))
        for row, line in enumerate(caption.split("\n")):
            text, font = _legible(line, size)
            draw.text(
                (left + cell // 2, top + height + gap + round(1.3 * size) * row),
                _shortened(text, font, inner),
                INK,
                font,
                anchor="ma",
            )
    return np.asarray(sheet)


def face_pair(left: RGB, right: RGB, names: tuple[str, str], answer: str, *, colour: Colour) -> RGB:
    """Lay two faces of one size ``(s, s, 3)`` side by side, framed in ``colour``, names and ``answer`` below."""
    side = left.shape[0]
    frame = max(2, side // 40)
    faces = ImageOps.expand(Image.fromarray(np.concatenate([left, right], axis=1)), frame, colour)
    size = max(SMALLEST_TEXT, side // 18)
    row = round(1.6 * size)
    sheet = Image.new("RGB", (faces.width, faces.height + 2 * row), PAPER)
    sheet.paste(faces, (0, 0))
    draw = ImageDraw.Draw(sheet)
    middle = faces.width // 2
    for text, x, y, room in (
        (names[0], middle // 2, 0, middle),
        (names[1], middle + middle // 2, 0, middle),
        (answer, middle, row, faces.width),
    ):
        shown, font = _legible(text, size)
        draw.text((x, faces.height + y + row // 2), _shortened(shown, font, room - size), INK, font, anchor="mm")
    return np.asarray(sheet)


def _draw_face(draw: ImageDraw.ImageDraw, face: Face, colour: Colour, width: int) -> None:
    """Box with a thin dark edge, so that it stands out on any ground, and five dots."""
    x1, y1, x2, y2 = (round(float(value)) for value in face.box)
    if x2 > x1 and y2 > y1:
        draw.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=INK, width=width + 2)
        draw.rectangle((x1, y1, x2, y2), outline=colour, width=width)
    for x, y in face.landmarks.tolist():
        draw.circle((x, y), width, fill=colour)


def _draw_label(
    draw: ImageDraw.ImageDraw, limits: tuple[int, int], face: Face, label: str, colour: Colour, size: int
) -> None:
    text, font = _legible(label, size)
    text = _shortened(text, font, limits[0] - size // 2)
    wide, high = math.ceil(font.getbbox(text)[2]) + size // 2, round(1.3 * size)
    x1, y1, _, y2 = (round(float(value)) for value in face.box)
    left = max(0, min(x1, limits[0] - wide))
    top = y1 - high if y1 >= high else min(max(y2, 0), limits[1] - high)
    draw.rectangle((left, top, left + wide, top + high), fill=colour)
    draw.text((left + size // 4, top + high // 2), text, _ink_on(colour), font, anchor="lm")


def _ink_on(colour: Colour) -> Colour:
    """Black or white, whichever is read better (luminance of Rec. 709)."""
    return INK if np.dot(colour, (0.2126, 0.7152, 0.0722)) > 127 else PAPER


def _shortened(text: str, font: Font, room: float) -> str:
    """As much of the text as ``room`` pixels hold, with dots for the rest."""
    if font.getbbox(text)[2] <= room:
        return text
    kept = next((n for n in range(len(text), 0, -1) if font.getbbox(text[:n] + "...")[2] <= room), 0)
    return text[:kept] + "..."


def _legible(text: str, size: int) -> tuple[str, Font]:
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
