"""A process that reads one camera: it decodes all frames, and hands over the newest one when it is asked to.

Libraries wait for dead cameras forever; here that concerns this process alone, which its parent ends (see
:mod:`visavis.videos.watchdog`). Standard input brings the order, as JSON in the first line, and then a line for each
frame that is wanted; standard output carries the answers, JSON in lines; pixels lie in the shared memory. The process
ends when its input is closed, and when its parent is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from threading import Condition, Lock, Thread
from typing import Any, BinaryIO, NoReturn, Protocol

import numpy as np

from visavis import confined
from visavis.errors import VisavisError
from visavis.types import RGB
from visavis.videos._clock import ArrivalClock, PresentationClock
from visavis.videos._frame_memory import Beat, FrameMemory
from visavis.videos._local_camera import LocalCamera
from visavis.videos.decode import FORMATS, VideoDecoder

NETWORK_OPTIONS = {
    "rtsp_flags": "prefer_tcp",  # lost packets of UDP damage pictures; a server without TCP is read all the same
    "timeout": "10000000",
    "analyzeduration": "2000000",
    "max_delay": "500000",
    "format_whitelist": f"{FORMATS},rtsp,sdp,rtp,hls,dash",
    "protocol_whitelist": "rtsp,rtsps,rtp,srtp,tcp,udp,tls,http,https,httpproxy,crypto,rtmp,rtmps,rtmpt,srt",
}
UNTIMED_FORMATS = {"mpjpeg", "mjpeg"}
"""Formats without time stamps of their own; FFmpeg assumes 25 frames a second."""
COMPARED_SECONDS = 1.0
"""Seconds between pictures that are compared, to notice a camera that shows the same one forever."""
COMPARED_ROWS = 8
MEMORY = 3 << 30
"""Bytes of memory that the process may take."""
ORPHAN_SECONDS = 1.0
GOODBYE_SECONDS = 0.5
"""Seconds to take leave of a camera when the input is closed."""


@dataclass(frozen=True, slots=True)
class ReaderOrder:
    """What to read: the number of a device, or an address; ``every`` is the step between frames to hand over."""

    device: int | None
    address: str
    label: str
    every: int = 1


class PictureStream(Protocol):
    """What a camera delivers: pictures of a type of its own, each with a time stamp in seconds, if it has one."""

    rate: float | None
    duration: float | None
    start: float | None

    def pictures(self, on_packet: Callable[[], None]) -> Iterator[tuple[Any, float | None]]:
        """Yield all pictures; call ``on_packet`` whenever the camera sent something."""

    def convert(self, picture: Any) -> RGB:
        """Return a picture as upright RGB."""

    def luma(self, picture: Any) -> Any:
        """Return an array by which unchanged pictures are recognized."""

    def close(self) -> None:
        """Take leave of the camera."""


class _Network:
    """A network camera as :class:`PictureStream`."""

    def __init__(self, order: ReaderOrder) -> None:
        self._decoder = VideoDecoder(
            order.address, label=order.label, name=order.label, options=NETWORK_OPTIONS, low_delay=True
        )
        self._timed = self._decoder.format_name not in UNTIMED_FORMATS
        self._converter = self._decoder.converter()
        self.rate = self._decoder.rate if self._timed else None
        self.duration, self.start = self._decoder.stated_duration(), self._decoder.start

    def pictures(self, on_packet: Callable[[], None]) -> Iterator[tuple[Any, float | None]]:
        for frame in self._decoder.decoded(on_packet):
            yield frame, frame.time if self._timed else None

    def convert(self, picture: Any) -> RGB:
        return self._converter.convert(picture)

    def luma(self, picture: Any) -> Any:
        plane = picture.planes[0]
        return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)

    def close(self) -> None:
        self._decoder.close()


class _Desk:
    """The newest picture, and the answers to requests for it."""

    def __init__(self, order: ReaderOrder, memory: FrameMemory, answers: int) -> None:
        self._order, self._memory, self._answers = order, memory, answers
        self._changed = Condition()
        self._writing = Lock()
        self._newest: tuple[Any, dict[str, object]] | None = None
        self._stream: PictureStream | None = None
        self._stopped = False
        self._requests = 0
        self._beat = Beat()

    def read(self) -> None:
        """Read the camera to its end; report the end, or the error."""
        order = self._order
        try:
            stream: PictureStream = _Network(order) if order.device is None else LocalCamera(order.device)
            self._stream = stream
            self.send({"event": "opened", "rate": stream.rate, "duration": stream.duration})
            self._follow(stream)
            stream.close()
        except VisavisError as error:
            self.fail(str(error))

    def _follow(self, stream: PictureStream) -> None:
        clock, freshness, complete = self._make_clock(stream), _Freshness(stream), stream.duration is not None
        for number, (picture, stamp) in enumerate(stream.pictures(self._count_packet)):
            now, captured = time.monotonic(), time.time()
            self._beat = Beat(self._beat.packets, number + 1, freshness.read(picture, now))
            seconds = clock(stamp, now)
            candidate, rest = divmod(number, self._order.every)
            if rest == 0:
                facts = {"number": number, "candidate": candidate, "seconds": seconds}
                self._offer(picture, {**facts, "clock": now, "captured": captured}, wait=complete)
            if self._stopped:
                return
        if complete:
            self._wait_until(lambda: self._newest is None)

    def _count_packet(self) -> None:
        self._beat = self._beat._replace(packets=self._beat.packets + 1)
        self._memory.beat(self._beat)

    def _make_clock(self, stream: PictureStream) -> Callable[[float | None, float], float]:
        if stream.duration is None:
            return ArrivalClock().read
        clock = PresentationClock(start=stream.start, rate=stream.rate, duration=stream.duration)
        return lambda stamp, _now: clock.read(stamp)

    def _offer(self, picture: Any, facts: dict[str, object], *, wait: bool) -> None:
        """Make a picture the newest; with ``wait`` only when the one before was taken."""
        if wait:
            self._wait_until(lambda: self._newest is None)
        with self._changed:
            self._newest = picture, facts
            self._changed.notify_all()

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._stopped)

    def serve(self, requests: BinaryIO) -> None:
        """Answer each line with the next picture that was not handed over before; end the process with the input."""
        answers = Thread(target=self._answer, daemon=True)
        answers.start()
        for _ in requests:
            with self._changed:
                self._requests += 1
                self._changed.notify_all()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        time.sleep(GOODBYE_SECONDS)
        os._exit(0)

    def _answer(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._requests and self._newest is not None)
                if self._newest is None or self._stream is None:
                    continue
                (picture, facts), stream = self._newest, self._stream
                self._requests -= 1
            self._hand_over(stream, picture, facts)
            with self._changed:
                if self._newest is not None and self._newest[0] is picture:
                    self._newest = None
                self._changed.notify_all()

    def _hand_over(self, stream: PictureStream, picture: Any, facts: dict[str, object]) -> None:
        try:
            pixels = stream.convert(picture)
        except VisavisError as error:
            self.fail(str(error))
        size = self._memory.write_pixels(pixels)
        self.send({"event": "frame", "height": pixels.shape[0], "width": pixels.shape[1], "size": size, **facts})

    def fail(self, message: str) -> NoReturn:
        """Report an error, and end the process."""
        self.send({"event": "failed", "message": message})
        os._exit(1)

    def send(self, message: dict[str, object]) -> None:
        """Write a message for the parent."""
        line = json.dumps(message).encode() + b"\n"
        with self._writing:
            os.write(self._answers, line)


class _Freshness:
    """How long a camera has shown the very same picture."""

    def __init__(self, stream: PictureStream) -> None:
        self._stream = stream
        self._checked = self._changed = -np.inf
        self._sum: int | None = None

    def read(self, picture: Any, now: float) -> float:
        """Return the seconds since a picture differed from the one before, as of the last comparison."""
        if now - self._checked >= COMPARED_SECONDS:
            rows = np.ascontiguousarray(self._stream.luma(picture)[::COMPARED_ROWS])
            checksum = zlib.crc32(rows.tobytes())
            if checksum != self._sum:
                self._sum, self._changed = checksum, now
            self._checked = now
        return float(self._checked - self._changed)


def _end_with_parent(parent: int) -> None:
    """End this process when the parent is gone, also where a copy of the parent holds the input open."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def main(requests: BinaryIO) -> None:
    """Read the order, then the camera; the libraries' own output is dropped."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: the parent ends this one
    answers = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    confined.limit("RLIMIT_CORE", 0)
    confined.limit("RLIMIT_DATA", MEMORY)
    order = json.loads(requests.readline())
    desk = _Desk(ReaderOrder(**order["order"]), FrameMemory(order["memory"]), answers)
    sys.excepthook = lambda kind, error, _trace: desk.fail(f"{kind.__name__}: {error}")
    Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    Thread(target=desk.serve, args=(requests,), daemon=True).start()
    desk.read()
    os._exit(0)  # without the destructors of libraries, which may wait


def encode_order(order: ReaderOrder, memory: FrameMemory) -> bytes:
    """Return the first line of the input."""
    return json.dumps({"order": asdict(order), "memory": memory.key}).encode() + b"\n"


if __name__ == "__main__":
    main(sys.stdin.buffer)
