"""A detector and an embedder without weights: faces are squares of one strong color, people are colors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from visavis.align import square_crops
from visavis.compare import unit
from visavis.detectors import DETECTORS
from visavis.embedders import EMBEDDERS
from visavis.types import RGB, Face, Floats

DETECTOR = "test-squares"
MODEL = "test-colors"

GRAY = (128, 128, 128)
RED, DARK_RED, BLUE = (255, 0, 0), (200, 10, 0), (0, 0, 255)
"""Red and dark red are one person, blue is another."""


class Squares:
    """Finds every area of one color that is far from gray, the largest of them with the best score."""

    name = DETECTOR

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        return [_faces(picture, min_face) for picture in pictures]


def _faces(picture: RGB, min_face: float) -> list[Face]:
    red, green, blue = (picture[:, :, channel].astype(np.int32) for channel in range(3))
    rows, columns = np.nonzero(
        np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue) > 100
    )
    colors = ((red << 16) | (green << 8) | blue)[rows, columns]
    boxes = []
    for color in np.unique(colors):
        y, x = rows[colors == color], columns[colors == color]
        boxes.append((x.min(), y.min(), x.max() + 1, y.max() + 1))
    boxes = sorted((box for box in boxes if box[2] - box[0] >= min_face), key=lambda box: box[0] - box[2])
    return [_face(box, score=0.99 - 0.01 * n) for n, box in enumerate(boxes)]


def _face(box: tuple[int, int, int, int], *, score: float) -> Face:
    x1, y1, x2, y2 = box
    places = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    landmarks = np.array([x1, y1], np.float32) + places * np.array([x2 - x1, y2 - y1], np.float32)
    return Face(np.array(box, np.float32), score, landmarks)


class Colors:
    """The direction of a face's mean color, seen from black."""

    name = MODEL
    dimension = 3

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        return square_crops(picture, faces, size=8, margin=-0.5)

    def embed(self, crops: RGB) -> Floats:
        return unit(crops.mean(axis=(1, 2)).astype(np.float32))


@DETECTORS.register(DETECTOR)
def squares(*, threads: int | None = None) -> Squares:
    return Squares()


@EMBEDDERS.register(MODEL)
def colors(*, threads: int | None = None) -> Colors:
    return Colors()


def but_quality(notes: Iterable[str]) -> list[str]:
    """Notes without those on quality: a square of one color is a poor face."""
    return [note for note in notes if ": poor quality 0." not in note]


def photo(path: Path, *squares: tuple[tuple[int, int, int], int, int, int]) -> Path:
    """Write a gray PNG of 320 x 240 with squares of (color, x, y, side)."""
    image = Image.new("RGB", (320, 240), GRAY)
    for color, x, y, side in squares:
        image.paste(color, (x, y, x + side, y + side))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "PNG")
    return path
