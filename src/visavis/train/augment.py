"""Change the pictures of a batch at random, so that a network learns faces and not these pictures of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.types import RGB

GRAY = 128
"""Value of pixels outside the picture and of cut-out squares."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Which changes are made, each 0 or False where it is off.

    ``flip``: half of the pictures are mirrored. ``shift``: up to this part of the side, in both directions. ``scale``:
    larger or smaller by up to this part. ``color``: brightness, contrast and saturation change by up to this part.
    ``blur``: a Gaussian of up to this many pixels. ``jpeg``: the worst quality that pictures are saved in, 1 to 95.
    ``cutout``: a square of up to this part of the side becomes gray. Blur and JPEG are applied to half of the pictures.
    """

    flip: bool = True
    shift: float = 0.0
    scale: float = 0.0
    color: float = 0.0
    blur: float = 0.0
    jpeg: int = 0
    cutout: float = 0.0


NONE = Augmentation(flip=False)


def augment(pictures: RGB, how: Augmentation, rng: np.random.Generator) -> RGB:
    """Return changed pictures ``(n, s, s, 3)``; the same ones for the same state of ``rng``."""
    if how == NONE:
        return pictures
    return np.stack([_augment_picture(picture, how, rng) for picture in pictures])


def _augment_picture(picture: RGB, how: Augmentation, rng: np.random.Generator) -> RGB:
    """Draw the same number of random values whatever is off, so that a change switched off leaves the others alike."""
    draws = rng.uniform(-1, 1, 12)
    if how.flip and draws[0] < 0:
        picture = picture[:, ::-1]
    if how.shift or how.scale:
        picture = _move(picture, how.shift * draws[1:3], 1 + how.scale * draws[3])
    if how.color:
        picture = _recolor(picture, how.color * draws[4:7])
    if how.blur and draws[7] < 0:
        picture = _blur(picture, -how.blur * draws[7])
    if how.jpeg and draws[8] < 0:
        picture = _compress(picture, round(95 + (95 - how.jpeg) * draws[8]))
    if how.cutout:
        picture = _cut_out(picture, how.cutout * abs(draws[9]), draws[10:12])
    return np.ascontiguousarray(picture)


def _move(picture: RGB, shift: NDArray[np.float64], factor: float) -> RGB:
    from visavis.opencv import cv2

    side = picture.shape[0]
    middle = (side - 1) / 2
    offset = middle - factor * middle + shift * side
    matrix = np.array([[factor, 0, offset[0]], [0, factor, offset[1]]])
    moved = cv2.warpAffine(np.ascontiguousarray(picture), matrix, (side, side), borderValue=(GRAY, GRAY, GRAY))
    return np.asarray(moved, np.uint8)


def _recolor(picture: RGB, draws: NDArray[np.float64]) -> RGB:
    """Change contrast around the mean, brightness, and saturation around each pixel's gray: one matrix a picture."""
    from visavis.opencv import cv2

    brightness, contrast, saturation = draws
    gray = np.array([0.299, 0.587, 0.114])
    matrix = (1 + contrast) * ((1 + saturation) * np.eye(3) - saturation * gray)
    offset = 255 * brightness / 2 - contrast * float(picture.mean())
    colored = cv2.transform(np.ascontiguousarray(picture), np.column_stack([matrix, np.full(3, offset)]))
    return np.asarray(colored, np.uint8)


def _blur(picture: RGB, sigma: float) -> RGB:
    from visavis.opencv import cv2

    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(picture), (0, 0), max(sigma, 0.1)), np.uint8)


def _compress(picture: RGB, quality: int) -> RGB:
    from visavis.opencv import cv2

    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _cut_out(picture: RGB, part: float, place: NDArray[np.float64]) -> RGB:
    side = picture.shape[0]
    width = round(part * side)
    row, column = np.round((place + 1) / 2 * (side - width)).astype(int)
    changed = picture.copy()
    changed[row : row + width, column : column + width] = GRAY
    return changed
