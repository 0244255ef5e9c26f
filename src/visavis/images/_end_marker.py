"""JPEG files that lack their end marker and nothing else.

Some cameras and downloads lose the last two bytes, FF D9. Whether only they are missing is found by experiment: what
follows the data of a picture that is whole has no influence on its pixels, and what follows data that lack a bit has.
The data are decoded with ``2 ** PREFIX_BITS`` continuations, which begin with all combinations of so many bits and
go on differently, with and without the restart marker that would come next. In a file that lacks the end marker alone
all give the same pixels; without its last ``TAIL`` bytes they do not, or something else stands behind the picture, such
as zeros in place of the rest.

A progressive file that ends between two scans decodes well, in coarser pixels: so each coefficient of each component
must have been sent to its last bit (ITU-T T.81, B.2.3 and G.1.1.1).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import blake2b
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

END = b"\xff\xd9"
NOTE = "the JPEG file lacks its end marker; all pixels are there."

PREFIX_BITS = 3
TAIL = 16
"""The last blocks of a picture may lie beyond its edge: so many bytes may be without influence on its pixels."""
CONTINUED = 2048
"""Bytes that stand in for what may be missing."""

FRAMES = frozenset({0xC0, 0xC1, 0xC2})
SCAN = 0xDA
COEFFICIENTS = 64

Open = Callable[[BytesIO], "ImageFile"]


def is_missing(data: bytes) -> bool:
    """Tell whether a JPEG file begins a scan and has no end marker after it."""
    scan = _first_scan(data)
    return scan is not None and data.find(END, scan) < 0


def _first_scan(data: bytes) -> int | None:
    """Return where the first scan of the picture begins; those of thumbnails, inside other segments, do not count."""
    return next((at for at, marker, _ in _segments(data) if marker == SCAN), None)


def completed(data: bytes, opener: Open) -> bytes | None:
    """Return a JPEG file with the end marker that it lacks; None where more is missing, or something stands behind."""
    whole = data[:-1] if data.endswith(b"\xff") else data
    if not _every_coefficient_was_sent(whole):
        return None
    shorter = whole[:-TAIL]
    if not _is_whole(whole, opener) or (_every_coefficient_was_sent(shorter) and _is_whole(shorter, opener)):
        return None
    return whole + END


def _is_whole(data: bytes, opener: Open) -> bool:
    """Tell whether what follows the data has no influence on the pixels."""
    first, *others = (data + continuation + END for continuation in _continuations(_next_restart(data)))
    digest = _digest(first, opener)
    return all(_digest(other, opener) == digest for other in others)


def _next_restart(data: bytes) -> bytes:
    """Return the restart marker that would come next in the last scan; nothing where it has none."""
    scan = data[data.rfind(b"\xff\xda") :]
    found = [at for at in range(8) if bytes([0xFF, 0xD0 + at]) in scan]
    if not found:
        return b"\xff\xd0" if b"\xff\xdd" in data else b""
    last = max(found, key=lambda number: scan.rfind(bytes([0xFF, 0xD0 + number])))
    return bytes([0xFF, 0xD0 + (last + 1) % 8])


def _continuations(restart: bytes) -> Iterator[bytes]:
    """Yield different ways to go on, the two that differ most first."""
    for marker in {b"": None, restart: None}:
        yield from (marker + continuation for continuation in _bits())


def _bits() -> Iterator[bytes]:
    for prefix in range(2**PREFIX_BITS):
        # without FF, which would begin a marker
        rest = bytes(value % 255 for value in random.Random(prefix).randbytes(CONTINUED))
        yield bytes([(prefix << (8 - PREFIX_BITS)) + (rest[0] & 15)]) + rest


def _digest(data: bytes, opener: Open) -> bytes:
    image = opener(BytesIO(data))
    image.load()
    return blake2b(image.tobytes()).digest()


def _every_coefficient_was_sent(data: bytes) -> bool:
    """Tell whether the scans that a file begins hold each coefficient of each component down to its last bit."""
    missing: set[tuple[int, int]] | None = None
    for _, marker, content in _segments(data):
        if marker in FRAMES:
            components = [content[6 + 3 * number] for number in range(content[5])]
            missing = {(one, coefficient) for one in components for coefficient in range(COEFFICIENTS)}
        elif marker == SCAN and missing is not None:
            count = content[0] if content else 0
            if len(content) < 4 + 2 * count:
                break
            start, end, bits = content[1 + 2 * count], content[2 + 2 * count], content[3 + 2 * count] & 15
            if bits == 0:
                sent = [content[1 + 2 * number] for number in range(count)]
                missing -= {(one, coefficient) for one in sent for coefficient in range(start, end + 1)}
    return missing is not None and not missing


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield place, marker and content of each segment with a length."""
    at = 2
    while 0 <= at <= len(data) - 4:
        marker = data[at + 1]
        if data[at] != 0xFF or marker in {0x00, 0xFF} or 0xD0 <= marker <= 0xD9:  # data of a scan, filling, restart
            at = data.find(b"\xff", at + 1)
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield at, marker, data[at + 4 : at + 2 + length]
        at += 2 + length
