"""Where photos come from: folders gone through from top to bottom, single files, URLs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from visavis import images
from visavis.bulk import remote
from visavis.bulk.types import Outcome
from visavis.images import PHOTO_ENDINGS


def walk(sources: Iterable[str]) -> Iterator[str | Outcome]:
    """Yield the photos of ``sources``: names of files, folders, or URLs of either.

    In folders those are the files that end like photos, sorted by name, without hidden ones, and the folders below
    come after them. Links are followed, and every folder is gone through once however many ways lead there. A folder
    that cannot be listed is an Outcome. Raises UsageError for a URL that means nothing, MissingExtraError where a
    package is missing for it.
    """
    seen: set[tuple[int, int]] = set()
    for source in sources:
        if remote.is_url(source):
            yield from remote.walk(source)
        elif Path(source).is_dir():
            yield from _folder(source, seen)
        else:
            yield source


def read(photo: str) -> bytes:
    """Read the encoded bytes of a photo that :func:`walk` named; raises ImageError."""
    if remote.is_url(photo):
        return remote.read(photo)
    return images.encoded(Path(photo), name=photo)


def is_photo(name: str) -> bool:
    """Tell whether a file in a folder is taken for a photo, by its name."""
    return Path(name).suffix.lower() in PHOTO_ENDINGS and not name.startswith(".")


def _folder(folder: str, seen: set[tuple[int, int]]) -> Iterator[str | Outcome]:
    """Go through a folder without recursion, however deep it is."""
    stack = [folder]
    while stack:
        top = stack.pop()
        try:
            facts = Path(top).stat()
            if (place := (facts.st_dev, facts.st_ino)) in seen:
                continue
            seen.add(place)
            with os.scandir(top) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            yield _unlisted(top, error)
            continue
        yield from (entry.path for entry in entries if is_photo(entry.name) and _is_file(entry))
        stack += [entry.path for entry in reversed(entries) if not entry.name.startswith(".") and _is_folder(entry)]


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Tell whether there is something to read: no folder, no pipe or device, which might never end.

    A link that leads nowhere, or that may not be followed, counts: reading it says what is wrong.
    """
    try:
        return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _unlisted(folder: str, error: OSError) -> Outcome:
    status = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
    return Outcome(folder, status, message=f"the folder {images.shown(folder)} cannot be listed: {error.strerror}.")
