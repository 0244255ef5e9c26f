"""What reading a file may cost, decided by its structure before anything is decoded.

A file of a few bytes can take minutes or gigabytes: a picture that repeats its scans, a header that is mostly
comments, a canvas of 16384 x 16384. The modules ``_jpeg_cost``, ``_tiff_cost`` and ``_cost`` go through the structure
of a file and return its :class:`Cost`; :func:`check` refuses what is above the limits. Photos are far below them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from visavis.errors import TooLargeImageError

MAX_SIDE = 65_535
"""Pixels of the longer side: what JPEG and GIF can hold. Pillow takes 8 bytes a row beside the pixels."""
BYTES_PER_PIXEL = 10
"""Memory for decoding, at most, for each pixel of ``max_pixels``: a gigabyte for the default of 100 million."""
UNCHECKED = 1 << 27
"""Bytes of memory that every picture may take."""
SHARE = 0.5
"""Part of the memory at hand that one picture may take."""

PICTURE = 3
"""Bytes of a pixel of the result."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of decoding a file: its sides in pixels, bytes of memory, and what of it is too many, in words.

    ``blocks`` is the number of blocks of 8 x 8 in the scans of a JPEG.
    """

    width: int = 0
    height: int = 0
    memory: int = 0
    excess: str = ""
    blocks: int = 0


def check(cost: Cost, *, label: str, max_pixels: int) -> None:
    """Raise TooLargeImageError for a cost above the limits."""
    check_sides(cost.width, cost.height, label=label, max_pixels=max_pixels)
    if cost.excess:
        raise TooLargeImageError(f"{label} has {cost.excess}, far more than a photo: open and save it as PNG or JPEG.")
    if cost.memory <= UNCHECKED:
        return
    most = BYTES_PER_PIXEL * max_pixels
    free = memory_at_hand()
    if free is not None:
        most = min(most, int(SHARE * free))
    if cost.memory > max(most, UNCHECKED):
        raise TooLargeImageError(
            f"{label} ({cost.width} x {cost.height} pixels) takes {cost.memory / 1e9:.2f} GB of memory to decode, more "
            f"than the limit of {max(most, UNCHECKED) / 1e9:.2f} GB: make it smaller, or save it as JPEG."
        )


def check_sides(width: int, height: int, *, label: str, max_pixels: int) -> None:
    """Raise TooLargeImageError for more pixels, or a longer side, than the limits."""
    if width * height > max_pixels:
        raise TooLargeImageError(
            f"{label} has {width} x {height} pixels, more than the limit of {max_pixels:,}: make it smaller."
        )
    if max(width, height) > MAX_SIDE:
        raise TooLargeImageError(
            f"{label} has {width} x {height} pixels, more than {MAX_SIDE:,} along one side: cut it into parts."
        )


def memory_at_hand() -> int | None:
    """Return the bytes of memory that this process can have; None where the system does not state them."""
    return min(_stated_limits(), default=None)


def _stated_limits() -> Iterator[int]:
    with suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        yield int(text.partition("MemAvailable:")[2].split()[0]) << 10
    with suppress(OSError, ValueError):  # the limit of a container; "max" where there is none
        yield int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
