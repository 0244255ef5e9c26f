"""The cost of decoding a JPEG file; see :mod:`visavis.images._limits`."""

from __future__ import annotations

from dataclasses import dataclass

from visavis.images._jpeg_segments import END, FRAMES, SCAN, find_segments
from visavis.images._limits import PICTURE, Cost

MAX_SEGMENTS = 10_000
"""Segments before the picture: a profile has 255 at most, an extended description of a depth map about 1,000."""
MAX_FILLING = 1 << 16
"""Bytes between the segments before the picture, which Pillow reads one at a time."""
MAX_SCANS = 100
"""Scans of a picture, as in libtiff: progressive files have about ten."""
MAX_BLOCKS = 100_000_000
"""Blocks of 8 x 8 in all scans together: a picture of 100 megapixels and ten scans has half of them."""
MAX_ARITHMETIC_BLOCKS = 5_000_000
"""The same for arithmetic coding, which takes as long for each block of a scan without data as for one with data."""

ARITHMETIC, PROGRESSIVE = frozenset(range(0xC9, 0xD0)), frozenset({0xC2, 0xC6, 0xCA, 0xCE})
COEFFICIENTS = 2 * 64
"""Bytes of the coefficients of a block."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame header: its marker, the sides in pixels, and the number of blocks of each component with its id."""

    marker: int
    width: int
    height: int
    blocks: tuple[tuple[int, int], ...]


def jpeg_cost(data: bytes) -> Cost:
    """Return the cost of a JPEG file, from its segments up to the end of the first picture."""
    frame, filling, scans, blocks, end = None, 0, 0, 0, 2
    for segments, (place, marker, content) in enumerate(find_segments(data), 1):
        filling += place - end if not scans else 0
        end = place + (4 if content else 2) + len(content)
        if segments > MAX_SEGMENTS or filling > MAX_FILLING:
            return Cost(excess=f"over {MAX_SEGMENTS:,} segments" if filling <= MAX_FILLING else "much filling")
        if marker in FRAMES:
            frame = _read_frame(marker, content) or frame
        elif marker == END and scans:
            break
        elif marker == SCAN and frame is not None:
            scans += 1
            blocks += _scanned_blocks(frame, content)
            if scans == 1 and _is_only_scan(frame, content):
                return _sum(frame, blocks, kept=False)
            if scans > MAX_SCANS:
                return Cost(excess=f"over {MAX_SCANS} scans")
    if not scans and len(data) - end > MAX_FILLING:
        return Cost(excess="much filling")
    return Cost() if frame is None else _sum(frame, blocks, kept=True)


def _sum(frame: _Frame, blocks: int, *, kept: bool) -> Cost:
    """Return the cost of a frame whose scans have ``blocks`` blocks; ``kept``: all coefficients stay in memory."""
    if blocks > (MAX_ARITHMETIC_BLOCKS if frame.marker in ARITHMETIC else MAX_BLOCKS):
        return Cost(frame.width, frame.height, excess=f"{blocks:,} blocks in its scans")
    pixels = frame.width * frame.height
    decoded = pixels * (1 if len(frame.blocks) == 1 else 4)
    coefficients = COEFFICIENTS * sum(blocks for _, blocks in frame.blocks) if kept else 0
    return Cost(frame.width, frame.height, decoded + max(coefficients, PICTURE * pixels), blocks=blocks)


def _read_frame(marker: int, content: bytes) -> _Frame | None:
    if len(content) < 6 or len(content) < 6 + 3 * content[5]:
        return None
    height, width = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
    parts = [content[at : at + 3] for at in range(6, 6 + 3 * content[5], 3)]
    across, down = max((part[1] >> 4 for part in parts), default=1), max((part[1] & 15 for part in parts), default=1)
    units = -(-width // (8 * max(across, 1))) * -(-height // (8 * max(down, 1)))
    blocks = tuple((part[0], units * (part[1] >> 4) * (part[1] & 15)) for part in parts)
    return _Frame(marker, width, height, blocks)


def _scanned_blocks(frame: _Frame, content: bytes) -> int:
    """Return the number of blocks that a scan goes through."""
    count = content[0] if content else 0
    scanned = set(content[1 : 1 + 2 * count : 2])
    return sum(blocks for component, blocks in frame.blocks if component in scanned)


def _is_only_scan(frame: _Frame, content: bytes) -> bool:
    """Return whether the picture is complete after this scan: libjpeg then reads no other."""
    return frame.marker not in PROGRESSIVE and content[:1] == bytes([len(frame.blocks) % 256])
