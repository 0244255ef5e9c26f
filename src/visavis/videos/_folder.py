"""A folder of pictures as a video: its photos in natural order, at a fixed rate."""

from __future__ import annotations

from collections.abc import Generator

from visavis import images
from visavis.errors import ImageError, VideoError
from visavis.images.photo_files import UnlistedFolder, sort_naturally, walk
from visavis.videos._picture import MAX_PIXELS
from visavis.videos.types import Frame

FOLDER_RATE = 25.0
"""Frames a second of a folder, which states none."""
MOST_NOTES = 3


class FrameFolder:
    """The photos of one folder, without those of the folders below it; raises VideoError where there is none."""

    rate: float | None = FOLDER_RATE

    def __init__(self, folder: str, *, label: str, name: str) -> None:
        self._name = name
        entries = list(walk(folder, recursive=False))
        unlisted = next((entry for entry in entries if isinstance(entry, UnlistedFolder)), None)
        if unlisted is not None:
            raise VideoError(unlisted.message)
        self._photos = sort_naturally([str(entry) for entry in entries])
        if not self._photos:
            raise VideoError(f"the folder {label} holds no photo, and so no frame.")
        self.duration: float | None = len(self._photos) / FOLDER_RATE
        self._unread: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the photos that could not be read, so far."""
        more = len(self._unread) - MOST_NOTES
        photos = "1 more photo" if more == 1 else f"{more:,} more photos"
        return (*self._unread[:MOST_NOTES], *([f"{photos} could not be read."] if more > 0 else []))

    def frames(self, *, every: int = 1) -> Generator[Frame, None, None]:
        """Yield each ``every``-th photo; raises VideoError where none can be read."""
        delivered = 0
        for number, path in enumerate(self._photos):
            if number % every:
                continue
            try:
                photo = images.read(path, max_pixels=MAX_PIXELS)
            except ImageError as error:
                self._unread.append(str(error))
                continue
            delivered += 1
            yield Frame(photo.pixels, number / FOLDER_RATE, number, self._name)
        if not delivered:
            raise VideoError(f"no photo of the folder {self._name!r} can be read: {self._unread[0]}")

    def close(self) -> None:
        """Do nothing: no file stays open."""
