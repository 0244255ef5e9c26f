"""Photos given one by one or as folders of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import maybe_gallery_url
from visavis.errors import UsageError

PhotosOrFolders = Annotated[
    list[str],
    typer.Argument(metavar="PHOTO|DIR", help="Photos, and folders of photos, whatever is below.", show_default=False),
]

PhotosOrGallery = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PHOTO|DIR",
        help="Photos, and folders of photos, whatever is below; none with --gallery.",
        show_default=False,
    ),
]
GalleryInstead = Annotated[
    str | None,
    typer.Option("--gallery", metavar="URL", callback=maybe_gallery_url, help="Take the faces of a gallery instead."),
]


def one_of(sources: list[str] | None, gallery: str | None) -> list[str]:
    """Return the photos; UsageError where photos and a gallery are given, or neither."""
    if bool(sources) == (gallery is not None):
        raise UsageError("the faces are those of photos, PHOTO or DIR, or those of a gallery, --gallery URL.")
    return sources or []


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
