"""The books of a run: which photos are being computed, which wait to be stored, what is to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import monotonic

from visavis.bulk import remote_photos, sources
from visavis.bulk.types import Answer, Failure, Ledger, Outcome, Task
from visavis.gallery.check_input import location
from visavis.gallery.types import IndexedPhoto
from visavis.images import shown

STORE_PHOTOS = 64
STORE_SECONDS = 1.0
"""Results are stored when there are so many, or the oldest has waited so long: a transaction a photo would be slow."""


class Books:
    """Keeps a photo's bytes from being computed twice, and results until they are stored.

    What is held is bounded by the tasks in flight, not by the length of the run.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._owners: dict[str, int] = {}
        self._hashes: dict[int, str] = {}
        self._same: dict[int, list[Task]] = {}
        self._pending: dict[Task, IndexedPhoto] = {}
        self._since = 0.0
        self._told: list[Outcome] = []

    def admit(self, hashed: Sequence[tuple[Task, str]]) -> set[int]:
        """Return the numbers of the tasks to be computed.

        The others are of photos in the gallery, which are told of, or of the same bytes as one that is being computed,
        which are told of with it. A task that asks again, having lost its process, is let in again.
        """
        known = self._ledger.known_photos({sha256 for _, sha256 in hashed})
        self._ledger.locate_photos([(sha256, _location(task.photo)) for task, sha256 in hashed], read=sources.read)
        admitted = set()
        for task, sha256 in hashed:
            owner = self._owners.get(sha256, task.number)
            if owner != task.number:
                self._same.setdefault(owner, []).append(task)
            elif sha256 in known:
                self._told.append(Outcome(task.photo, "known"))
                self._settle(task, None)
            else:
                self._owners[sha256] = task.number
                self._hashes[task.number] = sha256
                admitted.add(task.number)
        return admitted

    def enter(self, answers: Iterable[Answer]) -> None:
        """Take results in; stores them if it is time."""
        for answer in answers:
            if isinstance(answer.result, Failure):
                failed = answer.result
                self._told.append(Outcome(answer.task.photo, failed.status, None, failed.message))
                self._settle(answer.task, failed)
            else:
                self._since = self._since if self._pending else monotonic()
                self._pending[answer.task] = replace(answer.result, photo=_location(answer.task.photo))
        if len(self._pending) >= STORE_PHOTOS or (self._pending and monotonic() - self._since >= STORE_SECONDS):
            self.store()

    def store(self) -> None:
        """Store all results that wait, in one transaction; only then they are told of."""
        if not self._pending:
            return
        self._ledger.add_photos([*self._pending.values()])
        for task, one in self._pending.items():
            self._told.append(Outcome(task.photo, one.status, len(one.faces)))
            self._settle(task, one)
        self._pending.clear()

    def tell(self, *more: Outcome) -> list[Outcome]:
        """Return what is to be told since the last time, and ``more``."""
        told, self._told = [*self._told, *more], []
        return told

    def _settle(self, task: Task, result: IndexedPhoto | Failure | None) -> None:
        """Give up the claim on a photo's bytes, and tell of the others that have the same."""
        self._owners.pop(self._hashes.pop(task.number, ""), None)
        for other in self._same.pop(task.number, ()):
            self._told.append(_outcome_of_same(other, task, result))


def _location(photo: str) -> str:
    return location(photo, is_path=not remote_photos.is_url(photo))


def _outcome_of_same(other: Task, task: Task, result: IndexedPhoto | Failure | None) -> Outcome:
    """Say what became of a photo that was not looked at, since ``task`` has the same bytes."""
    if isinstance(result, Failure):
        message = f"{shown(other.photo)} has the same bytes as {shown(task.photo)}, which is {result.status}."
        return Outcome(other.photo, result.status, None, message)
    return Outcome(other.photo, "known", None if result is None else len(result.faces))
