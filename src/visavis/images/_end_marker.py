"""JPEG files that lack their end marker and nothing else.

Some cameras and downloads lose the last two bytes, FF D9. An experiment shows whether only they are missing: data
after a complete picture have no influence on its pixels, data after an incomplete one have.
The file is decoded with ``2 ** PREFIX_BITS`` continuations, which begin with all combinations of that many bits and
then differ, with and without the restart marker that would come next. If only the end marker is missing, all give
the same pixels. If they still do without the last ``TAIL`` bytes, something else follows the picture, such as zeros
in place of the rest.

A progressive file that ends between two scans decodes well, in coarser pixels: so each coefficient of each component
must have been sent to its last bit (ITU-T T.81, B.2.3 and G.1.1.1).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import blake2b
from io import BytesIO
from typing import TYPE_CHECKING

from visavis.images._jpeg_segments import SCAN, find_segments

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

END = b"\xff\xd9"
NOTE = "the JPEG file lacks its end marker; all pixels are there."

PREFIX_BITS = 3
TAIL = 16
"""Bytes without influence on the pixels that are allowed: the last blocks of a picture may lie beyond its edge."""
MAX_MEMORY, MAX_BLOCKS = 200_000_000, 10_000_000
"""Limits of the cost of a file that is decoded so many times: about 25 megapixels."""
CONTINUED = 2048
"""Bytes that replace the missing data."""

FRAMES = frozenset({0xC0, 0xC1, 0xC2})
COEFFICIENTS = 64

Open = Callable[[BytesIO], "ImageFile"]


def is_missing(data: bytes) -> bool:
    """Return whether a JPEG file begins a scan and has no end marker after it."""
    scan = _first_scan(data)
    return scan is not None and data.find(END, scan) < 0


def _first_scan(data: bytes) -> int | None:
    """Return where the first scan of the picture begins; scans of thumbnails, inside other segments, do not count."""
    return next((at for at, marker, _ in find_segments(data) if marker == SCAN), None)


def completed(data: bytes, opener: Open) -> bytes | None:
    """Return a JPEG file with its missing end marker; None where more is missing, or something follows the picture."""
    whole = data[:-1] if data.endswith(b"\xff") else data
    if not _is_every_coefficient_sent(whole):
        return None
    shorter = whole[:-TAIL]
    if not _is_whole(whole, opener) or (_is_every_coefficient_sent(shorter) and _is_whole(shorter, opener)):
        return None
    return whole + END


def _is_whole(data: bytes, opener: Open) -> bool:
    """Return whether data appended to the file have no influence on the pixels."""
    first, *others = (data + continuation + END for continuation in _make_continuations(_expected_restart_marker(data)))
    digest = _digest(first, opener)
    return all(_digest(other, opener) == digest for other in others)


def _expected_restart_marker(data: bytes) -> bytes:
    """Return the restart marker that would come next in the last scan; empty where the scan has none."""
    scan = data[data.rfind(b"\xff\xda") :]
    numbers = [at for at in range(8) if bytes([0xFF, 0xD0 + at]) in scan]
    if not numbers:
        return b"\xff\xd0" if b"\xff\xdd" in data else b""
    last = max(numbers, key=lambda number: scan.rfind(bytes([0xFF, 0xD0 + number])))
    return bytes([0xFF, 0xD0 + (last + 1) % 8])


def _make_continuations(restart: bytes) -> Iterator[bytes]:
    """Yield different continuations, the two that differ most first."""
    for marker in {b"": None, restart: None}:
        yield from (marker + continuation for continuation in _make_bits())


def _make_bits() -> Iterator[bytes]:
    for prefix in range(2**PREFIX_BITS):
        # without FF, which would begin a marker
        rest = bytes(value % 255 for value in random.Random(prefix).randbytes(CONTINUED))
        yield bytes([(prefix << (8 - PREFIX_BITS)) + (rest[0] & 15)]) + rest


def _digest(data: bytes, opener: Open) -> bytes:
    image = opener(BytesIO(data))
    image.load()
    return blake2b(image.tobytes()).digest()


def _is_every_coefficient_sent(data: bytes) -> bool:
    """Return whether the scans of a file contain each coefficient of each component down to its last bit."""
    missing: set[tuple[int, int]] | None = None
    for _, marker, content in find_segments(data):
        if marker in FRAMES:
            components = [content[6 + 3 * number] for number in range(content[5])]
            missing = {(component, coefficient) for component in components for coefficient in range(COEFFICIENTS)}
        elif marker == SCAN and missing is not None:
            count = content[0] if content else 0
            if len(content) < 4 + 2 * count:
                break
            start, end, bits = content[1 + 2 * count], content[2 + 2 * count], content[3 + 2 * count] & 15
            if bits == 0:
                sent = [content[1 + 2 * number] for number in range(count)]
                missing -= {(component, coefficient) for component in sent for coefficient in range(start, end + 1)}
    return missing is not None and not missing
