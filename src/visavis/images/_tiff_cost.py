"""The cost of decoding the first picture of a TIFF file; see :mod:`visavis.images._limits`."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

import numpy as np

from visavis.images._limits import PICTURE, Cost

MAX_ENTRIES = 4_096
"""Entries of a directory: a TIFF of a camera has about 60."""
MAX_STRIPS = 1 << 16
"""Strips or tiles: a strip has at least one row, and a tile 16 x 16 pixels."""
MAX_NUMBERS = 500_000
"""Numbers in all entries of a directory, of which strips and tiles have two each and a palette 196,608."""
REPEATED = 4
"""How many times the file the values of all entries may take: entries may refer to the same bytes."""
MAX_RAW = 600_000_000
"""Bytes of the picture before it becomes RGB: 100 megapixels of RGB have half of them, LZW takes two seconds."""

BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value by its type (TIFF 6.0, section 2; BigTIFF)."""
TEXT = frozenset({1, 2, 7})
"""Types whose values Pillow leaves as bytes."""
WIDTH, HEIGHT, BITS, COMPRESSION, STRIPS, SAMPLES, STRIP_SIZES = 256, 257, 258, 259, 273, 277, 279
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_SIZES = 322, 323, 324, 325
OLD_JPEG, JPEG = 6, 7
SCAN = re.compile(rb"\xff\xda\x00[\x08\x0a\x0c\x0e]")


@dataclass(slots=True)
class _Directory:
    """The first directory of a TIFF: the numbers of each entry, ``values`` by tag, and what is too many, in words."""

    values: dict[int, np.ndarray] = field(default_factory=dict)
    excess: str = ""

    def first(self, tag: int, default: int) -> int:
        numbers = self.values.get(tag)
        return default if numbers is None or not len(numbers) else int(numbers[0])


def tiff_cost(data: bytes) -> Cost:
    """Return the cost of a TIFF file; one without a legible directory costs nothing, since it cannot be decoded."""
    try:
        directory = _read_directory(data)
    except (struct.error, OverflowError):  # beyond the file, or beyond what any file holds
        return Cost()
    if directory.excess:
        return Cost(excess=directory.excess)
    width, height = directory.first(WIDTH, 0), directory.first(HEIGHT, 0)
    if max(len(directory.values.get(tag, ())) for tag in (STRIPS, TILES)) > MAX_STRIPS:
        return Cost(excess=f"over {MAX_STRIPS:,} strips or tiles")
    raw, strips = _raw_bytes(directory, width, height)
    if raw > MAX_RAW:
        return Cost(width, height, excess=f"{raw:,} bytes of pixels in its tiles or strips")
    if directory.first(COMPRESSION, 1) in {OLD_JPEG, JPEG} and _most_scans(directory, data) * raw > MAX_RAW:
        return Cost(width, height, excess="JPEG data of many scans")
    turned = 4 * width * height  # Pillow turns a TIFF itself, into a second picture
    decoded = 4 * width * height
    return Cost(width, height, decoded + max(turned, raw // strips, PICTURE * width * height))


def _read_directory(data: bytes) -> _Directory:
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in {b"+\0", b"\0+"}
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
    if count > MAX_ENTRIES:
        return _Directory(excess=f"over {MAX_ENTRIES:,} entries in its directory")
    layout, first = (order + "HHQ", start + 8) if big else (order + "HHI", start + 2)
    size, inline = (20, 8) if big else (12, 4)
    directory, total, numbers = _Directory(), 0, 0
    for at in range(first, first + size * count, size):
        tag, kind, values = struct.unpack_from(layout, data, at)
        length = values * BYTES.get(kind, 1)
        total += length
        numbers += 0 if kind in TEXT else values
        if total > REPEATED * len(data) or numbers > MAX_NUMBERS:
            directory.excess = "more values in its directory than strips, palettes and profiles take"
            break
        place = at + size - inline
        if length > inline:
            (place,) = struct.unpack_from(order + ("Q" if big else "I"), data, place)
        if kind in {3, 4, 16} and tag not in directory.values:
            directory.values[tag] = _read_numbers(data, place, values, order, kind)
    return directory


def _read_numbers(data: bytes, place: int, count: int, order: str, kind: int) -> np.ndarray:
    """Return the numbers of an entry, those of them that are in the file."""
    number = np.dtype(order + {3: "u2", 4: "u4", 16: "u8"}[kind])
    count = min(count, max(0, len(data) - place) // number.itemsize)
    return np.frombuffer(data, number, count, place) if count else np.zeros(0, number)


def _raw_bytes(directory: _Directory, width: int, height: int) -> tuple[int, int]:
    """Return the bytes of all strips or tiles, and how many there are at least."""
    bits = directory.values.get(BITS)
    samples = directory.first(SAMPLES, 1)
    widest = int(bits.max()) if bits is not None and len(bits) else 1
    if TILES in directory.values:
        across, down = max(directory.first(TILE_WIDTH, 1), 1), max(directory.first(TILE_HEIGHT, 1), 1)
        columns, rows = -(-width // across), -(-height // down)
        return columns * across * rows * down * samples * widest // 8, max(columns * rows, 1)
    return width * height * samples * widest // 8, max(len(directory.values.get(STRIPS, ())), 1)


def _most_scans(directory: _Directory, data: bytes) -> int:
    """Return how many scans the strip with the most of them has; at least 1."""
    scans = np.array([match.start() for match in SCAN.finditer(data)], np.int64)
    tiled = TILES in directory.values
    starts = directory.values.get(TILES if tiled else STRIPS, np.zeros(0))
    sizes = directory.values.get(TILE_SIZES if tiled else STRIP_SIZES, np.zeros(0))
    if directory.first(COMPRESSION, 1) == OLD_JPEG:  # one stream for all strips
        return -(-max(1, len(scans)) // max(1, len(starts)))
    if len(sizes) < len(starts):  # a strip may end with the file
        return max(1, len(scans))
    first = np.searchsorted(scans, starts.astype(np.int64))
    last = np.searchsorted(scans, starts.astype(np.int64) + sizes[: len(starts)].astype(np.int64))
    return max(1, int((last - first).max(initial=1)))
