"""The types of bulk work: frozen values that pass between its parts, and the gallery as it sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from visavis.gallery.types import IndexedPhoto


class Ledger(Protocol):
    """The part of a gallery that bulk work uses, called by a single thread of a single process."""

    @property
    def model(self) -> str:
        """The id of the model that makes the gallery's embeddings."""
        ...

    @property
    def keeps_crops(self) -> bool:
        """Whether the crops of faces are kept."""
        ...

    def find_indexed(self, sha256s: Iterable[str]) -> set[str]:
        """Return the hashes of those photos that are already indexed for the model."""
        ...

    def locate_photos(self, photos: Iterable[tuple[str, str]], *, read: Callable[[str], bytes]) -> int:
        """Store where photos are, by pairs of SHA-256 and path, and which photos have moved away from there."""
        ...

    def add_photos(self, photos: Sequence[IndexedPhoto]) -> int:
        """Store photos in one transaction, skip those already indexed, and return how many are new."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """One photo to be indexed: its ``number`` within the run, and its path or URL."""

    number: int
    photo: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a photo could not be indexed: the status of an ImageError, or "crashed", and a sentence."""

    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a task."""

    task: Task
    result: IndexedPhoto | Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a photo, reported after it is stored or has failed.

    ``status`` is "ok", "no_face", "known" (a photo of the same bytes is in the gallery), "missing", "unreadable",
    "too_large", or "crashed" (it ended its worker process twice). ``faces`` is the number of faces; None where this run
    has not counted them. ``message`` says what is wrong, if anything.
    """

    photo: str
    status: str
    faces: int | None = None
    message: str = ""
