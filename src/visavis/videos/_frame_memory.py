"""Memory that a reader process shares with its parent: a count of its frames, and the pixels of the newest one.

The memory has no name in any file system (on Windows: none that outlives its processes), so that nothing is left behind
whichever process is killed.
"""

from __future__ import annotations

import mmap
import os
import secrets
import struct
import sys
import tempfile
from typing import Any, NamedTuple

import numpy as np

from visavis.types import RGB

PAGE = mmap.ALLOCATIONGRANULARITY
STEP = 1 << 20
"""The memory grows by multiples of this many bytes."""
HEADER = struct.Struct("<QQd")


class Beat(NamedTuple):
    """Packets received, frames decoded, and the seconds since the picture changed last."""

    packets: int = 0
    frames: int = 0
    unchanged: float = 0.0


class FrameMemory:
    """Shared memory; ``key`` is what :meth:`attach` needs in the other process: a file descriptor, or a name."""

    def __init__(self, key: int | str) -> None:
        self.key = key
        self._header = self._map(PAGE)
        self._pixels = self._header
        self._size = 0

    @classmethod
    def create(cls) -> FrameMemory:
        """Create the memory of the parent."""
        if sys.platform == "win32":
            return cls(f"visavis-{secrets.token_hex(16)}")
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("visavis-frame"))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def beat(self, beat: Beat) -> None:
        """Store how far the reader process is."""
        HEADER.pack_into(self._header, 0, beat.packets, beat.frames, beat.unchanged)

    def read_beat(self) -> Beat:
        """Return what :meth:`beat` stored last; zeros before."""
        return Beat(*HEADER.unpack_from(self._header, 0))

    def write_pixels(self, pixels: RGB) -> int:
        """Store the pixels of a frame; return the bytes of the memory, for :meth:`read_pixels`."""
        self._grow(PAGE + pixels.nbytes)
        np.frombuffer(self._pixels, np.uint8, pixels.nbytes, PAGE)[:] = pixels.reshape(-1)
        return self._size

    def read_pixels(self, height: int, width: int, *, size: int) -> RGB:
        """Return a copy of the pixels ``(height, width, 3)``, read-only."""
        self._grow(size)
        pixels = np.frombuffer(self._pixels, np.uint8, height * width * 3, PAGE).reshape(height, width, 3).copy()
        pixels.flags.writeable = False
        return pixels

    def close(self) -> None:
        """Release the memory in this process."""
        self._pixels = self._header
        self._header.close()
        if isinstance(self.key, int):
            os.close(self.key)

    def _grow(self, size: int) -> None:
        if size > self._size:
            self._size = -(-size // STEP) * STEP
            self._pixels = self._map(self._size)

    def _map(self, size: int) -> Any:
        if isinstance(self.key, str):
            return mmap.mmap(-1, size, tagname=f"{self.key}-{size}")  # type: ignore[call-arg, unused-ignore]
        if os.fstat(self.key).st_size < size:
            os.ftruncate(self.key, size)
        return mmap.mmap(self.key, size)
