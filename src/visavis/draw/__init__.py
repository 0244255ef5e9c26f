"""DRAW: show answers in pictures, by pure functions from RGB pictures to new RGB pictures.

Colors are from the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), for color-blind readers too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from visavis.draw._labels import Label, draw_labels
from visavis.draw._lettering import INK, PAPER, SMALLEST_TEXT, Color, legible, shorten
from visavis.types import RGB, Face, Floats

BLUE: Color = (0, 114, 178)
ORANGE: Color = (230, 159, 0)

LINES_A_SIDE = 300
"""The longer side of the picture divided by the width of a line."""

DOTS_ACROSS = 120
"""The larger of width and height of the points of a face, divided by the radius of a dot."""

SHEET_COLUMNS = 4
CELL_SHAPE = 3 / 4


def line_width(picture: RGB) -> int:
    """Return the width in pixels of the lines that :func:`annotate` draws."""
    longer: int = max(picture.shape[:2])
    return max(1, round(longer / LINES_A_SIDE))


def annotate(picture: RGB, faces: Sequence[Face], labels: Sequence[str] = (), *, colors: Sequence[Color] = ()) -> RGB:
    """Draw box, landmarks and label of each face into a copy of ``picture (h, w, 3)``.

    ``labels`` and ``colors`` (default: blue) have one item per face or are empty; ValueError otherwise. A label is
    placed beside its face and covers no face and no other label; text is smaller where faces are crowded. A label
    without room is replaced by a number and moves to a legend below, which makes the picture higher. Characters that no
    font can show are replaced by plainer letters or "?".
    """
    labels = labels or [""] * len(faces)
    colors = colors or [BLUE] * len(faces)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width = line_width(picture)
    for face, color, _ in zip(faces, colors, labels, strict=True):
        _draw_face(draw, face, color, width)
    boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
    texts = [Label(text, color) for text, color in zip(labels, colors, strict=True)]
    return np.asarray(draw_labels(image, texts, boxes, line=width))


def dots(picture: RGB, points: Sequence[Floats], *, color: Color = BLUE) -> RGB:
    """Draw the points ``(k, 2)`` of each face into a copy of ``picture (h, w, 3)``; dots of small faces are smaller."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for shape in points:
        across = float(np.ptp(shape, axis=0).max())
        radius = min(max(1.0, across / DOTS_ACROSS), 2.0 * line_width(picture))
        for x, y in shape.tolist():
            draw.circle((x, y), radius, fill=color, outline=INK if radius > 2 else None)
    return np.asarray(image)


def contact_sheet(
    pictures: Sequence[RGB], captions: Sequence[str], *, width: int = 1600, columns: int = SHEET_COLUMNS
) -> RGB:
    """Arrange pictures of any size on one white sheet of ``width`` pixels, uncut, each with its caption below.

    A caption may have several lines. Raises ValueError if there is no picture, or not one caption for each.
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
            text, font = legible(line, size)
            draw.text(
                (left + cell // 2, top + height + gap + round(1.3 * size) * row),
                shorten(text, font, inner),
                INK,
                font,
                anchor="ma",
            )
    return np.asarray(sheet)


def face_pair(left: RGB, right: RGB, names: tuple[str, str], answer: str, *, color: Color) -> RGB:
    """Draw two faces of one size ``(s, s, 3)`` side by side, framed in ``color``, with names and ``answer`` below."""
    side = left.shape[0]
    frame = max(2, side // 40)
    faces = ImageOps.expand(Image.fromarray(np.concatenate([left, right], axis=1)), frame, color)
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
        legible_text, font = legible(text, size)
        draw.text((x, faces.height + y + row // 2), shorten(legible_text, font, room - size), INK, font, anchor="mm")
    return np.asarray(sheet)


def _draw_face(draw: ImageDraw.ImageDraw, face: Face, color: Color, width: int) -> None:
    """Draw a box with a thin dark edge, visible on any background, and five dots."""
    x1, y1, x2, y2 = (round(float(value)) for value in face.box)
    if x2 > x1 and y2 > y1:
        draw.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=INK, width=width + 2)
        draw.rectangle((x1, y1, x2, y2), outline=color, width=width)
    for x, y in face.landmarks.tolist():
        draw.circle((x, y), width, fill=color)
