"""The cost of decoding a file of each kind (JPEG and TIFF: modules of their own); see :mod:`visavis.images._limits`."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import islice

from visavis.images._iso_cost import iso_cost
from visavis.images._jpeg_cost import jpeg_cost
from visavis.images._limits import PICTURE, Cost, check
from visavis.images._netpbm import netpbm_cost
from visavis.images._tiff_cost import tiff_cost

MAX_CHUNKS = 100_000
"""Chunks of a PNG, or sub-blocks before the first frame of a GIF: 8 kB each, PNG's usual size, hold 800 MB."""
MAX_PROFILES = 8
"""Color profiles of a PNG, each of which Pillow unpacks to up to a megabyte; one is allowed."""
MAX_COMMENT = 1 << 20
"""Bytes of a GIF's comments, which older Pillows join in quadratic time."""
MAX_RAW, MAX_INTERLACED = 600_000_000, 200_000_000
"""Bytes of the picture before it becomes RGB: 100 megapixels of 16 bits a channel have 600 MB. Interlaced ones, which
Pillow puts together pixel by pixel, take four times as long."""
MAX_RLE_PIXELS, MAX_RLE_BYTES = 8_000_000, 2_000_000
"""Limits of BMP files with run lengths, which Pillow decodes in Python: 50 ns a pixel, 500 ns a run."""
MAX_JPEG_2000 = 40_000_000
"""Values (pixels x channels) of JPEG 2000, whose wavelets take 50 ns a value."""
MIN_CODE_BLOCK, MIN_PRECINCT = 8, 4
"""Least exponents of the sides: code blocks of 16 x 16 together, precincts of 16 along each side. OpenJPEG takes
hundreds of bytes for each of them; the smallest in use are 32 x 32 and 64 x 64."""
MAX_STREAMS = 16
"""Codestreams of a JPEG 2000 file, each of which is judged: thumbnails and layers."""


def png_cost(data: bytes) -> Cost:
    """Return the cost of a PNG file."""
    at, chunks, profiles = 8, 0, 0
    while at + 8 <= len(data) and data[at + 4 : at + 8] != b"IEND":
        length, name = struct.unpack_from(">I4s", data, at)
        at, chunks, profiles = at + 12 + length, chunks + 1, profiles + (name == b"iCCP")
        if chunks > MAX_CHUNKS:
            return Cost(excess=f"over {MAX_CHUNKS:,} chunks")
        if profiles > MAX_PROFILES:
            return Cost(excess=f"over {MAX_PROFILES} color profiles")
    if len(data) < 33 or data[12:16] != b"IHDR":
        return Cost()
    width, height, bits, color, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    channels = {2: 3, 4: 2, 6: 4}.get(color, 1)
    raw = height * (1 + width * bits * channels // 8)
    if raw > (MAX_INTERLACED if interlaced else MAX_RAW):
        return Cost(width, height, excess=f"{raw:,} bytes of pixels")
    return _make_cost(width, height, 4 if channels > 1 else 2 if bits > 8 else 1)


def gif_cost(data: bytes) -> Cost:
    """Return the cost of a GIF file up to its first frame, which is the only one that is read."""
    if len(data) < 13:
        return Cost()
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at, blocks, comment = 13 + _palette(flags), 0, 0
    while at + 2 <= len(data) and data[at] != ord(";"):
        if data[at] == ord(","):
            left, top, across, down = struct.unpack_from("<HHHH", data[at + 1 : at + 9].ljust(8, b"\0"))
            return _make_cost(max(width, left + across), max(height, top + down), 2)
        if data[at] != ord("!"):  # Pillow passes over other bytes one at a time
            at, blocks = at + 1, blocks + 1
        else:
            is_comment = data[at + 1] == 0xFE
            at += 2
            while at < len(data) and (length := data[at]):
                at, blocks, comment = at + 1 + length, blocks + 1, comment + length * is_comment
                if blocks > MAX_CHUNKS:
                    break
            at, blocks = at + 1, blocks + 1
        if blocks > MAX_CHUNKS or comment > MAX_COMMENT:
            return Cost(excess=f"over {MAX_CHUNKS:,} blocks before the first frame, or a comment of a megabyte")
    return Cost()


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def webp_cost(data: bytes) -> Cost:
    """Return the cost of a WebP file: libwebp has two canvases for an animation, and Pillow takes a copy of one."""
    head = data[:30].ljust(30, b"\0")
    width = height = 0
    if head[12:16] == b"VP8X":
        width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
    elif head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    elif head[12:16] == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", head, 26))
    return _make_cost(width, height, 16)


def bmp_cost(data: bytes) -> Cost:
    """Return the cost of a BMP file."""
    head = data[:54].ljust(54, b"\0")
    if int.from_bytes(head[14:18], "little") < 40:  # a header of OS/2 1, without compression
        return Cost()
    width, height, _, _, compression = struct.unpack_from("<iiHHI", head, 18)
    if compression in {1, 2} and (abs(width * height) > MAX_RLE_PIXELS or len(data) > MAX_RLE_BYTES):
        return Cost(excess=f"{abs(width * height):,} pixels in {len(data):,} bytes of run lengths")
    return _make_cost(abs(width), abs(height), 4)


def jpeg_2000_cost(data: bytes) -> Cost:
    """Return the greatest cost of the codestreams of a JPEG 2000 file (ITU-T T.800, annex A)."""
    streams = list(islice(_find_all(data, b"\xff\x4f\xff\x51"), MAX_STREAMS + 1))
    if len(streams) > MAX_STREAMS:
        return Cost(excess=f"over {MAX_STREAMS} codestreams")
    if any(_is_fine(data[at + 2 : at + 64], lead=4) for at in _find_all(data, b"\xff\x52")):
        return Cost(excess="precincts or code blocks of a few pixels")
    if any(_is_fine(data[at + 2 : at + 64], lead=1) for at in _find_all(data, b"\xff\x53")):
        return Cost(excess="precincts or code blocks of a few pixels")
    costs = [_codestream_cost(data[at + 8 : at + 42]) for at in streams]
    return max(costs, key=lambda cost: (bool(cost.excess), cost.memory), default=Cost())


def _codestream_cost(content: bytes) -> Cost:
    """Return the cost by the content of a segment SIZ, after its length and capabilities."""
    right, bottom, left, top, tile_width, tile_height, _, _, channels = struct.unpack(">8IH", content.ljust(34, b"\0"))
    width, height = max(0, right - left), max(0, bottom - top)
    tiles = -(-right // max(tile_width, 1)) * -(-bottom // max(tile_height, 1))
    if width * height * channels > MAX_JPEG_2000 or tiles > MAX_CHUNKS:
        return Cost(excess=f"{width} x {height} pixels of {channels} channels in {tiles} tiles of JPEG 2000")
    return _make_cost(width, height, 4 + 12 * channels)


def _find_all(data: bytes, marker: bytes) -> Iterator[int]:
    at = -1
    while (at := data.find(marker, at + 1)) >= 0:
        yield at


def _is_fine(content: bytes, *, lead: int) -> bool:
    """Return whether a segment states precincts or code blocks that are too small.

    It is COD, with 4 bytes between style and levels, or COC with none and 1 byte before the style. Other bytes, which
    stand after FF 52 or FF 53 by chance, do not have that form.
    """
    at = 3 + lead if lead > 1 else 4
    if len(content) < at + 5:
        return False
    style = content[2] if lead > 1 else content[3]
    levels, across, down = content[at], content[at + 1], content[at + 2]
    precincts = content[at + 5 : at + 6 + levels] if style & 1 else b""
    length = int.from_bytes(content[:2], "big")
    if length != at + 5 + len(precincts) or style > 7 or levels > 32 or max(across, down) > 8:
        return False
    small = any(min(value & 15, value >> 4) < MIN_PRECINCT for value in precincts[1:])
    return small or across + down + 4 < MIN_CODE_BLOCK


def _make_cost(width: int, height: int, decoded: int) -> Cost:
    """Return the cost of a picture whose decoder takes ``decoded`` bytes a pixel beside the result."""
    return Cost(width, height, width * height * (decoded + PICTURE))


COSTS: dict[str, Callable[[bytes], Cost]] = {
    "JPEG": jpeg_cost,
    "PNG": png_cost,
    "GIF": gif_cost,
    "WebP": webp_cost,
    "BMP": bmp_cost,
    "TIFF": tiff_cost,
    "JPEG 2000": jpeg_2000_cost,
    "AVIF": iso_cost,
    "HEIC": iso_cost,
    "PPM": netpbm_cost,
}
"""The cost of a file by the name of its kind."""


def find_cost(data: bytes, kind: str) -> Cost:
    """Return the cost of a file; nothing for another kind than those of ``COSTS``, which is not decoded."""
    return COSTS[kind](data) if kind in COSTS else Cost()


def check_file(data: bytes, kind: str, *, label: str, max_pixels: int) -> Cost:
    """Return the cost of a file; raise TooLargeImageError where it is above the limits."""
    cost = find_cost(data, kind)
    check(cost, label=label, max_pixels=max_pixels)
    return cost
