"""LANDMARKS: 68 or 5 points per face, by dlib's cascades of regression trees (Kazemi and Sullivan 2014) in its files.

The points are refined stage by stage: pixels are read at places tied to the current points, every tree of the stage
compares pairs of them, and the sum of the reached leaves is the next move. All faces are processed together.

The results are dlib's own to the pixel, which needs the same arithmetic: float32 sums in the order of the trees. Any
other order differs in the last digit; occasionally a neighboring pixel is then read, a tree takes another branch, and
the following stages make two pixels of it. Facts: dlib 20.0, ``image_processing/shape_predictor.h``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from visavis import align, converted
from visavis.errors import UsageError
from visavis.types import RGB, Doubles, Face, Floats
from visavis.weights import spec, store
from visavis.weights.readers import dlib_dat
from visavis.weights.readers.dlib_dat import ShapePredictor

SPECS = {68: spec.DLIB_68_POINTS, 5: spec.DLIB_5_POINTS}
"""Files by their number of points. The five: outer and inner corner of the eye at the right in the picture, those
of the eye at the left, the nose's base. The 68 are those of iBUG 300-W; docs/landmarks.md draws them."""

BATCH = 8
"""Faces that go through the stages together: more are no faster, as their leaves exceed the core's own cache."""

PLACES = np.array([(0.339, 0.311), (0.743, 0.300), (0.547, 0.541), (0.366, 0.742), (0.731, 0.731)], np.float32)
"""Where MTCNN's five landmarks lie in the boxes of dlib's own detector: medians over 464 faces of LFW view 1."""

FARTHEST = 1_000_000
"""Largest coordinate of a box, in pixels from the picture's corner."""


class Predictor:
    """Predicts the points of faces, ``points`` of each. Threads may share it."""

    def __init__(self, cascade: ShapePredictor) -> None:
        self.points = len(cascade.initial)
        self._initial = cascade.initial.reshape(1, -1)
        self._turner = _make_turn_matrix(cascade.initial)
        self._stages = [_Stage(cascade, number) for number in range(len(cascade.limits))]

    def predict(self, picture: RGB, boxes: Floats) -> Floats:
        """Return points ``(n, points, 2)`` float32 in pixels, for boxes ``(n, 4)`` as dlib's own detector draws them.

        A box is the start of the search: x1, y1, x2, y2 of its first and last pixels. :func:`dlib_boxes` makes boxes
        from a detector's faces. Raises UsageError where the boxes have another shape, or coordinates that are not
        finite or too large.
        """
        starts: Doubles = np.asarray(boxes, np.float64)
        if starts.ndim != 2 or starts.shape[1] != 4 or not (np.abs(starts) <= FARTHEST).all():
            raise UsageError(f"boxes must be (n, 4) and within {FARTHEST:,} pixels, got {starts.tolist()}.")
        pixels = np.ascontiguousarray(picture).reshape(-1)
        shapes = [self._fit(pixels, picture.shape, part) for part in _split_batches(starts)]
        points = np.concatenate([np.empty((0, 2 * self.points), np.float32), *shapes]).reshape(-1, self.points, 2)
        placed: Doubles = points * _measure_size(starts)[:, None] + starts[:, None, :2]
        return placed.astype(np.float32)

    def _fit(self, pixels: RGB, limits: tuple[int, ...], boxes: Doubles) -> Floats:
        """Return shapes ``(n, 2k)``, x and y in turn, in units of the face boxes."""
        size, corner = _measure_size(boxes)[:, :, None], boxes[:, :2, None]
        shape = np.repeat(self._initial, len(boxes), axis=0)
        for stage in self._stages:
            # The turn and scaling that best map the mean shape to this shape, as (cos, sin).
            turn = (shape @ self._turner).astype(np.float32)
            places = stage.places(shape, turn) * size + corner + 0.5
            shape = stage.moved(shape, _read_grays(pixels, limits, np.floor(places, out=places)))
        return shape


class _Stage:
    """One forest of a cascade, laid out for fast reading: trees one after the other."""

    def __init__(self, cascade: ShapePredictor, number: int) -> None:
        trees, splits = cascade.limits.shape[1:]
        anchors = 2 * cascade.anchors[number].astype(np.intp)
        self._anchors = np.stack([anchors, anchors + 1])
        x, y = cascade.offsets[number].T
        self._along, self._across = np.stack([x, y]), np.stack([-y, x])
        self._first, self._second = (part[number].ravel().astype(np.intp) for part in (cascade.first, cascade.second))
        # Differences of grays are whole numbers: they are above a limit if they are above the whole number below it.
        self._limits = np.floor(np.clip(cascade.limits[number], -999, 999)).astype(np.int16).reshape(-1, 1)
        self._leaves = cascade.leaves[number].reshape(trees * (splits + 1), -1)
        self._depth = (splits + 1).bit_length() - 1
        self._roots = np.arange(trees) * splits
        self._ends = np.arange(trees) * (splits + 1) - splits

    def places(self, shape: Floats, turn: Floats) -> Floats:
        """Return x and y ``(n, 2, f)`` of the pixels to read, in units of the face box."""
        cos, sin = turn.T[:, :, None, None]
        places: Floats = cos * self._along + sin * self._across + shape.take(self._anchors, axis=1)
        return places

    def moved(self, shape: Floats, grays: NDArray[np.int16]) -> Floats:
        """Add the leaves that the grays ``(n, f)`` lead to, tree by tree, to the shapes ``(n, 2k)``."""
        by_pixel = np.ascontiguousarray(grays.T)  # neighbors are copied together
        lower = by_pixel.take(self._first, axis=0) - by_pixel.take(self._second, axis=0) <= self._limits
        # Node i leads to 2 i + 1 or 2 i + 2. Counted in rows of len(grays) faces, that is one addition.
        faces = np.int16(len(grays))
        steps = ((lower + np.int16(1)) * faces).ravel()
        first = self._roots * len(grays) + np.arange(len(grays))[:, None]
        rows = np.zeros(first.shape, np.intp)
        for _ in range(self._depth):
            rows += rows + steps.take(first + rows)
        leaves = self._leaves.take(rows // len(grays) + self._ends, axis=0)
        leaves[:, 0] += shape
        moved: Floats = np.add.reduce(leaves, axis=1)  # numpy adds in order along any axis but the last
        return moved


def _split_batches(boxes: Doubles) -> list[Doubles]:
    return [boxes[start : start + BATCH] for start in range(0, len(boxes), BATCH)]


def _measure_size(boxes: Doubles) -> Doubles:
    """Return width and height ``(n, 2)``, from pixel to pixel."""
    return boxes[:, 2:] - boxes[:, :2]


def _make_turn_matrix(initial: Floats) -> Doubles:
    """Return the matrix ``(2k, 2)`` that maps a shape to its rotation and scale (cos, sin) from ``initial``.

    Least squares (Umeyama 1991), as :func:`visavis.align.similarity`, with everything that depends on ``initial`` alone
    computed beforehand.
    """
    x, y = (initial - initial.mean(axis=0, dtype=np.float64)).T
    along = np.stack([x, y], axis=-1).ravel()
    across = np.stack([-y, x], axis=-1).ravel()
    turner: Doubles = np.stack([along, across], axis=-1) / (along @ along)
    return turner


def _read_grays(pixels: RGB, limits: tuple[int, ...], places: Doubles) -> NDArray[np.int16]:
    """Return gray values ``(n, f)`` at whole places ``(n, 2, f)`` of a picture of shape ``limits``; 0 outside it.

    Gray is the mean of the colors in whole numbers, as in dlib.
    """
    height, width = limits[:2]
    inside = ((places >= 0) & (places < np.array([[width], [height]]))).all(axis=1)
    red = np.where(inside, places[:, 1] * (3 * width) + places[:, 0] * 3, 0).astype(np.intp)
    total = pixels.take(red).astype(np.int16)
    total += pixels.take(red + 1)
    total += pixels.take(red + 2)
    return np.where(inside, total // 3, 0)


def dlib_boxes(faces: Sequence[Face]) -> Floats:
    """Return boxes ``(n, 4)`` as dlib's own detector would draw them around detected faces, from their five landmarks.

    The middle follows the landmarks, also of a tilted head, and the side their spread; the box is upright and square.
    """
    landmarks = np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2)
    matrices = align.similarity(np.broadcast_to(PLACES, landmarks.shape), landmarks)
    half = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])[:, None] / 2
    middle = matrices[:, :, :2] @ np.array([0.5, 0.5], np.float32) + matrices[:, :, 2]
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def load_predictor(*, points: int = 68) -> Predictor:
    """Return dlib's predictor of 68 points, or of 5.

    The file of the 68 may not be used commercially: WeightsError until its license was accepted once
    (``VISAVIS_ACCEPT_LICENSE``, ``--accept-license``). UsageError for another number of points.
    """
    if points not in SPECS:
        raise UsageError(f"there are predictors of 68 points and of 5, not of {points}.")
    store.consent(SPECS[points])
    return _load(points)


@cache
def _load(points: int) -> Predictor:
    """Load the predictor from the cache: reading the published file takes seconds."""
    row = SPECS[points]

    def build() -> bytes:
        arrays = dlib_dat.read_shape_predictor(store.find(row))
        file = io.BytesIO()
        np.savez(file, **{name: getattr(arrays, name) for name in ShapePredictor.__slots__})
        return file.getvalue()

    with np.load(converted.convert_once(row.name, row.sha256, build, suffix=".npz"), allow_pickle=False) as kept:
        return Predictor(ShapePredictor(**kept))
