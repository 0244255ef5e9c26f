"""What TIFF files of unusual samples are said to be, and which of them are read."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from visavis import images
from visavis.errors import UnreadableImageError
from visavis.images._tiff_samples import samples

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
GRAY, COLOR, INK, LAB = 1, 2, 5, 8


def tiff(values: np.ndarray, form: int, photometric: int) -> bytes:
    """A TIFF of one strip, written by hand: Pillow writes few kinds."""
    height, width, count = values.shape
    bits, data = 8 * values.dtype.itemsize, values.astype(values.dtype.newbyteorder("<")).tobytes()
    tags = {256: width, 257: height, 259: 1, 262: photometric, 277: count, 278: height, 279: len(data)}
    start = 8 + 2 + 12 * (len(tags) + 3) + 4
    lists = start, start + 2 * count
    entries = {tag: (4, 1, value) for tag, value in tags.items()} | {273: (4, 1, start + 4 * count)}
    entries |= {258: (3, count, bits if count == 1 else lists[0]), 339: (3, count, form if count == 1 else lists[1])}
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    body = b"".join(struct.pack("<HHII", tag, *entries[tag]) for tag in sorted(entries)) + bytes(4)
    return head + body + struct.pack(f"<{2 * count}H", *[bits] * count, *[form] * count) + data


def made(dtype: type, count: int) -> np.ndarray:
    values = np.linspace(0.1, 0.9, 6 * 5 * count).reshape(6, 5, count)
    return (values if np.issubdtype(dtype, np.floating) else values * min(np.iinfo(dtype).max, 65535)).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "count", "form", "photometric", "what"),
    [
        (np.float32, 3, FLOAT, COLOR, "3 samples of 32-bit float"),
        (np.float64, 3, FLOAT, COLOR, "3 samples of 64-bit float"),
        (np.float64, 1, FLOAT, GRAY, "1 sample of 64-bit float"),
        (np.float16, 1, FLOAT, GRAY, "1 sample of 16-bit float"),
        (np.uint32, 3, UNSIGNED, COLOR, "3 samples of 32-bit unsigned"),
        (np.uint16, 3, UNSIGNED, LAB, "3 samples of 16-bit unsigned"),
        (np.uint8, 5, UNSIGNED, GRAY, "5 samples of 8-bit unsigned"),
    ],
)
def test_a_tiff_that_is_not_supported_is_called_what_it_is(
    dtype: type, count: int, form: int, photometric: int, what: str
) -> None:
    data = tiff(made(dtype, count), form, photometric)
    assert samples(data) == f"{what} a pixel"
    with pytest.raises(UnreadableImageError, match=f"is a TIFF with {what} a pixel, which is not supported: convert"):
        images.read(data)


@pytest.mark.parametrize(
    ("dtype", "count", "form", "photometric"),
    [
        (np.uint8, 3, UNSIGNED, COLOR),
        (np.uint8, 4, UNSIGNED, INK),
        (np.uint8, 3, UNSIGNED, LAB),
        (np.uint16, 1, UNSIGNED, GRAY),
        (np.uint16, 3, UNSIGNED, COLOR),
        (np.uint16, 4, UNSIGNED, INK),
        (np.float32, 1, FLOAT, GRAY),
    ],
)
def test_kinds_that_are_read(dtype: type, count: int, form: int, photometric: int) -> None:
    assert images.read(tiff(made(dtype, count), form, photometric)).pixels.shape == (6, 5, 3)


def test_a_damaged_directory_says_nothing() -> None:
    data = tiff(made(np.float32, 3), FLOAT, COLOR)
    assert samples(data[:20]) == samples(b"II*\0") == samples(b"text") == ""
    with pytest.raises(UnreadableImageError):
        images.read(data[:20])
