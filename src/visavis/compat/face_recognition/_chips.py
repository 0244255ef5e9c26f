"""Cut face chips (crops) from dlib's landmarks: ``get_face_chip`` of dlib 20.0 to the last bit, and similar jitter.

Sources: ``image_transforms/interpolation.h`` and ``image_pyramid.h`` of dlib, checked on chips made by dlib.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis import align
from visavis.types import RGB

SIDE = 150
PADDING = 0.25

MEAN_5 = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
"""dlib's mean of the five points: outer and inner corner of both eyes, base of the nose."""

USED_68 = np.array([*range(27, 55), *range(60, 65)])
"""The points of the 68 that move little with the mouth: nose, eyes, upper lip, inner lip."""

MEAN_68 = np.array([
    (0.490127, 0.203352), (0.490127, 0.307009), (0.490127, 0.409805), (0.490127, 0.515625),
    (0.36688, 0.587326), (0.426036, 0.609345), (0.490127, 0.628106), (0.554217, 0.609345),
    (0.613373, 0.587326), (0.121737, 0.216423), (0.187122, 0.178758), (0.265825, 0.179852),
    (0.334606, 0.231733), (0.260918, 0.245099), (0.182743, 0.244077), (0.645647, 0.231733),
    (0.714428, 0.179852), (0.793132, 0.178758), (0.858516, 0.216423), (0.79751, 0.244077),
    (0.719335, 0.245099), (0.254149, 0.780233), (0.340985, 0.745405), (0.428858, 0.727388),
    (0.490127, 0.742578), (0.551395, 0.727388), (0.639268, 0.745405), (0.726104, 0.780233),
    (0.290379, 0.784792), (0.428096, 0.778746), (0.490127, 0.785343), (0.552157, 0.778746),
    (0.689874, 0.784792),
])  # fmt: skip
"""dlib's mean of the points ``USED_68``."""

BINOMIAL = (1, 4, 6, 4, 1)
CORNER_SHIFT = 1.25 + 0.75j
"""Shift of the corner at each reduction: dlib's figures."""
ROUNDING = 1e-9
"""Greatest rounding error of whole numbers that were computed as fractions."""

TURN, SMALLEST, SHIFT = 3.0, 0.97, 0.02
"""Limits of the jitter: degrees of rotation, least share of the side that is kept, shift as a share of the side."""


@dataclass(frozen=True, slots=True)
class _Square:
    """The place of a chip in a picture: its upper left corner before rotation, its side, and its angle.

    Places are complex numbers, x + yj; ``side`` is measured from the center of the first pixel to that of the last.
    """

    corner: complex
    side: float
    angle: float

    @property
    def center(self) -> complex:
        """Return the center of the square."""
        return self.corner + self.side * (0.5 + 0.5j)

    def turn(self, places: Any) -> Any:
        """Turn places around the center."""
        return self.center + (places - self.center) * np.exp(1j * self.angle)

    def halve(self) -> _Square:
        """Return the square in the picture reduced by :func:`_reduce`, as dlib computes it."""
        return _Square(self.corner / 2 - CORNER_SHIFT, self.side / 2, self.angle)


def cut_chips(picture: RGB, points: NDArray[np.int64]) -> RGB:
    """Return chips ``(n, 150, 150, 3)`` for 5 or 68 points per face, ``(n, k, 2)`` in pixels, equal to dlib's."""
    chips = [_cut(picture, _fit_square(face_points)) for face_points in points]
    return np.stack(chips) if chips else np.empty((0, SIDE, SIDE, 3), np.uint8)


def _fit_square(points: NDArray[np.int64]) -> _Square:
    """Return the square in which the points of the mean face fit these points best, by least squares.

    dlib fits in coordinates from edge to edge of the chip, and then cuts a rectangle that is one pixel shorter, with
    its corners at the centers of the corner pixels.
    """
    mean, used = (MEAN_5, points) if len(points) == len(MEAN_5) else (MEAN_68, points[USED_68])
    places = (mean + PADDING) / (1 + 2 * PADDING) * SIDE
    source, target = places @ (1, 1j), used @ np.array([1, 1j])
    source_mean, target_mean = source.mean(), target.mean()
    away = source - source_mean
    turn = (away.conj() * (target - target_mean)).sum() / (abs(away) ** 2).sum()
    center = target_mean + turn * (SIDE / 2 * (1 + 1j) - source_mean)
    side = float(SIDE * abs(turn) - 1)
    return _Square(complex(center - side * (0.5 + 0.5j)), side, float(np.angle(turn)))


def _cut(picture: RGB, square: _Square) -> RGB:
    """Sample a chip, from a picture that is halved until the face is at most twice as large as the chip."""
    halvings = max(0, int(np.ceil(np.log2(square.side / SIDE))) - 1)
    if halvings:
        picture, square = _crop_part(picture, square, halvings)
    for _ in range(halvings):
        picture, square = _reduce(picture), square.halve()
    steps = np.arange(SIDE) * (square.side / (SIDE - 1))
    return _sample(picture, square.turn(square.corner + steps + 1j * steps[:, None]))


def _crop_part(picture: RGB, square: _Square, halvings: int) -> tuple[RGB, _Square]:
    """Return the part of the picture that dlib reduces; its corner determines which pixels are averaged together."""
    margin = 2 ** (halvings + 2) - 2
    corners = square.turn(square.corner + square.side * np.array([0, 1, 1j, 1 + 1j]))
    left, top = (math.floor(coordinates.min() - margin + 0.5) for coordinates in (corners.real, corners.imag))
    right, bottom = (math.floor(coordinates.max() + margin + 0.5) for coordinates in (corners.real, corners.imag))
    left, top = max(left, 0), max(top, 0)
    return picture[top : max(bottom, top) + 1, left : max(right, left) + 1], replace(
        square, corner=square.corner - complex(left, top)
    )


def _reduce(picture: RGB) -> RGB:
    """Return the picture at half size, less two pixels at the edges: binomial means of 5 x 5, in whole numbers."""
    rows, columns = (max((size - 3) // 2, 0) for size in picture.shape[:2])
    wide = picture.astype(np.int64)
    across = np.zeros((picture.shape[0], columns, 3), np.int64)
    for i, weight in enumerate(BINOMIAL):
        across += weight * wide[:, i : i + 2 * columns : 2]
    down = np.zeros((rows, columns, 3), np.int64)
    for i, weight in enumerate(BINOMIAL):
        down += weight * across[i : i + 2 * rows : 2]
    return (down // sum(BINOMIAL) ** 2).astype(np.uint8)


def _sample(picture: RGB, places: NDArray[np.complex128]) -> RGB:
    """Return colors ``(150, 150, 3)`` at places between pixels, rounded down; black where a neighbor is outside."""
    x, y = np.floor(places.real).astype(np.intp), np.floor(places.imag).astype(np.intp)
    right, below = (places.real - x)[..., None], (places.imag - y)[..., None]
    inside = (x >= 0) & (y >= 0) & (x + 1 < picture.shape[1]) & (y + 1 < picture.shape[0])
    if not inside.any():
        return np.zeros((*places.shape, 3), np.uint8)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    upper = (1 - right) * picture[y, x] + right * picture[y, x + 1]
    lower = (1 - right) * picture[y + 1, x] + right * picture[y + 1, x + 1]
    mixed = (1 - below) * upper + below * lower
    return np.where(inside[..., None], np.floor(mixed + ROUNDING), 0).astype(np.uint8)


def jitter(chip: RGB, *, count: int) -> RGB:
    """Return ``count`` chips, slightly turned, scaled and moved, every second one mirrored; the same at each call."""
    random = np.random.default_rng(0)
    angle = np.radians(random.uniform(-TURN, TURN, count))
    zoom = 1 / random.uniform(SMALLEST, 1, count)
    moved = random.uniform(-SHIFT, SHIFT, (count, 2)) * SIDE
    turn = zoom[:, None, None] * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(
        2, 0, 1
    )
    middle = np.full(2, (SIDE - 1) / 2)
    shift = middle + moved - turn @ middle
    crops = align.warp(chip, np.concatenate([turn, shift[:, :, None]], axis=2).astype(np.float32), size=SIDE)
    crops[1::2] = crops[1::2, :, ::-1]
    return crops
