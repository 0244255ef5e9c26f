"""Write files and folders whole or not at all: beside their place under another name, then moved into it.

- A writer that fails (a full disk, an exception) leaves what was there before. Of two writers, the last to finish wins.
- Only this user can read what is written, whatever the umask, and whatever the permissions of a replaced file.
- The file beside has a random name and is created exclusively: a link planted under its name is not followed.
- A link at the destination is replaced; what it points to is not touched. A device, a pipe or a socket is refused.
- The content is on the disk before the file takes its place: a loss of power leaves the old or the new one.
- A killed writer leaves its unfinished file, without the lock that a writer holds. The first write of a process into
  a folder deletes such files, and those older than a day where there are no locks, but never one that is locked.

Errors are OSError, with the name of the destination.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST
from functools import lru_cache
from io import BufferedRandom
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from visavis.errors import NO_ROOM
from visavis.permissions import FILE, FOLDER, make_private

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ABANDONED_S = 86_400
"""Seconds without a write after which an unfinished file without a lock belongs to a process that was killed."""
LOCKED_S = 1.0
"""Seconds within which a new file is locked."""
UNFINISHED = re.compile(r"\..+\.visavis-[0-9a-f]{16}\.part", re.DOTALL)
"""Names of unfinished files and folders."""
NAME_LENGTH = 50
"""Characters of the destination's name in the name of the unfinished file: the whole stays under 255 bytes."""
ROOM = 32_768
"""Bytes for which a disk that is not full has room: the shared memory of an SQLite file."""
EXCLUSIVE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""Flags that create a file, and fail where anything, also a link, has its name."""


@contextmanager
def new_file(path: Path) -> Iterator[BufferedRandom]:
    """Yield a file to write and read, which takes the place of ``path`` at the end of the block.

    It is deleted after an error.
    """
    part = unfinished(path)
    with _named_after(path, part):
        _check_replaceable(path)
        file = os.fdopen(os.open(part, EXCLUSIVE, FILE), "w+b")
        try:
            make_private(part)
            with _locked(part):
                with file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def write(path: Path, write_to: Callable[[BinaryIO], object]) -> None:
    """Write what ``write_to`` writes to the file that it gets."""
    with new_file(path) as file:
        write_to(file)


def write_bytes(path: Path, data: bytes) -> None:
    """Write the bytes."""
    with new_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write the text in UTF-8, with its line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def copy(source: Path, path: Path) -> None:
    """Copy the content of a file."""
    with source.open("rb") as content:
        write(path, lambda file: shutil.copyfileobj(content, file))


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill, which becomes ``path`` at the end of the block; at an error it is deleted.

    At ``path`` there may be nothing, or an empty folder: OSError else.
    """
    with folder_beside(path) as folder:
        part = folder / path.name
        part.mkdir(FOLDER)
        make_private(part)
        yield part
        with _named_after(path, part):
            for inside in part.rglob("*"):
                make_private(inside)
                if inside.is_file():
                    _sync(inside)
            part.replace(path)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Yield a new, empty folder in the folder of ``path``, deleted at the end of the block.

    Only this user can read it.
    """
    folder = unfinished(path)
    with _named_after(path, folder):
        folder.mkdir(FOLDER)
    make_private(folder)
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Yield a new, empty folder among the temporary files of the system, deleted at the end of the block.

    Only this user can read it. What a killed process left is deleted by the next one.
    """
    with folder_beside(Path(tempfile.gettempdir()) / f"visavis-{purpose}") as folder:
        yield folder


def has_room(folder: Path) -> bool:
    """Return False where the disk of a folder is full, or its quota used up."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            return file.write(bytes(ROOM)) == ROOM
    except OSError as error:
        return error.errno not in NO_ROOM


def move(finished: Path, path: Path) -> None:
    """Move a finished file of the same file system to ``path``."""
    make_private(finished)
    _sync(finished)
    with _named_after(path, finished):
        _check_replaceable(path)
        finished.replace(path)


def remove_folder(path: Path) -> None:
    """Delete a folder at once: no reader sees it without some of its files."""
    removed = unfinished(path)
    path.rename(removed)
    shutil.rmtree(removed)


def unfinished(path: Path) -> Path:
    """Return a random path in the folder of ``path`` for something unfinished."""
    _remove_abandoned(path.parent.absolute())
    return path.with_name(f".{path.name[:NAME_LENGTH]}.visavis-{token_hex(8)}.part")


@lru_cache(maxsize=256)
def _remove_abandoned(folder: Path) -> None:
    """Delete what killed processes left in a folder; called once a process and folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if UNFINISHED.fullmatch(entry.name):
                _remove_if_abandoned(entry)


def _remove_if_abandoned(entry: os.DirEntry[str]) -> None:
    with suppress(OSError):
        state = entry.stat(follow_symlinks=False)
        is_locked = _is_locked(Path(entry.path))
        if is_locked or (is_locked is None and time.time() - state.st_mtime < ABANDONED_S):
            return
        if stat.S_ISDIR(state.st_mode):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            Path(entry.path).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock an unfinished file or folder during the block, at most until the end of the process."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def lock(descriptor: int) -> None:
    """Lock an unfinished file until it is closed, or its process ends; do nothing where there are no locks."""
    if fcntl is not None:
        with suppress(OSError):  # the file system has no locks: then the age decides
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def is_abandoned(path: Path) -> bool:
    """Return whether a file or folder was written by a process that has ended; False where there are no locks.

    A file gets its lock just after its creation, so a new one may still be unlocked.
    """
    return _is_locked(path) is False


def _is_locked(path: Path) -> bool | None:
    """Return whether a writer holds the lock of a file or folder; None where that cannot be said."""
    if fcntl is None or path.is_symlink():
        return None
    state = path.stat(follow_symlinks=False)
    if state.st_uid != os.geteuid() or time.time() - state.st_mtime < LOCKED_S:
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # the file system has no locks
        return None
    finally:
        os.close(descriptor)
    return False


def _check_replaceable(path: Path) -> None:
    if path.exists() and not path.is_file():
        what = "it is a folder" if path.is_dir() else "it is no regular file"
        raise FileExistsError(EEXIST, what, str(path))


@contextmanager
def _named_after(path: Path, part: Path) -> Iterator[None]:
    """Give errors of the unfinished file, or of no named file, the name of the destination."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(part)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
