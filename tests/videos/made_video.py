"""Videos made of given pictures by PyAV, with the parts of a container that make reading hard."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from visavis.types import RGB

TICKS = 90_000
"""Time base of made videos: ticks a second."""

MATRICES = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}
"""Display matrices a, b, c, d for turns clockwise, as phones write them."""


def make_video(
    path: Path,
    pictures: Iterable[RGB],
    *,
    rate: float = 25,
    seconds: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    **settings: Any,
) -> Path:
    """Encode pictures ``(h, w, 3)``; ``seconds`` are their time stamps (default: one after the other at ``rate``).

    ``settings`` are attributes of the codec's context, such as ``sample_aspect_ratio``.
    """
    import av

    with av.open(str(path), "w") as container:
        stream: Any = None
        for number, pixels in enumerate(pictures):
            if stream is None:
                stream = container.add_stream(
                    codec, rate=Fraction(rate).limit_denominator(1001), options=dict(options or {})
                )
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
                for name, value in settings.items():
                    setattr(stream.codec_context, name, value)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.time_base = Fraction(1, TICKS)
            frame.pts = round((number / rate if seconds is None else seconds[number]) * TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def draw_frames(count: int, *, width: int = 64, height: int = 48) -> list[RGB]:
    """Return pictures whose gray value is ten times their number: 0, 10, 20 ..."""
    return [np.full((height, width, 3), 10 * number, np.uint8) for number in range(count)]


def number_of(pixels: RGB) -> int:
    """Return the number of a picture of :func:`draw_frames`."""
    return round(float(pixels.mean()) / 10)


def draw_corners(*, width: int = 64, height: int = 48) -> RGB:
    """Return a picture with a red, a green, a blue and a white corner, clockwise from the upper left."""
    pixels = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left] = 255, 0, 0
    pixels[:top, left:] = 0, 255, 0
    pixels[top:, left:] = 0, 0, 255
    pixels[top:, :left] = 255, 255, 255
    return pixels


def corners_of(pixels: RGB) -> str:
    """Return the colors of the corners, clockwise from the upper left, by letter: "rgbw" as they were drawn."""
    named = {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 1): "w"}
    corners = pixels[4, 4], pixels[4, -5], pixels[-5, -5], pixels[-5, 4]
    return "".join(named.get(tuple((corner > 128).astype(int).tolist()), "?") for corner in corners)


def turn_mp4(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a display matrix a, b, c, d into the header of the track of an MP4 file."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd")
    start = place + 8 + (20 if data[place + 4] == 0 else 32) + 16
    a, b, c, d = (value << 16 for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
