"""What passes between the parts of bulk work: frozen values, and the two protocols."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from visavis.gallery.types import IndexedPhoto

if TYPE_CHECKING:
    from visavis.bulk.embed_stage import Stage


class Ledger(Protocol):
    """The gallery, as bulk work sees it: called by one process only, and by one thread of it."""

    @property
    def model(self) -> str:
        """The id of the model whose embeddings it holds."""
        ...

    def known_photos(self, sha256s: Iterable[str]) -> set[str]:
        """Return those of the photos that are indexed already, for its model."""
        ...

    def locate_photos(self, found: Iterable[tuple[str, str]], *, read: Callable[[str], bytes]) -> int:
        """Note where photos were found, pairs of SHA-256 and path, and who lies there no longer."""
        ...

    def add_photos(self, photos: Sequence[IndexedPhoto]) -> int:
        """Store photos in one transaction, pass over those known already, and return how many were new."""
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
    """What an engine made of a task."""

    task: Task
    result: IndexedPhoto | Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo: told once it is stored, or cannot be.

    ``status`` is "ok", "no_face", "known" (a photo of the same bytes is in the gallery), "missing", "unreadable",
    "too_large", or "crashed" (it ended the process that worked on it, twice). ``faces`` is their number; None where
    this run has not counted them. ``message`` says what is wrong, if something is.
    """

    photo: str
    status: str
    faces: int | None = None
    message: str = ""


Admit = Callable[[Sequence[tuple[Task, str]]], set[int]]
"""Asked with tasks and the SHA-256 of their photos: numbers of the tasks to go on with. The others are done."""


class Engine(Protocol):
    """What work is done on: processes of this machine, a cluster."""

    def run(self, tasks: Iterable[Task], stage: Stage, admit: Admit) -> Generator[Sequence[Answer], None, None]:
        """Work through ``tasks``; yields answers as they come, an empty list now and then while there are none.

        Every task is either turned down by ``admit``, which is asked in the caller's thread, or answered once. A photo
        that ends its process is tried once more, by itself, before it is answered as "crashed". Closing the iterator
        ends everything that was started. Raises EngineError, and the errors of loading the networks.
        """
        ...
