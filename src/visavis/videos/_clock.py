"""Presentation time stamps made into seconds that never go back."""

from __future__ import annotations

LATE_START = 3600.0
"""Seconds by which a video may begin later than its file, such as a recording whose sound begins first."""
SMALL_STEP_BACK = 1.0
"""Seconds that frames may be out of order; a larger step back is a new beginning."""
BEYOND_END = 60.0
"""Seconds beyond the stated end of a file, where a time stamp is taken for damaged."""
DEFAULT_RATE = 25.0
MOST_DRIFT = 5.0
"""Seconds by which time stamps of a camera may differ from the arrival of its frames."""


class PresentationClock:
    """Seconds from the beginning of a file, in the order of its frames.

    ``start`` is the time stamp in seconds with which the file begins, as players count; without it (or where it cannot
    be right) the first frame begins at 0. ``rate`` is the usual number of frames a second and ``duration`` the stated
    length of the file in seconds, if known: a frame without a time stamp, or with one far beyond the end, follows the
    frame before at that rate. Time stamps that begin anew continue behind the frame before.
    """

    def __init__(self, *, start: float | None = None, rate: float | None = None, duration: float | None = None) -> None:
        self._start, self._duration = start, duration
        self._step = 1 / (rate or DEFAULT_RATE)
        self._offset: float | None = None
        self._last: float | None = None

    def read(self, stamp: float | None) -> float:
        """Return the seconds of the next frame, never less than those of the frame before."""
        if self._last is None:
            self._last = self._begin(stamp)
        elif stamp is None:
            self._last += self._step
        else:
            self._last = self._continue(stamp, self._last)
        return self._last

    def _begin(self, stamp: float | None) -> float:
        if stamp is None:
            return 0.0
        late = stamp - self._start if self._start is not None else 0.0
        first = late if 0 <= late <= LATE_START else 0.0
        self._offset = first - stamp
        return first

    def _continue(self, stamp: float, last: float) -> float:
        if self._offset is None:
            self._offset = last + self._step - stamp
        seconds = stamp + self._offset
        if self._duration is not None and seconds > max(self._duration, last) + BEYOND_END:
            return last + self._step
        if seconds < last - SMALL_STEP_BACK:
            self._offset = last + self._step - stamp
            return last + self._step
        return max(seconds, last)


class ArrivalClock:
    """Seconds of a camera's frames since its first one: by its time stamps, as long as they agree with this clock.

    Cameras without time stamps, and those whose stamps jump, are dated by the arrival of their frames.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._shift: float | None = None
        self._last = 0.0

    def read(self, stamp: float | None, now: float) -> float:
        """Return the seconds of a frame that arrived at ``now``, never less than those of the frame before."""
        if self._first is None:
            self._first = now
        elapsed = now - self._first
        if stamp is not None:
            if self._shift is None or abs(stamp + self._shift - elapsed) > MOST_DRIFT:
                self._shift = elapsed - stamp
            elapsed = stamp + self._shift
        self._last = max(elapsed, self._last)
        return self._last
