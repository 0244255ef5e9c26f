"""Cut parts out of video files by copying packets: nothing is decoded, so clips begin at a frame that stands alone."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from visavis import atomic
from visavis.errors import VideoError
from visavis.images import shown
from visavis.videos.decode import open_container

AROUND_S = 1.0
"""Seconds before and after an appearance in its clip."""
MP4_KINDS = frozenset({".mp4", ".m4v", ".mov"})


def clip_path(folder: Path, file: str, start: float, end: float) -> Path:
    """Return the path of a clip: door.mp4 from 12.3 to 20 s is door-3f9a1c07-000012-000020.mp4.

    Kinds other than MP4 become Matroska. The hash distinguishes files of one name in several folders, and those that
    have changed.
    """
    path = Path(file)
    ending = ".mp4" if path.suffix.lower() in MP4_KINDS else ".mkv"
    content = hashlib.sha256(describe_content(file)).hexdigest()[:8]
    return folder / f"{path.stem[:150]}-{content}-{int(start):06}-{int(end):06}{ending}"


def describe_content(file: str) -> bytes:
    """Return path, size and time of change of a file: other content has others."""
    try:
        state = Path(file).stat()
        text = f"{Path(file).resolve()} {state.st_size} {state.st_mtime_ns}"
    except OSError:
        text = file
    return text.encode("utf-8", "surrogatepass")


def cut_clip(file: str, out: Path, *, start: float, end: float) -> None:
    """Write pictures and sound of ``file`` from ``start`` to ``end``, in seconds, with a second around.

    The clip begins at the last key frame before. Raises VideoError where the file cannot be read, or not be cut.
    """
    import av

    try:
        with open_container(file) as source, atomic.new_file(out) as target:
            _copy(source, target, "mp4" if out.suffix == ".mp4" else "matroska", start - AROUND_S, end + AROUND_S)
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError(f"{shown(file)}: no clip can be cut: {error}.") from error


def _copy(source: Any, target: Any, kind: str, start: float, end: float) -> None:
    import av

    streams = [
        stream
        for stream in (*source.streams.video[:1], *source.streams.audio)
        if stream.codec_context is not None  # None: its codec is unknown
    ]
    begin = (source.start_time or 0) / av.time_base
    with suppress(av.error.FFmpegError):  # a file that cannot be searched is read from its beginning
        source.seek(max(0, round((begin + start) * av.time_base)), backward=True)
    with av.open(target, "w", format=kind) as clip:
        copies = {stream.index: clip.add_stream_from_template(stream) for stream in streams}
        first: float | None = None
        for packet in source.demux(streams):
            if packet.dts is None or packet.pts is None:
                continue
            seconds = float(packet.dts * packet.time_base)
            is_video = packet.stream.type == "video"
            if first is None and (not is_video or not packet.is_keyframe):
                continue
            first = seconds if first is None else first
            if seconds - begin > end and is_video:
                break
            offset = round(first / packet.time_base)
            if packet.dts < offset:
                continue
            packet.pts, packet.dts, packet.stream = (
                packet.pts - offset,
                packet.dts - offset,
                copies[packet.stream.index],
            )
            clip.mux(packet)
