"""Read lists of people with their photos from folders, file names, and CSV tables of name and photo.

The photos themselves are not read; :meth:`visavis.gallery.Gallery.enroll` enrolls the result, person by person.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis.csv_files import read_table_with_gaps
from visavis.errors import UsageError
from visavis.images import shown
from visavis.images.photo_files import UnlistedFolder, by_folder, is_folder, nfc, walk
from visavis.text_files import decode, errors_in, find_photo, read_data

COUNTER = re.compile(r"(?P<name>.*?)(?:[ _-]+(?P<number>\d{1,4})|[ _-]*\((?P<copy>\d{1,4})\))", re.DOTALL)
"""A name with the number of a photo at the end of a file name: "Ann_1", "Ann 2", "Ann-003", "Ann (4)"."""

_WORDS = "photo|foto|image|bild|picture|scan|screenshot|bildschirmfoto|capture|received|unnamed|untitled|download"
_PREFIXES = "_?img|_?mg|_?dsc[fn]?|p|pict?|pxl|cimg|gopr|dji|vid|mvi|wa|whatsapp image|signal|snapchat|fb_img"
CAMERA = re.compile(
    rf"(?:{_WORDS})(?:[ _-]*\(?\d+\)?)?|"
    rf"(?:{_WORDS}|{_PREFIXES})?[ _-]*\d[\d _.:T()-]*(?:WA\d+|at [\d.]+)?[a-z]?",
    re.IGNORECASE,
)
"""File names that cameras, phones and programs give; they contain no person's name."""


@dataclass(frozen=True, slots=True)
class PersonPhotos:
    """A person's name (Unicode NFC) and the paths of the photos."""

    name: str
    photos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedPhotos:
    """People with their photos, and notes on how the source was understood."""

    people: tuple[PersonPhotos, ...]
    notes: tuple[str, ...]


def read_named_photos(source: str | os.PathLike[str], *, exclude: Sequence[str] = ()) -> NamedPhotos:
    """Read people with their photos from a folder or a CSV file.

    A folder contains a folder a person, with photos in it and below it; or else photos with names of people, see
    :func:`name_of_file`. A CSV has the columns ``name`` and ``photo``, see :func:`read_table`. ``exclude`` holds
    patterns of names to skip. Raises UsageError if there is no named person.
    """
    path = Path(source)
    if not path.is_dir():
        return read_table(path, exclude=exclude)
    folders = by_folder(path, recursive=True, exclude=exclude)
    notes = [unlisted.message for _, _, unlisted_folders in folders for unlisted in unlisted_folders]
    notes += [f"{folder} holds no photo, so it is passed over." for folder, photos, _ in folders if not photos]
    people = [(folder.name, photos) for folder, photos, _ in folders if photos]
    loose = [entry for entry in walk(path, recursive=False, exclude=exclude) if isinstance(entry, str)]
    if people:
        if loose:
            what = "1 photo that lies" if len(loose) == 1 else f"{len(loose)} photos that lie"
            verb = "is" if len(loose) == 1 else "are"
            notes.append(
                f"{what} in {path} itself, beside the folders of people, {verb} passed over: {_list_few(loose)}."
            )
        pairs = ((name, photo) for name, photos in people for photo in photos)
        return NamedPhotos(_group_by_name(pairs), tuple(notes))
    if not loose:
        raise UsageError(
            f"{path} holds no folder with photos and no photo: it should hold a folder a person, or photos called "
            "after people (Ann.jpg)."
        )
    return _read_file_names(path, loose, notes)


def name_of_file(photo: str | os.PathLike[str]) -> tuple[str, str] | None:
    """Return the person's name in a file name, and the number behind it ("" for none).

    "Ann.jpg", "Ann_1.jpg", "Ann 2.jpg", "Ann-003.jpg" and "Ann (4).jpg" are photos of Ann. Returns None for names
    that cameras and programs give ("IMG_0001.jpg", "20260131_120000.jpg").
    """
    stem = nfc(Path(photo).stem).strip()
    if CAMERA.fullmatch(stem):
        return None
    match = COUNTER.fullmatch(stem)
    if match is None or not match["name"].strip(" _-"):
        return stem, ""
    return match["name"].strip(" _-"), match["number"] or match["copy"]


def _read_file_names(folder: Path, photos: Sequence[str], notes: Sequence[str]) -> NamedPhotos:
    named = [(photo, name_of_file(photo)) for photo in photos]
    nameless = [photo for photo, name in named if name is None]
    pairs = [(name[0], photo) for photo, name in named if name is not None]
    all_notes = list(notes)
    if nameless:
        all_notes.append(
            f"named by a camera or a program and not after a person, so passed over: {_list_few(nameless)}. "
            "Put them into a folder called after the person."
        )
    if not pairs:
        raise UsageError(
            f"{folder} holds {len(photos)} photos, and none is called after a person ({_list_few(photos)}): "
            "it should hold a folder a person, or photos called after people (Ann.jpg)."
        )
    people = _group_by_name(pairs)
    numbers = {photo: name[1] for photo, name in named if name is not None}
    for person in people:
        if len(person.photos) == 1 and (number := numbers[person.photos[0]]):
            name = Path(person.photos[0]).name
            all_notes.append(
                f"{name} was understood as photo {number} of {person.name!r}; if {Path(name).stem!r} is the name, use "
                "a folder of that name or a CSV with the columns name and photo."
            )
    return NamedPhotos(people, tuple(all_notes))


# ------------------------------------------------------------------------------------------------------------ tables


def read_table(path: Path, *, exclude: Sequence[str] = ()) -> NamedPhotos:
    """Read a CSV with the columns ``name`` and ``photo``, in any order and among others.

    For the form see :mod:`visavis.csv_files`; text that is neither UTF-8 nor UTF-16 is read as Windows-1252, with a
    note. Paths of photos are relative to the folder of the CSV, see :func:`visavis.text_files.find_photo`; a folder
    stands for the photos in it. A row without a name or a photo is skipped with a note. Raises UsageError if a column
    is missing or no row is usable.
    """
    text, notes = _read_text(path)
    pairs: list[tuple[str, str]] = []
    with errors_in(path):
        for number, cells in read_table_with_gaps(text, ("name", "photo")):
            name, photo = cells["name"], cells["photo"]
            if not name or not photo:
                notes.append(f"{path}, line {number}: a row needs a name and a photo: passed over.")
                continue
            photos, messages = _list_photos(path.parent, photo, exclude)
            pairs += [(name, path_of_photo) for path_of_photo in photos]
            notes += [f"{path}, line {number}: {message}" for message in messages]
    if not pairs:
        raise UsageError(f"{shown(str(path))} names no photo.")
    return NamedPhotos(_group_by_name(pairs), tuple(notes))


def _list_photos(folder: Path, field: str, exclude: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the photos of a table's field, and messages on folders that cannot be listed or are empty."""
    path = find_photo(folder, field)
    if not is_folder(path):
        return [str(path)], []
    entries = list(walk(path, exclude=exclude))
    messages = [entry.message for entry in entries if isinstance(entry, UnlistedFolder)]
    photos = [entry for entry in entries if isinstance(entry, str)]
    return photos, messages if photos or messages else [UnlistedFolder(str(path), "empty").message]


def _read_text(path: Path) -> tuple[str, list[str]]:
    """Return the text of a file, and a note if its encoding was guessed."""
    data = read_data(path)
    try:
        return decode(data), []
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
        return text, [f"{path} is not UTF-8: it was read as Windows-1252. Check names with accents."]


# ----------------------------------------------------------------------------------------------------------- details


def _group_by_name(pairs: Iterable[tuple[str, str]]) -> tuple[PersonPhotos, ...]:
    """Group pairs of name and photo by the name in the form NFC, in the order in which they come."""
    photos: dict[str, dict[str, None]] = {}
    for name, photo in pairs:
        photos.setdefault(nfc(name), {})[photo] = None
    return tuple(PersonPhotos(name, tuple(person_photos)) for name, person_photos in photos.items())


def _list_few(photos: Sequence[str]) -> str:
    names = [Path(photo).name for photo in photos[:3]]
    return ", ".join(names) + (f" and {len(photos) - 3} more" if len(photos) > 3 else "")
