"""Keep files from other users of this machine: create them private, and name those that others can read or change.

What visavis writes shows or describes faces, so a new file is for its user alone (0600), and a new folder too (0700),
whatever the umask. Existing permissions are not changed. A file of a group other than the user's own counts as shared
with that group on purpose. On Windows, whose permissions are inherited from the folder, nothing is checked.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from visavis.errors import VisavisWarning

FILE, FOLDER = 0o600, 0o700
"""Permissions of new files and folders."""
DANGLING = "it is a link to a file that does not exist"
WRITE = 0o022
"""Permissions of the group and of all other users to write."""

_named: set[str] = set()
"""Files and folders that this process has warned of."""


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, each for this user alone; existing folders stay as they are.

    Raises OSError, such as FileExistsError where something else has the name.
    """
    if folder.is_dir():
        return
    if not folder.parent.exists():
        make_folder(folder.parent)
    try:
        folder.mkdir(FOLDER)
    except FileExistsError:
        if not folder.is_dir():  # else another process was faster
            raise
    else:
        make_private(folder)


def make_private(path: Path) -> None:
    """Give a file or folder the permissions of a new one; do nothing on file systems that have none."""
    with suppress(OSError):
        path.chmod(FOLDER if path.is_dir() else FILE)


def create_file(path: Path) -> None:
    """Create an empty file for this user alone, unless it is there.

    Raises OSError, also for a link to a file that does not exist: who planted it would choose where the file is.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, FILE))
    except FileExistsError:
        if is_dangling(path):
            raise FileNotFoundError(errno.ENOENT, DANGLING, str(path)) from None
    else:
        make_private(path)


def is_dangling(path: Path) -> bool:
    """Return whether a path is a link to a file that does not exist."""
    return path.is_symlink() and not path.exists()


def open_without_link(path: str, flags: int) -> int:
    """Open a file as ``opener`` of :func:`open`, a new one for this user alone.

    Raises OSError where the path is a link, and where it is a named pipe that no program reads: to open it would wait
    for one.
    """
    descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), FILE)
    if os.name == "posix":
        os.set_blocking(descriptor, True)
    return descriptor


def can_others_read(path: Path) -> bool:
    """Return whether other users can read a file or folder; False where there is none."""
    if os.name != "posix":
        return False
    try:
        state = path.stat()
    except OSError:
        return False
    if not stat.S_ISDIR(state.st_mode) and _is_in_private_folder(path):
        return False
    return bool(state.st_mode & (0o077 if state.st_gid == os.getegid() else 0o007))


def _is_in_private_folder(path: Path) -> bool:
    try:
        return not path.resolve().parent.stat().st_mode & 0o011
    except OSError:
        return False


def warn_if_readable(paths: Iterable[Path], *, contents: str) -> None:
    """Warn once a process and path where others can read files or folders; the warning holds the command to mend it."""
    loose = [path for path in paths if str(path) not in _named and can_others_read(path)]
    if not loose:
        return
    _named.update(map(str, loose))
    recursive = "-R " if any(path.is_dir() for path in loose) else ""
    warnings.warn(
        f"other users of this machine can read {loose[0]}, which holds {contents}: run chmod {recursive}go= "
        f"{' '.join(shlex.quote(str(path)) for path in loose)}",
        VisavisWarning,
        stacklevel=3,
    )


def find_distrust(folder: Path) -> str:
    """Return why the contents of a folder cannot be trusted, with the command to mend it; empty where they can be.

    Others must not be able to put files into it: it belongs to this user or to root, and only its owner can write to
    it. In a folder with the sticky bit, such as ``/tmp``, others cannot replace what is not theirs.
    """
    if os.name != "posix":
        return ""
    try:
        state = folder.stat()
    except OSError:
        return ""
    user = os.geteuid()
    if state.st_uid not in {0, user}:
        command = f"chown -R {user} {shlex.quote(str(folder))}"
        return f"{folder} belongs to another user: if you trust what is in it, run {'sudo ' * bool(user)}{command}"
    if state.st_mode & WRITE and not state.st_mode & stat.S_ISVTX:
        return f"other users of this machine can write to {folder}: run chmod go-w {shlex.quote(str(folder))}"
    return ""
