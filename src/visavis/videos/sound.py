"""The sound of a video file, copied into another: packets as they are, or encoded anew where MP4 cannot hold them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from visavis.videos.decode import open_container

MP4_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
"""Sound that players expect in MP4."""
ENCODER = "aac"
"""What other sound is encoded as."""


PRIMING_S = 0.1
"""Seconds of sound before 0 that are kept: decoders need the packet before that they play first."""


class Sound:
    """The sound streams of a file, to be copied in step with its pictures.

    ``container`` is the open output, in which a stream for each of them is made at once. Times are seconds
    like those of :class:`~visavis.videos.types.Frame`, where the first picture is shown at ``first``; sound before 0 is
    left out.
    """

    def __init__(self, path: Path, container: Any, *, first: float) -> None:
        self._output = container
        self._start = _find_first(path) - first
        self._input = open_container(path)
        try:
            streams = [stream for stream in self._input.streams.audio if stream.codec_context is not None]
            if self._input.streams.audio and not streams:
                raise OSError("its codec is unknown")
            self._tracks = {stream.index: _make_track(stream, container) for stream in streams}
            self._packets = self._read()
        except BaseException:
            self._input.close()
            raise
        self._next = next(self._packets, None)

    def copy_until(self, seconds: float) -> None:
        """Write the sound that begins before ``seconds``; infinity for all that is left."""
        while self._next is not None and self._next[0] < seconds:
            _, packet = self._next
            for written in self._tracks[packet.stream.index].convert(packet, self._start):
                self._output.mux(written)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Write what encoders hold back, and close the file that the sound is from."""
        try:
            for track in self._tracks.values():
                for packet in track.flush():
                    self._output.mux(packet)
        finally:
            self._input.close()

    def _read(self) -> Iterator[tuple[float, Any]]:
        """Yield the packets with their seconds from the first picture, from there on; a damaged rest is left out."""
        import av

        streams = [stream for stream in self._input.streams.audio if stream.index in self._tracks]
        if not streams:
            return
        with suppress(av.error.FFmpegError):
            for packet in self._input.demux(streams):
                if packet.pts is None or packet.dts is None:
                    continue
                seconds = float(packet.pts * packet.time_base) - self._start
                if seconds > -PRIMING_S:
                    yield seconds, packet


class _Copied:
    """A stream whose packets go into the output as they are."""

    def __init__(self, stream: Any, container: Any) -> None:
        self._stream = container.add_stream_from_template(stream)

    def convert(self, packet: Any, start: float) -> Iterator[Any]:
        """Yield the packet, moved to the times of the output."""
        offset = round(Fraction(start).limit_denominator(10**6) / packet.time_base)
        packet.pts -= offset
        packet.dts -= offset
        packet.stream = self._stream
        yield packet

    def flush(self) -> Iterator[Any]:
        """Yield nothing: nothing is held back."""
        return iter(())


class _Encoded:
    """A stream that is decoded and encoded anew."""

    def __init__(self, stream: Any, container: Any) -> None:
        import av

        self._source = stream
        self._stream = container.add_stream(ENCODER, rate=stream.rate)
        self._stream.layout = "stereo" if stream.channels > 1 else "mono"
        self._resampler = av.AudioResampler(format="fltp", layout=self._stream.layout, rate=stream.rate)

    def convert(self, packet: Any, start: float) -> Iterator[Any]:
        """Yield the packets of the sound in ``packet``; sound that cannot be decoded is left out."""
        import av

        with suppress(av.error.FFmpegError):
            for frame in packet.decode():
                frame.pts = round((float(frame.time or 0.0) - start) / frame.time_base) if frame.time_base else None
                for part in self._resampler.resample(frame):
                    yield from self._stream.encode(part)

    def flush(self) -> Iterator[Any]:
        """Yield the packets that the encoder holds back."""
        for part in self._resampler.resample(None):
            yield from self._stream.encode(part)
        yield from self._stream.encode(None)


def _make_track(stream: Any, container: Any) -> _Copied | _Encoded:
    return (_Copied if stream.codec_context.codec.canonical_name in MP4_CODECS else _Encoded)(stream, container)


def _find_first(path: Path) -> float:
    """Return the presentation time of the first picture that can be decoded; 0 where there is none."""
    import av

    with suppress(av.error.FFmpegError, IndexError), open_container(path) as container:
        for frame in container.decode(video=0):
            return float(frame.time or 0.0)
    return 0.0
