"""The cost of decoding an AVIF or HEIC file (ISO/IEC 23008-12); see :mod:`visavis.images._limits`."""

from __future__ import annotations

import struct

from visavis.images._limits import PICTURE, UNCHECKED, Cost

MAX_SIZES = 1_024
"""Sizes of pictures stated in a file: tiles that are alike share one."""
MAX_ITEMS = 10_000
"""Extents of all items: a picture of 48 megapixels has 192 tiles."""
REPEATED = 4
"""How many times the file its items may take: items may refer to the same bytes, of which libheif makes copies."""
DECODED = 10
"""Bytes a pixel that the decoders take beside the result."""


def iso_cost(data: bytes) -> Cost:
    """Return the cost of an AVIF or HEIC file, by the largest picture that it states and the sizes of its items."""
    width, height, at = 0, 0, -1
    for count in range(MAX_SIZES + 1):
        at = data.find(b"ispe", at + 1)
        if at < 0:
            break
        if len(data) >= at + 16:
            sides = struct.unpack_from(">II", data, at + 8)
            if int.from_bytes(data[at - 4 : at], "big") == 20 and sides[0] * sides[1] > width * height:
                width, height = sides
        if count == MAX_SIZES:
            return Cost(excess=f"over {MAX_SIZES:,} pictures")
    if _items_bytes(data) > max(REPEATED * len(data), UNCHECKED):
        return Cost(width, height, excess="items that take more bytes than the file")
    return Cost(width, height, width * height * (DECODED + PICTURE))


def _items_bytes(data: bytes) -> int:
    """Return the bytes of all items by the box ``iloc`` (ISO/IEC 14496-12, 8.11.3); of a cut box, those before the cut.

    More than ``MAX_ITEMS`` extents count as more bytes than any file has.
    """
    at = data.find(b"iloc") + 4
    if at < 4 or len(data) < at + 12:
        return 0
    version, sizes, bases = data[at], data[at + 4], data[at + 5]
    wide = version >= 2
    count = int.from_bytes(data[at + 6 : at + (10 if wide else 8)], "big")
    at += 10 if wide else 8
    index = bases & 15 if version else 0
    before, extent = (4 if wide else 2) + (4 if version else 2) + (bases >> 4), index + (sizes >> 4) + (sizes & 15)
    total = number = 0
    for _ in range(count):
        extents = int.from_bytes(data[at + before : at + before + 2], "big")
        at += before + 2
        for place in range(at + index + (sizes >> 4), at + extents * extent, max(extent, 1)):
            length = int.from_bytes(data[place : place + (sizes & 15)], "big")
            total += length or len(data)  # 0: up to the end of the file
            number += 1
            if number > MAX_ITEMS:
                return len(data) << 32
        at += extents * extent
        if at > len(data):
            break
    return total
