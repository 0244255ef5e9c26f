"""What all calls of the client share: requests about a gallery, about one photo, and about many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from visavis.client._connection import Connection
from visavis.client._photos import Upload, batch_uploads, make_form, read_upload, read_uploads
from visavis.client.parse import parse_photo
from visavis.errors import image_error
from visavis.gallery.types import Person, Skipped
from visavis.images import Source
from visavis.types import PhotoFaces

Who = int | str | Person
"""A reference to a person: an id, a name that only one person has, or a person of the gallery."""


class GalleryRequests:
    """Requests to a server about one of its galleries, whose name is ``gallery``."""

    gallery: str
    _connection: Connection

    def _ask_gallery(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, **options: Any) -> Any:
        return self._connection.send(method, path, params={"gallery": self.gallery, **(params or {})}, **options)

    @property
    def _gallery_path(self) -> str:
        return f"/galleries/{quote(self.gallery, safe='')}"

    def _ask_photo(self, path: str, source: Source, **options: Any) -> tuple[PhotoFaces, list[dict[str, Any]]]:
        """Return the answer for one photo, with the lines of its faces; raises ImageError where it cannot be read."""
        upload = read_upload(source)
        (line,) = self._connection.send("POST", path, files=[upload.part("photo")], params=options)["photos"]
        require_readable(line["status"], line.get("message", ""))
        embedded = "embeddings" in options
        return parse_photo(line, name=upload.name, embedded=embedded), line["faces"]

    def _ask_photos(
        self, path: str, sources: Source | Iterable[Source], **options: Any
    ) -> Iterator[tuple[Upload | PhotoFaces, dict[str, Any]]]:
        """Yield the line of each photo, in order; a photo that cannot be read here is an answer, and has none."""
        for batch in batch_uploads(read_uploads(sources)):
            uploads = [item for item in batch if isinstance(item, Upload)]
            files = make_form("photo", uploads)
            answers = self._connection.send("POST", path, files=files, params=options)["photos"] if uploads else []
            lines = iter(answers)
            for item in batch:
                yield item, {} if isinstance(item, PhotoFaces) else next(lines)

    def _ask_pages(self, path: str, key: str, *, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the lines of all pages of a list about the gallery."""
        after: int | None = 0
        while after is not None:
            page = self._ask_gallery("GET", path, params={"after": after, "limit": 1000, **(params or {})})
            yield from page[key]
            after = page["next"]


def require_readable(status: str, message: str) -> None:
    """Raise the error of a photo that the server could not read; one without a face is an answer."""
    if status not in {"ok", "no_face"}:
        raise image_error(status)(message)


def require_uploads(sources: Source | Iterable[Source]) -> tuple[list[Upload], tuple[Skipped, ...]]:
    """Return the photos that can be read and the others; raises the error of the first where none can."""
    items = list(read_uploads(sources))
    uploads = [item for item in items if isinstance(item, Upload)]
    faults = [item for item in items if isinstance(item, PhotoFaces)]
    if not uploads and faults:
        raise image_error(faults[0].status)(faults[0].message)
    return uploads, tuple(Skipped(fault.name, fault.status, fault.message) for fault in faults)
