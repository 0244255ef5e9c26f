"""Folders of crops that training keeps in the cache: which photos they are of, and how to remove those of a photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from visavis import atomic
from visavis.cache import cache_dir
from visavis.weights.readers import npy

FOLDER = "crops"
"""Name of the folder in the cache that holds them."""
PHOTOS = "photos.npy"
"""The SHA-256 of the photo of each crop: uint8 ``(n, 32)``."""


def write_photos(folder: Path, sha256s: Sequence[str]) -> None:
    """Write the SHA-256 of the photo of each crop into a folder of crops; raises OSError."""
    rows = np.frombuffer(bytes.fromhex("".join(sha256s)), np.uint8).reshape(-1, 32)
    np.save(folder / PHOTOS, rows)


def forget_crops(sha256s: Sequence[str]) -> int:
    """Delete the folders with crops of these photos, as a whole; return how many such crops there were.

    The next training makes a folder again. Folders of older versions, which do not state their photos, are deleted too:
    no training reads them any more. Raises OSError where a folder cannot be deleted.
    """
    requested = {bytes.fromhex(sha256) for sha256 in sha256s}
    removed = 0
    for folder in _list_folders():
        count = _count_crops(folder, requested)
        if count is None or count:
            atomic.remove_folder(folder)
            removed += count or 0
    return removed


def _list_folders() -> Iterator[Path]:
    folder = cache_dir() / FOLDER
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith("."))


def _count_crops(folder: Path, sha256s: set[bytes]) -> int | None:
    """Return how many crops of these photos a folder holds; None where it does not state its photos."""
    try:
        rows = np.load(folder / PHOTOS, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, *npy.FAULTS):
        return None
    return sum(row.tobytes() in sha256s for row in np.atleast_1d(rows))
