"""Photos as the parts of a form: the bytes of files as they are, everything else as PNG."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

from visavis import images
from visavis.errors import ImageError, MissingImageError, UnreadableImageError
from visavis.images import Source
from visavis.images.photo_files import UnlistedFolder, each_photo
from visavis.types import Photo, PhotoFaces

BATCH_PHOTOS = 16
BATCH_BYTES = 12_000_000
"""Limits of a request about many photos: the first that is reached closes it."""


class Upload(NamedTuple):
    """A photo to send; ``name`` is what its user calls it, of which the server gets the name of the file alone."""

    name: str
    data: bytes

    def part(self, field: str) -> tuple[str, tuple[str, bytes]]:
        """Return the part of a form."""
        return field, (PurePath(self.name.replace("\\", "/")).name or "photo", self.data)


def read_upload(source: Source) -> Upload:
    """Read one photo of any source; raises ImageError where it cannot be read."""
    name = images.name_of(images.not_a_folder(source))
    has_bytes = isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(source, "read")
    return Upload(name, images.encoded(source) if has_bytes else _encode(images.read(source)))


def read_uploads(sources: Source | Iterable[Source]) -> Iterator[Upload | PhotoFaces]:
    """Read photos, also those in folders; what cannot be read is an answer with its status."""
    for source in each_photo(sources):
        if isinstance(source, UnlistedFolder):
            kind = MissingImageError if source.status == "missing" else UnreadableImageError
            yield PhotoFaces(name=source.path, status=kind.status, message=source.message)
            continue
        try:
            yield read_upload(source)
        except ImageError as error:
            yield PhotoFaces(name=images.name_of(source), status=error.status, message=str(error))


def batch_uploads(items: Iterable[Upload | PhotoFaces]) -> Iterator[list[Upload | PhotoFaces]]:
    """Collect photos for one request each."""
    batch: list[Upload | PhotoFaces] = []
    size = 0
    for item in items:
        length = len(item.data) if isinstance(item, Upload) else 0
        if batch and (len(batch) >= BATCH_PHOTOS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def _encode(photo: Photo) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(photo.pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def make_form(field: str, uploads: Iterable[Upload]) -> list[tuple[str, Any]]:
    """Return the parts of photos of one field."""
    return [upload.part(field) for upload in uploads]
