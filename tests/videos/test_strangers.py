"""Strangers of several cameras and processes: each has one number, and photos are never taken for sightings."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from visavis.gallery import Gallery, IndexedPhoto, Template
from visavis.types import Floats, Quality
from visavis.videos import strangers as stored_strangers
from visavis.videos.strangers import (
    Strangers,
    forget_sightings_of_camera,
    forget_strangers,
    list_strangers,
    name_stranger,
    read_sightings,
)

AXES = np.eye(128, dtype=np.float32)
GOOD = Quality(0.9, *[0.99] * 10)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    store = Gallery(tmp_path / "faces.db", model="sface")
    store.add("Ann", [Template(AXES[0])])
    return store


def open_strangers(gallery: Gallery) -> Strangers:
    return Strangers(gallery, days=3650, fpir=0.01, threshold=0.4)


def remember(
    strangers: Strangers, embedding: Floats, camera: str, at: datetime, number: int | None = None
) -> int | None:
    return strangers.remember(embedding, GOOD, number=number, camera=camera, seconds=0, at=at)


def test_a_stranger_who_is_in_two_cameras_at_once_has_one_number(gallery: Gallery) -> None:
    """Both tracks began before the stranger was stored, so neither has a number when it ends."""
    strangers = open_strangers(gallery)
    assert strangers.find(AXES[5], GOOD) is None
    first = remember(strangers, AXES[5], "door", NOON)
    assert remember(strangers, AXES[5], "gate", NOON + timedelta(seconds=20)) == first
    assert remember(strangers, AXES[5], "gate", NOON + timedelta(seconds=40), first) == first
    (stranger,) = list_strangers(gallery)
    assert (stranger.sightings, stranger.cameras, len(stranger.template_ids)) == (1, ("door", "gate"), 2)
    assert remember(strangers, AXES[5], "gate", NOON + timedelta(seconds=200), first) == first
    assert [item.sightings for item in list_strangers(gallery)] == [2]


def test_a_track_beside_the_stranger_gets_another_number(gallery: Gallery) -> None:
    strangers = open_strangers(gallery)
    first = remember(strangers, AXES[5], "door", NOON)
    beside = strangers.remember(
        AXES[5], GOOD, number=None, camera="door", seconds=0, at=NOON, excluded={first} if first else ()
    )
    assert beside not in {None, first}
    assert len(list_strangers(gallery)) == 2


PROCESS = """
import sys, time
from datetime import UTC, datetime
import numpy as np
from visavis.gallery import Gallery
from visavis.types import Quality
from visavis.videos.strangers import Strangers
good = Quality(0.9, *[0.99] * 10)
with Gallery(sys.argv[1]) as gallery:
    strangers = Strangers(gallery, days=3650, fpir=0.01, threshold=0.4)
    print("ready", flush=True)
    sys.stdin.readline()
    for axis in range(20, 40):
        face = np.eye(128, dtype=np.float32)[axis]
        strangers.find(face, good)
        print(strangers.remember(face, good, number=None, camera=sys.argv[2], seconds=0, at=datetime.now(UTC)))
"""


def test_two_processes_give_a_stranger_one_number(gallery: Gallery, tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path / "faces.db"), camera],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for camera in ("door", "gate")
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    numbers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, _ = process.communicate(timeout=60)
        numbers.append(out.split())
    assert numbers[0] == numbers[1]
    strangers = list_strangers(gallery)
    assert sorted(str(stranger.number) for stranger in strangers) == sorted(numbers[0])
    assert len(strangers) == 20
    assert {stranger.cameras for stranger in strangers} == {("door", "gate")}


def test_a_photo_with_the_path_of_a_sighting_is_a_photo(gallery: Gallery) -> None:
    path = "stranger 77, sighting 1, 2026-11-01T12:00:00+00:00, door"
    sha256 = "0a" * 32
    gallery.add_photos([IndexedPhoto(path, sha256, "ok", (Template(AXES[5], sha256, path),))])
    strangers = open_strangers(gallery)
    assert list_strangers(gallery) == []
    assert strangers.find(AXES[5], GOOD) is None
    number = remember(strangers, AXES[5], "door", NOON)
    assert number not in {None, 77}
    assert [stranger.number for stranger in list_strangers(gallery)] == [number]


def test_strangers_are_forgotten_although_one_was_named_and_one_was_forgotten_meanwhile(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers = open_strangers(gallery)
    named, gone, first, second = (remember(strangers, AXES[axis], "door", NOON) or 0 for axis in range(5, 9))
    stale = read_sightings(gallery)
    person = name_stranger(gallery, named, "Ben")
    assert forget_strangers(gallery, {gone}) == {gone}
    monkeypatch.setattr(stored_strangers, "read_sightings", lambda _: stale)
    assert forget_strangers(gallery, {named, gone, first}) == {first}
    assert forget_sightings_of_camera(gallery, "door") == 1
    monkeypatch.undo()
    assert list_strangers(gallery) == []
    assert [template.id for template in gallery.person(person.id).templates] == [named]
    forgotten = [entry.detail for entry in gallery.audit() if entry.action == "forget"]
    assert forgotten == [f"photo {stale[place].sha256[:12]}, 1 templates" for place in (1, 2, 3)]
    assert second not in gallery.faces(unassigned=True).ids
