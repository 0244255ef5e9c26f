"""Open the files that users name, without waiting for a writer, and read them up to a limit.

Opening a named pipe waits until a program writes to it, and a device such as ``/dev/zero`` has no end. So a file is
opened without waiting, and its kind is read from the descriptor: between a question about a path and its opening
another file can take its place. Every fault is an OSError whose ``strerror`` ends the sentence "FILE cannot be read".
"""

from __future__ import annotations

import errno
import os
import re
import select
from io import BufferedReader, FileIO
from pathlib import Path
from stat import S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK

LISTS = 256 << 20
"""Bytes of a list or a table that a user names: a line for each of a million faces."""
TABLES = 32 << 20
"""Bytes of a JSON file with thresholds or names; what it becomes can take twenty times as much memory."""
WEIGHTS = 1 << 30
"""Bytes of a weight file that is read as a whole."""
CHUNK = 1 << 20

_STREAM = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/(self|thread-self|\d+)/fd/\d+")
"""Descriptors that another program has opened: standard input, and what ``<(command)`` of a shell stands for."""
_WITHOUT_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class SpecialFileError(OSError):
    """The path is a named pipe, a socket or a device, which may never give a byte."""


def open_file(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file to read its bytes.

    Raises OSError: IsADirectoryError for a folder, SpecialFileError for anything else that is no regular file.
    """
    return _open(os.fsdecode(path), streams=False)


def open_stream(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file, a device that is named in ``/dev``, or what is open already: the caller limits the bytes.

    ``/dev/stdin`` and ``/dev/fd/63`` are open already, and may be pipes: their writer is waited for. A device that has
    no data yet is not. Raises OSError as :func:`open_file`: named pipes, sockets and links to devices are refused.
    """
    return _open(os.fsdecode(path), streams=True)


def open_pipe(path: str | os.PathLike[str], *, seconds: float) -> FileIO:
    """Open a named pipe, and wait until a program writes to it; TimeoutError, an OSError, after so many seconds."""
    name = os.fsdecode(path)
    descriptor = _open_descriptor(name)
    try:
        if not select.select([descriptor], [], [], seconds)[0]:
            raise TimeoutError(errno.ETIMEDOUT, f"no program has written to this pipe in {seconds:g} seconds", name)
        os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return FileIO(descriptor)


def expand_home(path: str | os.PathLike[str]) -> Path:
    """Return a path with the folder of a user in place of ``~``; unchanged where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_stream(name: str) -> bool:
    """Return whether a name stands for what is open already: a file of names that others wrote may not name that."""
    return name == "-" or _STREAM.fullmatch(name) is not None


def read_file(path: str | os.PathLike[str], *, most: int) -> bytes:
    """Return the bytes of a file of at most ``most`` bytes, opened by :func:`open_stream`.

    Raises OSError with errno EFBIG for a larger file, before more than that is read.
    """
    content = bytearray()
    with open_stream(path) as file:
        while chunk := os.read(file.fileno(), min(CHUNK, most + 1 - len(content))):  # an error where it would wait
            content += chunk
            if len(content) > most:
                raise OSError(errno.EFBIG, f"it has more than {_format_size(most)}", os.fsdecode(path))
    return bytes(content)


def _open(name: str, *, streams: bool) -> BufferedReader:
    descriptor = _open_descriptor(name)
    try:
        mode = os.fstat(descriptor).st_mode
        if S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        if streams and _STREAM.fullmatch(name):
            os.set_blocking(descriptor, True)
        elif not (S_ISREG(mode) or (streams and S_ISCHR(mode) and name.startswith("/dev/"))):
            raise SpecialFileError(errno.ENXIO, f"it is a {_name_kind(mode)}, not a file", name)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _open_descriptor(name: str) -> int:
    try:
        return os.open(name, _WITHOUT_WAITING)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a device that is not there
            raise SpecialFileError(errno.ENXIO, "it is a socket or a device, not a file", name) from error
        raise
    except ValueError as error:  # a zero byte, or half of a surrogate pair: no system call takes these
        raise OSError(errno.EINVAL, "it cannot be the name of a file", name) from error


def _name_kind(mode: int) -> str:
    return "named pipe" if S_ISFIFO(mode) else "socket" if S_ISSOCK(mode) else "device"


def _format_size(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size:,} bytes"
