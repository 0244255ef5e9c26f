"""What is computed and told of, whatever order the answers come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from visavis.bulk import Answer, Failure, Outcome, Task, run_state
from visavis.bulk.run_state import PendingResults
from visavis.errors import GalleryError
from visavis.gallery import IndexedPhoto, Template


class Memory:
    """A ledger in memory; ``full`` makes it refuse."""

    model = "test"
    keeps_crops = False

    def __init__(self, *known: str) -> None:
        self.photos = dict.fromkeys(known, "")
        self.stored: list[list[str]] = []
        self.full = False
        self.located: list[tuple[str, str]] = []

    def find_indexed(self, sha256s: Iterable[str]) -> set[str]:
        return set(sha256s) & self.photos.keys()

    def locate_photos(self, found: Iterable[tuple[str, str]], *, read: Callable[[str], bytes]) -> int:
        self.located += found
        return 0

    def add_photos(self, photos: Sequence[IndexedPhoto]) -> int:
        if self.full:
            raise GalleryError("the disk is full.")
        self.stored.append([Path(one.photo).name for one in photos])
        assert all(Path(one.photo).is_absolute() for one in photos)
        self.photos |= {one.sha256: one.photo for one in photos}
        return len(photos)


def answer(task: Task, sha256: str, faces: int = 1) -> Answer:
    template = Template(np.ones(3, np.float32))
    return Answer(task, IndexedPhoto(task.photo, sha256, "ok" if faces else "no_face", (template,) * faces))


A, B, C = Task(0, "a.jpg"), Task(1, "b.jpg"), Task(2, "c.jpg")


def test_a_photo_is_told_of_when_it_is_stored_not_before() -> None:
    ledger = Memory()
    one = PendingResults(ledger)
    assert one.admit([(A, "aa"), (B, "bb")]) == {0, 1}
    one.enter([answer(A, "aa", 2), answer(B, "bb", 0)])
    assert [*one.take_outcomes()] == []
    one.store()
    assert ledger.stored == [["a.jpg", "b.jpg"]]
    assert [*one.take_outcomes()] == [Outcome("a.jpg", "ok", 2), Outcome("b.jpg", "no_face", 0)]
    assert [*one.take_outcomes()] == []
    one.store()
    assert len(ledger.stored) == 1


def test_results_are_stored_when_there_are_many_or_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, now = Memory(), [100.0]
    monkeypatch.setattr(run_state, "STORE_PHOTOS", 3)
    monkeypatch.setattr(run_state, "monotonic", lambda: now[0])
    one = PendingResults(ledger)
    one.enter([answer(A, "aa"), answer(B, "bb")])
    one.enter([])
    assert ledger.stored == []
    one.enter([answer(C, "cc")])
    assert ledger.stored == [["a.jpg", "b.jpg", "c.jpg"]]
    one.enter([answer(Task(3, "d.jpg"), "dd")])
    now[0] += 0.99
    one.enter([answer(Task(4, "e.jpg"), "ee")])
    assert len(ledger.stored) == 1
    now[0] += 0.01
    one.enter([])
    assert ledger.stored[1] == ["d.jpg", "e.jpg"]


def test_what_the_gallery_knows_is_not_computed() -> None:
    one = PendingResults(Memory("aa"))
    assert one.admit([(A, "aa"), (B, "bb")]) == {1}
    assert [*one.take_outcomes()] == [Outcome("a.jpg", "known")]


def test_the_same_bytes_are_computed_once_and_both_are_told_of() -> None:
    one = PendingResults(Memory())
    assert one.admit([(A, "aa"), (B, "aa")]) == {0}
    assert one.admit([(C, "aa")]) == set()
    one.enter([answer(A, "aa", 2)])
    assert [*one.take_outcomes()] == []
    one.store()
    assert [*one.take_outcomes()] == [
        Outcome("a.jpg", "ok", 2),
        Outcome("b.jpg", "known", 2),
        Outcome("c.jpg", "known", 2),
    ]
    assert one.admit([(Task(3, "d.jpg"), "aa")]) == set()
    assert [*one.take_outcomes()] == [Outcome("d.jpg", "known")]


def test_the_same_bytes_fail_the_same_way() -> None:
    one = PendingResults(Memory())
    assert one.admit([(A, "aa"), (B, "aa")]) == {0}
    one.enter([Answer(A, Failure("unreadable", "'a.jpg' is no photo."))])
    assert [*one.take_outcomes()] == [
        Outcome("a.jpg", "unreadable", None, "'a.jpg' is no photo."),
        Outcome("b.jpg", "unreadable", None, "'b.jpg' has the same bytes as 'a.jpg', which is unreadable."),
    ]
    assert one.admit([(C, "aa")]) == {2}  # it was given up: who asks later computes it


def test_a_task_that_lost_its_process_is_let_in_again() -> None:
    one = PendingResults(Memory())
    assert one.admit([(A, "aa"), (B, "aa")]) == {0}
    assert one.admit([(A, "aa")]) == {0}
    one.enter([answer(A, "aa")])
    one.store()
    assert [told.status for told in [*one.take_outcomes()]] == ["ok", "known"]


def test_a_gallery_that_refuses_leaves_nothing_told() -> None:
    ledger = Memory()
    one = PendingResults(ledger)
    one.admit([(A, "aa")])
    one.enter([answer(A, "aa")])
    ledger.full = True
    with pytest.raises(GalleryError, match="full"):
        one.store()
    assert [*one.take_outcomes()] == []
    ledger.full = False
    one.store()
    assert [*one.take_outcomes()] == [Outcome("a.jpg", "ok", 1)]
