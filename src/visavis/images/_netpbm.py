"""PPM, PGM and PBM files in the few forms that Pillow decodes in C.

Pillow reads comments a byte at a time, and numbers in text, or of a maximum other than 255 and 65535, in Python: ten
seconds for 10 MB. Such a file is rewritten as the binary file of the same picture (netpbm: ppm(5), pgm(5), pbm(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from visavis.images._limits import PICTURE, Cost

MAX_HEADER = 1 << 16
"""Bytes of the header with its comments."""
BLOCK = 1 << 20
"""Bytes or values converted at a time."""
MAX_TOKEN = 10
FAST = frozenset({(b"5", 255), (b"5", 65535), (b"6", 255)})
"""Kinds and maxima that Pillow decodes in C."""

GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
HEADER = re.compile(rb"P([1-6f])" + (GAP + rb"(\d{1,10})") * 2)
MAXIMUM = re.compile(GAP + rb"([-+.\deE]{1,20})\s")
COMMENT = re.compile(rb"#[^\r\n]*[\r\n]?")


def netpbm_cost(data: bytes) -> Cost:
    """Return the cost of a file: Pillow has up to four bytes of a pixel beside the result."""
    match = HEADER.match(data[:MAX_HEADER])
    if match is None:
        return Cost()
    width, height = int(match[2]), int(match[3])
    return Cost(width, height, width * height * (4 + PICTURE))


def normalize(data: bytes, *, max_pixels: int) -> bytes:
    """Return the file that Pillow reads fast; one that it reads fast already, or cannot read, is returned unchanged.

    A file of more than ``max_pixels`` is left as it is. Raises ValueError where the header has no end within
    ``MAX_HEADER`` bytes, and for values that are not numbers up to the maximum.
    """
    head = data[:MAX_HEADER]
    match = HEADER.match(head)
    if match is None:
        if len(data) > MAX_HEADER:
            raise ValueError(f"its header takes more than {MAX_HEADER:,} bytes")
        return data
    kind, width, height = match[1], int(match[2]), int(match[3])
    size = b"%d %d\n" % (width, height)
    if kind == b"1":
        return (
            b"P4\n" + size + (_pack_bits(data[match.end() :], width, height) if width * height <= max_pixels else b"")
        )
    if kind == b"4":
        return b"P4\n" + size + data[match.end() + 1 :]
    stated = MAXIMUM.match(head, match.end())
    if stated is None:
        raise ValueError("its header states no maximum")
    maximum = -1 if kind == b"f" else int(stated[1])
    if not 0 < maximum < 65536 or (kind, maximum) in FAST or width * height > max_pixels:
        return b"P" + kind + b"\n" + size + stated[1] + b"\n" + data[stated.end() :]
    return _convert(data[stated.end() :], kind, size, maximum, width * height)


def _convert(body: bytes, kind: bytes, size: bytes, maximum: int, pixels: int) -> bytes:
    """Return a binary file of 8 bits, or of 16 for gray of more than 8, with the values scaled as Pillow does."""
    gray = kind in {b"2", b"5"}
    count = pixels if gray else 3 * pixels
    full = 65535 if maximum > 255 and gray else 255
    parts = _numbers(body, count, maximum) if kind in {b"2", b"3"} else _samples(body, count, maximum)
    scale = np.rint(np.arange(maximum + 1) / maximum * full).astype(">u2" if full > 255 else "u1")
    values = b"".join(scale[part].tobytes() for part in parts)
    return (b"P5\n" if gray else b"P6\n") + size + b"%d\n" % full + values


def _samples(body: bytes, count: int, maximum: int) -> Iterator[NDArray[np.int64]]:
    """Yield the first ``count`` values of a binary file, at most the maximum."""
    form = np.dtype("u1" if maximum < 256 else ">u2")
    count = min(count, len(body) // form.itemsize)
    for first in range(0, count, BLOCK):
        part = np.frombuffer(body, form, min(BLOCK, count - first), first * form.itemsize)
        yield np.minimum(part, maximum).astype(np.int64)


def _numbers(text: bytes, count: int, maximum: int) -> Iterator[NDArray[np.int64]]:
    """Yield the first ``count`` values of a file of text; ValueError for what is no number from 0 to the maximum."""
    for block in _blocks(COMMENT.sub(b" ", text)):
        tokens = block.split()[:count]
        count -= len(tokens)
        if not tokens:
            continue
        if max(map(len, tokens)) > MAX_TOKEN:
            raise ValueError("a value is too long")
        numbers = np.array(tokens).astype(np.int64)
        if numbers.min() < 0 or numbers.max() > maximum:
            raise ValueError(f"a value is not from 0 to {maximum}")
        yield numbers


def _blocks(text: bytes) -> Iterator[bytes]:
    """Yield the text in parts that end between two values."""
    at = 0
    while at < len(text):
        end = at + BLOCK
        while end < len(text) and not text[end : end + 1].isspace():
            end += 1
            if end > at + BLOCK + MAX_TOKEN:
                raise ValueError("a value is too long")
        yield text[at:end]
        at = end


def _pack_bits(text: bytes, width: int, height: int) -> bytes:
    """Return the rows of a plain PBM, eight pixels a byte; ValueError for what is neither 0 nor 1."""
    digits = b"".join(COMMENT.sub(b"", text).split())[: width * height]
    if digits.strip(b"01"):
        raise ValueError("a value is neither 0 nor 1")
    rows = len(digits) // max(width, 1)
    bits = np.frombuffer(digits, np.uint8, rows * width).reshape(rows, width) & 1
    return np.packbits(bits, axis=1).tobytes()
