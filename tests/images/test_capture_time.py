"""When a photo was taken, from EXIF blocks that are written here byte by byte."""

from __future__ import annotations

import os
import struct
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import visavis
from pictures import encode, jpeg, png_chunk, scene, with_chunk
from visavis import images
from visavis.images._capture_time import exif_capture_time

NAIVE = datetime(2023, 7, 15, 18, 34, 22)
DATE = b"2023:07:15 18:34:22\0"


def entry(order: str, tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack(order + "HHII", tag, kind, count, value)


def exif_dates(date: bytes = DATE, offset: bytes | None = None, *, order: str = "<") -> bytes:
    """A TIFF header, a directory with DateTime (of an edit) and the Exif directory, and there the two texts."""
    texts = [(0x9003, date)] + ([] if offset is None else [(0x9011, offset)])
    edited = b"2024:01:01 00:00:00\0"
    second = 8 + 2 + 2 * 12 + 4
    place = second + 2 + len(texts) * 12 + 4
    first = struct.pack(order + "H", 2)
    first += entry(order, 0x0132, 2, len(edited), place) + entry(order, 0x8769, 4, 1, second) + bytes(4)
    inner, held = struct.pack(order + "H", len(texts)), edited
    for tag, text in texts:
        inner += entry(order, tag, 2, len(text), place + len(held))
        held += text
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) + first + inner + bytes(4) + held


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("offset", "zone"),
    [
        (b"+02:00\0", timezone(timedelta(hours=2))),
        (b"-03:30\0", timezone(-timedelta(hours=3, minutes=30))),
        (b"+00:00\0", UTC),
        (b"   :  \0", None),
        (b"+99:00\0", None),
        (b"+01:75\0", None),
        (None, None),
    ],
)
def test_date_and_offset(order: str, offset: bytes | None, zone: timezone | None) -> None:
    time = exif_capture_time(exif_dates(offset=offset, order=order))
    assert time == NAIVE.replace(tzinfo=zone)
    assert time.utcoffset() == (zone.utcoffset(None) if zone else None)


@pytest.mark.parametrize(
    "date",
    [b"0000:00:00 00:00:00\0", b"    :  :     :  :  \0", b"2023:02:30 10:00:00\0", b"2023:07:15 18:34\0", b"\xff" * 20],
)
def test_a_date_that_is_none(date: bytes) -> None:
    assert exif_capture_time(exif_dates(date)) is None


def test_only_the_original_date_counts() -> None:
    """DateTime (0x0132) is that of the last change of the file."""
    block = exif_dates()
    assert exif_capture_time(block.replace(struct.pack("<H", 0x9003), struct.pack("<H", 0x9004))) is None
    assert exif_capture_time(b"") is None
    assert exif_capture_time(b"Exif\0\0" + block) == NAIVE


@given(st.integers(0, 120), st.integers(0, 255), st.integers(0, 140))
def test_damage_costs_at_most_the_date(place: int, value: int, end: int) -> None:
    block = bytearray(exif_dates(offset=b"+02:00\0"))
    block[place % len(block)] = value
    time = exif_capture_time(bytes(block[: end or None]))
    assert time is None or isinstance(time, datetime)


def files() -> dict[str, bytes]:
    block = exif_dates(offset=b"+02:00\0")
    marked = b"Exif\0\0" + block
    kinds = {
        "jpeg": jpeg(scene(), exif=marked),
        "png": with_chunk(encode(scene()), b"eXIf", block),
        "webp": encode(scene(), "WEBP", exif=marked),
    }
    raw = f"\nexif\n{len(marked):8}\n{marked.hex()}\n"
    kinds["png of ImageMagick"] = with_chunk(encode(scene()), b"tEXt", b"Raw profile type exif\0" + raw.encode())
    image = Image.Exif()
    image.get_ifd(0x8769).update({0x9003: "2023:07:15 18:34:22", 0x9011: "+02:00"})
    kinds["tiff"] = encode(scene(), "TIFF", exif=image.tobytes())
    return kinds


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "png of ImageMagick", "tiff"])
def test_every_kind_of_file_that_has_exif(kind: str, tmp_path: Path) -> None:
    data = files()[kind]
    zoned = NAIVE.replace(tzinfo=timezone(timedelta(hours=2)))
    assert images.read(data).captured == zoned
    assert images.captured(data) == zoned
    (tmp_path / "photo").write_bytes(data)
    os.utime(tmp_path / "photo", (0, 0))
    assert images.read(tmp_path / "photo").captured == zoned
    if kind != "png of ImageMagick":  # of which Pillow's own reader knows nothing before the picture is loaded
        assert images.read(Image.open(BytesIO(data))).captured == zoned


def test_photos_without_exif_have_no_time_not_even_that_of_the_file(tmp_path: Path) -> None:
    for name, data in {"a.jpg": jpeg(scene()), "b.png": encode(scene()), "c.png": png_chunk(b"IHDR", b"")}.items():
        (tmp_path / name).write_bytes(data)
        assert images.captured(tmp_path / name) is None
    assert images.read(tmp_path / "a.jpg").captured is None
    assert images.read(scene()).captured is None
    assert images.captured(tmp_path / "missing.jpg") is None


def test_a_damaged_block_leaves_the_photo(tmp_path: Path) -> None:
    photo = images.read(jpeg(scene(), exif=b"Exif\0\0" + exif_dates()[:40]))
    assert photo.captured is None
    assert photo.pixels.shape == scene().shape


def test_what_is_found_in_a_photo_has_its_time(data: Path) -> None:
    (found,) = visavis.Recognizer().detect([data / "photos" / "presidents" / "biden.jpg"])
    assert found.captured == datetime(2010, 5, 10, 10, 4, 1)
    assert found.photo is not None
    assert found.photo.captured == found.captured
