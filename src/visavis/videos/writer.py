"""Write frames and sound to an MP4 file that can be played wherever its writing ends.

The file is fragmented while it is written, under a name of its own, and becomes a plain MP4 file with its final name at
the end. A full disk ends it at the last fragment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from visavis.errors import MissingExtraError, UsageError, VisavisError, reason_of
from visavis.types import RGB
from visavis.videos import unfinished
from visavis.videos.fragments import cut_incomplete
from visavis.videos.outputs import VIDEO, check_outputs
from visavis.videos.sound import Sound

TIME_BASE = Fraction(1, 90_000)
"""Unit of the presentation time stamps, as in MPEG streams: frames of any rate keep their times."""
FRAGMENT_S = 1.0
"""Seconds in a fragment: what a killed run loses at most, with the frames that the encoder looks ahead."""
ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""The first that the installed FFmpeg has is used."""
OPTIONS = {"libx264": {"preset": "veryfast", "crf": "20"}, "mpeg4": {"qscale": "4"}}
LONGEST_S = 3600.0
"""Seconds after which a frame is repeated: the duration of a frame has 32 bits."""
KEY_FRAMES = 60
"""Most frames from one that is decoded alone to the next: where players can jump to."""
BT709 = 1
"""Number of ITU-R BT.709 in the tags of a stream, which players assume for larger pictures."""
LEFT_OUT = "the video has no sound, because {}"


class UnwritableVideoError(VisavisError):
    """The disk is full, or the file cannot be written for another reason."""


class _FaultyFile:
    """A file that keeps the first error of writing, and ignores what is written after it.

    An error inside FFmpeg's calls leaves FFmpeg in a state in which closing crashes; and what it writes at the end
    belongs to a complete file. Up to the error the file can be played.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.fault: OSError | None = None
        self.tell, self.seek, self.read = file.tell, file.seek, file.read

    def write(self, data: bytes) -> int:
        """Write the bytes, unless a write failed before."""
        if self.fault is None:
            try:
                self._file.write(data)
                self._file.flush()
            except OSError as error:
                self.fault = error
        return len(data)

    def close(self) -> None:
        """Close the file; an error of writing what is buffered is kept too."""
        try:
            self._file.close()
        except OSError as error:
            self.fault = self.fault or error


class VideoWriter:
    """Writes an MP4 file; use it in a ``with`` block, at the end of which the file is complete and has its name.

    ``sound`` is the file whose sound is copied. ``notes`` say what was left out. Frames of other sizes than the first
    are scaled to its size. Raises UsageError where ``path`` is not an MP4 file or is ``sound`` itself.
    """

    def __init__(self, path: Path, *, sound: Path | None = None) -> None:
        _check_path(path, sound)
        self.path = path
        self.notes: list[str] = []
        self._sound_from = sound
        self._sound: Sound | None = None
        self._container: Any = None
        self._stream: Any = None
        self._last = -1
        self._latest: Any = None
        self._seconds = 0.0
        self._part, file = _create(path)
        self._file = _FaultyFile(file)

    def __enter__(self) -> Self:
        return self

    def write(self, pixels: RGB, seconds: float) -> None:
        """Write a frame ``(h, w, 3)`` shown from ``seconds`` on, with the sound before it.

        Frames are in order of time. Raises VisavisError where the disk is full, or the file cannot be written.
        """
        import av

        if self._container is None:
            self._open(pixels.shape[0], pixels.shape[1], seconds)
        frame = av.VideoFrame.from_ndarray(self._fit(pixels), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=1)
        with self._faults():
            while self._latest is not None and seconds - self._seconds > LONGEST_S:
                self._encode(self._latest, self._seconds + LONGEST_S)
            self._encode(frame, seconds)
            if self._sound is not None:
                self._sound.copy_until(seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file, also after Ctrl-C; after another error, leave the part that can be played."""
        if self._container is None:
            self._file.close()
            self._part.unlink(missing_ok=True)
        elif isinstance(error, UnwritableVideoError):
            self._abandon()
        else:
            with self._faults():
                self._finish(whole=error is None)
                if error is None or isinstance(error, KeyboardInterrupt | GeneratorExit):
                    unfinished.finish(self._part, self.path)

    def _finish(self, *, whole: bool) -> None:
        """Write what is held back, and the sound after the last frame if the video is ``whole``."""
        self._mux(self._stream.encode(None))
        if self._sound is not None:
            if whole:
                self._sound.copy_until(float("inf"))
            self._sound.close()
        self._container.close()
        self._file.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn OSError of the block into one sentence that names the file, and the part that can be played."""
        try:
            yield
        except OSError as error:
            self._file.fault = self._file.fault or error
        fault = self._file.fault
        if fault is not None:
            self._abandon()
            part = f" The part written so far can be played: {self._part}." if self._part.exists() else ""
            raise UnwritableVideoError(f"{self.path}: {reason_of(fault)}.{part}") from fault

    def _abandon(self) -> None:
        """Close everything, and delete an empty file; a disk without room raises again, which says nothing new."""
        for resource in (self._sound, self._container, self._file):
            if resource is not None:
                with suppress(OSError, ValueError):
                    resource.close()
        with suppress(OSError):
            cut_incomplete(self._part)
            if not self._part.stat().st_size:
                self._part.unlink()

    def _encode(self, frame: Any, seconds: float) -> None:
        """Write a frame, at least one unit of time after the last."""
        frame.pts = self._last = max(self._last + 1, round(seconds / TIME_BASE))
        frame.time_base = TIME_BASE
        self._latest, self._seconds = frame, seconds
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            self._container.mux(packet)

    def _open(self, height: int, width: int, seconds: float) -> None:
        import av

        flags = {
            "movflags": "hybrid_fragmented+frag_keyframe+delay_moov",
            "frag_duration": str(round(FRAGMENT_S * 1e6)),
        }
        self._container = av.open(self._file, "w", format="mp4", options=flags)
        name = next(name for name in ENCODERS if name in av.codecs_available)
        self._stream = self._container.add_stream(name, options=OPTIONS.get(name, {}))
        context = self._stream.codec_context
        context.width, context.height = width + width % 2, height + height % 2
        context.pix_fmt, context.gop_size = "yuv420p", KEY_FRAMES
        context.time_base = self._stream.time_base = TIME_BASE
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = 1
        if self._sound_from is not None:
            try:
                self._sound = Sound(self._sound_from, self._container, first=seconds)
            except (av.error.FFmpegError, OSError) as error:
                self.notes.append(LEFT_OUT.format(f"that of {self._sound_from} cannot be read: {error}"))

    def _fit(self, pixels: RGB) -> RGB:
        """Return the frame in the size of the stream: scaled if its size changed, and with an even width and height."""
        height, width = self._stream.height, self._stream.width
        rows, columns = pixels.shape[:2]
        if (rows + rows % 2, columns + columns % 2) != (height, width):
            from visavis.opencv import cv2

            return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        if (rows, columns) == (height, width):
            return np.ascontiguousarray(pixels)
        return np.pad(pixels, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")


def _check_path(path: Path, source: Path | None) -> None:
    if path.suffix.lower() not in {".mp4", ".m4v"}:
        raise UsageError(f"{path}: videos are written as MP4. Give a name that ends in .mp4.")
    check_outputs({"--out": path}, [(VIDEO, source)])
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file: give another file for the output.")


def _create(path: Path) -> tuple[Path, BinaryIO]:
    import importlib.util

    if importlib.util.find_spec("av") is None:
        raise MissingExtraError("videos are written by the package av: run pip install 'visavis[video]'.")
    try:
        return unfinished.create(path)
    except OSError as error:
        raise VisavisError(f"{path}: {reason_of(error)}.") from error
