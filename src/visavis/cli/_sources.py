"""Photo arguments: single photos and folders of photos."""

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
    typer.Argument(metavar="PHOTO|DIR", help="Photos, or folders searched with their subfolders.", show_default=False),
]
PhotosOrGallery = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PHOTO|DIR",
        help="Photos, or folders searched with their subfolders; none with --gallery.",
        show_default=False,
    ),
]
GalleryInstead = Annotated[
    str | None,
    typer.Option("--gallery", metavar="URL", callback=maybe_gallery_url, help="Use the faces of a gallery instead."),
]


def _check_patterns(exclude: list[str] | None) -> list[str]:
    from visavis.images.photo_files import check_patterns

    check_patterns(exclude or [])
    return exclude or []


Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        callback=_check_patterns,
        help="Skip files and subfolders with a matching name; repeatable.",
        show_default=False,
    ),
]


def check_sources(sources: list[str] | None, gallery: str | None) -> list[str]:
    """Return the photos; raise UsageError unless either photos or a gallery is given."""
    if bool(sources) == (gallery is not None):
        raise UsageError("give either photos (PHOTO or DIR) or a gallery (--gallery URL).")
    return sources or []


def check_one_photo(photo: str, argument: str) -> None:
    """Raise UsageError if the photo of the argument ``argument`` is a folder."""
    from visavis.images.photo_files import is_folder

    if is_folder(photo):
        raise UsageError(f"{photo!r} is a folder, but {argument} must be a photo: name a photo in it.")


def expand_folders(sources: Iterable[str], *, exclude: Sequence[str] | None = None) -> list[str]:
    """Replace each folder by the photos in it and below it, as :mod:`visavis.images.photo_files` selects them.

    Keep named photos and "-". Leave out a photo of a folder that is in the list already. Note a folder that cannot be
    listed or has no photo on standard error; raise UsageError if no photo remains.
    """
    from visavis.images import photo_files

    photos: list[str] = []
    places: set[str] = set()
    unlisted: list[photo_files.UnlistedFolder] = []
    for source in sources:
        in_folder = photo_files.is_folder(source)
        for photo in photo_files.each_photo(source, exclude=exclude or ()):
            if isinstance(photo, photo_files.UnlistedFolder):
                unlisted.append(photo)
            elif not in_folder or same_place(photo) not in places:
                photos.append(photo)
                places.add(same_place(photo))
    if unlisted and not photos:
        raise UsageError(unlisted[0].message)
    for folder in unlisted:
        note(folder.message)
    return photos


def photos_of(sources: Iterable[str], *, exclude: Sequence[str] | None = None) -> list[str]:
    """List photos as :func:`expand_folders` does, without repeats.

    Raise UsageError for standard input: these photos are read again by name.
    """
    sources = list(sources)
    if "-" in sources:
        raise UsageError("- cannot be one of these photos: they are read again by name.")
    photos: dict[str, str] = {}
    for photo in expand_folders(sources, exclude=exclude):
        photos.setdefault(same_place(photo), photo)
    return list(photos.values())


def same_place(photo: str) -> str:
    """Return a key for the path of a photo, equal for all spellings of that path."""
    return os.path.abspath(photo)  # noqa: PTH100 - Path.absolute keeps ".."
