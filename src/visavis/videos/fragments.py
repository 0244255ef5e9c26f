"""The fragments of an MP4 file whose writing failed: what lies behind the last complete one is cut off.

A fragment is a box ``moof`` followed by a box ``mdat``; a box begins with its size (4 bytes, or 8 behind the name if
they hold 1) and its name (ISO/IEC 14496-12).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path


def cut_incomplete(path: Path) -> None:
    """Shorten the file to its complete fragments; a file without one stays as it is."""
    size = path.stat().st_size
    end = complete = 0
    with path.open("r+b") as file:
        while end + 16 <= size:
            file.seek(end)
            length, name, large = struct.unpack(">I4sQ", file.read(16))
            end += large if length == 1 else max(length, 8)
            if name == b"mdat" and end <= size:
                complete = end
        if complete:
            os.ftruncate(file.fileno(), complete)
