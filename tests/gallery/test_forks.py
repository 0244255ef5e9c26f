"""Galleries that a process has opened before it forks: parent and child go on with one gallery, each by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from visavis.gallery import Gallery

from .faces import MODEL, environment, in_a_file

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

SECONDS = 120
HEAD = """
import os, signal, sys, threading
from gallery.faces import MODEL, template, embedding
from visavis.errors import GalleryError
from visavis.gallery import Gallery

gallery = Gallery(sys.argv[1], model=MODEL)

def add(i):
    gallery.add(f"person {i}", [template(1000 * i)])

add(1)

def near(i):
    (hits,) = gallery.search(embedding(1000 * i)[None], top=1)
    return hits[0].name

def start(work):
    pid = os.fork()
    if pid == 0:
        signal.alarm(120)
        sys.exit(0 if work() else 3)
    return pid

def end(pid):
    return os.waitpid(pid, 0)[1]
"""


def run(code: str, place: str, *, silent: bool = True) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", HEAD + code, place],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" or not silent
    return done.stdout.splitlines()


def test_children_read_and_write_beside_the_parent(place: str) -> None:
    code = """
near(1)

def work(i):
    add(i)
    return near(1) == "person 1" and near(i) == f"person {i}"

children = [start(lambda: work(i)) for i in (2, 3, 4)]
add(5)
print([end(child) for child in children], [near(i) for i in range(1, 6)], gallery.check())
"""
    named = [f"person {i}" for i in range(1, 6)]
    assert run(code, place) == [f"[0, 0, 0] {named} []"]


def test_what_a_child_stores_survives_the_end_of_its_parent(place: str) -> None:
    """Else the parent, as it closes the file, would take away the log that its child still writes to."""
    code = """
near(1)
gate, release = os.pipe()

def work():
    os.close(release)
    add(2)
    os.read(gate, 1)  # until the parent is gone
    for i in range(3, 9):
        add(i)
    return True

start(work)
gallery.close()
"""
    assert run(code, place) == []
    with Gallery(place, model=MODEL, create=False) as gallery:
        _wait_for(gallery, 8)
        assert sorted(person.name for person in gallery.people()) == [f"person {i}" for i in range(1, 9)]
        assert gallery.check() == []


def _wait_for(gallery: Gallery, people: int) -> None:
    from time import monotonic, sleep

    end = monotonic() + 60
    while gallery.stats().people < people and monotonic() < end:
        sleep(0.05)


@pytest.mark.slow(seconds=9)
def test_forks_while_other_threads_search_and_enroll(place: str) -> None:
    code = """
stop = threading.Event()

def search():
    while not stop.is_set():
        near(1)

def enroll():
    for i in range(100, 1000):
        if stop.is_set():
            return
        add(i)

threads = [threading.Thread(target=work) for work in (search, search, enroll)]
for thread in threads:
    thread.start()

def work(i):
    add(i)
    return near(i) == f"person {i}"

statuses = [end(start(lambda: work(i))) for i in range(2, 7)]
stop.set()
for thread in threads:
    thread.join()
print(statuses, {near(i) for i in range(2, 7)} == {f"person {i}" for i in range(2, 7)}, gallery.check())
"""
    assert run(code, place) == [f"{[0] * 5} True []"]


@in_a_file
def test_a_file_in_the_middle_of_a_transaction_is_refused_in_the_child(place: str) -> None:
    code = """
def refused(use):
    try:
        use()
    except GalleryError as error:
        return "cannot be used here: fork before galleries are used" in str(error)
    return False

with gallery.opened.database.write():
    child = start(lambda: refused(lambda: near(1)) and refused(lambda: Gallery(sys.argv[1])))
    status = end(child)
print(status, near(1), end(start(lambda: near(1) == "person 1")))
"""
    assert run(code, place) == ["0 person 1 0"]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_the_index_pgvector_is_asked_by_connections_of_its_own(place: str, store: str) -> None:
    code = """
gallery.close()
gallery = Gallery(sys.argv[1], model=MODEL, index="pgvector")
near(1)

def work(i):
    add(i)
    return near(i) == f"person {i}"

children = [start(lambda: work(i)) for i in (2, 3)]
print([end(child) for child in children], near(1), near(2), near(3))
"""
    assert run(code, place) == ["[0, 0] person 1 person 2 person 3"]


def test_a_gallery_in_milvus_is_refused_in_the_child(tmp_path: Path) -> None:
    pytest.importorskip("milvus_lite", reason="the extra milvus-lite is not installed")
    code = f"""
gallery.close()
gallery = Gallery(sys.argv[1], model=MODEL, index="milvus:{tmp_path}/embeddings.db")
near(1)

def refused():
    try:
        near(1)
    except GalleryError as error:
        os._exit("forked after it was opened" not in str(error))  # as multiprocessing ends: gRPC's own end may crash
    return False

print(end(start(refused)), near(1))
gallery.close()
"""
    # gRPC writes a line of its own at each fork
    assert run(code, str(tmp_path / "faces.db"), silent=False)[-1:] == ["0 person 1"]
