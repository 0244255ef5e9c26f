"""Description of the samples of a TIFF, for a message: its first directory, read by TIFF 6.0, section 2."""

from __future__ import annotations

import struct

BITS, COUNT, FORMAT = 258, 277, 339
FORMATS = {1: "unsigned", 2: "signed", 3: "float", 5: "complex integer", 6: "complex"}
SIZES = {3: ("H", 2), 4: ("I", 4)}
"""Letter and bytes of the types SHORT and LONG."""


def samples(data: bytes) -> str:
    """Describe the samples of a pixel, such as "3 samples of 32-bit float"; empty where the directory is damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return ""
    try:
        tags = _read_tags(data, order)
    except struct.error:
        return ""
    bits, form = tags.get(BITS, 1), FORMATS.get(tags.get(FORMAT, 1), "undefined")
    count = tags.get(COUNT, 1)
    return f"{count} sample{'s' * (count > 1)} of {bits}-bit {form} a pixel"


def _read_tags(data: bytes, order: str) -> dict[int, int]:
    """Return the first value of each of the three tags that is present."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, start)
    tags = {}
    for at in range(start + 2, start + 2 + 12 * entries, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, at)
        if tag in {BITS, COUNT, FORMAT} and kind in SIZES:
            letter, size = SIZES[kind]
            place = at + 8 if number * size <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
            (tags[tag],) = struct.unpack_from(order + letter, data, place)
    return tags
