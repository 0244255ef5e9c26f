"""Landmarks by dlib's cascades of regression trees (Kazemi and Sullivan 2014), for many faces at once.

The points are refined stage by stage: pixels are read at places tied to the present points, every tree of the stage
compares pairs of them, and the leaves that are reached add up to the next move. Facts of the form of the file and of
rounding: dlib 20.0, ``image_processing/shape_predictor.h``.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray

from visavis import align, runtime
from visavis.types import RGB, Floats
from visavis.weights import spec, store
from visavis.weights.readers import dlib_dat
from visavis.weights.readers.dlib_dat import ShapePredictor


def find_points(predictor: ShapePredictor, picture: RGB, boxes: Floats) -> Floats:
    """Points ``(n, k, 2)`` in pixels, from face boxes ``(n, 4)`` as dlib's own detector draws them."""
    size = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)[:, None, :]
    corner = boxes[:, None, :2].astype(np.float64)
    shape = np.repeat(predictor.initial[None], len(boxes), axis=0)
    for stage in range(len(predictor.anchors)):
        turn = align.similarity(np.broadcast_to(predictor.initial, shape.shape), shape)[:, :, :2]
        offsets = predictor.offsets[stage] @ turn.transpose(0, 2, 1)
        places = (shape[:, predictor.anchors[stage]] + offsets) * size + corner
        shape = shape + _moves(predictor, stage, _greys(picture, places))
    return (shape * size + corner).astype(np.float32)


def _greys(picture: RGB, places: NDArray[np.float64]) -> Floats:
    """Grey values ``(n, f)`` of the nearest pixels; 0 outside the picture.

    Grey is the mean of the colours in whole numbers, as dlib makes it.
    """
    nearest = np.floor(places + 0.5).astype(np.intp)
    x, y = nearest[..., 0], nearest[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < picture.shape[1]) & (y < picture.shape[0])
    colours = picture[np.where(inside, y, 0), np.where(inside, x, 0)]
    return np.where(inside, colours.sum(axis=-1, dtype=np.int32) // 3, 0).astype(np.float32)


def _moves(predictor: ShapePredictor, stage: int, pixels: Floats) -> Floats:
    """Sum ``(n, k, 2)`` of the leaves that the pixels ``(n, f)`` lead to."""
    first, second, limits = predictor.first[stage], predictor.second[stage], predictor.limits[stage]
    trees = np.arange(len(first))
    splits = first.shape[1]
    at = np.zeros((len(pixels), len(first)), np.int64)
    rows = np.arange(len(pixels))[:, None]
    for _ in range(_depth(splits)):
        higher = pixels[rows, first[trees, at]] - pixels[rows, second[trees, at]] > limits[trees, at]
        at = 2 * at + np.where(higher, 1, 2)
    moves: Floats = predictor.leaves[stage][trees, at - splits].sum(axis=1)
    return moves


def _depth(splits: int) -> int:
    return (splits + 1).bit_length() - 1


@cache
def five_points() -> ShapePredictor:
    """dlib's five-point predictor: outer and inner corner of the eye at the right, those at the left, the nose's base.

    Reading its variable-length numbers takes seconds, so the arrays are kept in the cache.
    """

    def build() -> bytes:
        arrays = dlib_dat.read_shape_predictor(store.find(spec.DLIB_5_POINTS))
        file = io.BytesIO()
        np.savez(file, **{name: getattr(arrays, name) for name in ShapePredictor.__slots__})
        return file.getvalue()

    path = runtime.converted("dlib-5-points", spec.DLIB_5_POINTS.sha256, build, suffix=".npz")
    with np.load(path, allow_pickle=False) as kept:
        return ShapePredictor(**kept)
