"""Cuts: whether the scene has changed between two frames, by small gray copies of them."""

from __future__ import annotations

import numpy as np

from visavis.types import RGB, Floats

COLUMNS, ROWS = 32, 18
"""Size of the small copies."""
CUT = 30.0
"""Mean difference of two small copies, in gray levels of 255, from which the scene is another. A cut that is no cut (a
flash, a fast pan) costs embeddings, a cut that is missed nothing where a face looks different."""


class SceneChanges:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._before: Floats | None = None

    def is_cut(self, pixels: RGB) -> bool:
        """Return whether another scene begins with this frame; False for the first frame."""
        small = shrink_frame(pixels)
        before, self._before = self._before, small
        return before is not None and float(np.abs(small - before).mean()) > CUT


def shrink_frame(pixels: RGB) -> Floats:
    """Return a gray copy ``(ROWS, COLUMNS)`` of a frame; every n-th pixel is enough."""
    from visavis.opencv import cv2

    step = max(min(pixels.shape[0] // (4 * ROWS), pixels.shape[1] // (4 * COLUMNS)), 1)
    gray = pixels[::step, ::step].astype(np.float32).mean(axis=2)
    small: Floats = cv2.resize(gray, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return small
