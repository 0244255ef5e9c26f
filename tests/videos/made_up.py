"""Made-up videos: squares of one color, written without loss, and what the detector of squares sees in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from visavis.types import RGB

GRAY = 128
SIZE = (240, 320)

Square = tuple[tuple[int, int, int], float, float, float]
"""Color, left, top and side."""


def draw(*squares: Square, size: tuple[int, int] = SIZE) -> RGB:
    """Draw squares on gray; later ones cover earlier ones."""
    picture = np.full((*size, 3), GRAY, np.uint8)
    for color, left, top, side in squares:
        rows, columns = slice(max(round(top), 0), round(top + side)), slice(max(round(left), 0), round(left + side))
        picture[rows, columns] = color
    return picture


def write_video(path: Path, frames: Sequence[RGB], *, rate: int = 10) -> Path:
    """Write frames as a video of ``rate`` per second, every pixel as it is."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def film(scene: Callable[[float], RGB], *, seconds: float, rate: int = 10) -> list[RGB]:
    """Return the frames of a scene that draws itself at a time in seconds."""
    return [scene(number / rate) for number in range(round(seconds * rate))]
