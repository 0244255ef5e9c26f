"""Decoded frames, and how they are made into pixels: RGB of 8 bits, upright, square.

Phones store how a video is to be turned; anamorphic videos have pixels that are not square, which would squeeze faces;
HDR videos are mapped to the range of ordinary screens.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from visavis.errors import VideoError
from visavis.forking import UndisturbedByForks
from visavis.types import RGB, Floats
from visavis.videos.scenes import sampling_step, shrink_samples

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
    """Convert frames of one stream; ``aspect`` is the width of a pixel divided by its height.

    It may be used by several threads; ``lock`` is held while a frame is converted. A fork waits for its release: PyAV
    changes the color properties of a frame while it converts it, and restores them at the end.
    """

    def __init__(self, *, label: str, aspect: float = 1.0, max_pixels: int = MAX_PIXELS) -> None:
        from av.video.reformatter import VideoReformatter

        self._whole, self._sampled, self.lock = VideoReformatter(), VideoReformatter(), UndisturbedByForks()
        self._label, self._max_pixels = label, max_pixels
        self._aspect = aspect if SQUEEZED[0] < max(aspect, 1 / aspect) < SQUEEZED[1] else 1.0

    def convert(self, frame: Any) -> RGB:
        """Return the pixels of an ``av.VideoFrame``, read-only; raises VideoError for a frame that is too large."""
        width, height = self._measure(frame)
        pixels = self._reformat(self._whole, frame, width, height, **_map_hdr(frame))
        pixels.flags.writeable = False
        return pixels

    def sample(self, frame: Any) -> RGB:
        """Return every n-th pixel of an ``av.VideoFrame``, enough for :func:`visavis.videos.scenes.shrink_samples`.

        HDR is not mapped: frames are compared with one another, and making the table for it takes seconds. Raises
        VideoError as :meth:`convert` does.
        """
        from av.video.reformatter import Interpolation

        width, height = self._measure(frame)
        step = sampling_step(*((width, height) if is_transposed(_read_display_matrix(frame)) else (height, width)))
        return self._reformat(
            self._sampled, frame, -(-width // step), -(-height // step), interpolation=Interpolation.POINT
        )

    def _measure(self, frame: Any) -> tuple[int, int]:
        """Return width and height with square pixels; raises VideoError for a frame that is too large."""
        check_size(frame.width, frame.height, label=self._label, max_pixels=self._max_pixels)
        width, height = square_size(frame.width, frame.height, self._aspect)
        check_size(width, height, label=self._label, max_pixels=self._max_pixels)
        return width, height

    def _reformat(self, reformatter: Any, frame: Any, width: int, height: int, **options: Any) -> RGB:
        """Return upright pixels of a frame, scaled to a width and a height before it is turned."""
        with self.lock.inside():
            picture = reformatter.reformat(
                frame, width=width, height=height, format="rgb24", threads=1, **_state_colors(frame), **options
            )
        return turn_upright(np.asarray(picture.to_ndarray(), np.uint8), _read_display_matrix(frame))


class DecodedPicture:
    """An ``av.VideoFrame`` that is made into pixels when they are first asked for; most frames never are.

    See :class:`visavis.videos.types.UnconvertedPicture`. Raises VideoError for a frame that is too large.
    """

    def __init__(self, frame: Any, converter: FrameConverter) -> None:
        self.small: Floats = shrink_samples(converter.sample(frame))
        self._frame, self._converter = frame, converter
        self._pixels: RGB | None = None
        self._waiting_bytes: int = sum(plane.buffer_size for plane in frame.planes)

    @property
    def pixels(self) -> RGB:
        """RGB uint8 ``(h, w, 3)``, upright and read-only."""
        if self._pixels is None:
            with self._converter.lock.inside():
                if self._pixels is None:  # another thread may have converted it
                    self._pixels, self._frame = self._converter.convert(self._frame), None
        return self._pixels

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        pixels = self._pixels
        return self._waiting_bytes if pixels is None else pixels.nbytes

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> Any:
        """Return the pixels, which alone can be copied to another process."""
        return np.asarray, (self.pixels,)


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
    transposed = is_transposed(matrix)
    right, down = (c, b) if transposed else (a, d)
    turned: Any = cv2.transpose(pixels) if transposed else pixels
    if right < 0 or down < 0:
        turned = cv2.flip(turned, -1 if right < 0 and down < 0 else 1 if right < 0 else 0)
    return np.ascontiguousarray(turned)


def is_transposed(matrix: tuple[int, int, int, int]) -> bool:
    """Return whether a display matrix turns width to height."""
    return abs(matrix[1]) > abs(matrix[0])


def _state_colors(frame: Any) -> dict[str, Any]:
    """Return the arguments of the conversion that state colors which the frame leaves open."""
    from av.video.reformatter import Colorspace

    if frame.colorspace == UNSPECIFIED_COLORS and frame.height >= HD_HEIGHT and not frame.format.is_rgb:
        return {"src_colorspace": Colorspace.ITU709}
    return {}


def _map_hdr(frame: Any) -> dict[str, Any]:
    """Return the arguments of the conversion that map HDR."""
    from av.video.reformatter import ColorPrimaries, ColorTrc

    if frame.color_trc in HDR_TRANSFERS:
        return {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
    return {}


def _read_display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """Return a, b, c and d of the frame's display matrix; the identity where it has none, or a damaged one."""
    stored = frame.side_data.get("DISPLAYMATRIX")
    data = b"" if stored is None else bytes(stored)
    if len(data) != MATRIX_BYTES:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(data, np.int32)[:5].tolist()
    return (a, b, c, d) if a * d - b * c else (1, 0, 0, 1)
