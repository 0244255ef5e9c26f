"""Cuts: whether the scene has changed between two frames, by small gray copies of them."""

from __future__ import annotations

import numpy as np

from visavis.types import RGB, Floats

COLUMNS, ROWS = 32, 18
"""Size of the small copies."""
CORRELATION = 0.6
"""Correlation of two small copies below which the scene is another. In two videos the three cuts have 0 to .27, all
other frames .68 and more. A cut that is none (a flash, a fast pan) costs embeddings."""
DIFFERENCE = 4.0
"""Mean difference of two small copies, in gray levels of 255, below which the scene is the same: noise in the dark."""


class SceneChanges:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._before: Floats | None = None

    def is_cut(self, pixels: RGB) -> bool:
        """Return whether another scene begins with this frame; False for the first frame."""
        small = shrink_frame(pixels)
        before, self._before = self._before, small
        return before is not None and differs(before, small)


def differs(before: Floats, after: Floats) -> bool:
    """Return whether two small copies ``(ROWS, COLUMNS)`` show different scenes."""
    first, second = before - before.mean(), after - after.mean()
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    correlation = float((first * second).sum()) / lengths if lengths else 0.0
    return correlation < CORRELATION and float(np.abs(before - after).mean()) > DIFFERENCE


def shrink_frame(pixels: RGB) -> Floats:
    """Return a gray copy ``(ROWS, COLUMNS)`` of a frame; every n-th pixel is enough."""
    from visavis.opencv import cv2

    step = max(min(pixels.shape[0] // (4 * ROWS), pixels.shape[1] // (4 * COLUMNS)), 1)
    gray = pixels[::step, ::step].astype(np.float32).mean(axis=2)
    small: Floats = cv2.resize(gray, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return small
