"""A decoded frame made into pixels: RGB of 8 bits, upright, square.

Phones store how a video is to be turned; anamorphic videos have pixels that are not square, which would squeeze faces;
HDR videos are mapped to the range of ordinary screens.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visavis.errors import VideoError
from visavis.types import RGB

MAX_PIXELS = 40_000_000
"""Pixels of a frame: above 8K (33 million)."""
UNSPECIFIED_COLORS = 2
HD_HEIGHT = 720
"""Height from which videos without a stated color space are of BT.709, as players assume."""
HDR_TRANSFERS = {16, 18}
"""PQ and HLG."""
MATRIX_BYTES = 36
SQUEEZED = 1.01, 8.0
"""Ratio of the sides of a pixel: corrected from the first, damaged beyond the second."""


class FrameConverter:
    """Convert frames of one stream; ``aspect`` is the width of a pixel divided by its height."""

    def __init__(self, *, label: str, aspect: float = 1.0, max_pixels: int = MAX_PIXELS) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        self._label, self._max_pixels = label, max_pixels
        self._aspect = aspect if SQUEEZED[0] < max(aspect, 1 / aspect) < SQUEEZED[1] else 1.0

    def convert(self, frame: Any) -> RGB:
        """Return the pixels of an ``av.VideoFrame``, read-only; raises VideoError for a frame that is too large."""
        check_size(frame.width, frame.height, label=self._label, max_pixels=self._max_pixels)
        width, height = square_size(frame.width, frame.height, self._aspect)
        check_size(width, height, label=self._label, max_pixels=self._max_pixels)
        picture = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", threads=1, **_choose_colors(frame)
        )
        pixels = turn_upright(np.asarray(picture.to_ndarray(), np.uint8), _read_display_matrix(frame))
        pixels.flags.writeable = False
        return pixels


def check_size(width: int, height: int, *, label: str, max_pixels: int = MAX_PIXELS) -> None:
    """Raise VideoError for a frame of more pixels than ``max_pixels``."""
    if width * height > max_pixels:
        raise VideoError(
            f"{label} has frames of {width} x {height} pixels, more than the limit of {max_pixels:,}: make it smaller."
        )


def square_size(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Return the size with square pixels; the shorter direction is enlarged, so that nothing is lost."""
    if aspect >= 1:
        return max(round(width * aspect), 1), height
    return width, max(round(height / aspect), 1)


def turn_upright(pixels: RGB, matrix: tuple[int, int, int, int]) -> RGB:
    """Turn and mirror pixels as a display matrix ``(a, b, c, d)`` says: x' = ax + cy, y' = bx + dy.

    Angles that are no multiple of 90 degrees are rounded to one. The result is contiguous.
    """
    from visavis.opencv import cv2

    a, b, c, d = matrix
    transposed = abs(b) > abs(a)
    right, down = (c, b) if transposed else (a, d)
    turned: Any = cv2.transpose(pixels) if transposed else pixels
    if right < 0 or down < 0:
        turned = cv2.flip(turned, -1 if right < 0 and down < 0 else 1 if right < 0 else 0)
    return np.ascontiguousarray(turned)


def _choose_colors(frame: Any) -> dict[str, Any]:
    """Return the arguments of the conversion that state colors which the frame leaves open, or that map HDR."""
    from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

    colors: dict[str, Any] = {}
    if frame.colorspace == UNSPECIFIED_COLORS and frame.height >= HD_HEIGHT and not frame.format.is_rgb:
        colors["src_colorspace"] = Colorspace.ITU709
    if frame.color_trc in HDR_TRANSFERS:
        colors |= {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
    return colors


def _read_display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """Return a, b, c and d of the frame's display matrix; the identity where it has none, or a damaged one."""
    stored = frame.side_data.get("DISPLAYMATRIX")
    data = b"" if stored is None else bytes(stored)
    if len(data) != MATRIX_BYTES:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(data, np.int32)[:5].tolist()
    return (a, b, c, d) if a * d - b * c else (1, 0, 0, 1)
