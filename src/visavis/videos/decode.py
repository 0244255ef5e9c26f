"""A container of video (a file, a file object, an address) decoded to frames, in this process.

What of a file cannot be decoded is skipped and counted; the rest is delivered. FFmpeg opens the kinds of files named
here alone: a playlist could make it read other files, or addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from visavis import runtime
from visavis.errors import VideoError
from visavis.videos._clock import PresentationClock
from visavis.videos._picture import DecodedPicture, FrameConverter, check_size
from visavis.videos._pyav import import_av
from visavis.videos.addresses import is_address
from visavis.videos.types import Frame

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,mpjpeg,mjpeg,h264,hevc,av1,obu,ivf,m4v,vc1,"
    "flv,live_flv,asf,ogg,gif,apng,yuv4mpegpipe,dv,mxf,nut,rm,wtv,swf,dhav"
)
"""Containers that hold their pictures themselves."""
FILE_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
MOST_THREADS = 4
"""Threads of the decoder; each holds a frame."""
ATTACHED_PICTURE = 0x400
"""Disposition of a stream that is the cover of a piece of music."""
MISSING_FRAMES = 0.02
"""Part of the stated frames that may be missing without a note."""
MICROSECOND = 1e-6
STATED_DURATION = {"mov", "matroska", "avi", "asf"}
"""First names of formats whose header states the duration; of others it is estimated."""


class VideoDecoder:
    """The first stream of pictures in a container; raises VideoError where there is none that can be decoded.

    ``file`` is a path, an address, or a file object opened for bytes. ``label`` names it in messages. ``rate`` is the
    mean number of frames a second, ``duration`` the length in seconds, both None where the file does not state them;
    ``aspect`` is the width of a pixel divided by its height. A file that is ``owned`` is closed at the end. ``notes``
    say what was wrong, so far; ``errors`` counts the parts that could not be decoded.
    """

    def __init__(
        self,
        file: str | BinaryIO,
        *,
        label: str,
        name: str,
        options: Mapping[str, str] = FILE_OPTIONS,
        container_format: str | None = None,
        low_delay: bool = False,
        owned: bool = False,
    ) -> None:
        self._label, self._name = label, name
        self._owned = cast("BinaryIO", file) if owned else None
        try:
            self._container = _open(file, label, options, container_format)
        except VideoError:
            self._close_file()
            raise
        try:
            self._stream = self._select_stream()
            codec = self._stream.codec_context
            check_size(codec.width, codec.height, label=label)
        except VideoError:
            self.close()
            raise
        # Threads that work on frames ahead of time delay each by as many frames.
        self._stream.thread_type = "SLICE" if low_delay else "AUTO"
        codec.thread_count = 1 if low_delay else min(runtime.processors(), MOST_THREADS)
        self.rate = float(self._stream.average_rate) if self._stream.average_rate else None
        self.duration = self._read_duration()
        self._stated_frames = int(self._stream.frames)  # now: a stream of a closed container has any number
        self.aspect = float(self._stream.sample_aspect_ratio or 1)
        self.width, self.height = codec.width, codec.height
        self.errors = self._corrupt = self._decoded = 0
        self._ended = False
        self._has_late_index = self.format_name == "mov" and not _can_seek(file)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was wrong with the file so far, a sentence each."""
        notes = []
        if self.errors:
            notes.append(f"{_count(self.errors, 'part')} of {self._label} could not be decoded.")
        if self._corrupt:
            were = "was" if self._corrupt == 1 else "were"
            notes.append(f"{_count(self._corrupt, 'frame')} of {self._label} {were} damaged, and may show less.")
        stated = self._stated_frames
        if self._ended and self._decoded < stated * (1 - MISSING_FRAMES):
            are = "is" if self._decoded == 1 else "are"
            notes.append(f"{self._label} ends early: {self._decoded:,} of {stated:,} frames {are} there.")
        return tuple(notes)

    def frames(self, *, every: int = 1) -> Iterator[Frame]:
        """Yield each ``every``-th frame, from the first, to be converted when its pixels are asked for.

        Raises VideoError where no frame can be decoded, and for frames that are too large.
        """
        clock = PresentationClock(start=self.start, rate=self.rate, duration=self.stated_duration())
        converter = self.converter()
        for number, frame in enumerate(self.decoded()):
            seconds = clock.read(frame.time)
            if number % every == 0:
                yield Frame(DecodedPicture(frame, converter), seconds, number, self._name)
        if not self._decoded and self._has_late_index:
            raise VideoError(
                f"{self._label} cannot be read in one pass: this MP4 file has its index at the end. Give its path, or "
                "write it with ffmpeg -movflags +faststart."
            )
        if not self._decoded:
            raise VideoError(f"{self._label} holds no picture that can be decoded: it is damaged, or cut off.")

    def decoded(self, on_packet: Callable[[], None] | None = None) -> Iterator[Any]:
        """Yield the frames as ``av.VideoFrame``; parts that cannot be decoded are counted and skipped.

        ``on_packet`` is called for each packet of the file.
        """
        for packet in self._packets():
            if on_packet is not None:
                on_packet()
            try:
                frames = packet.decode()
            except import_av().FFmpegError:
                self.errors += 1
                continue
            for frame in frames:
                self._decoded += 1
                self._corrupt += bool(frame.is_corrupt)
                yield frame
        self._ended = True

    def _packets(self) -> Iterator[Any]:
        """Yield the packets of the stream, and an empty one that makes the decoder deliver its last frames."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except import_av().FFmpegError:
                self.errors += 1
                yield from self._last_packet()
                return
            yield packet

    def _last_packet(self) -> Iterator[Any]:
        packet = import_av().Packet()
        packet.stream = self._stream
        yield packet

    def close(self) -> None:
        """Close the container."""
        self._container.close()
        self._close_file()

    def _close_file(self) -> None:
        if self._owned is not None:
            self._owned.close()

    def _select_stream(self) -> Any:
        streams = [item for item in self._container.streams.video if not int(item.disposition) & ATTACHED_PICTURE]
        if not streams:
            kinds = sorted({item.type for item in self._container.streams})
            held = f"only {' and '.join(kinds)}" if kinds else "no stream"
            raise VideoError(f"{self._label} holds no video, {held}.")
        stream = streams[0]
        if stream.codec_context is None or not stream.codec_context.width:
            raise VideoError(f"{self._label} holds no picture that can be decoded: it is damaged, or cut off.")
        return stream

    def _read_duration(self) -> float | None:
        duration = self._container.duration
        return duration * MICROSECOND if duration and duration > 0 else None

    @property
    def format_name(self) -> str:
        """First name of the container's format in FFmpeg, such as "mov"."""
        return str(self._container.format.name.partition(",")[0])

    def converter(self) -> FrameConverter:
        """Return what makes pixels of the frames of :meth:`decoded`."""
        return FrameConverter(label=self._label, aspect=self.aspect)

    def stated_duration(self) -> float | None:
        """Return the duration in seconds where the header states it; None where it is unknown or estimated."""
        return self.duration if self.format_name in STATED_DURATION else None

    @property
    def start(self) -> float | None:
        """Time stamp in seconds with which the file begins."""
        start = self._container.start_time
        return None if start is None else start * MICROSECOND


def open_container(path: str | Path) -> Any:
    """Open a file on this machine for its packets; ``av.error.FFmpegError`` where it cannot be read.

    A name with a colon, such as 2026-11-29T08:00:00.mp4, is a name, and text that is not UTF-8 is no error.
    """
    return import_av().open(f"file:{path}", "r", container_options=dict(FILE_OPTIONS), metadata_errors="replace")


def _open(file: str | BinaryIO, label: str, options: Mapping[str, str], container_format: str | None) -> Any:
    av = import_av()
    try:
        return av.open(file, "r", format=container_format, container_options=dict(options), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:  # the last ones: of Python's files, and of names
        fault = _describe_fault(error)
        if is_address(file):
            raise VideoError(f"{label} cannot be opened: {fault or 'it sends no video'}.") from None
        fault = fault or "it is cut off (a file of MP4 has its index at the end), damaged, or no video at all"
        raise VideoError(f"{label} is no video that can be read: {fault}.") from None


def _can_seek(file: str | BinaryIO) -> bool:
    return isinstance(file, str) or (hasattr(file, "seekable") and file.seekable())


def _describe_fault(error: Exception) -> str:
    """Return what FFmpeg says of an error, without the name of the file, which may hold a password; or nothing."""
    text = str(getattr(error, "strerror", None) or "")
    return "" if "Invalid" in text else text[:1].lower() + text[1:]


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
