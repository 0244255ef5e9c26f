"""Names of photos that are text for people: no file is looked for under them."""

from __future__ import annotations

import re

_FOLDERS = re.compile(r".*[/\\]", re.DOTALL)


class PhotoLabel(str):
    """The name of a photo that is the path of no file, whatever it looks like: the client of a server gave it.

    A gallery stores it without folders.
    """

    __slots__ = ()


def strip_folders(name: str) -> str:
    """Return the last part of a path, of whatever system; empty where the path ends in a folder."""
    return _FOLDERS.sub("", name)
