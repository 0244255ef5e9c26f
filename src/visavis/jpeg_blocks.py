"""The edges of a JPEG's blocks, which stay visible where it was compressed too much.

A JPEG is coded in blocks of 8 x 8 pixels. Where little of each is kept, the gray steps from block to block: along
every eighth column and row, at the same places all over the picture. Scaling the picture scales the distance of the
steps, so periods from 6 to 16 pixels are tried.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PERIODS = 8 * np.linspace(0.75, 2, 51)
"""Pixels from edge to edge; 8 is among them."""
HARMONICS = np.arange(1, 4)
"""A comb of steps has all harmonics; a repeating pattern in the picture (a fence) rarely does."""
PADDED = 1024
"""Length of the Fourier transform, whose bins are then close enough for all periods."""

_BINS = np.round(HARMONICS / PERIODS[:, None] * PADDED).astype(np.intp)


SMALLEST = 64
OTHERS = 2.0
"""How often the median over all periods is subtracted from the highest: a picture has some of every period."""


class BlockEdges(NamedTuple):
    """Height of the steps between blocks in gray levels, and their distance in pixels."""

    height: float
    period: float


def measure_block_edges(gray: NDArray[np.uint8]) -> BlockEdges:
    """Measure the steps between the blocks of a gray picture ``(h, w)`` in its own pixels, not rescaled.

    Both directions count, so that stripes are not taken for blocks, and the level common to all periods is subtracted.
    The height is 0 for a picture narrower or lower than ``SMALLEST`` pixels: it holds too few blocks to distinguish
    them from other edges. On LFW it is .3 at most for 99 photos in 100 (saved at a JPEG quality of 75), 2.5 at a
    quality of 10, 5 at 4.
    """
    if min(gray.shape) < SMALLEST:
        return BlockEdges(0.0, 8.0)
    steps = [_measure_steps(gray, axis) for axis in (1, 0)]
    heights = np.sqrt(_measure_comb(steps[0]) * _measure_comb(steps[1]))
    best = int(heights.argmax())
    height = heights[best] - OTHERS * np.sort(heights)[len(heights) // 2]
    return BlockEdges(max(float(height), 0.0), float(PERIODS[best]))


def _measure_steps(gray: NDArray[np.uint8], axis: int) -> NDArray[Any]:
    """Return how much the step from each column to the next exceeds the neighboring steps ``(w - 3,)``.

    With ``axis`` 0 from each row to the next, ``(h - 3,)``.
    """
    from visavis.opencv import cv2

    differences = cv2.absdiff(gray[:, 1:], gray[:, :-1]) if axis else cv2.absdiff(gray[1:], gray[:-1])
    steps = cv2.reduce(differences, 1 - axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() / gray.shape[1 - axis]
    excess: NDArray[Any] = steps[1:-1] - (steps[:-2] + steps[2:]) / 2
    return excess


def _measure_comb(profile: NDArray[Any]) -> NDArray[np.float64]:
    """Return the height of a comb of each period in a profile: the geometric mean over the harmonics.

    The few highest steps are cut to the height of the next: they belong to the picture, and blocks have more.
    """
    highest = np.sort(profile)[-1 - len(profile) // 16]
    cut = np.minimum(profile, highest)
    spectrum = np.abs(np.fft.rfft(cut - cut.mean(), PADDED)) * 2 / len(profile)
    height: NDArray[np.float64] = np.exp(np.log(spectrum[_BINS] + 1e-9).mean(axis=1)) * PERIODS / 2
    return height
