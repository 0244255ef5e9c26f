"""Kills a process in the middle of its work, at random moments, and looks at what is left each time.

``python -m gallery.kill_at_random FOLDER add|index|merge|migrate SEED`` prints, as JSON, how often it killed, how often
something had been done and something not, and all that was wrong: nothing, if the gallery is what it promises to be.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from example_counts import rounds
from visavis.gallery import Gallery, IndexedPhoto
from visavis.gallery.sql import schema as schemas

from . import older_schemas as older
from .faces import MODEL, digest, person, say, template

KILLS = rounds(50)
BETWEEN = KILLS // 5
"""Kills of which some of the deeds were done and some not: further ones follow until there are so many."""
MOST = 5 * KILLS
EACH = 12
"""Deeds that a process sets out to do."""
OLD_PEOPLE = 300

Deed = Callable[[Path, int], Iterator[int]]
"""Does things to a gallery, from number ``first`` on, and yields the number of each that was acknowledged."""


def add(path: Path, first: int) -> Iterator[int]:
    with Gallery(path, model=MODEL) as gallery:
        for i in range(first, first + EACH):
            gallery.add(*person(i))
            yield i


def photo(i: int) -> IndexedPhoto:
    beside = replace(template(10 * i + 1), box=np.array([101, 2, 131, 42], np.float32))
    return IndexedPhoto(f"{i}.jpg", digest(i), "ok", (template(10 * i), beside))


def index(path: Path, first: int) -> Iterator[int]:
    with Gallery(path, model=MODEL) as gallery:
        for i in range(first, first + EACH):
            gallery.add_photos([photo(3 * i + n) for n in range(3)])
            yield i


def merge(path: Path, first: int) -> Iterator[int]:
    """Merge the second of each pair into the first."""
    with Gallery(path, model=MODEL) as gallery:
        ids = {one.name: one.id for one in gallery.people()}
        for i in range(first, first + EACH):
            if f"person {2 * i + 1}" in ids:  # not: done, and killed before it was told of
                gallery.merge(ids[f"person {2 * i + 1}"], into=ids[f"person {2 * i}"])
            yield i


def migrate(path: Path, first: int) -> Iterator[int]:
    with Gallery(path):
        yield first


def wrong_people(gallery: Gallery, acknowledged: set[int]) -> Iterator[str]:
    there = {int(one.name.split()[1]): one for one in gallery.people()}
    yield from (f"person {i} is lost" for i in acknowledged - set(there))
    yield from (f"{one.name} is half there" for one in there.values() if len(one.templates) != 3)


def wrong_photos(gallery: Gallery, acknowledged: set[int]) -> Iterator[str]:
    hashes = {i: [digest(3 * i + n) for n in range(3)] for i in range(max(acknowledged, default=0) + 2)}
    for i, some in hashes.items():
        known = gallery.find_indexed(some)
        if known and known != set(some):
            yield f"only some of the photos {i} are there"
        if i in acknowledged and not known:
            yield f"photos {i} are lost"
    stats = gallery.stats()
    if stats.unassigned != 2 * stats.photos:
        yield f"{stats.unassigned} faces of {stats.photos} photos"


def wrong_merges(gallery: Gallery, acknowledged: set[int]) -> Iterator[str]:
    people = {int(one.name.split()[1]): sorted(t.photo for t in one.templates) for one in gallery.people()}
    for i in range(KILLS * EACH):
        own, other = (sorted(t.photo for t in person(2 * i + n)[1]) for n in range(2))
        done = people.get(2 * i) == sorted(own + other) and 2 * i + 1 not in people
        undone = people.get(2 * i) == own and people.get(2 * i + 1) == other
        if not done and not undone:
            yield f"merge {i} is half done"
        if i in acknowledged and not done:
            yield f"merge {i} is lost"


def wrong_migration(gallery: Gallery, _acknowledged: set[int]) -> Iterator[str]:
    stats = gallery.stats()
    if (stats.people, stats.templates) != (OLD_PEOPLE, 3 * OLD_PEOPLE):
        yield f"{stats.people} people, {stats.templates} templates"


DEEDS: dict[str, tuple[Deed, Callable[[Gallery, set[int]], Iterator[str]]]] = {
    "add": (add, wrong_people),
    "index": (index, wrong_photos),
    "merge": (merge, wrong_merges),
    "migrate": (migrate, wrong_migration),
}


def killed(deed: Deed, path: Path, first: int, *, after: float) -> tuple[list[int], bool]:
    """Do the deed in a fork that is killed ``after`` so many seconds; returns what it told of, and whether it was."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        for i in deed(path, first):
            os.write(writing, f"{i}\n".encode())
        os._exit(0)
    os.close(writing)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return [int(line) for line in told], os.WIFSIGNALED(status)


def main(folder: Path, name: str, seed: int) -> None:
    deed, wrong = DEEDS[name]
    rng, path = random.Random(seed), folder / "faces.db"
    acknowledged: set[int] = set()
    kills, between, problems = 0, 0, []
    if name == "merge":
        with Gallery(path, model=MODEL) as gallery:
            gallery.add_many([person(i) for i in range(2 * MOST * EACH)])
    start = time.perf_counter()  # how long one takes from end to end says when to kill
    if name == "migrate":
        older.write(path, 1, people=OLD_PEOPLE)
        start = time.perf_counter()
    for _ in deed(path, 0):
        pass
    whole = time.perf_counter() - start
    acknowledged.update(range(EACH) if name != "migrate" else ())
    while kills < KILLS or (between < BETWEEN and kills < MOST):
        if name == "migrate":
            for file in folder.glob("faces.db*"):
                file.unlink()
            older.write(path, 1, people=OLD_PEOPLE)
        first = max(acknowledged, default=-1) + 1
        if name == "merge" and first + EACH > MOST * EACH:
            break
        told, died = killed(deed, path, first, after=rng.uniform(0, whole))
        acknowledged.update(told if name != "migrate" else ())
        kills += died
        between += died and bool(told) != (len(told) == EACH)
        before = raw_schema(path) if name == "migrate" else schemas.latest_version()
        with Gallery(path, model=MODEL) as gallery:
            problems += [one.message for one in gallery.check()] + list(wrong(gallery, acknowledged))
        between += name == "migrate" and before != schemas.latest_version()
    say(json.dumps({"kills": kills, "between": between, "problems": problems[:5]}))


def raw_schema(path: Path) -> int:
    import sqlite3

    raw = sqlite3.connect(path)
    found = int(raw.execute("SELECT schema FROM meta").fetchone()[0])
    raw.close()
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
