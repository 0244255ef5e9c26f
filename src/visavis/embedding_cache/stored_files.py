"""What the cache holds: its parts with their sizes, and how to remove them, or single photos from them."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from visavis.cache import cache_dir
from visavis.embedding_cache import photo_cache
from visavis.embedding_cache.crop_folders import FOLDER, forget_crops
from visavis.errors import UnknownNameError, VisavisWarning, reason_of

PARTS = {
    "embeddings": "faces and embeddings of photos",
    FOLDER: "faces cut out of photos, to train with",
    "onnx": "converted networks",
    "weights": "downloaded weights",
    "samples": "photos of the demo",
    "licenses": "accepted licenses",
}
"""Folders of the cache, and what they hold."""
FACES = ("embeddings", FOLDER)
"""Parts that hold faces of photos."""


@dataclass(frozen=True, slots=True)
class CachePart:
    """A folder of the cache: its name, what it holds, its place, and the number and bytes of its files."""

    name: str
    contents: str
    folder: Path
    files: int
    bytes: int


def list_parts(names: Iterable[str] = tuple(PARTS)) -> list[CachePart]:
    """Return the parts of the cache; UnknownNameError for an unknown part."""
    return [_measure(name) for name in names]


def clear(names: Iterable[str] = FACES) -> list[CachePart]:
    """Delete parts of the cache; return what they held. Raises UnknownNameError for an unknown part, OSError."""
    parts = list_parts(names)
    for part in parts:
        if part.folder.is_dir():
            shutil.rmtree(part.folder)
    return parts


def forget_photos(sha256s: Iterable[str]) -> int:
    """Remove all that is remembered of photos, by their SHA-256, without a trace; return the number of removed entries.

    Entries are embeddings of a photo, and crops to train with. What cannot be removed is warned of, such as a file that
    others keep locked.
    """
    requested = sorted(set(sha256s))
    if not requested:
        return 0
    return sum(_forget_in(path, requested) for path in _list_embedding_files()) + _forget_crops(requested)


def _measure(name: str) -> CachePart:
    if name not in PARTS:
        raise UnknownNameError(f"no part of the cache is called {name!r}; there are: {', '.join(PARTS)}.")
    folder = cache_dir() / name
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []
    return CachePart(name, PARTS[name], folder, len(sizes), sum(sizes))


def _list_embedding_files() -> Iterator[Path]:
    folder = cache_dir() / "embeddings"
    return iter(sorted(folder.absolute().glob("*.db"))) if folder.is_dir() else iter(())


def _forget_crops(sha256s: list[str]) -> int:
    try:
        return forget_crops(sha256s)
    except OSError as error:
        warnings.warn(
            f"crops of photos are still in {error.filename}: {reason_of(error)}. Run visavis cache clear crops.",
            VisavisWarning,
            stacklevel=3,
        )
        return 0


def _forget_in(path: Path, sha256s: list[str]) -> int:
    try:
        with closing(photo_cache.connect(path)) as connection:
            return photo_cache.forget_rows(connection, sha256s)
    except sqlite3.Error as error:
        warnings.warn(
            f"photos are still remembered in {path}: {error}. Delete that file, or run visavis cache clear.",
            VisavisWarning,
            stacklevel=4,
        )
        return 0
