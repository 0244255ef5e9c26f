"""A camera, read by a process of its own, which is ended when it falls silent, and started again.

Each camera has a thread that follows the counter of its reader process. A process without a new frame for too long,
whatever it waits for, is killed; a camera that fails is opened again after a pause, which doubles each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition, Thread
from time import monotonic
from typing import Any

from visavis.errors import UsageError, VideoError
from visavis.videos._frame_memory import Beat
from visavis.videos._process import END_SECONDS, ReaderProcess
from visavis.videos.reader_process import ReaderOrder
from visavis.videos.types import Frame, SourceCounts

TICK = 0.1
"""Seconds between two looks at a reader process."""
HEALTHY_SECONDS = 5.0
"""Seconds after which a camera that delivers frames counts as well again: its next pause is short."""
MOST_REASONS = 8
"""Different reasons that are kept."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for a camera to ``open``, while it is ``silent``, while its picture is ``frozen``.

    The pause before it is opened again is ``first_pause``, then twice as long each time, ``longest_pause`` at most.
    """

    open: float = 20.0
    silent: float = 10.0
    frozen: float = 60.0
    first_pause: float = 1.0
    longest_pause: float = 30.0


@dataclass(slots=True, eq=False)
class _Run:
    """One life of the reader process; ``first_number`` is that of its first frame, ``since`` the clock's at its start.

    ``offset`` is added to the seconds of its frames, so that they continue those of the run before.
    """

    reader: ReaderProcess
    first_number: int
    since: float = field(default_factory=monotonic)
    offset: float | None = None
    candidates: int = 0
    opened: bool = False
    ended: bool = False
    failure: str = ""


class CameraSource:
    """A camera as :class:`visavis.videos.types.FrameSource`: always its newest frame, whatever happens to the camera.

    The first opening is waited for, and its failure raised as VideoError; with ``patient`` the camera is tried again
    from the beginning. A file that is read from an address is not live: it delivers all its frames, and ends.
    """

    def __init__(
        self, order: ReaderOrder, *, name: str, patience: Patience | None = None, patient: bool = False
    ) -> None:
        self.name = name
        self.live = True
        self.rate: float | None = None
        self.duration: float | None = None
        self._order, self._patience, self._patient = order, patience or Patience(), patient
        self._changed = Condition()
        self._run: _Run | None = None
        self._frame: Frame | None = None
        self._requested = self._closed = self._finished = self._iterated = self._ever_opened = False
        self._failure = ""
        self._reasons = Counter[str]()
        self._read = self._dropped = self._reopened = 0
        self._first_clock: float | None = None
        self._seconds = 0.0
        self._frozen_limit = self._patience.frozen
        self._thread = Thread(target=self._supervise, name="visavis-camera", daemon=True)
        self._thread.start()
        if not patient:
            self._wait_until_opened()

    @property
    def connected(self) -> bool:
        """Whether the camera is open at this moment."""
        run = self._run
        return run is not None and run.opened and not run.ended

    @property
    def failure(self) -> str:
        """Why the camera was given up last, in a sentence; empty since a frame came, and before anything failed."""
        with self._changed:
            return self._failure

    @property
    def ended(self) -> bool:
        """Whether no frame will come any more: it was closed, or was a file."""
        with self._changed:
            return self._closed or (self._frame is None and (self._finished or not self._thread.is_alive()))

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame each time, until the source is closed or ends."""
        if self._iterated:
            raise UsageError(f"{self._order.label} was read already: open it again.")
        self._iterated = True
        try:
            while (frame := self.next_frame()) is not None:
                yield frame
        finally:
            self.close()

    def next_frame(self, timeout: float | None = None) -> Frame | None:
        """Return the newest frame that was not returned before; None after ``timeout`` seconds, and at the end."""
        until = None if timeout is None else monotonic() + timeout
        with self._changed:
            self._request()
            while self._frame is None:
                left = TICK if until is None else min(until - monotonic(), TICK)
                if self._closed or self._finished or left <= 0 or not self._thread.is_alive():
                    return None
                self._changed.wait(left)
            frame, self._frame = self._frame, None
            return frame

    def counts(self) -> SourceCounts:
        """Return what was delivered so far, and why the camera was opened again."""
        with self._changed:
            notes = tuple(why if count == 1 else f"{why} ({count:,} times)" for why, count in self._reasons.items())
            return SourceCounts(self._read, self._dropped, self._reopened, notes)

    def begin_close(self) -> None:
        """Let the reader process end, without waiting for it; no frame comes any more."""
        with self._changed:
            self._closed = True
            self._frame = None
            self._changed.notify_all()

    def close(self) -> None:
        """End the reader process."""
        self.begin_close()
        self._thread.join()

    def _wait_until_opened(self) -> None:
        try:
            with self._changed:
                while not (self._ever_opened or self._finished):
                    self._changed.wait(TICK)
        except BaseException:
            self.close()
            raise
        if not self._ever_opened:
            self.close()
            raise VideoError(self._failure)

    def _request(self) -> None:
        """Ask the reader process for a frame, unless it was asked; with the lock held."""
        if not self._requested and self._frame is None:
            self._requested = True
            if self._run is not None:
                self._run.reader.request()

    # ------------------------------------------------------------------------------------- the thread of the watchdog

    def _supervise(self) -> None:
        pause = self._patience.first_pause
        while True:
            run = self._start()
            why = self._watch(run)
            self._stop(run, why)
            if self._is_done(run, why):
                break
            lasting = run.opened and monotonic() - run.since > HEALTHY_SECONDS
            pause = self._patience.first_pause if lasting else pause
            with self._changed:
                self._changed.wait_for(lambda: self._closed, pause)
                if self._closed:
                    break
                self._reopened += 1
            pause = min(2 * pause, self._patience.longest_pause)
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def _start(self) -> _Run:
        run = _Run(ReaderProcess(self._order), self._read)
        with self._changed:
            self._run = run
            if self._requested:
                run.reader.request()
        Thread(target=self._listen, args=(run,), name="visavis-camera", daemon=True).start()
        return run

    def _watch(self, run: _Run) -> str:
        """Follow a reader process until it has to be replaced; return why, in a sentence without its end."""
        last, heard, decoded = Beat(), monotonic(), monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or run.ended, TICK)
                if self._closed:
                    return ""
                if run.ended:
                    return run.failure or _describe_end(run.reader, self._order.label)
                resting = run.opened and not self.live and not self._requested
            beat, now = run.reader.memory.read_beat(), monotonic()
            heard = now if beat.packets != last.packets or resting else heard
            decoded = now if beat.frames != last.frames or resting else decoded
            last = beat
            fault = self._find_fault(run, silent=now - heard, blind=now - decoded, unchanged=beat.unchanged)
            if fault:
                return f"{self._order.label} {fault}"

    def _find_fault(self, run: _Run, *, silent: float, blind: float, unchanged: float) -> str:
        """Return why a process has to be replaced, by the seconds without packets, frames and changes; or nothing."""
        patience = self._patience
        if not run.opened:
            return f"did not answer for {patience.open:g} s" if silent > patience.open else ""
        if silent > patience.silent:
            return f"sent nothing for {patience.silent:g} s"
        if blind > max(patience.open, patience.silent):
            return f"sent nothing that can be decoded for {blind:.0f} s"
        if self.live and unchanged > self._frozen_limit:
            self._frozen_limit *= 2  # a picture that stands still by itself is not opened again all the time
            return f"showed the very same picture for {unchanged:.0f} s"
        return ""

    def _stop(self, run: _Run, why: str) -> None:
        """End a reader process: gently, unless it hangs."""
        run.reader.end(patience=END_SECONDS if run.ended or not why else 0)
        with self._changed:
            self._changed.wait_for(lambda: run.ended)  # all its messages were read
            self._read = max(self._read, run.first_number + run.reader.memory.read_beat().frames)
            self._run = None
        run.reader.release()

    def _is_done(self, run: _Run, why: str) -> bool:
        """Keep the reason; return whether the camera is not to be opened again."""
        with self._changed:
            if self._closed:
                return True
            self._failure = f"{why}."
            if not self._ever_opened and not self._patient:
                return True
            if run.opened and not self.live and not run.failure:
                return True
            if why in self._reasons or len(self._reasons) < MOST_REASONS:
                self._reasons[why] += 1
            return False

    # ----------------------------------------------------------------------------------- the thread that reads messages

    def _listen(self, run: _Run) -> None:
        for message in run.reader.messages():
            frame = self._make_frame(run, message) if message["event"] == "frame" else None
            with self._changed:
                self._note(run, message, frame)
                self._changed.notify_all()
        with self._changed:
            run.ended = True
            self._changed.notify_all()

    def _note(self, run: _Run, message: dict[str, Any], frame: Frame | None) -> None:
        if frame is not None:
            self._frame, self._requested, self._failure = frame, False, ""
            self._read = frame.number + 1
            if self.live:
                self._dropped += message["candidate"] - run.candidates
            run.candidates = message["candidate"] + 1
        elif message["event"] == "opened":
            run.opened = self._ever_opened = True
            self.rate, self.duration = message["rate"], message["duration"]
            self.live = self.duration is None
        elif message["event"] == "failed":
            run.failure = str(message["message"]).rstrip(".")

    def _make_frame(self, run: _Run, message: dict[str, Any]) -> Frame:
        pixels = run.reader.memory.read_pixels(message["height"], message["width"], size=message["size"])
        if self._first_clock is None:
            self._first_clock = message["clock"] - message["seconds"]
        if run.offset is None:
            run.offset = message["clock"] - message["seconds"] - self._first_clock
        self._seconds = max(self._seconds, message["seconds"] + run.offset)
        captured = datetime.fromtimestamp(message["captured"], UTC) if self.live else None
        return Frame(pixels, self._seconds, run.first_number + message["number"], self.name, captured)


def _describe_end(reader: ReaderProcess, label: str) -> str:
    how = reader.end()
    return f"{label} ended its stream" if how == "exit code 0" else f"the process that reads {label} ended ({how})"
