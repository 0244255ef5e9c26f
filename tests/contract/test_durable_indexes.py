"""What every index keeps to that outlives the process: it is up to date, it may be lost, it may be shared."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from gallery.faces import MODEL, embedding, environment, person
from gallery.models import BLUE, DARK_RED, DETECTOR, RED, SAME_LENGTH, TINTS, photo
from gallery.models import MODEL as COLORS
from visavis.errors import GalleryError
from visavis.gallery import Gallery, _integrity
from visavis.gallery.index import INDEXES, Durable, Ids, Index
from visavis.types import Floats

from .engines import DURABLE, SHARED, Places

Sent = list[int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faces.db"


@pytest.fixture(params=DURABLE)
def spec(request: pytest.FixtureRequest, places: Places) -> str:
    return places.spec(request.param)


@pytest.fixture
def shared(request: pytest.FixtureRequest, places: Places) -> str:
    return places.spec(request.param)


@pytest.fixture
def sent(spec: str, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """How many templates were sent to the index, each time."""
    counts: Sent = []
    factory = INDEXES.factory(spec.partition(":")[0])
    add: Callable[..., None] = factory.add  # type: ignore[attr-defined]

    def counted(index: Index, ids: Ids, people: Ids, embeddings: Floats) -> None:
        counts.append(len(ids))
        add(index, ids, people, embeddings)

    monkeypatch.setattr(factory, "add", counted)
    return counts


def opened(path: Path, spec: str) -> Gallery:
    return Gallery(path, model=MODEL, index=spec)


def filled(path: Path, spec: str, people: int = 5) -> Gallery:
    gallery = opened(path, spec)
    gallery.add_many([person(i) for i in range(people)])
    return gallery


def who(gallery: Gallery, i: int) -> str | None:
    """Whose face that of person ``i`` is."""
    (face,) = gallery.lookalikes(person(i)[1][0].embedding[None], top=1)[0] or [None]
    return face.name if face is not None and face.distance < 1e-6 else None


def index_of(gallery: Gallery) -> Index:
    gallery.search(embedding(0)[None])
    index = gallery.opened.index._index
    assert index is not None
    return index


def in_it(gallery: Gallery) -> dict[int, int]:
    ids, people = index_of(gallery).entries()
    assert len(set(ids.tolist())) == len(ids)
    return dict(zip(ids.tolist(), people.tolist(), strict=True))


def in_records(gallery: Gallery) -> dict[int, int]:
    return {one.id: who.id for who in gallery.people() for one in who.templates}


def child(path: Path, spec: str, mode: str, block: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "contract.interrupted_update", str(path), spec, mode, str(block)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_only_what_changed_is_sent(path: Path, spec: str, sent: Sent) -> None:
    with filled(path, spec) as gallery:
        assert who(gallery, 4) == "person 4"
        assert sum(sent) == 15
        gallery.add(*person(7))
        assert [who(gallery, i) for i in (4, 7, 8)] == ["person 4", "person 7", None]
        assert sum(sent) == 18
        gallery.rename(gallery.find("person 4").id, "Ann")
        assert who(gallery, 4) == "Ann"
        assert sum(sent) == 18
    with opened(path, spec) as gallery:
        assert who(gallery, 7) == "person 7"
        gallery.remove(gallery.find("person 7").id)
        assert who(gallery, 7) is None
        assert sum(sent) == 18
        assert in_it(gallery) == in_records(gallery)
        assert gallery.check() == []


def test_who_was_merged_is_found_under_the_other_name(path: Path, spec: str, sent: Sent) -> None:
    with filled(path, spec) as gallery:
        assert who(gallery, 1) == "person 1"
        gallery.merge(gallery.find("person 1").id, gallery.find("person 2").id)
        assert [who(gallery, i) for i in (1, 2, 3)] == ["person 2", "person 2", "person 3"]
        assert sum(sent) == 18
        assert in_it(gallery) == in_records(gallery)


@pytest.mark.parametrize("block", [1, 3])
def test_killed_while_it_catches_up_the_next_does_it_all(path: Path, spec: str, block: int) -> None:
    with filled(path, spec, people=4) as gallery:
        if block == 3:  # it was up to date once
            assert who(gallery, 3) == "person 3"
            gallery.add_many([person(i) for i in range(4, 9)])
            gallery.remove(gallery.find("person 0").id)
    with child(path, spec, "dies", block) as process:
        process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    with opened(path, spec) as gallery:
        assert gallery.check() == []
        assert in_it(gallery) == in_records(gallery)
        assert who(gallery, 3) == "person 3"


def test_an_index_that_was_lost_is_filled_again(path: Path, spec: str, sent: Sent) -> None:
    with filled(path, spec) as gallery:
        assert who(gallery, 3) == "person 3"
        lose(index_of(gallery), spec)
        assert who(gallery, 3) == "person 3"  # while it is open
        assert sum(sent) == 30
        lose(index_of(gallery), spec)
    if spec.endswith(".db"):
        shutil.rmtree(spec.partition(":")[2])
    with opened(path, spec) as gallery:
        assert who(gallery, 3) == "person 3"
        assert sum(sent) == 45
        assert gallery.check() == []


def lose(index: Index, spec: str) -> None:
    """Drop the table or collection, as an administrator does."""
    if spec.startswith("pgvector"):
        index._do("DROP TABLE {table}", [])  # type: ignore[attr-defined]
    else:
        index._connect().drop_collection(index._collection)  # type: ignore[attr-defined]


def test_a_gallery_put_back_from_an_older_copy_is_followed_back(path: Path, spec: str) -> None:
    copy = path.with_name("copy.db")
    with filled(path, spec) as gallery:
        assert who(gallery, 1) == "person 1"
    shutil.copy(path, copy)
    with opened(path, spec) as gallery:
        gallery.remove(gallery.find("person 1").id)
        gallery.add(*person(9))
        assert [who(gallery, i) for i in (1, 9)] == [None, "person 9"]
    shutil.copy(copy, path)
    with opened(path, spec) as gallery:
        assert [who(gallery, i) for i in (1, 9)] == ["person 1", None]
        assert in_it(gallery) == in_records(gallery)
        assert gallery.check() == []


@pytest.mark.parametrize("wrong", ["missing", "stale", "another's"])
def test_a_divergence_is_found_and_mended(path: Path, spec: str, wrong: str) -> None:
    with filled(path, spec) as gallery:
        index, first = index_of(gallery), gallery.find("person 1").templates[0].id
        if wrong == "missing":
            index.remove(np.array([first]))
        else:
            number = first if wrong == "another's" else 999
            index.add(np.array([number]), np.array([77]), embedding(1000)[None])
        (problem,) = gallery.check()
        assert problem.kind == "index"
        assert f"differ in 1 templates, {999 if wrong == 'stale' else first} among them" in problem.message
        assert gallery.repair() == []
        assert gallery.check() == []
        assert in_it(gallery) == in_records(gallery)
        assert who(gallery, 1) == "person 1"


def test_a_check_while_others_enroll_finds_nothing_wrong(
    path: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come at the worst moment: when the index is up to date, and the records are about to be looked at."""
    with filled(path, spec) as gallery, Gallery(path, model=MODEL) as other:
        update_durable, others = gallery.opened.index.update_durable, iter(range(10, 13))

        def and_then_somebody_enrolls() -> None:
            update_durable()
            for i in islice(others, 1):
                other.add(*person(i))

        monkeypatch.setattr(gallery.opened.index, "update_durable", and_then_somebody_enrolls)
        assert gallery.check() == []
        assert gallery.stats().people == 8
        monkeypatch.setattr(_integrity, "ATTEMPTS", 1)
        others = iter(range(20, 21))
        (problem,) = gallery.check()
        assert problem.message == "the gallery changes all the time, so its index was not checked: try again later."


def test_one_that_is_behind_is_repaired_at_once(path: Path, spec: str, sent: Sent) -> None:
    with filled(path, spec) as gallery:
        assert gallery.repair() == []
        assert sum(sent) == 15
        assert in_it(gallery) == in_records(gallery)


def test_a_wrong_embedding_is_found(path: Path, spec: str) -> None:
    with filled(path, spec) as gallery:
        index, one = index_of(gallery), gallery.find("person 1")
        index.add(np.array([one.templates[0].id]), np.array([one.id]), embedding(5)[None])
        assert [problem.message for problem in gallery.check()] == [
            f"the index does not find template {one.templates[0].id} by its own embedding."
        ]


def test_two_galleries_in_one_place_keep_apart(path: Path, spec: str) -> None:
    with filled(path, spec) as one, opened(path.with_name("other.db"), spec) as other:
        other.add(*person(8))
        assert [who(one, 8), who(other, 8)] == [None, "person 8"]
        assert [who(one, 1), who(other, 1)] == ["person 1", None]


# Several processes


def hear(process: subprocess.Popen[str], *lines: str) -> None:
    assert process.stdout is not None
    for line in lines:
        assert process.stdout.readline() == f"{line}\n"


def let_go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("shared", SHARED, indirect=True)
def test_two_that_catch_up_at_a_time_send_everything_once(path: Path, shared: str) -> None:
    """The first waits in the middle with the lock; the second, asked meanwhile, waits for it and has nothing to do."""
    filled(path, shared, people=8).close()
    with child(path, shared, "waits", 2) as first:
        hear(first, "opened", "waiting")
        with child(path, shared, "waits", 1) as second:  # would wait at the first block that it had to send
            hear(second, "opened")
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(1)
            let_go_on(first)
            hear(first, "ready")
            assert second.communicate(timeout=60)[0] == "ready\n"
    with opened(path, shared) as gallery:
        assert in_it(gallery) == in_records(gallery)


@pytest.mark.parametrize("shared", SHARED, indirect=True)
def test_a_slow_one_does_not_put_back_what_was_removed(path: Path, shared: str) -> None:
    """It holds person 1 in its hands; whoever removes that person, and whoever searches, waits until it is done."""
    with filled(path, shared, people=3) as gallery, child(path, shared, "waits", 2) as slow:
        hear(slow, "opened", "waiting")
        gone = gallery.find("person 1").id
        others = [threading.Thread(target=gallery.remove, args=[gone]), threading.Thread(target=who, args=(gallery, 1))]
        for one in others:
            one.start()
            one.join(0.5)
        assert [one.is_alive() for one in others] == [True, True]
        assert gone in {person.id for person in gallery.people()}
        let_go_on(slow)
        hear(slow, "ready")
        for one in others:
            one.join(60)
        assert [who(gallery, i) for i in (0, 1, 2)] == ["person 0", None, "person 2"]
        assert in_it(gallery) == in_records(gallery)


def test_they_are_durable(spec: str) -> None:
    assert isinstance(INDEXES.factory(spec.partition(":")[0]), type)
    assert issubclass(INDEXES.factory(spec.partition(":")[0]), Durable)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", [TINTS, SAME_LENGTH])
def test_an_index_follows_a_change_of_the_model_and_back(path: Path, spec: str, tmp_path: Path, model: str) -> None:
    red, dark = photo(tmp_path / "r.png", (RED, 40, 50, 60)), photo(tmp_path / "d.png", (DARK_RED, 140, 90, 80))
    blue, pale = photo(tmp_path / "b.png", (BLUE, 10, 20, 64)), photo(tmp_path / "p.png", ((10, 30, 240), 50, 20, 70))
    with Gallery(path, model=COLORS, detector=DETECTOR, index=spec) as gallery:
        gallery.enroll("Ann", [red, dark])
        gallery.enroll("Ben", [blue, pale])
    for step in ("migrate", "back", "migrate", ""):
        with Gallery(path, detector=DETECTOR, index=spec) as gallery:
            names = [gallery.identify(each, threshold=0.1)[0].name for each in (red, dark, blue, pale)]
            assert (names, gallery.check()) == (["Ann", "Ann", "Ben", "Ben"], [])
            if step:
                assert (gallery.migrate_back() if step == "back" else gallery.migrate(model)).switched


@pytest.mark.parametrize("method", ["search", "nearest"])
def test_a_search_during_which_another_process_changes_the_model_is_an_error(
    path: Path, spec: str, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process has filled the index with embeddings as long as those that are searched for."""
    red, blue = photo(tmp_path / "r.png", (RED, 40, 50, 60)), photo(tmp_path / "b.png", (BLUE, 10, 20, 64))
    factory = INDEXES.factory(spec.partition(":")[0])
    real: Callable[..., object] = getattr(factory, method)
    probe = np.array([[1, 0, 0]], np.float32)
    filled: list[bool] = []

    def search_late(index: Index, *options: object, **more: object) -> object:
        if not filled:
            filled.append(True)
            with Gallery(path, detector=DETECTOR) as other:
                assert other.migrate(SAME_LENGTH, accept_errors=True).switched
            with Gallery(path, index=spec) as new:
                assert new.search(probe)[0][0].name == "Ben"
        return real(index, *options, **more)

    with Gallery(path, model=COLORS, detector=DETECTOR, index=spec) as gallery:
        gallery.enroll("Ann", [red])
        gallery.enroll("Ben", [blue])
        assert gallery.search(probe)[0][0].name == "Ann"
        monkeypatch.setattr(factory, method, search_late)
        with pytest.raises(GalleryError, match=f"become a gallery of {SAME_LENGTH}, no longer of {COLORS}"):
            gallery.search(probe) if method == "search" else gallery.lookalikes(probe)
    assert filled == [True]
