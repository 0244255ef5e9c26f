"""Read labeled photos: a folder a person, or a CSV, as rows of photo and person in an order that never changes.

People are sorted by name, and the photos of a person in natural order (a2 before a10). The order in which a file system
or a CSV lists them therefore changes nothing: neither the split, nor the seeds, nor the result.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.gallery.enrollment_lists import read_named_photos
from visavis.images.photo_files import natural_key, sort_naturally

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LabeledPhotos:
    """Paths of photos, and the person of each: ``labels (n,)`` are rows of ``people``.

    ``notes`` say what the source lacks, with counts.
    """

    people: tuple[str, ...]
    photos: tuple[str, ...]
    labels: Labels
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.labels.shape != (len(self.photos),):
            raise ValueError(f"{len(self.photos)} photos have as many labels, got {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def counts(self) -> Labels:
        """Number of photos of each person ``(k,)``."""
        return np.bincount(self.labels, minlength=len(self.people)).astype(np.int64)

    def show(self, row: int) -> str:
        """Return a photo as person and file name, for messages."""
        return f"{self.people[self.labels[row]]}/{Path(self.photos[row]).name}"

    def select(self, rows: Sequence[int] | NDArray[np.intp] | NDArray[np.bool_]) -> LabeledPhotos:
        """Return the photos of these rows (a mask, or indices); all people remain."""
        chosen = np.arange(len(self))[np.asarray(rows)]
        return LabeledPhotos(self.people, tuple(self.photos[row] for row in chosen), self.labels[chosen], self.notes)


def read_labeled_photos(
    source: str | os.PathLike[str], *, exclude: Sequence[str] = (), split: bool = True
) -> LabeledPhotos:
    """Read people and the paths of their photos from a folder with a folder a person, or from a CSV of name and photo.

    The photos themselves are not read. ``exclude`` holds patterns of names to skip. ``split`` is whether photos will be
    held out, so that notes name people with too few. Raises UsageError if the source names no person with a photo.
    """
    named = read_named_photos(source, exclude=exclude)
    people = sorted(named.people, key=lambda person: natural_key(person.name))
    pairs = [(label, photo) for label, person in enumerate(people) for photo in sort_naturally(person.photos)]
    labels = np.array([label for label, _ in pairs], np.int64)
    photos = tuple(photo for _, photo in pairs)
    labeled = LabeledPhotos(tuple(person.name for person in people), photos, labels)
    shortages = describe_shortages(labeled) if split else []
    return LabeledPhotos(labeled.people, photos, labels, (*named.notes, *shortages))


def join(first: LabeledPhotos, second: LabeledPhotos) -> LabeledPhotos:
    """Return the photos of ``first`` and, behind them, those of ``second``; equal names are one person."""
    people = tuple(dict.fromkeys((*first.people, *second.people)))
    rows = {person: row for row, person in enumerate(people)}
    labels = np.concatenate(
        [np.array([rows[name] for name in part.people], np.int64)[part.labels] for part in (first, second)]
    )
    return LabeledPhotos(people, first.photos + second.photos, labels, first.notes + second.notes)


def describe_shortages(labeled: LabeledPhotos) -> list[str]:
    """Return sentences with counts on people who have too few photos."""
    single = [name for name, count in zip(labeled.people, labeled.counts, strict=True) if count == 1]
    notes = []
    if len(labeled.people) == 1:
        notes.append(f"there is one person only: {labeled.people[0]}.")
    if single:
        people = "1 person has" if len(single) == 1 else f"{len(single):,} people have"
        notes.append(f"{people} one photo only, which cannot be held out for a test: {list_few(single)}.")
    return notes


def list_few(names: Sequence[str], most: int = 3) -> str:
    """Join the first names with commas, and say how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
