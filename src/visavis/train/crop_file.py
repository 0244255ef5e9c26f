"""The folder of crops in the cache: pixels, hashes and thumbnails, each in a file that is mapped into memory.

A file beside has the hashes of their photos, so that those of a photo are found and removed.

The folder is written whole or not at all, a crop at a time: memory does not grow with the number of crops.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visavis import atomic, input_files, permissions
from visavis.embedding_cache.crop_folders import write_photos
from visavis.errors import UsageError, reason_of
from visavis.structured_text import parse_json
from visavis.train.copies import THUMB, make_thumb
from visavis.types import RGB
from visavis.weights.readers import npy

ROWS = "rows.json"
HASH = 16
"""Bytes of the hash of a crop."""


class Crop(NamedTuple):
    """The crop of a photo: its pixels ``(s, s, 3)`` and a remark or "", or None and why there is no crop.

    ``sha256`` is that of the photo, if there is a crop.
    """

    pixels: RGB | None
    message: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class StoredCrops:
    """Crops of the ``used`` ones of a list of pictures.

    ``pixels (n, s, s, 3)``, ``hashes (n, HASH)`` and ``thumbs (n, THUMB * THUMB)`` are uint8. ``skipped`` are rows of
    the list with the reason, ``several`` counts pictures with several faces.
    """

    pixels: RGB
    hashes: NDArray[np.uint8]
    thumbs: NDArray[np.uint8]
    used: NDArray[np.int64]
    skipped: tuple[tuple[int, str], ...]
    several: int


def hash_crop(crop: RGB) -> bytes:
    """Return the hash of a crop."""
    return hashlib.sha256(np.ascontiguousarray(crop).data).digest()[:HASH]


def has_crops(folder: Path) -> bool:
    """Return whether the folder holds crops."""
    return (folder / ROWS).is_file()


def read_crops(folder: Path) -> StoredCrops | None:
    """Map the crops of a folder into memory; None where there are none, and where they are damaged: then delete them.

    Raises OSError where they cannot be deleted.
    """
    if not has_crops(folder):
        return None
    try:
        return _map_crops(folder)
    except (OSError, EOFError, KeyError, *npy.FAULTS):
        atomic.remove_folder(folder)
        return None


def _map_crops(folder: Path) -> StoredCrops:
    rows = parse_json(input_files.read_file(folder / ROWS, most=input_files.LISTS))
    pixels, hashes, thumbs = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("pixels", "hashes", "thumbs")
    )
    used = np.array(rows["used"], np.int64)
    if not len(used) == len(pixels) == len(hashes) == len(thumbs):
        raise ValueError("they are not of the same photos")
    skipped = tuple((row, message) for row, message in rows["skipped"])
    return StoredCrops(pixels, hashes, thumbs, used, skipped, rows["several"])


def write_crops(folder: Path, crops: Iterable[Crop], size: int) -> StoredCrops:
    """Write the crops of pictures to a new folder, and map them. UsageError where the disk is full or read-only."""
    used, photos, skipped, several = list[int](), list[str](), list[tuple[int, str]](), 0
    shapes = {"pixels": (size, size, 3), "hashes": (HASH,), "thumbs": (THUMB * THUMB,)}
    try:
        permissions.make_folder(folder.parent)
        with atomic.new_folder(folder) as part:
            with ExitStack() as stack:
                pixels, hashes, thumbs = (stack.enter_context((part / name).open("wb")) for name in shapes)
                for row, crop in enumerate(crops):
                    if crop.pixels is None:
                        skipped.append((row, crop.message))
                    else:
                        used.append(row)
                        photos.append(crop.sha256)
                        several += bool(crop.message)
                        data = np.ascontiguousarray(crop.pixels)
                        pixels.write(data.data)
                        hashes.write(hash_crop(data))
                        thumbs.write(make_thumb(data).data)
            for name, shape in shapes.items():
                _add_header(part / name, (len(used), *shape))
            write_photos(part, photos)
            content = {"used": used, "skipped": skipped, "several": several}
            (part / ROWS).write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        if not has_crops(folder):  # else another process was faster
            raise UsageError(f"{folder.parent} cannot be written to: {reason_of(error)}.") from error
    return _map_crops(folder)


def _add_header(path: Path, shape: tuple[int, ...]) -> None:
    """Make a file of bytes a file of numpy, whose header has the number of rows: known only at the end."""
    with path.with_suffix(".npy").open("wb") as target, path.open("rb") as source:
        np.lib.format.write_array_header_1_0(target, {"descr": "|u1", "fortran_order": False, "shape": shape})
        shutil.copyfileobj(source, target, 1 << 20)
    path.unlink()
