"""Outputs of a run that are one file, or a file that the run reads: refused before anything is read or written."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from visavis.errors import UsageError
from visavis.videos._local_camera import device_number
from visavis.videos.addresses import is_address

Identity = tuple[int | str, ...]
"""What one file has whatever path leads to it: device and number, of its nearest folder if it does not exist yet, and
the names below that folder."""
VIDEO, GALLERY_FILE = "the video that is read", "the gallery"
SQLITE = "sqlite:///"


def check_outputs(outputs: Mapping[str, str | os.PathLike[str] | None], inputs: Iterable[tuple[str, object]]) -> None:
    """Raise UsageError where two outputs are one file or folder, or an output is an input.

    ``outputs`` are paths by the options that name them, None where an option is not given. ``inputs`` are words for
    what is read, and its path; what is no path of a file or a folder, such as an address, is no output. Links and other
    spellings of a path are the file that they lead to. Of files that do not exist yet, names that differ in case alone
    are one, as they are on some file systems. Devices and pipes may be shared.
    """
    read = {identity: words for words, source in inputs if (identity := _identify_source(source)) is not None}
    written: dict[Identity, str] = {}
    for option, path in outputs.items():
        identity = None if path is None else _identify(Path(path))
        if path is None or identity is None:
            continue
        what = "folder" if Path(path).is_dir() else "file"
        label = f"{option}: {os.fsdecode(path)}"
        if identity in read:
            raise UsageError(f"{label} is {read[identity]}: give another {what} for the output.")
        if identity in written:
            raise UsageError(f"{label} is the {what} of {written[identity]} too: give each a {what} of its own.")
        written[identity] = option


def gallery_path(gallery: str | os.PathLike[str] | None) -> Path | None:
    """Return the file of a gallery, given as a URL or a path; None where it is on a server."""
    if gallery is None:
        return None
    text = os.fsdecode(gallery)
    if "://" in text and not text.startswith(SQLITE):
        return None
    return Path(text.removeprefix(SQLITE))


def _identify_source(source: object) -> Identity | None:
    """Return the identity of a source of frames, or of another input, that is a file or a folder."""
    if source == "-":
        try:
            return _identity_of(os.fstat(0))
        except OSError:
            return None
    if not isinstance(source, str | os.PathLike) or is_address(source) or device_number(source) is not None:
        return None
    return _identify(Path(os.fsdecode(source)))


def _identify(path: Path) -> Identity | None:
    """Return the identity of a file or a folder; None for a device or a pipe, and where the path cannot be followed."""
    try:
        path = Path(os.path.realpath(path))
        missing: list[str] = []
        while not path.exists():
            missing.insert(0, unicodedata.normalize("NFC", path.name).casefold())
            path = path.parent
        identity = _identity_of(path.stat())
    except (OSError, ValueError):
        return None
    return None if identity is None else (*identity, *missing)


def _identity_of(state: os.stat_result) -> Identity | None:
    return (state.st_dev, state.st_ino) if stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode) else None
