"""Labeled photos: folders of people, and lists of pairs in LFW's own formats and CSV.

LFW's lists have a first line with the number of folds (if there are several) and of pairs, then a line a pair, tabs
between: ``name i j`` for two photos of one person, ``name i name j`` for photos of two; photo ``i`` of a person is
``name/name_000i.jpg``. A CSV has three columns or more: two photos, whether they show one person (1/0, true/false,
yes/no, same/different), and, if one is headed ``fold``, the fold of a pair. Its first line may hold heads; one that
names a photo (by its ending, or there is such a file) is none.
"""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visavis.errors import UsageError
from visavis.evaluate.stats.pair_distances import Rows
from visavis.images import photo_files, shown

YES, NO = frozenset({"1", "true", "yes", "same", "y"}), frozenset({"0", "false", "no", "different", "n"})
FOLD_DIGITS = 9


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

    Which files are photos: see :mod:`visavis.images.photo_files`; ``exclude`` holds patterns of names to pass over.
    Folders without photos and whatever lies deeper are left out. UsageError where fewer than two people are left, since
    every rate of error is one of telling people apart.
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


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs of ``photos``: rows ``a (n,)`` and ``b (n,)``, whether they show one person ``same (n,)``, ``folds (n,)``.

    ``folds`` is all 0 where the list has none. ``names`` holds the person of each photo where the list tells, else
    it is empty.
    """

    photos: tuple[str, ...]
    a: Rows
    b: Rows
    same: NDArray[np.bool_]
    folds: NDArray[np.intp]
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.a)


class _Pair(NamedTuple):
    a: str
    b: str
    same: bool
    fold: int
    names: tuple[str, str] | None = None


def read_pairs(path: Path, photos: Path | None = None) -> PairList:
    """Read a list of pairs, of either format; photos are found from the folder ``photos`` (default: the list's own).

    Raises UsageError with the line that is wrong.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"there is no list of pairs {path}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no list of pairs: it is not text in UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
    lines = text.splitlines()
    first = lines[0].split() if lines else []
    if first and len(first) <= 2 and all(word.isdecimal() for word in first):
        found = list(_lfw(path, lines, [int(word) for word in first], photos or path.parent))
    else:
        found = list(_csv(path, text, photos or path.parent))
    if not found:
        raise UsageError(f"{path} holds no pair.")
    return _listed(found)


def joined(*lists: PairList) -> tuple[PairList, ...]:
    """Put lists on common photos, so that a photo in several of them is looked at once."""
    photos = tuple(sorted({photo for one in lists for photo in one.photos}))
    where = {photo: row for row, photo in enumerate(photos)}
    names = {photo: name for one in lists for photo, name in zip(one.photos, one.names, strict=False)}
    of_all = tuple(names[photo] for photo in photos) if len(names) == len(photos) else ()

    def moved(one: PairList) -> PairList:
        rows = np.array([where[photo] for photo in one.photos], np.int32)
        return PairList(photos, rows[one.a], rows[one.b], one.same, one.folds, of_all)

    return tuple(moved(one) for one in lists)


def _listed(found: Sequence[_Pair]) -> PairList:
    photos = tuple(sorted({photo for one in found for photo in (one.a, one.b)}))
    where = {photo: row for row, photo in enumerate(photos)}
    names: dict[str, str] = {}
    for one in found:
        if one.names:
            names |= {one.a: one.names[0], one.b: one.names[1]}
    return PairList(
        photos,
        np.array([where[one.a] for one in found], np.int32),
        np.array([where[one.b] for one in found], np.int32),
        np.array([one.same for one in found], np.bool_),
        np.array([one.fold for one in found], np.intp),
        tuple(names[photo] for photo in photos) if len(names) == len(photos) else (),
    )


def _lfw(path: Path, lines: Sequence[str], head: Sequence[int], folder: Path) -> Iterator[_Pair]:
    folds, each = head if len(head) == 2 else (1, head[0])
    rows = [(number, line.split("\t")) for number, line in enumerate(lines[1:], 2) if line.strip()]
    if len(rows) != 2 * folds * each:
        raise UsageError(f"{path} announces {2 * folds * each} pairs and holds {len(rows)}.")
    for n, (number, fields) in enumerate(rows):
        if len(fields) not in {3, 4} or not (fields[1].isdecimal() and fields[-1].isdecimal()):
            raise UsageError(f"{path}, line {number}: not a pair of LFW's format.")
        name, other = fields[0], fields[2] if len(fields) == 4 else fields[0]
        yield _Pair(
            _photo(folder, name, int(fields[1])),
            _photo(folder, other, int(fields[-1])),
            same=len(fields) == 3,
            fold=n // (2 * each),
            names=(name, other),
        )


def _photo(folder: Path, name: str, number: int) -> str:
    return str(folder / name / f"{name}_{number:04d}.jpg")


def _csv(path: Path, text: str, folder: Path) -> Iterator[_Pair]:
    fold_column: int | None = None
    for n, (number, fields) in enumerate(_rows(path, text)):
        same = _truth(fields[2]) if len(fields) >= 3 else None
        if n == 0 and _heads(folder, fields):
            heads = [field.lower() for field in fields]
            fold_column = heads.index("fold") if "fold" in heads else None
            continue
        if same is None or not (fields[0] and fields[1]):
            raise UsageError(
                f"{path}, line {number}: a pair is two photos and 1 (one person) or 0 (two), commas between."
            )
        yield _Pair(str(folder / fields[0]), str(folder / fields[1]), same, _fold(path, number, fields, fold_column))


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV that hold anything, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if any(fields):
                yield reader.line_num, fields
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: not a line of a CSV: {error}.") from error


def _heads(folder: Path, fields: Sequence[str]) -> bool:
    """Whether the first line holds heads; "same" is one, and a word of a pair as well."""
    if len(fields) < 3 or (_truth(fields[2]) is not None and fields[2].lower() != "same"):
        return False
    return not any(_is_photo(folder / field) for field in fields[:2])


def _is_photo(path: Path) -> bool:
    try:
        return photo_files.has_photo_ending(path) or path.is_file()
    except OSError:  # a name too long for a file
        return False


def _truth(word: str) -> bool | None:
    return True if word.lower() in YES else False if word.lower() in NO else None


def _fold(path: Path, number: int, fields: Sequence[str], column: int | None) -> int:
    if column is None:
        return 0
    if column >= len(fields) or not fields[column].isdecimal() or len(fields[column]) > FOLD_DIGITS:
        raise UsageError(f"{path}, line {number}: a fold is a number.")
    return int(fields[column])
