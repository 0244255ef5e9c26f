"""Places of the members of a zip archive that stores them uncompressed, as torch does.

``zipfile`` reads the directory, but does not tell where the data of a member begin.
"""

from __future__ import annotations

import io
import struct
from zipfile import BadZipFile, ZipFile

from visavis.weights.readers._file_bytes import FileBytes

LOCAL = b"PK\3\4"
MAX_DIRECTORY = 2**22
"""Bytes; a member takes about 90 of them."""


class _Archive(io.FileIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:  # zipfile reads the directory at once
            raise BadZipFile(f"a directory of {size} bytes")
        return super().read(size)


def members(file: FileBytes) -> dict[str, tuple[int, int]]:
    """Map each name to the start and the number of its bytes. WeightsError where one is compressed or named twice."""
    places: dict[str, tuple[int, int]] = {}
    try:
        with _Archive(file.path) as archive:
            entries = ZipFile(archive).infolist()
    except (BadZipFile, OSError, ValueError, NotImplementedError, OverflowError, struct.error) as error:
        raise file.fail(f"no archive ({error})") from error
    for entry in entries:
        name, at = entry.filename, entry.header_offset
        if entry.compress_type or entry.compress_size != entry.file_size or name in places:
            raise file.fail(f"{name[:100]!r} is packed or there twice", at)
        mark, named, extra = struct.unpack("<4s22xHH", file.take(at, 30))
        if mark != LOCAL:
            raise file.fail("no member of an archive", at)
        places[name] = at + 30 + named + extra, entry.file_size
        file.check(*places[name])
    return places
