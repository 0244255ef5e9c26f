"""FIND: which files of a folder are photos, and which photos a caller's argument stands for.

One rule for every function and command (docs/folders.md states it for users):

- A file is a photo if its name has a photo's ending (:data:`PHOTO_ENDINGS`, in any case) and it is a regular file.
- Hidden files and folders (names that begin with a dot) and the litter of operating systems and network storage
  (:func:`is_litter`) are skipped, and so is everything that matches a pattern of ``exclude``.
- Links are followed; each folder is listed once, however many links lead there. A broken link counts as a photo, so
  that reading it reports the fault. Pipes and devices do not count: reading one might never end.
- The photos of a folder come before those of the folders below it, each sorted by name.

A path that the caller names is always used: a hidden folder, a file without an ending, a folder called ``@eaDir``.
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
from visavis.types import Photo

PHOTO_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".pgm", ".ppm"}
)
"""Endings of the names of photos, in lower case."""

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
        """The problem, in one sentence."""
        if self.status == "empty":
            return f"the folder {self.path!r} holds no photo."
        if self.status == "not_one":
            return f"{self.path!r} is a folder, where one photo is expected: name a photo in it."
        return f"the folder {self.path!r} cannot be listed: {self.reason}."


def is_litter(name: str) -> bool:
    """Return whether a file or folder of this name was left by an operating system or a network storage."""
    return LITTER.fullmatch(name) is not None


def has_photo_ending(name: str | os.PathLike[str]) -> bool:
    """Return whether a name has the ending of a photo."""
    return Path(name).suffix.lower() in PHOTO_ENDINGS


def is_photo_name(name: str) -> bool:
    """Return whether a file of this name in a folder is taken for a photo."""
    return has_photo_ending(name) and not is_passed_over(name)


def is_passed_over(name: str) -> bool:
    """Return whether a file or folder of this name is hidden, or litter."""
    return name.startswith(".") or is_litter(name)


def is_excluded(path: str, exclude: Sequence[str]) -> bool:
    """Return whether ``path``, relative to the folder that the caller named, matches a pattern.

    A pattern without a slash matches a file or folder of that name anywhere; one with a slash matches the whole
    relative path. ``*`` matches any characters, slashes too. Case counts; Unicode is compared in the form NFC.
    """
    path = nfc(path.replace(os.sep, "/"))
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in map(_normalize_pattern, exclude))


def walk(
    folder: str | os.PathLike[str],
    *,
    recursive: bool = True,
    exclude: Sequence[str] = (),
    visited: set[tuple[int, int]] | None = None,
    within: str = "",
) -> Iterator[str | UnlistedFolder]:
    """Yield the paths of the photos in ``folder``; they begin with the text of ``folder``.

    ``exclude`` holds patterns, see :func:`is_excluded`. ``visited`` remembers folders (device and inode) from one call
    to the next, so that none is listed twice. ``within`` ("ann/") is prepended to the relative paths that patterns
    are matched with. A folder that cannot be listed is yielded as an UnlistedFolder.
    """
    check_patterns(exclude)
    visited = set() if visited is None else visited
    top = os.fspath(folder)
    stack = [(top, within)]
    while stack:
        place, relative = stack.pop()
        entries = _list_entries(place, visited)
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

    Folders that cannot be listed are left out. Raises UsageError where ``folder`` itself cannot be listed; a folder
    without photos gives an empty list.
    """
    entries = list(walk(folder, recursive=recursive, exclude=exclude))
    for item in entries:
        if isinstance(item, UnlistedFolder) and item.path == os.fspath(folder):
            raise UsageError(item.message)
    return [item for item in entries if isinstance(item, str)]


def by_folder(
    folder: str | os.PathLike[str], *, recursive: bool = False, exclude: Sequence[str] = ()
) -> list[tuple[Path, list[str], list[UnlistedFolder]]]:
    """Return each folder directly in ``folder`` with its photos (and, if ``recursive``, those of the folders below).

    The third element lists the folders that cannot be listed. Patterns of ``exclude`` are relative to ``folder``.
    Raises UsageError where ``folder`` itself cannot be listed.
    """
    check_patterns(exclude)
    entries = _list_entries(os.fspath(folder), set())
    if isinstance(entries, UnlistedFolder):
        raise UsageError(entries.message)
    names = [entry.name for entry in entries if _is_folder(entry) and not is_passed_over(entry.name)]
    answers = []
    for name in names:
        if is_excluded(name, exclude):
            continue
        paths = list(walk(Path(folder) / name, recursive=recursive, exclude=exclude, within=name + "/"))
        photos = [entry for entry in paths if isinstance(entry, str)]
        answers.append((Path(folder) / name, photos, [entry for entry in paths if isinstance(entry, UnlistedFolder)]))
    return answers


def check_patterns(exclude: Sequence[str]) -> None:
    """Raise UsageError where ``exclude`` is one pattern in place of a list, or a pattern is empty."""
    if isinstance(exclude, str):
        raise UsageError(f"exclude is a list of patterns: write [{exclude!r}].")
    if not all(_normalize_pattern(pattern) for pattern in exclude):
        raise UsageError("a pattern to exclude is empty: write a name or a glob, such as 'thumbs' or '*.gif'.")


# ------------------------------------------------------------------------------------------- photos that a caller names


def is_folder(source: object) -> bool:
    """Return whether a photo source is the path of a folder; "-" is standard input."""
    if not isinstance(source, str | os.PathLike) or source in {"-", ""}:
        return False
    try:
        return Path(os.fsdecode(source)).is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def is_single(sources: object) -> bool:
    """Return whether ``sources`` is one photo (a path, bytes, a file, a picture, a Photo) rather than a collection.

    An array of two or three axes is one picture; of four axes, or of paths, it is many.
    """
    if isinstance(sources, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(sources, "read"):
        return True
    axes = getattr(sources, "ndim", None)
    if axes is not None:
        return bool(axes in {2, 3})
    picture = isinstance(sources, Photo) or hasattr(sources, "__array_interface__")
    return picture and not hasattr(sources, "__iter__")


def each_photo(sources: Any, *, exclude: Sequence[str] = ()) -> Iterator[Any]:
    """Yield the photos of an argument for many photos; folders are replaced by the photos in them.

    One photo (see :func:`is_single`) stands for itself: a path is never split into letters. A folder without
    photos, or one that cannot be listed, is yielded as an UnlistedFolder. Raises UsageError for anything else.
    """
    return _expand_folders(as_many(sources), exclude)


def as_many(sources: Any) -> Iterable[Any]:
    """Return a collection of photos unchanged, and one photo in a list; UsageError for anything else."""
    if is_single(sources):
        return [sources]
    if not hasattr(sources, "__iter__"):
        kind = type(sources).__name__
        raise UsageError(f"photos are a path, bytes, an array, a picture or a list of these, got {kind}.")
    many: Iterable[Any] = sources
    return many


def check_list(photos: object) -> None:
    """Raise UsageError for a single photo, where a list is needed to match other lists row by row."""
    if is_single(photos):
        raise UsageError(f"photos are given as a list, got {photos!r} alone: put it in brackets.")


def one_by_one(sources: Iterable[Any]) -> Iterator[Any]:
    """Yield sources that each stand for one photo: a folder becomes an UnlistedFolder, never the photos in it."""
    for source in sources:
        yield UnlistedFolder(os.fsdecode(source), "not_one") if is_folder(source) else source


def _expand_folders(sources: Iterable[Any], exclude: Sequence[str]) -> Iterator[Any]:
    for source in sources:
        if not is_folder(source):
            yield source
            continue
        empty = True
        for item in walk(os.fsdecode(source), exclude=exclude):
            empty = False
            yield item
        if empty:
            yield UnlistedFolder(os.fsdecode(source), "empty")


# ---------------------------------------------------------------------------------------------------------- details


def _list_entries(folder: str, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]] | UnlistedFolder:
    """List a folder by name; an empty list where it was listed before."""
    try:
        facts = Path(folder).stat()
        if (place := (facts.st_dev, facts.st_ino)) in visited:
            return []
        visited.add(place)
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: (nfc(entry.name), entry.name))
    except OSError as error:
        status = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        return UnlistedFolder(folder, status, error.strerror or str(error))


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry can be read as a file; a broken link counts."""
    try:
        return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def sort_naturally(photos: Sequence[str]) -> list[str]:
    """Sort paths so that numbers in names count as numbers: a2.jpg before a10.jpg."""
    return sorted(photos, key=natural_key)


def natural_key(text: str) -> tuple[tuple[object, ...], str]:
    """Return the key that sorts texts by their numbers as numbers; equal keys only for equal texts."""
    parts = re.split(r"([0-9]+)", text)
    return tuple(_number_key(part) if place % 2 else part.casefold() for place, part in enumerate(parts)), text


def _number_key(digits: str) -> tuple[int, str]:
    """Return the key that sorts texts of digits by value, whatever their length."""
    significant = digits.lstrip("0")
    return len(significant), significant


def nfc(text: str) -> str:
    """Return the text in Unicode's form NFC, in which names are compared."""
    return unicodedata.normalize("NFC", text)


def _normalize_pattern(pattern: str) -> str:
    """Return a pattern in the form of compared paths: NFC, without "./" before it or "/" after it."""
    return nfc(pattern.replace(os.sep, "/")).removeprefix("./").strip("/")
