"""Frames decoded ahead in a thread, bounded in number and in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from threading import Condition, Thread

from visavis.errors import VideoError, VisavisError
from visavis.forking import renew_in_child
from visavis.videos.types import Frame

MOST_FRAMES = 16
MOST_BYTES = 64 << 20
"""Bytes of the frames that wait; one frame may wait in any case."""
TICK = 0.25
"""Seconds after which a waiting consumer looks whether the thread is still there (and can be interrupted)."""
PATIENCE = 2.0
"""Seconds to wait for the thread to end; one that waits for standard input may never end."""
FORKED = "a video cannot be read on in a forked process: open it there."


class ReadAhead:
    """Iterate ``frames`` in a thread of its own, which closes the generator when it ends or is stopped."""

    def __init__(self, frames: Generator[Frame, None, None]) -> None:
        self._frames = frames
        self._waiting: deque[Frame] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._stopped = False
        self._done = False
        self._error: Exception | None = None
        renew_in_child(self)
        self._thread = Thread(target=self._run, name="visavis-video", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; raises what the generator raised."""
        while (frame := self._take()) is not None:
            yield frame

    def close(self) -> None:
        """Stop the thread; may be called twice."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(PATIENCE)

    def renew_in_child(self) -> None:
        """Replace, in a forked child, what the thread may have locked."""
        self._changed = Condition()

    def _take(self) -> Frame | None:
        with self._changed:
            while not self._waiting and not self._done and not self._stopped:
                self._changed.wait(TICK)
                if not self._thread.is_alive() and not self._done:
                    raise VideoError(FORKED)
            if self._waiting:
                frame = self._waiting.popleft()
                self._bytes -= frame.picture.nbytes
                self._changed.notify_all()
                return frame
            if self._error is not None:
                raise self._error
            return None

    def _has_room(self) -> bool:
        return not self._waiting or (len(self._waiting) < MOST_FRAMES and self._bytes < MOST_BYTES)

    def _run(self) -> None:
        error: Exception | None = VideoError("a video could not be read to its end.")  # for errors of other kinds
        try:
            for frame in self._frames:
                if not self._put(frame):
                    break
            error = None
        except (VisavisError, OSError, ValueError, MemoryError) as raised:
            error = raised
        finally:
            self._frames.close()
            with self._changed:
                self._error, self._done = error, True
                self._changed.notify_all()

    def _put(self, frame: Frame) -> bool:
        """Let a frame wait as soon as there is room; return False when stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._has_room())
            if self._stopped:
                return False
            self._waiting.append(frame)
            self._bytes += frame.picture.nbytes
            self._changed.notify_all()
            return True
