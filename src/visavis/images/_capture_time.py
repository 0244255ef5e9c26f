"""The time a photo was taken: EXIF DateTimeOriginal, with OffsetTimeOriginal where it is present.

EXIF 2.32 (CIPA DC-008): tag 0x8769 of the first directory leads to the Exif directory, which holds both as ASCII. The
time of the file, and the other dates of EXIF, are not used: they change with copies and edits.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime, timedelta, timezone

EXIF_DIRECTORY = 0x8769
DATE_TIME_ORIGINAL = 0x9003
OFFSET_TIME_ORIGINAL = 0x9011

LONG = 4
ASCII = 2
LONGEST = 64
"""Bytes of a date or an offset that are read: they have 20 and 7."""

DATE_TIME = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


def exif_capture_time(block: bytes) -> datetime | None:
    """Return the capture time in an EXIF block (or a TIFF file), None where it is missing or the block is damaged.

    It is aware where the offset from UTC is stated, naive (the local time of the camera) where it is not.
    """
    tiff = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return None
    texts: dict[int, str] = {}
    try:
        at = _find_entry(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0], EXIF_DIRECTORY)
        (start,) = struct.unpack_from(order + "I", tiff, at + 8)
        for tag in (DATE_TIME_ORIGINAL, OFFSET_TIME_ORIGINAL):
            texts[tag] = _read_text(tiff, order, _find_entry(tiff, order, start, tag))
    except struct.error:
        pass  # skip the unreadable part of a truncated or damaged block
    return _parse_time(texts.get(DATE_TIME_ORIGINAL, ""), texts.get(OFFSET_TIME_ORIGINAL, ""))


def _find_entry(tiff: bytes, order: str, start: int, requested: int) -> int:
    """Return the place of the first entry of a tag in the directory at ``start``; struct.error where it has none."""
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from(order + "H", tiff, at)
        if tag == requested:
            return at
    raise struct.error(f"no entry {requested}")


def _read_text(tiff: bytes, order: str, entry: int) -> str:
    """Return the text of an entry, empty if it has four bytes or fewer, which would be in the entry itself."""
    kind, count, place = struct.unpack_from(order + "HII", tiff, entry + 2)
    if kind != ASCII or count <= LONG:
        return ""
    return tiff[place : place + min(count, LONGEST)].split(b"\0")[0].decode("ascii", "replace").strip()


def _parse_time(date: str, offset: str) -> datetime | None:
    parts = DATE_TIME.fullmatch(date)
    if parts is None:
        return None
    try:
        time = datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*parts.groups()))
    except ValueError:  # 0000:00:00, written by cameras without a set clock
        return None
    zone = OFFSET.fullmatch(offset)
    if zone is None:
        return time
    sign, hours, minutes = zone.groups()
    apart = timedelta(hours=int(hours), minutes=int(minutes))
    if int(minutes) > 59 or apart > timedelta(hours=14):
        return time
    return time.replace(tzinfo=timezone(-apart if sign == "-" else apart))
