"""dlib's face chips from dlib's landmarks: the geometry of ``get_face_chip`` and ``jitter_image`` of dlib 20.0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis import align
from visavis.types import RGB, Floats

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

TURN, SMALLEST, SHIFT = 3.0, 0.97, 0.02
"""A jittered chip is turned by up to so many degrees, cut down to so much of its side, and moved by so much of it."""


def chips(picture: RGB, points: NDArray[np.int64]) -> RGB:
    """Chips ``(n, 150, 150, 3)`` from 5 or 68 points a face, ``(n, k, 2)`` in pixels."""
    if not len(points):
        return np.empty((0, SIDE, SIDE, 3), np.uint8)
    if points.shape[1] == len(MEAN_5):
        return align.warp(picture, _into_chip(MEAN_5, points), size=SIDE)
    return align.warp(picture, _into_chip(MEAN_68, points[:, USED_68]), size=SIDE)


def _into_chip(mean: NDArray[np.float64], points: NDArray[np.int64]) -> Floats:
    """Matrices ``(n, 2, 3)`` picture -> chip.

    dlib seeks the map from chip to picture, in coordinates whose ends are the chip's edges, and then cuts a rectangle
    one pixel shorter than these, whose corners become the middles of the corner pixels.
    """
    places = ((mean + PADDING) / (1 + 2 * PADDING) * SIDE).astype(np.float32)
    found = align.similarity(np.repeat(places[None], len(points), axis=0), points.astype(np.float32)).astype(np.float64)
    side = SIDE * np.hypot(found[:, 0, 0], found[:, 1, 0])
    step = (side - 1) / (SIDE - 1) * SIDE / side
    turn = found[:, :, :2] * step[:, None, None]
    middle = found[:, :, :2] @ np.full(2, SIDE / 2) + found[:, :, 2]
    back = np.linalg.inv(turn)
    shift = (SIDE - 1) / 2 - (back @ middle[:, :, None])[:, :, 0]
    return np.concatenate([back, shift[:, :, None]], axis=2).astype(np.float32)


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
