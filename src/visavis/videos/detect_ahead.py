"""In which frames faces are detected, and the detection in a file's next one while the one before is tracked."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from visavis.errors import VideoError, VisavisError
from visavis.types import Face
from visavis.videos._read_ahead import FORKED, MOST_BYTES, MOST_FRAMES
from visavis.videos.scenes import SceneChanges
from visavis.videos.types import Frame

AHEAD = 2
"""Frames in which faces are detected at once, or were and wait to be tracked."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameFaces:
    """A frame with the ``faces`` detected in it, None where they are predicted; ``cut``: a scene begins with it."""

    frame: Frame
    cut: bool
    faces: Sequence[Face] | None


class DetectionTimes:
    """Chooses the frames in which faces are detected: one each ``interval`` seconds, and those that begin a scene."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._scenes = SceneChanges()
        self._before: float | None = None
        self._detected: float | None = None

    def look(self, frame: Frame) -> tuple[bool, bool]:
        """Return whether a scene begins with the next frame, and whether faces are to be detected in it."""
        cut = self._scenes.is_cut(frame)
        due = self._is_due(frame.seconds)
        if cut or due:
            self._detected = frame.seconds
        return cut, cut or due

    def detect_again(self) -> None:
        """Choose the next frame in any case: in the last one chosen, no faces could be detected."""
        self._detected = None

    def _is_due(self, seconds: float) -> bool:
        """Return whether the frame at ``seconds`` is the one nearest to the interval."""
        step = 0.0 if self._before is None else seconds - self._before
        self._before = seconds
        return self._detected is None or seconds + step / 2 - self._detected > self._interval - 1e-6


def detect_ahead(
    frames: Iterator[Frame], times: DetectionTimes, detect: Callable[[Frame], Sequence[Face]]
) -> Generator[FrameFaces, None, None]:
    """Yield the frames in order; faces are detected in a thread, up to the next frame that is due for it.

    What ``frames`` and ``detect`` raise is raised after the frames before. Raises VideoError in a forked child, which
    has no such thread.
    """
    waiting: deque[tuple[Frame, bool, Future[Sequence[Face]] | None]] = deque()
    failure: Exception | None = None
    process = os.getpid()
    with ThreadPoolExecutor(1, thread_name_prefix="visavis-detect") as thread:
        while True:
            try:
                frame = next(frames)
            except StopIteration:
                break
            except (VisavisError, OSError, ValueError, MemoryError) as error:
                failure = error
                break
            cut, due = times.look(frame)
            waiting.append((frame, cut, thread.submit(detect, frame) if due else None))
            while _is_full(waiting):
                yield _take(waiting)
                _check_process(process)
        while waiting:
            yield _take(waiting)
            _check_process(process)
    if failure is not None:
        raise failure


def _check_process(process: int) -> None:
    """Raise VideoError in any other process."""
    if os.getpid() != process:
        raise VideoError(FORKED)


def _is_full(waiting: Sequence[tuple[Frame, bool, Future[Sequence[Face]] | None]]) -> bool:
    detections = sum(faces is not None for _, _, faces in waiting)
    held = sum(frame.picture.nbytes for frame, _, _ in waiting)
    return len(waiting) > 1 and (detections >= AHEAD or len(waiting) >= MOST_FRAMES or held > MOST_BYTES)


def _take(waiting: deque[tuple[Frame, bool, Future[Sequence[Face]] | None]]) -> FrameFaces:
    frame, cut, faces = waiting.popleft()
    return FrameFaces(frame, cut, None if faces is None else faces.result())
