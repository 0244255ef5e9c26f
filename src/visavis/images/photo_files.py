"""FIND: which files of a folder are photos, and how many photos a caller means.

One rule for every function and command (docs/folders.md states it for users):

- A file is a photo if its name ends like one (:data:`PHOTO_ENDINGS`, in upper or lower case) and it is a regular file.
- Hidden files and folders (names that begin with a dot) and the litter of operating systems and network storage
  (:func:`is_litter`) are passed over, and so is whatever matches a pattern of ``exclude``.
- Links are followed; each folder is listed once, however many links lead there. A broken link counts as a photo, so
  that reading it says what is wrong. Pipes and devices do not count: reading one might never end.
- The photos of a folder come before those of the folders below it, each sorted by name.

What the caller names is always taken: a hidden folder, a file without an ending, a folder called ``@eaDir``.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from visavis.errors import UsageError

PHOTO_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".pgm", ".ppm"}
)
"""How the names of photos end, in lower case."""

LITTER = re.compile(
    r"""
    @eadir | @tmp | @synoresource | @synoeastream | .*@synoeastream | .*@synoresource   # Synology DSM
    | \#recycle | \#snapshot | synophoto_thumb_.* | synofile_thumb_.* | synoindex_media_info
    | @__thumb | @recycle | @recently-snapshot | @transcode                             # QNAP QTS
    | \$recycle\.bin | recycler | recycled | system\ volume\ information | found\.\d{3} # Windows
    | thumbs\.db(:.*)? | ehthumbs(_vista)?\.db | desktop\.ini
    | __macosx | network\ trash\ folder | temporary\ items | thevolumesettingsfolder    # macOS and its file servers
    | lost\+found                                                                       # Linux
    | .*\.lrdata                                                                        # previews of Lightroom
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""Names of files and folders that programs leave among photos: caches of thumbnails, recycle bins, snapshots."""


@dataclass(frozen=True, slots=True)
class UnlistedFolder:
    """A folder that gave no photo.

    ``status`` is "missing", "unreadable" (``reason`` holds the system's words), "empty", or "not_one" where one photo
    was expected.
    """

    path: str
    status: str
    reason: str = ""

    @property
    def message(self) -> str:
        """One sentence that says what is wrong."""
        if self.status == "empty":
            return f"the folder {self.path!r} holds no photo."
        if self.status == "not_one":
            return f"{self.path!r} is a folder, where one photo is expected: name a photo in it."
        return f"the folder {self.path!r} cannot be listed: {self.reason}."


def is_litter(name: str) -> bool:
    """Return whether a file or folder of this name was left by an operating system or a network storage."""
    return LITTER.fullmatch(name) is not None


def has_photo_ending(name: str | os.PathLike[str]) -> bool:
    """Return whether a name ends like that of a photo."""
    return Path(name).suffix.lower() in PHOTO_ENDINGS


def is_photo_name(name: str) -> bool:
    """Return whether a file of this name, found in a folder, is taken for a photo."""
    return has_photo_ending(name) and not is_passed_over(name)


def is_passed_over(name: str) -> bool:
    """Return whether a file or folder of this name is hidden, or litter."""
    return name.startswith(".") or is_litter(name)


def is_excluded(path: str, exclude: Sequence[str]) -> bool:
    """Return whether ``path``, relative to the folder that the caller named, matches a pattern.

    A pattern without a slash matches a file or folder of that name anywhere; one with a slash matches the whole
    relative path. ``*`` matches any characters, slashes too. Case counts; Unicode is compared in the form NFC.
    """
    path = _nfc(path.replace(os.sep, "/"))
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in map(_pattern, exclude))


def walk(
    folder: str | os.PathLike[str],
    *,
    recursive: bool = True,
    exclude: Sequence[str] = (),
    visited: set[tuple[int, int]] | None = None,
    within: str = "",
) -> Iterator[str | UnlistedFolder]:
    """Yield the paths of the photos in ``folder``, which begin with ``folder`` as it was given.

    ``exclude`` holds patterns, see :func:`is_excluded`. ``visited`` remembers folders (device and inode) from one call
    to the next, so that none is listed twice. ``within`` is put before the relative paths that patterns are matched
    with ("ann/"). A folder that cannot be listed is yielded as an UnlistedFolder.
    """
    check_patterns(exclude)
    visited = set() if visited is None else visited
    top = os.fspath(folder)
    stack = [(top, within)]
    while stack:
        place, relative = stack.pop()
        entries = _entries(place, visited)
        if isinstance(entries, UnlistedFolder):
            yield entries
            continue
        kept = [
            (entry, relative + entry.name)
            for entry in entries
            if not is_passed_over(entry.name) and not (exclude and is_excluded(relative + entry.name, exclude))
        ]
        yield from (entry.path for entry, _ in kept if is_photo_name(entry.name) and _is_file(entry))
        if recursive:
            stack += [(entry.path, path + "/") for entry, path in reversed(kept) if _is_folder(entry)]


def photos_in(folder: str | os.PathLike[str], *, recursive: bool = True, exclude: Sequence[str] = ()) -> list[str]:
    """Return the photos of a folder and, if ``recursive``, of the folders below it; see :func:`walk`.

    Folders that cannot be listed are left out. Raises UsageError where ``folder`` itself is no folder that can be
    listed; a folder without photos gives an empty list.
    """
    found = list(walk(folder, recursive=recursive, exclude=exclude))
    for entry in found:
        if isinstance(entry, UnlistedFolder) and entry.path == os.fspath(folder):
            raise UsageError(entry.message)
    return [entry for entry in found if isinstance(entry, str)]


def by_folder(
    folder: str | os.PathLike[str], *, recursive: bool = False, exclude: Sequence[str] = ()
) -> list[tuple[Path, list[str], list[UnlistedFolder]]]:
    """Return each folder directly in ``folder`` with its photos (and, if ``recursive``, those of the folders below).

    Third come the folders that cannot be listed. Patterns of ``exclude`` are relative to ``folder``. Raises UsageError
    where ``folder`` itself cannot be listed.
    """
    check_patterns(exclude)
    entries = _entries(os.fspath(folder), set())
    if isinstance(entries, UnlistedFolder):
        raise UsageError(entries.message)
    names = [entry.name for entry in entries if _is_folder(entry) and not is_passed_over(entry.name)]
    answers = []
    for name in names:
        if is_excluded(name, exclude):
            continue
        found = list(walk(Path(folder) / name, recursive=recursive, exclude=exclude, within=name + "/"))
        photos = [entry for entry in found if isinstance(entry, str)]
        answers.append((Path(folder) / name, photos, [entry for entry in found if isinstance(entry, UnlistedFolder)]))
    return answers


def check_patterns(exclude: Sequence[str]) -> None:
    """Raise UsageError where ``exclude`` is one pattern in place of a list, or a pattern is empty."""
    if isinstance(exclude, str):
        raise UsageError(f"exclude is a list of patterns: write [{exclude!r}].")
    if not all(_pattern(pattern) for pattern in exclude):
        raise UsageError("a pattern to exclude is empty: write a name or a glob, such as 'thumbs' or '*.gif'.")


# ------------------------------------------------------------------------------------------- photos that a caller means


def is_folder(source: object) -> bool:
    """Return whether a photo source is the path of a folder; "-" is standard input."""
    if not isinstance(source, str | os.PathLike) or source in {"-", ""}:
        return False
    try:
        return Path(os.fsdecode(source)).is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def is_single(sources: object) -> bool:
    """Return whether ``sources`` is one photo (a path, bytes, a file, a picture) rather than a collection of photos.

    An array of two or three axes is one picture; of four axes, or of paths, it is many.
    """
    if isinstance(sources, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(sources, "read"):
        return True
    axes = getattr(sources, "ndim", None)
    if axes is not None:
        return bool(axes in {2, 3})
    return not hasattr(sources, "__iter__") and (hasattr(sources, "__array_interface__") or hasattr(sources, "pixels"))


def each_photo(sources: Any, *, exclude: Sequence[str] = ()) -> Iterator[Any]:
    """Yield the photos that a function of many photos was given; folders are replaced by the photos in them.

    One photo (see :func:`is_single`) stands for itself: a path is never taken apart into letters. A folder without
    photos, or one that cannot be listed, is yielded as an UnlistedFolder. Raises UsageError for what is neither a photo
    nor a collection.
    """
    return _each(as_many(sources), exclude)


def as_many(sources: Any) -> Iterable[Any]:
    """Return a collection of photos as it is, and one photo in a list; UsageError for what is neither."""
    if is_single(sources):
        return [sources]
    if not hasattr(sources, "__iter__"):
        kind = type(sources).__name__
        raise UsageError(f"photos are a path, bytes, an array, a picture or a list of these, got {kind}.")
    many: Iterable[Any] = sources
    return many


def check_list(photos: object) -> None:
    """Raise UsageError for one photo, where a list is needed since other lists go with it row by row."""
    if is_single(photos):
        raise UsageError(f"photos are given as a list, got {photos!r} alone: put it in brackets.")


def one_by_one(sources: Iterable[Any]) -> Iterator[Any]:
    """Yield sources of which each stands for one photo: a folder becomes an UnlistedFolder, never the photos in it."""
    for source in sources:
        yield UnlistedFolder(os.fsdecode(source), "not_one") if is_folder(source) else source


def _each(sources: Iterable[Any], exclude: Sequence[str]) -> Iterator[Any]:
    for source in sources:
        if not is_folder(source):
            yield source
            continue
        empty = True
        for found in walk(os.fsdecode(source), exclude=exclude):
            empty = False
            yield found
        if empty:
            yield UnlistedFolder(os.fsdecode(source), "empty")


# ---------------------------------------------------------------------------------------------------------- details


def _entries(folder: str, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]] | UnlistedFolder:
    """List a folder by name; an empty list where it was listed before."""
    try:
        facts = Path(folder).stat()
        if (place := (facts.st_dev, facts.st_ino)) in visited:
            return []
        visited.add(place)
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: (_nfc(entry.name), entry.name))
    except OSError as error:
        status = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        return UnlistedFolder(folder, status, error.strerror or str(error))


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether there is something to read; a broken link counts."""
    try:
        return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _pattern(pattern: str) -> str:
    """Return a pattern as paths are compared: NFC, without "./" before it or "/" after it."""
    return _nfc(pattern.replace(os.sep, "/")).removeprefix("./").strip("/")
