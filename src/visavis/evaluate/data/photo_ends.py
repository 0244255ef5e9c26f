"""Find the photos that a table means: by their paths, or by the ends of their paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from visavis.errors import UsageError
from visavis.images import shown
from visavis.images.photo_files import nfc


def match_photos(photos: Iterable[str], listed: Iterable[str], *, table: str) -> dict[str, str | None]:
    """Return for each photo the entry of ``listed`` that is its path, or the longest end of its path; None without one.

    ``ann/1.jpg`` is an end of ``people/ann/1.jpg``, but not of ``joann/1.jpg``. Unicode's forms and backslashes in
    entries make no difference. Raises UsageError if an entry fits several photos; ``table`` is its word for ``listed``.
    """
    entries = list(listed)
    by_spelling = {nfc(entry.replace("\\", "/")): entry for entry in entries} | {nfc(entry): entry for entry in entries}
    matches = {photo: _find_longest_end(photo, by_spelling) for photo in photos}
    for entry, times in Counter(matches.values()).items():
        if entry is not None and times > 1:
            raise UsageError(f"{shown(entry)} of {table} fits {times} photos: name its folder too.")
    return matches


def _find_longest_end(photo: str, by_spelling: dict[str, str]) -> str | None:
    return next((by_spelling[end] for end in _list_ends(nfc(photo)) if end in by_spelling), None)


def _list_ends(photo: str) -> Iterator[str]:
    """Yield the path as it is written, in its shortest form, and its ends, the longest first."""
    path = PurePath(photo)
    yield photo
    yield path.as_posix()
    for n in range(1, len(path.parts)):
        yield "/".join(path.parts[n:])
