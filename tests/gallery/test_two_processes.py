"""Two processes and more on one file: real ones."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from visavis.errors import GalleryError, VisavisWarning
from visavis.gallery import Gallery
from visavis.gallery.sql import database, sqlite

from .faces import MODEL, child, in_a_file, person


def tell(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def answers(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out.split()


def test_the_next_search_sees_what_another_process_did(gallery: Gallery, other: subprocess.Popen[str]) -> None:
    def found(i: int) -> bool:
        hits = gallery.lookalikes(person(i)[1][0].embedding[None], top=1)[0]
        return bool(hits) and hits[0].name == f"person {i}" and hits[0].distance < 1e-6

    assert not found(1)
    for i in range(1, 6):
        their_id = int(tell(other, f"add {i}"))
        assert found(i)
        assert gallery.person(their_id).name == f"person {i}"
    assert tell(other, "remove 3") == "done"
    assert [found(i) for i in range(1, 6)] == [True, True, False, True, True]
    gallery.add(*person(9))
    assert tell(other, "find 9") == "person 9"
    gallery.remove(gallery.find("person 1").id)
    assert tell(other, "find 1") == "nobody"
    assert tell(other, "find 2") == "person 2"
    gallery.rename(gallery.find("person 2").id, "Ann")
    assert tell(other, "find 2") == "Ann"
    assert gallery.check() == []


def test_two_that_enroll_at_a_time_lose_nothing(place: str) -> None:
    """Started together on no gallery at all, so they also race to make it; 40 of 100 people are in both."""
    with child("enroll_process", place, "whole", 0, 70) as one, child("enroll_process", place, "whole", 30, 70) as two:
        assert [answers(one), answers(two)] == [
            ["ready", *map(str, range(70))],
            ["ready", *map(str, range(30, 100))],
        ]
    with Gallery(place, create=False) as gallery:
        people = gallery.people()
        assert sorted(one.name for one in people) == sorted(f"person {i}" for i in range(100))
        assert len({one.id for one in people}) == 100
        assert all(len(one.templates) == 3 for one in people)
        assert gallery.check() == []


@in_a_file
def test_a_writer_waits_for_another_and_then_goes_on(
    gallery: Gallery, path: Path, other: subprocess.Popen[str]
) -> None:
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert other.stdin is not None
    other.stdin.write("add 1\n")
    other.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        other.wait(0.5)
    assert gallery.people() == []  # readers do not wait
    lock.execute("COMMIT")
    lock.close()
    assert other.stdout is not None
    assert int(other.stdout.readline()) == gallery.find("person 1").id


def test_a_lock_that_is_never_given_up_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    with Gallery(path, model=MODEL) as gallery, closing(sqlite3.connect(path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(GalleryError, match=r"has kept .*faces\.db locked for 0\.1 seconds: try again"):
            gallery.add(*person(1))
        lock.execute("ROLLBACK")
        assert gallery.people() == []
        gallery.add(*person(1))


def test_a_removal_under_a_long_reader_is_done_and_says_that_traces_are_left(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ERASING_SECONDS", 0.1)
    trace = person(1)[1][0].embedding.tobytes()[:16]
    with (
        Gallery(path, model=MODEL) as gallery,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        who = gallery.add(*person(1)).person_id
        reader.execute("BEGIN")
        assert reader.execute("select count(*) from people").fetchone() == (1,)
        with pytest.warns(VisavisWarning, match=r"^the change is done, but traces .* are left .*others have kept rea"):
            gallery.remove(who)
        with pytest.raises(GalleryError, match=r"others have kept reading .*faces\.db for 0\.1 seconds\.$"):
            gallery.opened.database.compact(patience=0.1)
        assert gallery.people() == []
        assert any(trace in file.read_bytes() for file in path.parent.iterdir())
        reader.execute("ROLLBACK")
        gallery.compact()
        assert not any(trace in file.read_bytes() for file in path.parent.iterdir())
        assert gallery.stats().bytes == path.stat().st_size  # the log is empty


@in_a_file
def test_the_size_counts_the_log(gallery: Gallery, path: Path) -> None:
    gallery.add(*person(1))
    log = path.with_name("faces.db-wal").stat().st_size
    assert log > 0
    assert gallery.stats().bytes == path.stat().st_size + log
