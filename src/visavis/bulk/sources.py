"""Where photos come from: folders gone through from top to bottom, single files, URLs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from visavis import images, photo_files
from visavis.bulk import remote
from visavis.bulk.types import Outcome


def walk(sources: Iterable[str], *, exclude: Sequence[str] = ()) -> Iterator[str | Outcome]:
    """Yield the photos of ``sources``: names of files, folders, or URLs of either.

    Which files of a folder are photos: see :mod:`visavis.photo_files`; ``exclude`` holds patterns of names to pass
    over. Every folder is listed once, however many ways lead there. A folder that cannot be listed is an Outcome.
    Raises UsageError for a URL that means nothing, MissingExtraError where a package is missing for it.
    """
    photo_files.check_patterns(exclude)
    visited: set[tuple[int, int]] = set()
    for source in sources:
        if remote.is_url(source):
            yield from remote.walk(source, exclude=exclude)
        elif photo_files.is_folder(source):
            yield from _folder(source, exclude, visited)
        else:
            yield source


def read(photo: str) -> bytes:
    """Read the encoded bytes of a photo that :func:`walk` named; raises ImageError."""
    if remote.is_url(photo):
        return remote.read(photo)
    return images.encoded(Path(photo), name=photo)


def _folder(folder: str, exclude: Sequence[str], visited: set[tuple[int, int]]) -> Iterator[str | Outcome]:
    for found in photo_files.walk(folder, exclude=exclude, visited=visited):
        if isinstance(found, photo_files.UnlistedFolder):
            yield Outcome(found.path, found.status, message=found.message)
        else:
            yield found
