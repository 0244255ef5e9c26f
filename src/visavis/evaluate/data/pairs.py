"""Read labeled photos: folders of people, and lists of pairs in LFW's own formats and CSV.

LFW's lists have a first line with the number of folds (if there are several) and of pairs, then a line a pair with
tabs: ``name i j`` for two photos of one person, ``name i name j`` for photos of two; photo ``i`` of a person is
``name/name_000i.jpg``. A CSV has three columns or more: two photos, whether they show one person (1/0, true/false,
yes/no, same/different), and, if a column is headed ``fold``, the fold of a pair. Its first line may be a head; a line
that names a photo (by its ending, or because the file exists) is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visavis.csv_files import read_rows
from visavis.errors import UsageError
from visavis.evaluate.stats.pair_distances import PairRows
from visavis.images import photo_files, shown
from visavis.images.photo_files import nfc
from visavis.text_files import errors_in, find_photo, malformed, read_text

YES, NO = frozenset({"1", "true", "yes", "same", "y"}), frozenset({"0", "false", "no", "different", "n"})
DIGITS = 9
"""Digits of a fold, a number of pairs, and the number of a photo."""


@dataclass(frozen=True, slots=True)
class PeopleFolder:
    """Sorted paths of photos, and the name of the person in each (in Unicode's form NFC)."""

    photos: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.photos) != len(self.names):
            raise ValueError(f"each photo needs one name, got {len(self.photos)} photos and {len(self.names)} names")


def read_people(folder: str | os.PathLike[str], *, exclude: Sequence[str] = ()) -> PeopleFolder:
    """List the photos of a folder of people: ``FOLDER/NAME/anything.jpg``.

    For the files that count as photos see :mod:`visavis.images.photo_files`; ``exclude`` holds patterns of names to
    skip. Folders without photos and deeper files are left out. Raises UsageError if fewer than two people remain, since
    every error rate compares people.
    """
    root = Path(folder)
    folders = photo_files.by_folder(root, exclude=exclude)
    for unlisted in (error for _, _, errors in folders for error in errors):
        raise UsageError(unlisted.message)
    labeled = [(photo, nfc(person.name)) for person, photos, _ in folders for photo in photos]
    people = {name for _, name in labeled}
    if not labeled:
        raise UsageError(f"{shown(str(root))} holds no folder with photos: it should hold one a person.")
    if len(people) == 1:
        raise UsageError(f"{shown(str(root))} holds photos of one person only: give a folder with two people or more.")
    photos, names = zip(*sorted(labeled), strict=True)
    return PeopleFolder(photos, names)


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs of ``photos``: rows ``a (n,)`` and ``b (n,)``, whether they show one person ``same (n,)``, ``folds (n,)``.

    ``folds`` is all 0 if the list has none. ``names`` holds the person of each photo if the list names the people, else
    it is empty.
    """

    photos: tuple[str, ...]
    a: PairRows
    b: PairRows
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
    """Read a list of pairs, of either format; paths are relative to the folder ``photos`` (default: the list's own).

    Raises UsageError, which names the line.
    """
    if not path.exists():
        raise UsageError(f"there is no list of pairs {path}.")
    text = read_text(path)
    lines = text.splitlines()
    first = lines[0].split() if lines else []
    with errors_in(path):
        if first and len(first) <= 2 and all(map(_is_number, first)):
            pairs = list(_read_lfw(lines, [int(word) for word in first], photos or path.parent))
        else:
            pairs = list(_read_csv(text, photos or path.parent))
    if not pairs:
        raise UsageError(f"{shown(str(path))} holds no pair.")
    return _make_list(pairs)


def join_lists(*lists: PairList) -> tuple[PairList, ...]:
    """Give lists common photos, so that a photo in several of them is processed once."""
    photos = tuple(sorted({photo for pairs in lists for photo in pairs.photos}))
    row_of = {photo: row for row, photo in enumerate(photos)}
    names = {photo: name for pairs in lists for photo, name in zip(pairs.photos, pairs.names, strict=False)}
    all_names = tuple(names[photo] for photo in photos) if len(names) == len(photos) else ()

    def renumber(pairs: PairList) -> PairList:
        rows = np.array([row_of[photo] for photo in pairs.photos], np.int32)
        return PairList(photos, rows[pairs.a], rows[pairs.b], pairs.same, pairs.folds, all_names)

    return tuple(renumber(pairs) for pairs in lists)


def _make_list(pairs: Sequence[_Pair]) -> PairList:
    photos = tuple(sorted({photo for pair in pairs for photo in (pair.a, pair.b)}))
    row_of = {photo: row for row, photo in enumerate(photos)}
    names: dict[str, str] = {}
    for pair in pairs:
        if pair.names:
            names |= {pair.a: pair.names[0], pair.b: pair.names[1]}
    return PairList(
        photos,
        np.array([row_of[pair.a] for pair in pairs], np.int32),
        np.array([row_of[pair.b] for pair in pairs], np.int32),
        np.array([pair.same for pair in pairs], np.bool_),
        np.array([pair.fold for pair in pairs], np.intp),
        tuple(names[photo] for photo in photos) if len(names) == len(photos) else (),
    )


def _read_lfw(lines: Sequence[str], head: Sequence[int], folder: Path) -> Iterator[_Pair]:
    folds, pairs_per_kind = head if len(head) == 2 else (1, head[0])
    rows = [(number, line.split("\t")) for number, line in enumerate(lines[1:], 2) if line.strip()]
    if len(rows) != 2 * folds * pairs_per_kind:
        raise malformed(1, f"it announces {2 * folds * pairs_per_kind} pairs and holds {len(rows)}.")
    for n, (number, fields) in enumerate(rows):
        if len(fields) not in {3, 4} or not (_is_number(fields[1]) and _is_number(fields[-1])):
            raise malformed(number, "not a pair of LFW's format.")
        name, other = fields[0], fields[2] if len(fields) == 4 else fields[0]
        yield _Pair(
            _format_path(folder, name, int(fields[1])),
            _format_path(folder, other, int(fields[-1])),
            same=len(fields) == 3,
            fold=n // (2 * pairs_per_kind),
            names=(nfc(name), nfc(other)),
        )


def _is_number(text: str) -> bool:
    """Return whether a text is a whole number of up to ``DIGITS`` digits."""
    return text.isdecimal() and len(text) <= DIGITS


def _format_path(folder: Path, name: str, number: int) -> str:
    return str(find_photo(folder, f"{name}/{name}_{number:04d}.jpg"))


def _read_csv(text: str, folder: Path) -> Iterator[_Pair]:
    fold_column: int | None = None
    for n, (number, fields) in enumerate(read_rows(text)):
        same = _parse_truth(fields[2]) if len(fields) >= 3 else None
        if n == 0 and _is_head(folder, fields):
            heads = [field.lower() for field in fields]
            fold_column = heads.index("fold") if "fold" in heads else None
            continue
        if same is None or not (fields[0] and fields[1]):
            raise malformed(number, "a pair is two photos and 1 (one person) or 0 (two), commas between.")
        a, b = (str(find_photo(folder, field)) for field in fields[:2])
        yield _Pair(a, b, same, _parse_fold(number, fields, fold_column))


def _is_head(folder: Path, fields: Sequence[str]) -> bool:
    """Tell whether the first line is a head; "same" may be a head or a value."""
    if len(fields) < 3 or (_parse_truth(fields[2]) is not None and fields[2].lower() != "same"):
        return False
    return not any(_is_photo(folder / field) for field in fields[:2])


def _is_photo(path: Path) -> bool:
    try:
        return photo_files.has_photo_ending(path) or path.is_file()
    except OSError:  # the name is too long for a file
        return False


def _parse_truth(word: str) -> bool | None:
    return True if word.lower() in YES else False if word.lower() in NO else None


def _parse_fold(number: int, fields: Sequence[str], column: int | None) -> int:
    if column is None:
        return 0
    if column >= len(fields) or not _is_number(fields[column]):
        raise malformed(number, "a fold is a number.")
    return int(fields[column])
