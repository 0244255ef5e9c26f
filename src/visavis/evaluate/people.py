"""A folder that holds a folder a person -> photos, and whose each is."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis import photo_files
from visavis.errors import UsageError
from visavis.images import shown


@dataclass(frozen=True, slots=True)
class People:
    """Photos by path, sorted, and the name of the person each shows (in Unicode's form NFC), one a photo."""

    photos: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.photos) != len(self.names):
            raise ValueError(f"each photo needs one name, got {len(self.photos)} photos and {len(self.names)} names")


def read_people(folder: str | os.PathLike[str], *, exclude: Sequence[str] = ()) -> People:
    """List the photos of a folder of people: ``FOLDER/NAME/anything.jpg``.

    Which files are photos: see :mod:`visavis.photo_files`; ``exclude`` holds patterns of names to pass over. Folders
    without photos and whatever lies deeper are left out. UsageError where fewer than two people are left, since every
    rate of error is one of telling people apart.
    """
    root = Path(folder)
    folders = photo_files.by_folder(root, exclude=exclude)
    for unlisted in (one for _, _, several in folders for one in several):
        raise UsageError(unlisted.message)
    found = [(photo, _name(person)) for person, photos, _ in folders for photo in photos]
    people = {name for _, name in found}
    if not found:
        raise UsageError(f"{shown(str(root))} holds no folder with photos: it should hold one a person.")
    if len(people) == 1:
        raise UsageError(f"{shown(str(root))} holds photos of one person only: give a folder with two people or more.")
    photos, names = zip(*sorted(found), strict=True)
    return People(photos, names)


def _name(folder: Path) -> str:
    return unicodedata.normalize("NFC", folder.name)
