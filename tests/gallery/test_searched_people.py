"""What searches keep in memory of people: whatever anybody changes is seen by the very next search."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from sqlalchemy import event

from visavis.compare import Calibration
from visavis.gallery import Gallery, Template, _open_gallery
from visavis.poor_photos import PoorPhotos
from visavis.types import Candidate

from .faces import DIMENSION, MODEL, embedding, in_a_file, person, template
from .test_two_processes import tell


def nearest(gallery: Gallery, seed: int) -> Candidate:
    """Return the nearest person of an embedding, searched twice: the second time out of memory."""
    first, second = (gallery.search(embedding(seed)[None], top=3)[0] for _ in range(2))
    assert first == second
    return first[0]


def single(i: int) -> tuple[str, list[Template]]:
    """Return person ``i`` with one template, that of seed ``1000 * i``."""
    return f"person {i}", [template(1000 * i)]


def statements(gallery: Gallery) -> list[str]:
    """Return the list that every statement of SQLite from now on is added to."""
    seen: list[str] = []
    engine = gallery.opened.database._engine
    event.listen(engine, "connect", lambda raw, _: raw.set_trace_callback(seen.append))
    engine.dispose()
    return seen


# Changes by another process


def test_people_enrolled_and_removed_elsewhere(gallery: Gallery, other: subprocess.Popen[str]) -> None:
    gallery.add(*person(1))
    assert nearest(gallery, 2000).name == "person 1"
    assert tell(other, "add 2") == "2"
    assert nearest(gallery, 2000).name == "person 2"
    (answer,) = gallery.identify_embeddings(embedding(2000)[None], threshold=1.0)
    assert (answer.name, len(answer.candidates)) == ("person 2", 2)
    assert tell(other, "remove 2") == "done"
    assert nearest(gallery, 2000).name == "person 1"
    assert len(gallery.search(embedding(2000)[None])[0]) == 1


def test_a_name_changed_elsewhere(gallery: Gallery, other: subprocess.Popen[str]) -> None:
    gallery.add_many([person(1), person(2)])
    assert nearest(gallery, 2000).name == "person 2"
    assert tell(other, "rename 2") == "done"
    assert nearest(gallery, 2000).name == "renamed 2"
    gallery.rename(2, "renamed again")
    assert nearest(gallery, 2000).name == "renamed again"


def test_people_merged_elsewhere(gallery: Gallery, other: subprocess.Popen[str]) -> None:
    gallery.add_many([person(1), person(2)])
    before = nearest(gallery, 1000)
    assert before.person_id == 1
    assert tell(other, "merge 2") == "done"
    after = nearest(gallery, 1000)
    assert (after.person_id, len(gallery.search(embedding(1000)[None])[0])) == (1, 1)
    assert after.distance > before.distance + 0.05  # to all six templates now
    with Gallery(gallery.url if "postgresql" not in gallery.url else str(gallery.opened.index._url)) as anew:
        assert anew.search(embedding(1000)[None])[0] == [after]


def test_a_template_moved_elsewhere(gallery: Gallery, other: subprocess.Popen[str]) -> None:
    gallery.add_many([person(1), person(2)])
    assert nearest(gallery, 2002).person_id == 2
    assert tell(other, "move 6") == "done"
    gallery.search(embedding(2002)[None])
    by_person = {one.person_id: one.distance for one in gallery.search(embedding(2002)[None])[0]}
    embeddings = {1: [1000, 1001, 1002, 2002], 2: [2000, 2001]}
    for person_id, seeds in embeddings.items():
        rows = np.stack([embedding(seed) for seed in seeds]).astype(np.float64)
        mean = rows.mean(axis=0)
        whole = 0.4 * mean / np.linalg.norm(mean) + 0.6 * mean
        assert by_person[person_id] == pytest.approx(1 - whole @ embedding(2002), abs=1e-6)


def test_thresholds_changed_elsewhere(gallery: Gallery, other: subprocess.Popen[str]) -> None:
    gallery.add(*person(1))
    assert nearest(gallery, 1000).probability is None
    for percent in (60, 70):
        assert tell(other, f"calibrate {percent}") == "done"
        for _ in range(2):
            (answer,) = gallery.identify_embeddings(embedding(1000)[None], fpir=0.1)
            assert answer.threshold == pytest.approx(percent / 100, abs=1e-6)
        assert nearest(gallery, 1000).probability is not None


def test_shares_follow_the_templates(gallery: Gallery) -> None:
    """The mean over the templates that are not poorer than was measured; None where all are."""
    poor = PoorPhotos((0.0,) * DIMENSION, ((0.0, 1.0),), (("score", ((0.2, 0.5), (0.8, 1.0))),))
    gallery.calibrate(Calibration(MODEL, (0.5, 1e-3), (0.6, 0.4), slope=-20, intercept=8, poor=poor))

    def shares() -> dict[int, float | None]:
        gallery.search(embedding(1)[None])
        assert gallery.opened.people_cache is not None
        return gallery.opened.people_cache.shares

    gallery.add_many([("Ann", [Template(embedding(1), quality=0.2)]), ("Bob", [Template(embedding(2), quality=None)])])
    gallery.add("Eve", [Template(embedding(4), quality=0.1)])
    assert shares() == {1: pytest.approx(0.5), 2: 1.0, 3: None}
    gallery.add("Ann", [Template(embedding(3), quality=0.9), Template(embedding(5), quality=0.1)])
    assert shares() == {1: pytest.approx(0.75), 2: 1.0, 3: None}


# Threads


def test_a_change_is_seen_by_all_threads(gallery: Gallery) -> None:
    gallery.add_many([single(i) for i in range(1, 9)])
    done = Event()

    def search(i: int) -> str:
        return gallery.search(embedding(1000 * i)[None])[0][0].name

    def keep_searching(i: int) -> set[str]:
        names = set()
        while not done.is_set():
            names.add(search(i))
        return names

    with ThreadPoolExecutor(8) as threads:
        busy = [threads.submit(keep_searching, i) for i in (1, 2)]
        try:
            for number in range(10):
                gallery.rename(1, f"name {number}")
                assert set(threads.map(search, [1] * 6)) == {f"name {number}"}
                gallery.add(f"newcomer {number}", [template(100_000 * (number + 1))])
                assert set(threads.map(search, [100 * (number + 1)] * 6)) == {f"newcomer {number}"}
        finally:
            done.set()
        first, second = (one.result(timeout=60) for one in busy)
    assert first <= {"person 1", *(f"name {number}" for number in range(10))}
    assert second == {"person 2"}


# What it costs


@in_a_file
def test_a_search_asks_one_question_where_nothing_changed(gallery: Gallery) -> None:
    gallery.add_many([single(i) for i in range(100)])
    seen = statements(gallery)
    for i in (1, 50):  # the candidates alone, then those and the others
        gallery.search(embedding(1000 * i)[None])
    seen.clear()
    for i in range(100):
        assert gallery.search(embedding(1000 * i)[None])[0][0].name == f"person {i}"
        assert gallery.identify_embeddings(embedding(1000 * i)[None], threshold=1.0)[0].name == f"person {i}"
    assert seen == ["SELECT model, dimension, change, token, key FROM meta"] * 200
    gallery.add("somebody", [template(7)])
    gallery.search(embedding(0)[None])
    assert gallery.opened.people_cache is not None
    assert (
        len(gallery.opened.people_cache.names) == 25
    )  # after a change the candidates alone are read, however many there are


@in_a_file
def test_answers_do_not_depend_on_what_is_kept(gallery: Gallery, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery.add_many([(f"person {i}", [template(10 * i + k) for k in range(1 + i % 3)]) for i in range(60)])
    probes = [embedding(5000 + n)[None] for n in range(40)]
    with Gallery(path, model=MODEL) as whole:
        expected = [whole.search(probe, top=2) for probe in probes]
    assert gallery.search(np.concatenate(probes), top=2) == [some for (some,) in expected]
    monkeypatch.setattr(_open_gallery, "KEPT_PEOPLE", 30)
    with Gallery(path, model=MODEL) as small:
        for _ in range(2):
            assert [small.search(probe, top=2) for probe in probes] == expected
        assert small.opened.people_cache is not None
        assert len(small.opened.people_cache.names) <= 30 + 22
