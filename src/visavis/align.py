"""ALIGN: from landmarks or boxes to the crops that networks were trained on. Pure geometry."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np

from visavis.errors import UsageError
from visavis.types import RGB, Face, Floats

SINGULAR = 1e-12
"""Determinant up to which a matrix maps all points to a line or a point."""
LARGEST = 16_384
"""Side in pixels of the largest crop."""
USUAL_WIDTH = 0.91
"""Distance of the eyes over that from the eyes to the mouth: the median of LFW."""
TURNED = (0.15, 0.4)
"""Horizontal offset of the nose from the middle of the eyes, over their distance: from the second value on a face
is narrow because it is turned, up to the first because it is squeezed."""
NATURAL = 0.1
"""Natural variation of the width of a face, as a natural logarithm: only the excess is attributed to the picture.
With .1, the correction costs two pairs of the 3,192 of LFW's view 1 at a FAR of 1e-4; with 0, twenty."""


def similarity(source: Floats, target: Floats) -> Floats:
    """Return matrices ``(n, 2, 3)`` of the rotations, scalings and shifts that best map ``source`` to ``target``.

    ``source`` is ``(n, k, 2)``, ``target`` ``(k, 2)`` or ``(n, k, 2)``; least squares without reflection (Umeyama 1991,
    which for planar points has a closed form in complex numbers).
    """
    a, b = _to_complex(source), _to_complex(np.broadcast_to(target, source.shape))
    a_mean, b_mean = a.mean(axis=1, keepdims=True), b.mean(axis=1, keepdims=True)
    a, b = a - a_mean, b - b_mean
    spread = np.maximum((abs(a) ** 2).sum(axis=1), np.finfo(np.float64).tiny)
    turn = (a.conj() * b).sum(axis=1) / spread
    shift = b_mean[:, 0] - turn * a_mean[:, 0]
    rows = [turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag]
    return np.stack(rows, axis=1).reshape(-1, 2, 3).astype(np.float32)


def squeeze(landmarks: Floats) -> Floats:
    """Return how much too wide (above 0) or too narrow faces look, as natural logarithms ``(n,)``.

    ``landmarks`` are ``(n, 5, 2)``. The value is the distance of the eyes over the distance from the eyes to the mouth,
    over its usual value. A turned face is narrow in a sound picture too: towards a profile the value goes to 0.
    """
    points = landmarks.astype(np.float64)
    eyes, across = points[:, :2].mean(axis=1), points[:, 1] - points[:, 0]
    apart, length = np.hypot(*across.T), np.hypot(*(points[:, 3:].mean(axis=1) - eyes).T)
    judged = (apart > 0) & (length > 0)
    apart, length = np.where(judged, apart, 1), np.where(judged, length, 1 / USUAL_WIDTH)
    aside = abs(((points[:, 2] - eyes) * across).sum(axis=1)) / apart**2
    frontal = np.clip((TURNED[1] - aside) / (TURNED[1] - TURNED[0]), 0, 1)
    squeezed: Floats = np.log(apart / length / USUAL_WIDTH) * frontal
    return squeezed


def matrices_onto(landmarks: Floats, template: Floats) -> Floats:
    """Return matrices ``(n, 2, 3)`` that map faces onto a template ``(5, 2)``, with their proportions restored.

    ``landmarks`` are ``(n, 5, 2)``. In a picture that is squeezed in one direction all faces look alike: where the
    width of a face deviates by more than ``NATURAL``, its height is changed before the similarity is computed.
    """
    squeezed = squeeze(landmarks)
    heights = np.exp(np.sign(squeezed) * np.maximum(abs(squeezed) - NATURAL, 0))
    across = (landmarks[:, 1] - landmarks[:, 0]).astype(np.float64)
    length = np.hypot(*across.T)
    cos, sin = np.where(length > 0, across.T / np.maximum(length, np.finfo(np.float64).tiny), [[1], [0]])
    upright = np.stack([cos, sin, -sin * heights, cos * heights], axis=1).reshape(-1, 2, 2)
    matrices = similarity(landmarks @ upright.transpose(0, 2, 1), template)
    matrices[:, :, :2] = matrices[:, :, :2] @ upright
    return matrices


def _to_complex(points: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    return points[..., 0].astype(np.float64) + 1j * points[..., 1].astype(np.float64)


def warp(picture: RGB, matrices: Floats, *, size: int) -> RGB:
    """Return crops ``(n, size, size, 3)`` by ``matrices`` (picture -> crop, ``(n, 2, 3)``); black outside the picture.

    A face larger than the crop is halved first, each pixel the mean of four, so that no detail is skipped.
    """
    from visavis.opencv import cv2

    crops = np.zeros((len(matrices), size, size, 3), np.uint8)
    halves = {0: picture}
    for crop, matrix in zip(crops, matrices, strict=True):
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        level = max(0, int(np.floor(-np.log2(max(scale, 1e-6)))))
        while level and min(picture.shape[:2]) >> level < 1:
            level -= 1
        if level and not any(side % 2**level for side in picture.shape[:2]):
            corner, region = _cut_region(picture, matrix, size=size, step=2**level)
            source = halve({0: region}, level)
            ratio = np.full(2, 2.0**level)
        else:
            corner, source = (0, 0), halve(halves, level)
            ratio = np.array(picture.shape[1::-1]) / np.array(source.shape[1::-1])
        cv2.warpAffine(
            source,
            _for_region(matrix, corner, ratio),
            (size, size),
            dst=crop,
            flags=cv2.INTER_LINEAR,
            borderValue=(0, 0, 0),
        )
    return crops


def _cut_region(picture: RGB, matrix: Floats, *, size: int, step: int) -> tuple[tuple[int, int], RGB]:
    """Return the part of a picture that a crop shows, and its corner (x, y); all are multiples of ``step``.

    The sides of the picture are multiples too, so that the same pixels are paired as in the whole picture.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if abs(np.linalg.det(matrix[:, :2].astype(np.float64))) > SINGULAR:
        corners = np.array([(-1, -1), (size, -1), (-1, size), (size, size)], np.float64)
        places = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2].astype(np.float64)).T
        low, high = places.min(axis=0) // step - 1, places.max(axis=0) // step + 2
        left, top = np.clip(low * step, 0, (width - 1, height - 1)).astype(int) // step * step
        right, bottom = np.clip(high * step, (left + step, top + step), (width, height)).astype(int)
    return (int(left), int(top)), picture[top:bottom, left:right]


def halve(halves: dict[int, RGB], level: int) -> RGB:
    """Return the picture reduced by ``2 ** level``, made from the next larger one and kept in ``halves``, by level."""
    from visavis.opencv import cv2

    if level not in halves:
        above = halve(halves, level - 1)
        size = (max(1, above.shape[1] // 2), max(1, above.shape[0] // 2))
        halves[level] = np.asarray(cv2.resize(above, size, interpolation=cv2.INTER_AREA), np.uint8)
    return halves[level]


def _for_region(
    matrix: Floats, corner: tuple[int, int], ratio: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> Floats:
    """Return the matrix for the part of a picture from ``corner`` on, reduced by ``ratio`` (x, y).

    Pixel centers stay in place.
    """
    linear = matrix[:, :2] * ratio
    shift = matrix[:, 2] + matrix[:, :2] @ (np.array(corner) + ratio / 2 - 0.5)
    return np.concatenate([linear, shift[:, None]], axis=1)


def square_crops(picture: RGB, faces: Sequence[Face], *, size: int, margin: float) -> RGB:
    """Return crops ``(n, size, size, 3)``: each box made square about its center, its side extended by ``margin``.

    Raises UsageError for a ``size`` outside 1 to ``LARGEST``, and for a ``margin`` that is not a number above -1.
    """
    if size not in range(1, LARGEST + 1):
        raise UsageError(f"size is a whole number of pixels from 1 to {LARGEST:,}, got {size}.")
    if not (isinstance(margin, Real) and -1 < margin <= LARGEST):  # NaN too
        raise UsageError(f"margin is a part of the box's sides, above -1, got {margin!r}.")
    boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
    side = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) * (1 + margin)
    corner = (boxes[:, :2] + boxes[:, 2:]) / 2 - side[:, None] / 2
    scale = size / np.maximum(side, 1e-3)
    matrices = np.zeros((len(boxes), 2, 3), np.float32)
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    # Pixel centers: the middle of the crop's first pixel lies half a crop pixel inside the corner.
    matrices[:, :, 2] = -corner * scale[:, None] + (0.5 * scale - 0.5)[:, None]
    return warp(picture, matrices, size=size)
