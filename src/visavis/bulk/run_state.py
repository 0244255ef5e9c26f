"""The state of a run: photos being computed, results waiting to be stored, outcomes to be reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from time import monotonic

from visavis.bulk import remote_photos, sources
from visavis.bulk.types import Answer, Failure, Ledger, Outcome, Task
from visavis.gallery.check_input import make_path_absolute
from visavis.gallery.types import IndexedPhoto
from visavis.images import shown

STORE_PHOTOS = 64
STORE_SECONDS = 1.0
"""Store results when there are ``STORE_PHOTOS`` or the oldest is this old: a transaction per photo would be slow."""


class PendingResults:
    """Avoid computing the same bytes twice, and keep results until they are stored.

    Memory depends on the tasks in progress, not on the length of the run.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._owners: dict[str, int] = {}
        self._hashes: dict[int, str] = {}
        self._same: dict[int, list[Task]] = {}
        self._pending: dict[Task, IndexedPhoto] = {}
        self._since = 0.0
        self._outcomes: deque[Outcome] = deque()

    def admit(self, hashed: Sequence[tuple[Task, str]]) -> set[int]:
        """Return the numbers of the tasks to be computed.

        The other photos are in the gallery already, or have the same bytes as one in progress and are reported together
        with it. A task that lost its process and comes again is admitted again.
        """
        indexed = self._ledger.find_indexed({sha256 for _, sha256 in hashed})
        self._ledger.locate_photos([(sha256, _location(task.photo)) for task, sha256 in hashed], read=sources.read)
        admitted = set()
        for task, sha256 in hashed:
            owner = self._owners.get(sha256, task.number)
            if owner != task.number:
                self._same.setdefault(owner, []).append(task)
            elif sha256 in indexed:
                self._outcomes.append(Outcome(task.photo, "known"))
                self._settle(task, None)
            else:
                self._owners[sha256] = task.number
                self._hashes[task.number] = sha256
                admitted.add(task.number)
        return admitted

    def enter(self, answers: Iterable[Answer]) -> None:
        """Add answers; store the results if it is time."""
        for answer in answers:
            if isinstance(answer.result, Failure):
                failed = answer.result
                self._outcomes.append(Outcome(answer.task.photo, failed.status, None, failed.message))
                self._settle(answer.task, failed)
            else:
                self._since = self._since if self._pending else monotonic()
                self._pending[answer.task] = replace(answer.result, photo=_location(answer.task.photo))
        if len(self._pending) >= STORE_PHOTOS or (self._pending and monotonic() - self._since >= STORE_SECONDS):
            self.store()

    def store(self) -> None:
        """Store all waiting results in one transaction, then report them."""
        if not self._pending:
            return
        self._ledger.add_photos([*self._pending.values()])
        for task, photo in self._pending.items():
            self._outcomes.append(Outcome(task.photo, photo.status, len(photo.faces)))
            self._settle(task, photo)
        self._pending.clear()

    def take_outcomes(self, *more: Outcome) -> Iterator[Outcome]:
        """Yield the outcomes not yielded before, and ``more``; those that are not taken remain."""
        self._outcomes.extend(more)
        while self._outcomes:
            yield self._outcomes.popleft()

    def _settle(self, task: Task, result: IndexedPhoto | Failure | None) -> None:
        """Release a photo's bytes, and report the other photos that have the same."""
        self._owners.pop(self._hashes.pop(task.number, ""), None)
        for other in self._same.pop(task.number, ()):
            self._outcomes.append(_outcome_of_same(other, task, result))


def _location(photo: str) -> str:
    return make_path_absolute(photo, is_path=not remote_photos.is_url(photo))


def _outcome_of_same(other: Task, task: Task, result: IndexedPhoto | Failure | None) -> Outcome:
    """Return the outcome of a photo that was not computed because ``task`` has the same bytes."""
    if isinstance(result, Failure):
        message = f"{shown(other.photo)} has the same bytes as {shown(task.photo)}, which is {result.status}."
        return Outcome(other.photo, result.status, None, message)
    return Outcome(other.photo, "known", None if result is None else len(result.faces))
