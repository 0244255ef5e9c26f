"""Cuts: whether the scene has changed between two frames, by small gray copies of them."""

from __future__ import annotations

import numpy as np

from visavis.types import RGB, Floats
from visavis.videos.types import Frame

COLUMNS, ROWS = 32, 18
"""Size of the small copies."""
CORRELATION = 0.6
"""Correlation of two small copies below which the scene is another. In two videos the three cuts have 0 to .27, all
other frames .68 and more. A cut that is none (a flash, a fast pan) costs embeddings."""
DIFFERENCE = 4.0
"""Mean difference of two small copies, in gray levels of 255, below which the scene is the same: noise in the dark."""
CHANGED_LEVELS, CHANGED_PART = 4.0, 0.6
"""Gray levels by which a place in the picture of a camera has to change, beside the change of all places, and the part
of the places that have to, where the scene is another. The three cuts change .74 and more, all other frames .43 and
less; a person who walks past a plain wall at five frames a second .27 and less, at correlations from .33 on."""


class SceneChanges:
    """Compares each frame with the one before.

    Files are edited; a camera stands still, or is switched to another view. Where it sends few frames a second, a
    person who walks past a plain wall makes frames that do not correlate, but most of the wall stays as it is.
    """

    def __init__(self) -> None:
        self._before: Floats | None = None

    def is_cut(self, frame: Frame) -> bool:
        """Return whether another scene begins with this frame; False for the first frame."""
        picture = frame.picture
        small = shrink_frame(picture) if isinstance(picture, np.ndarray) else picture.small
        before, self._before = self._before, small
        if before is None or not differs(before, small):
            return False
        return frame.captured is None or _measure_change(small - before) > CHANGED_PART


def differs(before: Floats, after: Floats) -> bool:
    """Return whether two small copies ``(ROWS, COLUMNS)`` show different scenes."""
    first, second = before - before.mean(), after - after.mean()
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    correlation = float((first * second).sum()) / lengths if lengths else 0.0
    return correlation < CORRELATION and float(np.abs(before - after).mean()) > DIFFERENCE


def _measure_change(difference: Floats) -> float:
    """Return the part of the places that have changed, beside a change of the brightness of all."""
    return float((np.abs(difference - np.median(difference)) > CHANGED_LEVELS).mean())


def shrink_frame(pixels: RGB) -> Floats:
    """Return a gray copy ``(ROWS, COLUMNS)`` of a frame; every n-th pixel is enough."""
    step = sampling_step(*pixels.shape[:2])
    return shrink_samples(pixels[::step, ::step])


def sampling_step(height: int, width: int) -> int:
    """Return the step from one pixel to the next that is enough for a gray copy."""
    return max(min(height // (4 * ROWS), width // (4 * COLUMNS)), 1)


def shrink_samples(pixels: RGB) -> Floats:
    """Return the gray copy ``(ROWS, COLUMNS)`` of a frame, of every n-th pixel of it."""
    from visavis.opencv import cv2

    gray = pixels.astype(np.float32).mean(axis=2)
    small: Floats = cv2.resize(gray, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return small
