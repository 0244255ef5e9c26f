"""A folder that holds a folder a person -> photos, and whose each is."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from visavis.errors import UsageError
from visavis.images import PHOTO_ENDINGS, shown


@dataclass(frozen=True, slots=True)
class People:
    """Photos by path, sorted, and the name of the person each shows (in Unicode's form NFC), one a photo."""

    photos: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.photos) != len(self.names):
            raise ValueError(f"each photo needs one name, got {len(self.photos)} photos and {len(self.names)} names")


def read_people(folder: str | os.PathLike[str]) -> People:
    """List the photos of a folder of people: ``FOLDER/NAME/anything.jpg``.

    A file is a photo if its name ends like one (``images.PHOTO_ENDINGS``). Folders without photos, whatever lies
    deeper, and names that begin with a dot are left out. UsageError where fewer than two people are left, since every
    rate of error is one of telling people apart.
    """
    root = Path(folder)
    found = [(str(photo), _name(person)) for person in _folders(root) for photo in _photos(person)]
    people = {name for _, name in found}
    if not found:
        raise UsageError(f"{shown(str(root))} holds no folder with photos: it should hold one a person.")
    if len(people) == 1:
        raise UsageError(f"{shown(str(root))} holds photos of one person only: give a folder with two people or more.")
    photos, names = zip(*sorted(found), strict=True)
    return People(photos, names)


def _name(folder: Path) -> str:
    return unicodedata.normalize("NFC", folder.name)


def _folders(root: Path) -> list[Path]:
    return [path for path in _visible(root) if path.is_dir()]


def _photos(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if path.suffix.lower() in PHOTO_ENDINGS and path.is_file()]


def _visible(folder: Path) -> list[Path]:
    """What a folder holds, but for what programs hide in it ("._a.jpg" beside each "a.jpg" that a Mac has copied)."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise UsageError(f"{shown(str(folder))} cannot be read as a folder: {error.strerror or error}.") from error
