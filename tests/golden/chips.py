"""Pictures drawn by integer arithmetic alone: the same bytes on every machine and with every numpy.

``chips()`` are inputs of a face network, ``scene()`` a picture with a drawn face for what comes before. No
person is portrayed. The golden files beside this one hold what other programs make of them, and digests.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Whole = NDArray[np.int64]

SIDE = 150
UNIT = 1024
"""Drawings live on a square of 1024 x 1024 units."""

SKIN, DARK, WHITE, LIPS, HAIR = (205, 160, 130), (40, 28, 24), (235, 235, 230), (150, 62, 60), (62, 44, 30)

FACE = (
    # center x, y; half axes x, y; color: an ellipse each, painted in this order
    (512, 440, 400, 430, HAIR),
    (512, 560, 340, 420, SKIN),
    (340, 400, 105, 26, DARK),
    (684, 400, 105, 26, DARK),
    (350, 470, 82, 44, WHITE),
    (674, 470, 82, 44, WHITE),
    (352, 470, 38, 42, DARK),
    (672, 470, 38, 42, DARK),
    (512, 590, 34, 120, (228, 188, 160)),
    (478, 690, 20, 14, DARK),
    (546, 690, 20, 14, DARK),
    (512, 810, 150, 44, LIPS),
    (512, 806, 128, 8, DARK),
)


def chips() -> Picture:
    """Draw eight chips ``(8, 150, 150, 3)``.

    Flat, ramp, a face, a tilted one with noise, a dim one, soft noise, hard noise, squares.
    """
    rows, columns = _grid(SIDE)
    flat = np.full((SIDE, SIDE, 3), 128, np.uint8)
    ramp = np.stack([columns * 255 // 149, rows * 255 // 149, 255 - (rows + columns) * 255 // 298], -1)
    plain = face(SIDE)
    tilted = _add(face(SIDE, lean=180, back=(90, 120, 160)), noise(SIDE, seed=3) // 8 - 16)
    dim = _add(face(SIDE, lean=-90, back=(20, 30, 25)) // 3, noise(SIDE, seed=4) // 16 - 8)
    soft = _soft(SIDE, cells=10, seed=5)
    hard = noise(SIDE, seed=6)
    squares = ((rows // 10 + columns // 10) % 2)[..., None] * np.array([255, 200, 90]) + 0 * rows[..., None]
    return np.stack([np.asarray(chip, np.uint8) for chip in (flat, ramp, plain, tilted, dim, soft, hard, squares)])


@cache
def scene() -> Picture:
    """Draw a picture ``(240, 320, 3)``: a face of 120 x 120 pixels at (130, 70) before a soft background."""
    picture = _soft(320, cells=8, seed=7)[:240] // 2 + 40
    drawn = face(120, lean=60, back=(0, 0, 0))
    inside = drawn.any(axis=-1, keepdims=True)
    picture[70:190, 130:250] = np.where(inside, drawn, picture[70:190, 130:250])
    return np.asarray(_add(picture, noise(320, seed=8)[:240] // 32 - 4), np.uint8)


@cache
def face(side: int, *, lean: int = 0, back: tuple[int, int, int] = (170, 170, 175)) -> Picture:
    """Draw a face of ellipses ``(side, side, 3)``, 4 x 4 samples a pixel; ``lean`` shears it by lean/1024."""
    rows, columns = _grid(4 * side)
    y = (2 * rows + 1) * UNIT // (8 * side)
    x = (2 * columns + 1) * UNIT // (8 * side) + lean * (y - 560) // UNIT
    canvas = np.empty((4 * side, 4 * side, 3), np.int64)
    canvas[:] = back
    for center_x, center_y, half_x, half_y, color in FACE:
        inside = ((x - center_x) * half_y) ** 2 + ((y - center_y) * half_x) ** 2 <= (half_x * half_y) ** 2
        canvas[inside] = color
    shade = 1100 - x // 4  # light from the left
    lit = np.where((canvas == back).all(-1, keepdims=True), canvas, canvas * shade[..., None] // 1024)
    means = lit.reshape(side, 4, side, 4, 3).sum(axis=(1, 3)) // 16
    return np.asarray(np.clip(means, 0, 255), np.uint8)


def noise(side: int, *, seed: int) -> Whole:
    """Noise of 0..255, ``(side, side, 3)``: splitmix64 of the index, its top byte."""
    with np.errstate(over="ignore"):
        z = np.arange(side * side * 3, dtype=np.uint64) + np.uint64(seed << 32)
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(56)).astype(np.int64).reshape(side, side, 3)


def _soft(side: int, *, cells: int, seed: int) -> Whole:
    """Noise of ``cells`` x ``cells`` knots with straight lines between them, ``(side, side, 3)``."""
    knots = noise(cells + 1, seed=seed)
    rows, columns = _grid(side)
    top, left = rows * cells // side, columns * cells // side
    down, right = (rows * cells % side)[..., None], (columns * cells % side)[..., None]
    upper = knots[top, left] * (side - right) + knots[top, left + 1] * right
    lower = knots[top + 1, left] * (side - right) + knots[top + 1, left + 1] * right
    return (upper * (side - down) + lower * down) // (side * side)


def _grid(side: int) -> tuple[Whole, Whole]:
    rows, columns = np.mgrid[:side, :side]
    return rows.astype(np.int64), columns.astype(np.int64)


def _add(picture: NDArray[np.integer], change: Whole) -> Picture:
    return np.clip(picture.astype(np.int64) + change, 0, 255).astype(np.uint8)
