"""Frames of a source, and the silence of a camera: what is due by the clock cannot wait for the next frame."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Protocol, runtime_checkable

from visavis.videos.types import Frame, FrameSource

TICK_S = 0.5
"""Seconds between two looks at a camera that sends nothing."""
MISSED_FRAMES = 3
"""Frames of the usual rate that a camera misses before it is silent."""


@runtime_checkable
class WaitingSource(Protocol):
    """A camera: its next frame is waited for no longer than it is worth. ``ended`` is whether none will come."""

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more."""

    def next_frame(self, timeout: float | None = None) -> Frame | None:
        """Return the newest frame that was not returned before; None after ``timeout`` seconds, and at the end."""

    def close(self) -> None:
        """Release the camera."""


class Silence:
    """Notices that a camera has sent no frame for longer than the faces in its last one are kept."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._seconds: float | None = None
        self._step = 0.0
        self._arrived = monotonic()
        self._noticed = True

    def hear(self, frame: Frame) -> None:
        """Note a frame that has just arrived."""
        if self._seconds is not None:
            self._step = frame.seconds - self._seconds
        self._seconds, self._arrived, self._noticed = frame.seconds, monotonic(), False

    def begins(self) -> bool:
        """Return whether the camera has fallen silent since this was last asked."""
        if self._noticed or monotonic() - self._arrived <= max(self._kept_s, MISSED_FRAMES * self._step):
            return False
        self._noticed = True
        return True


def frames_or_none(source: FrameSource) -> Iterator[Frame | None]:
    """Yield the frames of a source, then close it; while a camera sends none, yield None from time to time."""
    if not isinstance(source, WaitingSource):
        yield from source
        return
    try:
        while not source.ended:
            yield source.next_frame(TICK_S)
    finally:
        source.close()
