"""The best face of each track, as a JPEG in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex

from visavis import atomic, permissions
from visavis.errors import UsageError, reason_of
from visavis.types import RGB

QUALITY = 92
"""Quality of the JPEG files."""


class FacesFolder:
    """Writes faces named after a run and a track, so that runs do not overwrite each other's.

    UsageError where the folder cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._run = token_hex(4)
        try:
            permissions.make_folder(self._folder)
        except OSError as error:
            raise UsageError(f"faces cannot be written to {self._folder}: {reason_of(error)}.") from error

    def save(self, track: int, crop: RGB) -> str:
        """Write the face of a track, in place of an earlier one; return the path."""
        from PIL import Image

        path = self._folder / f"{self._run}-{track:05}.jpg"
        try:
            atomic.write(path, lambda file: Image.fromarray(crop).save(file, "JPEG", quality=QUALITY))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {reason_of(error)}.") from error
        return str(path)
