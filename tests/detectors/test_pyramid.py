"""Levels and crops of pictures whose values are known everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.detectors import _proposals, mtcnn
from visavis.detectors._pyramid import Level, levels, sample, scales

# --- scales and levels


def test_scales_by_hand() -> None:
    # 48 pixels: faces of 20, 28.2 and 39.8; those of 56.1 would not fit.
    found = list(scales(64, 48, cell=12, min_face=20))
    assert found == pytest.approx([0.6, 0.6 * 0.709, 0.6 * 0.709**2])


@pytest.mark.parametrize(
    ("size", "min_face", "count"),
    [((12, 12), 12, 1), ((11, 90), 12, 0), ((100, 100), 100, 1), ((99, 100), 100, 0), ((1, 1), 20, 0), ((0, 5), 1, 0)],
)
def test_number_of_scales(size: tuple[int, int], min_face: float, count: int) -> None:
    assert len(list(scales(*size, cell=12, min_face=min_face))) == count


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(8, 120))
def test_levels_have_the_scales_that_they_say(width: int, height: int, min_face: float) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    found = levels(picture, cell=12, min_face=min_face)
    wanted = list(scales(width, height, cell=12, min_face=min_face))
    assert len(found) == len(wanted)
    for level, scale in zip(found, wanted, strict=True):
        assert (level.width, level.height) == level.pixels.shape[1::-1]
        assert min(level.width, level.height) >= 12
        assert abs(level.width - width * scale) <= 0.5 or level.width == 12
        assert abs(level.height - height * scale) <= 0.5 or level.height == 12
        np.testing.assert_allclose(level.scale, [level.width / width, level.height / height], rtol=1e-6)


def ramp(width: int, height: int) -> np.ndarray:
    """Picture whose red is 200 x / width, green 200 y / height at the center of the pixel."""
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    picture = np.zeros((height, width, 3))
    picture[..., 0], picture[..., 1] = 200 * x, 200 * y[:, None]
    return np.round(picture).astype(np.uint8)


@pytest.mark.parametrize("min_face", [5, 12, 20, 31])
def test_levels_of_a_ramp_are_ramps(min_face: float) -> None:
    for level in levels(ramp(160, 120), cell=12, min_face=min_face):
        inner = slice(1, -1)
        expected = ramp(level.width, level.height).astype(int)[inner, inner]
        # An odd last column is left out when halving, which shifts the rest by a fraction of a pixel.
        assert (
            np.abs(level.pixels[inner, inner].astype(int) - expected).max() <= 200 / min(level.width, level.height) + 2
        )


def test_a_flat_picture_stays_flat() -> None:
    picture = np.full((333, 217, 3), (9, 99, 199), np.uint8)
    for level in levels(picture, cell=12, min_face=15):
        assert (level.pixels == (9, 99, 199)).all()


# --- crops


def ramp_at(boxes: np.ndarray, size: int, width: int, height: int) -> np.ndarray:
    """What crops of the ramp hold: values at the centers of the crop's pixels, of the box cut at whole pixels.

    Beyond the picture they are gray.
    """
    corners = np.floor(boxes)
    steps = (np.arange(size) + 0.5) / size
    x = corners[:, :1] + steps * (corners[:, 2:3] - corners[:, :1])
    y = corners[:, 1:2] + steps * (corners[:, 3:] - corners[:, 1:2])
    crops = np.zeros((len(boxes), size, size, 3))
    crops[..., 0] = (200 * x / width)[:, None, :]
    crops[..., 1] = (200 * y / height)[:, :, None]
    inside = ((x >= 0) & (x <= width))[:, None, :] & ((y >= 0) & (y <= height))[:, :, None]
    crops[~inside] = 127
    return crops


BOXES = np.array(
    [
        (10, 20, 58, 68),
        (10.7, 20.2, 58.9, 68.4),
        (0, 0, 320, 240),
        (100, 50, 300, 250),  # over the lower edge
        (-40, -30, 60, 70),  # over the upper left corner
        (150, 100, 162, 112),
        (300, 200, 305, 205),
    ],
    np.float32,
)


@pytest.mark.parametrize("size", [24, 48])
def test_crops_of_a_ramp(size: int) -> None:
    picture = ramp(320, 240)
    pyramid = [Level(picture, np.ones(2, np.float32)), *levels(picture, cell=12, min_face=20)]
    crops = sample(pyramid, BOXES, size=size)
    assert crops.dtype == np.uint8
    difference = np.abs(crops - ramp_at(BOXES, size, 320, 240)).max(axis=-1)
    assert np.median(difference) <= 0.6
    # Only the row and the column at the edge of the picture are between its values and the gray.
    assert ((difference > 3).sum(axis=(1, 2)) <= 2 * size).all()
    assert (difference[:3] <= 3).all()


@pytest.mark.parametrize("size", [24, 48])
def test_boxes_are_cut_at_whole_pixels(size: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    only = [Level(picture, np.ones(2, np.float32))]
    np.testing.assert_array_equal(sample(only, BOXES + 0.7, size=size), sample(only, np.floor(BOXES + 0.7), size=size))


@pytest.mark.parametrize("size", [24, 48])
def test_beyond_the_picture_crops_are_gray(size: int) -> None:
    """The crop of a box that reaches out is the crop of the same box in a picture made larger in that way."""
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    larger = np.pad(picture, ((60, 60), (60, 60), (0, 0)), constant_values=127)
    boxes = np.array([(-40, -30, 60, 70), (80, 50, 150, 120), (-20, 30, 30, 80), (30, 60, 90, 120)], np.float32)
    crops = sample([Level(picture, np.ones(2, np.float32))], boxes, size=size)
    expected = sample([Level(larger, np.ones(2, np.float32))], boxes + 60, size=size)
    np.testing.assert_allclose(crops.astype(int), expected, atol=1)


def test_crops_do_not_depend_on_their_company() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    pyramid = [Level(picture, np.ones(2, np.float32)), *levels(picture, cell=12, min_face=20)]
    together = sample(pyramid, BOXES, size=24)
    for crop, box in zip(together, BOXES, strict=True):
        np.testing.assert_array_equal(crop, sample(pyramid, box[None], size=24)[0])


def test_more_crops_than_one_call_can_take() -> None:
    picture = ramp(320, 240)
    boxes = np.repeat(BOXES[:1], 1300, axis=0)
    crops = sample([Level(picture, np.ones(2, np.float32))], boxes, size=48)
    assert len(crops) == 1300
    assert (crops == crops[0]).all()


def test_a_box_wholly_outside_is_no_error() -> None:
    picture = ramp(320, 240)
    boxes = np.array([(400, 300, 450, 350), (-80, -80, -20, -20), (5, 5, 5, 5)], np.float32)
    assert sample([Level(picture, np.ones(2, np.float32))], boxes, size=24).shape == (3, 24, 24, 3)


# --- tiles of the first network


@given(st.integers(12, 5000))
def test_cuts_show_every_cell_once(length: int) -> None:
    cells = []
    for start, size in _proposals.iterate_pieces(length):
        assert start % _proposals.STRIDE == 0
        assert _proposals.CELL <= size <= _proposals.TILE
        assert start + size <= length
        cells += range(start, start + size - _proposals.CELL + 1, _proposals.STRIDE)
    assert cells == list(range(0, length - _proposals.CELL + 1, _proposals.STRIDE))


def test_tiles_cut_each_level_both_ways() -> None:
    pyramid = [
        Level(np.zeros((height, width, 3), np.uint8), np.ones(2, np.float32))
        for width, height in ((700, 401), (331, 12), (13, 12))
    ]
    tiles = list(_proposals.cut(7, pyramid))
    assert {tile.picture for tile in tiles} == {7}
    for number, level in enumerate(pyramid):
        cells = [
            (x, y)
            for tile in tiles
            if tile.number == number
            for y in range(tile.y, tile.y + tile.height - 11, 2)
            for x in range(tile.x, tile.x + tile.width - 11, 2)
        ]
        everywhere = {(x, y) for y in range(0, level.height - 11, 2) for x in range(0, level.width - 11, 2)}
        assert len(cells) == len(everywhere)
        assert set(cells) == everywhere


def test_pictures_are_taken_together_up_to_a_number_of_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mtcnn, "GROUP_PIXELS", 1000)
    sizes = [(10, 50), (10, 50), (1, 1), (40, 50), (30, 30), (10, 10)]
    groups = list(mtcnn._split_groups([np.zeros((*size, 3), np.uint8) for size in sizes]))
    assert [[picture.shape[:2] for picture in group] for group in groups] == [
        [(10, 50), (10, 50)],
        [(1, 1)],
        [(40, 50)],
        [(30, 30), (10, 10)],
    ]
