"""The steps between the blocks of a JPEG: wherever the blocks begin, however they were scaled, and only there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import pictures
from visavis.jpeg_blocks import measure_block_edges

PICTURE = cv2.cvtColor(cv2.GaussianBlur(pictures.drawn_face(), (0, 0), 1.5), cv2.COLOR_RGB2GRAY)


def waves(side: int = 256) -> np.ndarray:
    """Smooth shapes without any edge, of which a strong compression leaves blocks."""
    rng = np.random.default_rng(2)
    picture = cv2.GaussianBlur(rng.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 6)
    return np.clip(128 + 40 * picture / picture.std(), 0, 255).astype(np.uint8)


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def test_the_height_of_steps_by_hand() -> None:
    """A checkerboard of 8 x 8 squares steps by its contrast at each of its lines."""
    squares = np.kron(np.indices((20, 20)).sum(axis=0) % 2, np.ones((8, 8))) * 40 + 100
    found = measure_block_edges(squares.astype(np.uint8))
    assert found.period == pytest.approx(8)
    assert 25 < found.height < 45


def test_stronger_compression_has_higher_steps() -> None:
    heights = [measure_block_edges(compressed(waves(), quality)).height for quality in (90, 40, 20)]
    assert heights == sorted(heights)
    assert heights[0] < 0.5
    assert heights[-1] > 1.5


@pytest.mark.parametrize("shift", [0, 1, 3, 7])
def test_blocks_may_begin_anywhere(shift: int) -> None:
    cut = compressed(waves(), 5)[shift : 200 + shift, 2 * shift : 200 + 2 * shift]
    found = measure_block_edges(np.ascontiguousarray(cut))
    assert found.period == pytest.approx(8)
    assert found.height > 3


@pytest.mark.parametrize("scale", [0.75, 0.9, 1.25, 1.5, 2])
def test_blocks_of_a_picture_that_was_scaled(scale: float) -> None:
    picture = compressed(waves(), 5)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    plain = cv2.resize(waves(), None, fx=scale, fy=scale, interpolation=how)
    found = measure_block_edges(scaled)
    assert found.height > 4 * measure_block_edges(plain).height + 0.3
    if scale < 1.5:  # from there on half of the period is one of those that are tried, and may fit as well
        assert found.period == pytest.approx(8 * scale, abs=0.2)


@pytest.mark.parametrize("quarters", [0, 1])
def test_stripes_are_no_blocks(quarters: int) -> None:
    stripes = np.kron(np.arange(32) % 2, np.ones(8)) * 60 + 90
    picture = np.rot90(np.tile(stripes, (256, 1)), quarters).astype(np.uint8)
    assert measure_block_edges(picture).height < 1


def test_noise_and_drawings_are_no_blocks() -> None:
    noise = np.random.default_rng(0).normal(128, 60, (200, 200)).clip(0, 255).astype(np.uint8)
    assert measure_block_edges(noise).height < 1
    for side in (256, 128, 64):
        assert measure_block_edges(cv2.resize(PICTURE, (side, side), interpolation=cv2.INTER_AREA)).height < 1


@pytest.mark.parametrize("shape", [(0, 0), (3, 200), (63, 63)])
def test_pictures_too_small_have_no_blocks(shape: tuple[int, int]) -> None:
    assert measure_block_edges(np.zeros(shape, np.uint8)).height == 0
