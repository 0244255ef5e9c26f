"""dlib's face chips from dlib's landmarks: ``get_face_chip`` of dlib 20.0 to the last bit, and its jitter by kind.

Facts: ``image_transforms/interpolation.h`` and ``image_pyramid.h`` of dlib, checked on its own chips.
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
"""dlib's mean of the five points: outer and inner corner of either eye, base of the nose."""

USED_68 = np.array([*range(27, 55), *range(60, 65)])
"""Of the 68 points those that move little with the mouth: nose, eyes, upper lip, inner lip."""

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
LOST = 1.25 + 0.75j
"""By so much the corner moves at each reduction: dlib's figures."""
ROUNDING = 1e-9
"""What whole numbers may have lost on their way through fractions."""

TURN, SMALLEST, SHIFT = 3.0, 0.97, 0.02
"""A jittered chip is turned by up to so many degrees, cut down to so much of its side, and moved by so much of it."""


@dataclass(frozen=True, slots=True)
class _Square:
    """Where a chip lies in a picture: its upper left corner before it is turned, its side, and its angle.

    Places are complex numbers, x + yj; ``side`` is that from the middle of the first pixel to that of the last.
    """

    corner: complex
    side: float
    angle: float

    @property
    def center(self) -> complex:
        """Its middle."""
        return self.corner + self.side * (0.5 + 0.5j)

    def turned(self, places: Any) -> Any:
        """Turn places about the center."""
        return self.center + (places - self.center) * np.exp(1j * self.angle)

    def halved(self) -> _Square:
        """Say where it lies in the picture reduced by :func:`_reduced`, as dlib has it."""
        return _Square(self.corner / 2 - LOST, self.side / 2, self.angle)


def chips(picture: RGB, points: NDArray[np.int64]) -> RGB:
    """Chips ``(n, 150, 150, 3)`` from 5 or 68 points a face, ``(n, k, 2)`` in pixels: dlib's own, to the last bit."""
    cut = [_cut(picture, _square(one)) for one in points]
    return np.stack(cut) if cut else np.empty((0, SIDE, SIDE, 3), np.uint8)


def _square(points: NDArray[np.int64]) -> _Square:
    """Square that the mean face has to lie in for its points to come to lie on these, by least squares.

    dlib seeks that map in coordinates whose ends are the chip's edges, and then cuts a rectangle one pixel shorter,
    whose corners become the middles of the corner pixels.
    """
    mean, found = (MEAN_5, points) if len(points) == len(MEAN_5) else (MEAN_68, points[USED_68])
    places = (mean + PADDING) / (1 + 2 * PADDING) * SIDE
    source, target = places @ (1, 1j), found @ np.array([1, 1j])
    source_mean, target_mean = source.mean(), target.mean()
    away = source - source_mean
    turn = (away.conj() * (target - target_mean)).sum() / (abs(away) ** 2).sum()
    center = target_mean + turn * (SIDE / 2 * (1 + 1j) - source_mean)
    side = float(SIDE * abs(turn) - 1)
    return _Square(complex(center - side * (0.5 + 0.5j)), side, float(np.angle(turn)))


def _cut(picture: RGB, square: _Square) -> RGB:
    """Sample a chip, from a picture reduced by halves where the face is more than twice as large."""
    halvings = max(0, int(np.ceil(np.log2(square.side / SIDE))) - 1)
    if halvings:
        picture, square = _part(picture, square, halvings)
    for _ in range(halvings):
        picture, square = _reduced(picture), square.halved()
    steps = np.arange(SIDE) * (square.side / (SIDE - 1))
    return _sampled(picture, square.turned(square.corner + steps + 1j * steps[:, None]))


def _part(picture: RGB, square: _Square, halvings: int) -> tuple[RGB, _Square]:
    """Part of the picture that dlib reduces: where it begins decides which pixels are put together."""
    margin = 2 ** (halvings + 2) - 2
    corners = square.turned(square.corner + square.side * np.array([0, 1, 1j, 1 + 1j]))
    left, top = (math.floor(one.min() - margin + 0.5) for one in (corners.real, corners.imag))
    right, bottom = (math.floor(one.max() + margin + 0.5) for one in (corners.real, corners.imag))
    left, top = max(left, 0), max(top, 0)
    return picture[top : max(bottom, top) + 1, left : max(right, left) + 1], replace(
        square, corner=square.corner - complex(left, top)
    )


def _reduced(picture: RGB) -> RGB:
    """Picture of half the size, less two pixels at the edges: binomial means of 5 x 5, in whole numbers."""
    rows, columns = (max((size - 3) // 2, 0) for size in picture.shape[:2])
    wide = picture.astype(np.int64)
    across = np.zeros((picture.shape[0], columns, 3), np.int64)
    for i, weight in enumerate(BINOMIAL):
        across += weight * wide[:, i : i + 2 * columns : 2]
    down = np.zeros((rows, columns, 3), np.int64)
    for i, weight in enumerate(BINOMIAL):
        down += weight * across[i : i + 2 * rows : 2]
    return (down // sum(BINOMIAL) ** 2).astype(np.uint8)


def _sampled(picture: RGB, places: NDArray[np.complex128]) -> RGB:
    """Colors ``(150, 150, 3)`` at places between pixels, fractions cut off; black where a neighbor is outside."""
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


def jittered(chip: RGB, *, count: int) -> RGB:
    """``count`` chips a little turned, cut, moved, and every other one mirrored: the same ones each time."""
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
