"""Photos given one by one or as folders of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from visavis.errors import UsageError

PhotosOrFolders = Annotated[
    list[str],
    typer.Argument(metavar="PHOTO|DIR", help="Photos, and folders of photos, whatever is below.", show_default=False),
]


def photos_of(sources: Iterable[str]) -> list[str]:
    """List the photos, those of folders by name, each once.

    In folders a file is a photo if its name ends like one; names that begin with a dot are left out. UsageError for a
    folder without photos, and for standard input: photos are looked at again by their names.
    """
    photos: dict[str, str] = {}
    for source in sources:
        if source == "-":
            raise UsageError("- cannot be among these photos: they are looked at again by their names.")
        found = list(_below(Path(source))) if Path(source).is_dir() else [source]
        if not found:
            raise UsageError(f"{source} holds no photo.")
        for photo in found:
            photos.setdefault(same_place(photo), photo)
    return list(photos.values())


def same_place(photo: str) -> str:
    """Name the place of a photo, however its path is written."""
    return os.path.abspath(photo)  # noqa: PTH100 - Path.absolute keeps ".."


def _below(folder: Path) -> Iterator[str]:
    from visavis.images import PHOTO_ENDINGS

    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in PHOTO_ENDINGS:
                yield str(Path(place) / name)
