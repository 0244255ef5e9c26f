"""Films of a moving square with sound, made by PyAV in the folder of a test."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from visavis.types import RGB, Face
from visavis.videos.types import Frame, TrackedFace

RATE = 25


def tracked(box: Sequence[float], track: int = 1, *, detected: bool = True, **more: object) -> TrackedFace:
    """A face whose landmarks are its center."""
    x1, y1, x2, y2 = box
    face = Face(np.array(box, np.float32), 0.9, np.tile(np.array([[(x1 + x2) / 2, (y1 + y2) / 2]], np.float32), (5, 1)))
    return TrackedFace(track, face, detected, **more)  # type: ignore[arg-type]


def frame(number: int, pixels: RGB, seconds: float | None = None) -> Frame:
    return Frame(pixels, number / RATE if seconds is None else seconds, number, "film")


def film(
    path: Path,
    pictures: Sequence[RGB],
    *,
    seconds: Sequence[float] = (),
    sound: str = "",
    begins: float = 0.0,
    codec: str = "libx264",
) -> Path:
    """Write pictures at ``seconds`` (default: 25 a second), and clicks in the codec ``sound`` from ``begins`` on."""
    times = list(seconds) or [n / RATE for n in range(len(pictures))]
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=RATE, options={"crf": "10"} if codec == "libx264" else {})
        video.height, video.width, video.pix_fmt = *pictures[0].shape[:2], "bgr0" if codec == "ffv1" else "yuv420p"
        video.codec_context.time_base = Fraction(1, 90_000)
        audio = container.add_stream(sound, rate=48_000) if sound else None
        if audio is not None:
            _tone(container, audio, begins, times[-1])
        for picture, time in zip(pictures, times, strict=True):
            image = av.VideoFrame.from_ndarray(picture, format="rgb24")
            image.pts, image.time_base = round((time + begins) * 90_000), Fraction(1, 90_000)
            container.mux(video.encode(image))
        container.mux(video.encode(None))
    return path


def _tone(container: av.container.OutputContainer, audio: av.AudioStream, begins: float, length: float) -> None:
    """Write silence with a click of 10 ms at each whole second from ``begins``."""
    audio.layout = "mono"
    samples = np.zeros((1, round((length + 0.5) * 48_000)), np.float32)
    for second in range(int(length) + 1):
        samples[0, second * 48_000 : second * 48_000 + 480] = np.sin(np.arange(480))
    resampler = av.AudioResampler(format=audio.format.name, layout="mono", rate=48_000)
    for start in range(0, samples.shape[1], 4800):
        sound = av.AudioFrame.from_ndarray(samples[:, start : start + 4800], format="fltp", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = 48_000, round(begins * 48_000) + start, Fraction(1, 48_000)
        for part in resampler.resample(sound):
            container.mux(audio.encode(part))
    container.mux(audio.encode(None))


def pictures_of(path: Path) -> tuple[list[RGB], list[float]]:
    """All pictures of a file, and their seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [image.to_ndarray(format="rgb24") for image in frames], [float(image.time or 0) for image in frames]


def clicks_of(path: Path) -> list[float]:
    """Seconds at which clicks begin in the sound of a file, by its presentation time stamps."""
    found: list[float] = []
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=48_000)
    with av.open(str(path)) as container:
        for sound in container.decode(audio=0):
            for part in resampler.resample(sound):
                loud = np.flatnonzero(np.abs(part.to_ndarray()[0]) > 0.3)
                for place in loud.tolist():
                    time = float(part.pts * part.time_base) + place / 48_000
                    if not found or time - found[-1] > 0.5:
                        found.append(time)
    return found
