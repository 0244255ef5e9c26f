"""Stand-in until sources are merged: files, by PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from visavis.videos.types import Frame, FrameSource, SourceCounts

VideoInput = str | os.PathLike[str] | int | BinaryIO


class _File:
    live = False

    def __init__(self, path: str, every: int) -> None:
        import av

        self.name = Path(path).name
        self._container = av.open(path)
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        rate, length = self._stream.average_rate, self._container.duration
        self.rate = None if rate is None else float(rate)
        self.duration = None if length is None else length / 1e6
        self._every, self._read = every, 0
        self._start: float | None = None

    def __iter__(self) -> Iterator[Frame]:
        for number, frame in enumerate(self._container.decode(self._stream)):
            if number % self._every == 0:
                self._read += 1
                pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                time = float(frame.time or 0.0)
                self._start = time if self._start is None else self._start
                yield Frame(pixels, time - self._start, number, self.name)

    def counts(self) -> SourceCounts:
        return SourceCounts(read=self._read)

    def close(self) -> None:
        self._container.close()


def open_source(source: VideoInput, *, name: str | None = None, every: int = 1) -> FrameSource:
    """Open a file."""
    return _File(str(source), every)
