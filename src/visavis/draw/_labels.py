"""Draw labels of faces into photos: beside the faces where there is room, else numbers and a legend below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from visavis.draw import _label_layout as layout
from visavis.draw._label_layout import Rectangle, Size
from visavis.draw._lettering import PAPER, SMALLEST_TEXT, Color, Font, ink_on, legible, shorten
from visavis.types import Floats

ROWS_A_SIDE = 40
"""The longer side of the picture divided by the size of the text, where there is room."""

TEXT_SCALES = (1.0, 0.85, 0.7, 0.55, 0.0)
"""Scales of the text size, tried until all labels have room; the size is never below ``SMALLEST_TEXT``."""

LEGEND_WIDTH = 240
"""Least width in pixels of a picture with a legend."""


@dataclass(frozen=True, slots=True)
class Label:
    """The text for a face ("": no label) and the color of its background."""

    text: str
    color: Color


@dataclass(frozen=True, slots=True)
class _Tag:
    """A label to draw: text that the font can show, the font, the color of the background, and the size in pixels."""

    text: str
    font: Font
    color: Color
    size: Size

    @classmethod
    def of(cls, label: Label, size: int, room: int) -> _Tag:
        """Measure a label in text of ``size`` pixels; text beyond ``room`` pixels is replaced by dots."""
        text, font = legible(label.text, size)
        text = shorten(text, font, room - size // 2)
        return cls(text, font, label.color, (math.ceil(font.getbbox(text)[2]) + size // 2, round(1.3 * size)))

    def picture(self) -> Image.Image:
        """Draw the label to an image of its own, which cuts off glyphs of unusual height."""
        image = Image.new("RGB", self.size, self.color)
        inset = (self.size[0] - math.ceil(self.font.getbbox(self.text)[2])) // 2
        place = (inset, self.size[1] // 2)
        ImageDraw.Draw(image).text(place, self.text, ink_on(self.color), self.font, anchor="lm")
        return image


def draw_labels(image: Image.Image, labels: Sequence[Label], boxes: Floats, *, line: int) -> Image.Image:
    """Draw a label for each box of ``boxes (n, 4)``, with leader lines of ``line`` pixels.

    Return the image itself, or a larger one with a legend below if some labels have no room.
    """
    drawn = layout.pixel_boxes(boxes, image.size)
    tags, places = _arrange(labels, drawn, image.size)
    occupied = [place for place in places if place]
    unplaced = [n for n, place in enumerate(places) if labels[n].text and not place]
    numbers: dict[int, _Tag] = {
        n: _Tag.of(Label(str(number), labels[n].color), SMALLEST_TEXT, image.width)
        for number, n in enumerate(unplaced, 1)
    }
    number_places = layout.arrange(
        [tag.size if (tag := numbers.get(n)) else None for n in range(len(labels))],
        drawn, image.size, occupied=occupied,
    )  # fmt: skip
    chosen = [
        (numbers[n], number_places[n], box) if n in numbers else (tags[n], places[n], box)
        for n, box in enumerate(drawn)
    ]
    _draw_tags(image, [(tag, place, box) for tag, place, box in chosen if tag and place], line)
    if not unplaced:
        return image
    unnumbered = {n: drawn[n] for n in unplaced if not number_places[n]}
    return _add_legend(image, {n: labels[n] for n in unplaced}, unnumbered, line)


def _arrange(
    labels: Sequence[Label], boxes: NDArray[np.int64], limits: Size
) -> tuple[list[_Tag | None], list[Rectangle | None]]:
    """Place all labels in the largest text in which they all have room, or as many as possible in the smallest."""
    largest = max(SMALLEST_TEXT, round(max(limits) / ROWS_A_SIDE))
    tags: list[_Tag | None] = []
    places: list[Rectangle | None] = []
    for size in sorted({max(SMALLEST_TEXT, round(scale * largest)) for scale in TEXT_SCALES}, reverse=True):
        tags = [_Tag.of(label, size, limits[0]) if label.text else None for label in labels]
        places = layout.arrange([tag.size if tag else None for tag in tags], boxes, limits)
        if all(place or not tag for tag, place in zip(tags, places, strict=True)):
            break
    return tags, places


def _draw_tags(image: Image.Image, tags: Sequence[tuple[_Tag, Rectangle, NDArray[np.int64]]], line: int) -> None:
    """Draw labels into their rectangles, over lines to the boxes that they do not touch."""
    draw = ImageDraw.Draw(image)
    for tag, place, box in tags:
        if not layout.adjacent(place, box):
            draw.line(layout.leader(place, box), fill=tag.color, width=line)
    for tag, place, _ in tags:
        image.paste(tag.picture(), place[:2])


def _add_legend(
    image: Image.Image, labels: dict[int, Label], unnumbered: dict[int, NDArray[np.int64]], line: int
) -> Image.Image:
    """Return a larger image with a legend of the labels below, numbered from 1, and lines to boxes without a number."""
    size = max(SMALLEST_TEXT, round(max(image.size) / ROWS_A_SIDE / 2))
    width = max(image.width, LEGEND_WIDTH)
    tags = {
        n: _Tag.of(Label(f"{number} {label.text}", label.color), size, width)
        for number, (n, label) in enumerate(labels.items(), 1)
    }
    places, height = _lay_out_rows([tag.size for tag in tags.values()], width, image.height, max(2, size // 3))
    larger = Image.new("RGB", (width, height), PAPER)
    larger.paste(image, (0, 0))
    nowhere = np.array([0, image.height, width, height])  # touches every label of the legend: no line
    chosen = [(tag, place, unnumbered.get(n, nowhere)) for (n, tag), place in zip(tags.items(), places, strict=True)]
    _draw_tags(larger, chosen, line)
    return larger


def _lay_out_rows(sizes: Sequence[Size], width: int, top: int, gap: int) -> tuple[list[Rectangle], int]:
    """Lay out rectangles in rows of at most ``width`` pixels below ``top``; return them and the end of the last row."""
    places: list[Rectangle] = []
    x, y, high = 0, top + gap, max(size[1] for size in sizes)
    for wide, _ in sizes:
        if x and x + wide > width:
            x, y = 0, y + high + gap
        places.append((x, y, x + wide, y + high))
        x += wide + gap
    return places, y + high + gap
