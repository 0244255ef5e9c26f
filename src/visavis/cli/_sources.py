"""Photos given one by one or as folders of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from visavis.cli._options import maybe_gallery_url
from visavis.cli._output import note
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


def _patterns(exclude: list[str] | None) -> list[str]:
    from visavis.images.photo_files import check_patterns

    check_patterns(exclude or [])
    return exclude or []


Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        callback=_patterns,
        help="Pass over what a folder holds by this name, file or folder; may be given several times.",
        show_default=False,
    ),
]


def one_of(sources: list[str] | None, gallery: str | None) -> list[str]:
    """Return the photos; UsageError where photos and a gallery are given, or neither."""
    if bool(sources) == (gallery is not None):
        raise UsageError("the faces are those of photos, PHOTO or DIR, or those of a gallery, --gallery URL.")
    return sources or []


def check_one_photo(photo: str, argument: str) -> None:
    """Raise UsageError where the photo that a command takes as ``argument`` is a folder."""
    from visavis.images.photo_files import is_folder

    if is_folder(photo):
        raise UsageError(f"{photo!r} is a folder, where {argument} is one photo: name a photo in it.")


def expand_folders(sources: Iterable[str], *, exclude: Sequence[str] | None = None) -> list[str]:
    """Replace each folder by the photos in it and below it, as :mod:`visavis.images.photo_files` chooses them.

    Photos that are named, and "-", stay as they are. A photo that a folder holds is left out if it is in the list
    already. A folder that cannot be listed or holds no photo is noted on standard error; UsageError where that leaves
    nothing.
    """
    from visavis.images import photo_files

    photos: list[str] = []
    places: set[str] = set()
    unlisted: list[photo_files.UnlistedFolder] = []
    for source in sources:
        in_folder = photo_files.is_folder(source)
        for found in photo_files.each_photo(source, exclude=exclude or ()):
            if isinstance(found, photo_files.UnlistedFolder):
                unlisted.append(found)
            elif not in_folder or same_place(found) not in places:
                photos.append(found)
                places.add(same_place(found))
    if unlisted and not photos:
        raise UsageError(unlisted[0].message)
    for folder in unlisted:
        note(folder.message)
    return photos


def photos_of(sources: Iterable[str], *, exclude: Sequence[str] | None = None) -> list[str]:
    """List photos as :func:`expand_folders` does, each once.

    UsageError for standard input: these photos are looked at again by their names.
    """
    sources = list(sources)
    if "-" in sources:
        raise UsageError("- cannot be among these photos: they are looked at again by their names.")
    photos: dict[str, str] = {}
    for photo in expand_folders(sources, exclude=exclude):
        photos.setdefault(same_place(photo), photo)
    return list(photos.values())


def same_place(photo: str) -> str:
    """Name the place of a photo, however its path is written."""
    return os.path.abspath(photo)  # noqa: PTH100 - Path.absolute keeps ".."
