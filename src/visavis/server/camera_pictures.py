"""The newest picture of each camera, in memory that the process of the cameras shares with the workers of its server.

The memory has no name and no file. It has one size: a place for each camera, which its next picture overwrites. A
worker notes that a viewer looks at a camera; without viewers no picture is made.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from time import monotonic, sleep
from typing import NamedTuple
from zlib import crc32

PLACE_BYTES = 1 << 18
"""Bytes of the place of a camera; its content takes ``MOST_BYTES`` at most."""
VIEW_SECONDS = 4.0
"""Time after which a viewer who does not look again has left."""
OLD_SECONDS = 3.0
"""Time after which a picture is not shown any more: its camera, or the process that watches it, has stopped."""
_LOOKED = struct.Struct("<d")
_HEAD = struct.Struct("<dQII")
_HEAD_AT = _LOOKED.size
_CONTENT_AT = 64
MOST_BYTES = PLACE_BYTES - _CONTENT_AT
_TRIES = 3
"""Reads of a picture that is overwritten meanwhile."""
_PAUSE_SECONDS = 0.001


class CameraPicture(NamedTuple):
    """A picture with its ``number``, which grows, and its ``content``: JSON."""

    number: int
    content: bytes


class CameraPictures:
    """Places for the pictures of cameras. Make it before the processes that share it are forked."""

    def __init__(self, cameras: Sequence[str]) -> None:
        self._places = {name: place * PLACE_BYTES for place, name in enumerate(cameras)}
        self._memory = mmap.mmap(-1, max(1, len(self._places)) * PLACE_BYTES)

    @property
    def cameras(self) -> tuple[str, ...]:
        """The names of the cameras."""
        return tuple(self._places)

    # Workers

    def look(self, camera: str) -> None:
        """Note that a viewer looks at a camera now."""
        _LOOKED.pack_into(self._memory, self._places[camera], monotonic())

    def read(self, camera: str) -> CameraPicture | None:
        """Return the picture of a camera; None where there is none, or none that is new enough."""
        start = self._places[camera]
        for _ in range(_TRIES):
            at, number, size, check = _HEAD.unpack_from(self._memory, start + _HEAD_AT)
            if not 0 < size <= MOST_BYTES or monotonic() - at > OLD_SECONDS:
                return None
            content = self._memory[start + _CONTENT_AT : start + _CONTENT_AT + size]
            if crc32(content) == check:
                return CameraPicture(number, content)
            sleep(_PAUSE_SECONDS)
        return None

    # The process of the cameras

    def is_viewed(self, camera: str) -> bool:
        """Return whether a viewer looks at a camera."""
        (looked,) = _LOOKED.unpack_from(self._memory, self._places[camera])
        return bool(monotonic() - looked <= VIEW_SECONDS)

    def write(self, camera: str, content: bytes) -> None:
        """Replace the picture of a camera by one of at most ``MOST_BYTES``."""
        start = self._places[camera]
        _, number, former, _ = _HEAD.unpack_from(self._memory, start + _HEAD_AT)
        end = start + _CONTENT_AT + len(content)
        self._memory[start + _CONTENT_AT : end] = content
        self._memory[end : start + _CONTENT_AT + max(former, len(content))] = bytes(max(former - len(content), 0))
        _HEAD.pack_into(self._memory, start + _HEAD_AT, monotonic(), number + 1, len(content), crc32(content))

    def clear(self, camera: str) -> None:
        """Overwrite the picture of a camera with zeros."""
        self.write(camera, b"")
