"""The segments of a JPEG file, as libjpeg walks through them (ITU-T T.81, B.1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

START, END, SCAN = 0xD8, 0xD9, 0xDA
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of frame headers: C4, C8 and CC are tables and an extension."""

MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""A marker other than restarts; FF 00 is data of a scan, and more FF before a marker are filling."""


def find_segments(data: bytes, start: int = 2) -> Iterator[tuple[int, int, bytes]]:
    """Yield place, marker and content of each segment from ``start`` on; starts and ends of images have no content.

    What lies between segments (data of scans, filling, bytes that mean nothing) is passed over.
    """
    at = start
    while match := MARKER.search(data, at):
        place, marker = match.start(), data[match.start() + 1]
        length = 0
        if marker not in {START, END}:
            length = max(2, int.from_bytes(data[place + 2 : place + 4], "big"))
        yield place, marker, data[place + 4 : place + 2 + length]
        at = place + 2 + length
