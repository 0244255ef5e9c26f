"""Where photos come from: folders with all their subfolders, single files, URLs."""

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
    """Yield the photos of ``sources``: files, folders, or URLs of either; a single one or several.

    :mod:`visavis.images.photo_files` decides which files of a folder are photos; ``exclude`` lists patterns of names to
    skip. A folder is listed once, even if several paths lead there. A source folder without photos, or any folder that
    cannot be listed, yields an Outcome. Raises UsageError for what is no path, and for an invalid URL,
    MissingExtraError for a missing package.
    """
    photo_files.check_patterns(exclude)
    return _walk(photo_files.as_many(sources), exclude)


def _walk(sources: Iterable[Any], exclude: Sequence[str]) -> Iterator[str | Outcome]:
    visited: set[tuple[int, int]] = set()
    for item in sources:
        if not isinstance(item, str | os.PathLike):
            raise UsageError(f"what is indexed are paths and URLs of photos and folders, got {type(item).__name__}.")
        source = os.fsdecode(item)
        if remote_photos.is_url(source):
            yield from remote_photos.walk(source, exclude=exclude)
        elif photo_files.is_folder(source):
            yield from _walk_folder(source, exclude, visited)
        else:
            yield source


def read(photo: str) -> bytes:
    """Return the encoded bytes of a photo that :func:`walk` yielded; raises ImageError."""
    if remote_photos.is_url(photo):
        return remote_photos.read(photo)
    return images.encoded(Path(photo), name=photo)


def _walk_folder(folder: str, exclude: Sequence[str], visited: set[tuple[int, int]]) -> Iterator[str | Outcome]:
    before, empty = len(visited), True
    for photo in photo_files.walk(folder, exclude=exclude, visited=visited):
        empty = False
        if isinstance(photo, photo_files.UnlistedFolder):
            yield Outcome(photo.path, photo.status, message=photo.message)
        else:
            yield photo
    if empty and len(visited) > before:  # an unvisited folder without photos
        yield Outcome(folder, "missing", message=photo_files.UnlistedFolder(folder, "empty").message)
