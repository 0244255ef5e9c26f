"""The highest template id that a gallery in a file ever gave, kept outside the file.

A restored backup does not know the ids that were given after it was made. They are kept in an extended attribute of the
folder, under the gallery's key, which no restored file brings back to an earlier value. Not every file system has
extended attributes, and a folder may be new: then there is no mark, and new ids begin with the time.
"""

from __future__ import annotations

import os
from pathlib import Path

KEY_DIGITS = 16


class IdMark:
    """The mark of the galleries in the folder of a file."""

    def __init__(self, path: Path) -> None:
        self._folder = path.absolute().parent

    def read(self, key: str) -> int | None:
        """Return the mark of the gallery of this key; None where there is none."""
        try:
            return int(os.getxattr(self._folder, _attribute(key)))
        except (OSError, AttributeError, ValueError):  # AttributeError: a system without them
            return None

    def write(self, key: str, highest: int) -> None:
        """Set the mark if that is possible; a mark that cannot be raised is removed if that is possible."""
        try:
            os.setxattr(self._folder, _attribute(key), str(highest).encode())
        except (OSError, AttributeError):
            self._remove(key)

    def _remove(self, key: str) -> None:
        try:
            os.removexattr(self._folder, _attribute(key))
        except (OSError, AttributeError):
            return


def _attribute(key: str) -> str:
    return f"user.visavis.{key[:KEY_DIGITS]}"
