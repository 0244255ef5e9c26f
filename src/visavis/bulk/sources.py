"""Where photos come from: folders gone through from top to bottom, single files, URLs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from visavis import images
from visavis.bulk import remote_photos
from visavis.bulk.types import Outcome
from visavis.errors import UsageError
from visavis.images import photo_files


def walk(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, exclude: Sequence[str] = ()
) -> Iterator[str | Outcome]:
    """Return the photos of ``sources``: names of files, folders, or URLs of either; one of these or many.

    Which files of a folder are photos: see :mod:`visavis.images.photo_files`; ``exclude`` holds patterns of names to
    pass over. Every folder is listed once, however many ways lead there. A folder that cannot be listed, or was named
    and holds no photo, is an Outcome. Raises UsageError for what is no path, and for a URL that means nothing,
    MissingExtraError where a package is missing for it.
    """
    photo_files.check_patterns(exclude)
    return _walk(photo_files.as_many(sources), exclude)


def _walk(sources: Iterable[Any], exclude: Sequence[str]) -> Iterator[str | Outcome]:
    visited: set[tuple[int, int]] = set()
    for given in sources:
        if not isinstance(given, str | os.PathLike):
            raise UsageError(f"what is indexed are paths and URLs of photos and folders, got {type(given).__name__}.")
        source = os.fsdecode(given)
        if remote_photos.is_url(source):
            yield from remote_photos.walk(source, exclude=exclude)
        elif photo_files.is_folder(source):
            yield from _folder(source, exclude, visited)
        else:
            yield source


def read(photo: str) -> bytes:
    """Read the encoded bytes of a photo that :func:`walk` named; raises ImageError."""
    if remote_photos.is_url(photo):
        return remote_photos.read(photo)
    return images.encoded(Path(photo), name=photo)


def _folder(folder: str, exclude: Sequence[str], visited: set[tuple[int, int]]) -> Iterator[str | Outcome]:
    before, empty = len(visited), True
    for found in photo_files.walk(folder, exclude=exclude, visited=visited):
        empty = False
        if isinstance(found, photo_files.UnlistedFolder):
            yield Outcome(found.path, found.status, message=found.message)
        else:
            yield found
    if empty and len(visited) > before:  # else it was listed before
        yield Outcome(folder, "missing", message=photo_files.UnlistedFolder(folder, "empty").message)
