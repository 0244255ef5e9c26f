"""Levels and tiles: together they show all of a picture, once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pictures
from example_counts import examples
from visavis.detectors._views import FACTOR, LAST, OVERLAP, TILE, fits, views

SIDES = st.integers(1, 1100)


@settings(max_examples=examples(40), deadline=None)
@given(SIDES, SIDES, st.floats(8, 60))
def test_no_view_is_large_and_the_last_is_small(width: int, height: int, min_face: float) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    some = list(views(pixels, min_face=min_face))
    assert max(max(view.pixels.shape[:2]) for view in some) <= TILE
    assert max(some[-1].pixels.shape[:2]) <= LAST
    scales = [view.scale.max() for view in some]
    assert scales == sorted(scales, reverse=True)
    if fits(pixels, min_face=min_face):
        assert all(np.isinf(view.core).all() and np.isinf(view.largest) for view in some)


@pytest.mark.parametrize("size", [(2000, 300), (1500, 1900), (897, 896), (40, 1300)])
def test_every_point_is_in_the_core_of_one_tile_that_shows_it(size: tuple[int, int]) -> None:
    width, height = size
    first = [v for v in views(np.zeros((height, width, 3), np.uint8), min_face=20) if v.scale[0] == v.scale[1] == 1]
    points = np.random.default_rng(0).uniform(0, (width, height), (500, 2))
    owners = np.zeros(len(points), int)
    for view in first:
        inside = points - view.corner
        owned = (inside >= view.core[:2]).all(axis=1) & (inside < view.core[2:]).all(axis=1)
        owners += owned
        # A face about such a point, half the overlap to each side, is whole in the tile or cut by the picture alone.
        shown = np.minimum(points + OVERLAP / 2, size) - view.corner <= np.array(view.pixels.shape[1::-1])
        assert (shown & (np.maximum(points - OVERLAP / 2, 0) >= view.corner))[owned].all()
    assert (owners == 1).all()


def test_tiles_show_the_picture_where_they_say_without_copying_it() -> None:
    pixels = pictures.noise(1700, 1000)
    tiles = [view for view in views(pixels, min_face=20) if view.scale[0] == 1]
    assert len(tiles) == 6
    for tile in tiles:
        (x, y), (height, width) = tile.corner.astype(int), tile.pixels.shape[:2]
        np.testing.assert_array_equal(tile.pixels, pixels[y : y + height, x : x + width])
        assert np.shares_memory(tile.pixels, pixels)


@pytest.mark.parametrize(("min_face", "scale"), [(20, 1), (40, 0.5), (80, 0.25), (10, 2), (1, 2), (25, 0.8)])
def test_the_smallest_face_decides_the_first_level(min_face: float, scale: float) -> None:
    scales = np.unique([view.scale for view in views(np.zeros((400, 1000, 3), np.uint8), min_face=min_face)], axis=0)
    np.testing.assert_allclose(scales[-1], scale, atol=0.002)
    np.testing.assert_allclose(scales[-2], scale / FACTOR, atol=0.004)


def test_levels_keep_what_is_in_the_picture_in_its_place() -> None:
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[120:240, 320:480] = 255
    for view in views(pixels, min_face=30):
        rows, columns = np.nonzero(view.pixels[..., 0] > 127)
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / np.tile(view.scale, 2)
        assert np.abs(box - (320, 120, 480, 240)).max() <= 0.6 / view.scale.min()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_the_narrowest_pictures_have_views(size: tuple[int, int]) -> None:
    for view in views(np.zeros((*size, 3), np.uint8), min_face=20):
        assert min(view.pixels.shape[:2]) >= 1
