"""Open what frames come from: a file, a folder of frames, standard input, a device or a network camera."""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISCHR, S_ISFIFO, S_ISREG
from typing import BinaryIO, TypeAlias, cast

from visavis import images, input_files
from visavis._checks import check_whole
from visavis.errors import UsageError, VideoError
from visavis.images.photo_files import has_photo_ending, is_folder
from visavis.videos._folder import FrameFolder
from visavis.videos._local_camera import device_number
from visavis.videos._read_ahead import ReadAhead
from visavis.videos.addresses import find_port_fault, is_address, mask_address
from visavis.videos.decode import VideoDecoder
from visavis.videos.reader_process import ReaderOrder
from visavis.videos.types import Frame, FrameSource, SourceCounts
from visavis.videos.watchdog import CameraSource

VideoInput: TypeAlias = "str | os.PathLike[str] | int | bytes | BinaryIO"
"""A path, "-" (standard input), the number of a device, an address, the bytes of a file, or a file object."""

STANDARD_INPUT = 0
PIPE_SECONDS = 60.0
"""How long a program may take to write the first byte into a named pipe."""


def open_source(source: VideoInput, *, name: str | None = None, every: int = 1) -> FrameSource:
    """Open a source of frames; ``name`` replaces its own name, ``every`` is the step from one frame to the next.

    - a path of a video; of a folder, whose photos in natural order are the frames; of a pipe; "-" is standard input
    - the number of a camera of this machine, also as text ("0"), or its file (/dev/video0)
    - an address: rtsp://, http:// and others, whose user and password are kept out of the name and of all messages

    Files are decoded in this process, in a thread that reads ahead a bounded number of frames. Raises VideoError for
    what cannot be read, UsageError for another type, and MissingExtraError without PyAV.
    """
    every = check_whole(every, "every is a number of frames", least=1)
    own_name = name_of(source) if name is None else name
    label = images.shown(own_name)
    device = device_number(source)
    if device is not None or is_address(source):
        if isinstance(source, str) and (fault := find_port_fault(source)):
            raise UsageError(f"{label} cannot be opened: {fault}.")
        order = ReaderOrder(device, "" if device is not None else str(source), label, every)
        return CameraSource(order, name=own_name)
    if name is not None:
        label = f"{images.shown(name_of(source))} (camera {label})"
    if is_folder(source):
        folder = FrameFolder(os.fsdecode(cast("str", source)), label=label, name=own_name)
        return FileSource(folder, name=own_name, every=every)
    file = _open_file(source, label)
    decoder = VideoDecoder(file, label=label, name=own_name, owned=file is not source and not isinstance(file, str))
    return FileSource(decoder, name=own_name, every=every)


def name_of(source: object) -> str:
    """Return the name of a source: its path, "-", its address without secrets, or its kind."""
    if isinstance(source, str) and is_address(source):
        return mask_address(source)
    device = device_number(source)
    if device is not None:
        return f"camera {device}"
    return images.name_of(source)


class FileSource:
    """A file or a folder of frames, read ahead in a thread; see :class:`visavis.videos.types.FrameSource`."""

    live = False

    def __init__(self, reader: VideoDecoder | FrameFolder, *, name: str, every: int) -> None:
        self.name = name
        self.rate, self.duration = reader.rate, reader.duration
        self._reader = reader
        self._read = 0
        self._ahead: ReadAhead | None = None
        self._every = every
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames, then close the file; raises VideoError."""
        if self._closed or self._ahead is not None:
            raise UsageError(f"{images.shown(self.name)} was read already: open it again.")
        self._ahead = ReadAhead(self._frames())
        try:
            for frame in self._ahead:
                self._read = frame.number + 1
                yield frame
        finally:
            self.close()

    def _frames(self) -> Generator[Frame, None, None]:
        try:
            yield from self._reader.frames(every=self._every)
        finally:
            self._reader.close()

    def counts(self) -> SourceCounts:
        """Return what was delivered so far."""
        return SourceCounts(read=self._read, notes=self._reader.notes)

    def close(self) -> None:
        """Close the file, and end the thread."""
        self._closed = True
        if self._ahead is None:
            self._reader.close()
        else:
            self._ahead.close()


def _open_file(source: VideoInput, label: str) -> str | BinaryIO:
    """Return what the decoder opens: the path of a regular file, or a file object."""
    if isinstance(source, str) and source == "-":
        return _open_standard_input()
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fsdecode(source), label)
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if hasattr(source, "read"):
        return cast("BinaryIO", source)
    raise UsageError(
        f"a video cannot be read from {type(source).__name__}: give a path, the number of a camera, an address, bytes "
        "or a file opened with 'rb'."
    )


def _open_standard_input() -> BinaryIO:
    # Not sys.stdin: a thread that waits in it holds a lock, and Python aborts at its end.
    try:
        os.fstat(STANDARD_INPUT)
        return cast("BinaryIO", io.FileIO(STANDARD_INPUT, closefd=False))
    except OSError:
        raise VideoError("'-' is standard input, and there is none.") from None


def _open_path(path: str, label: str) -> str | BinaryIO:
    try:
        facts = Path(path).stat()
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise VideoError(f"there is no file {label}.") from None
        raise VideoError(f"{label} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if S_ISFIFO(facts.st_mode):
        return _open_pipe(path, label)
    if not S_ISREG(facts.st_mode):
        raise VideoError(f"{label} is no file of video: it is a {'device' if S_ISCHR(facts.st_mode) else 'socket'}.")
    if not facts.st_size:
        raise VideoError(f"{label} is empty.")
    if has_photo_ending(path) and not path.lower().endswith(".gif"):
        raise VideoError(f"{label} is a photo: give a video, or the folder of its frames.")
    with suppress(OSError):
        with input_files.open_file(path) as file:
            file.read(1)
        return f"file:{path}"
    raise VideoError(f"{label} cannot be read: permission denied.")


def _open_pipe(path: str, label: str) -> BinaryIO:
    try:
        return cast("BinaryIO", input_files.open_pipe(path, seconds=PIPE_SECONDS))
    except OSError as error:
        raise VideoError(f"{label} cannot be read: {error.strerror}.") from None
