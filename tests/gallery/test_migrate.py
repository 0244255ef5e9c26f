"""The model of a gallery is changed without enrolling again: filled, compared, switched, gone back, finished."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visavis import compare
from visavis.embedding_cache.photo_cache import CachedPhoto, EmbeddingCache
from visavis.errors import GalleryError, UsageError
from visavis.gallery import Gallery, IndexedPhoto, LostFaces, Template, _lost_faces, _second_embeddings
from visavis.gallery._second_embeddings import GONE, NO_PHOTO, REPLACED
from visavis.gallery.sql import records
from visavis.gallery.sql.database import Database
from visavis.pipeline import Recognizer
from visavis.poor_photos import PoorPhotos

from .faces import child, digest, in_a_file
from .models import BLUE, DARK_RED, DETECTOR, GRAYS, MODEL, RED, SAME_LENGTH, TINTS, photo

DIMENSIONS = {MODEL: 3, TINTS: 5, SAME_LENGTH: 3, GRAYS: 3}


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Path]:
    """Photos of Ann, in two reds, and of Ben, in two blues."""
    return {
        "red": photo(tmp_path / "red.png", (RED, 40, 50, 60)),
        "dark": photo(tmp_path / "dark.png", (DARK_RED, 140, 90, 80)),
        "blue": photo(tmp_path / "blue.png", (BLUE, 10, 20, 64)),
        "pale": photo(tmp_path / "pale.png", ((10, 30, 240), 50, 20, 70)),
    }


def fill(gallery: Gallery, pictures: dict[str, Path]) -> None:
    gallery.enroll("Ann", [pictures["red"], pictures["dark"]])
    gallery.enroll("Ben", [pictures["blue"], pictures["pale"]])


@pytest.fixture
def album(place: str, pictures: dict[str, Path]) -> Iterator[Gallery]:
    with Gallery(place, model=MODEL, detector=DETECTOR) as opened:
        fill(opened, pictures)
        yield opened


def names(gallery: Gallery, *photos: Path) -> list[str | None]:
    """The names of the largest faces of photos."""
    return [gallery.identify(path, threshold=0.1)[0].name for path in photos]


def open_again(place: str) -> Gallery:
    return Gallery(place, detector=DETECTOR)


def read_models(gallery: Gallery) -> set[str]:
    """Models and lengths of all templates, by SQL."""
    with gallery.opened.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT model, length(embedding) FROM templates").all()
    assert all(size == 4 * DIMENSIONS[model] for model, size in rows)
    return {model for model, _ in rows}


@pytest.mark.parametrize("model", [TINTS, SAME_LENGTH])
def test_a_gallery_changes_its_model_and_goes_back_and_answers_the_same(
    album: Gallery, place: str, pictures: dict[str, Path], model: str
) -> None:
    before, ids = album.faces(), [template.id for person in album.people() for template in person.templates]
    outcome = album.migrate(model)
    assert (outcome.switched, outcome.refused, outcome.lost) == (True, "", ())
    assert (outcome.state.model, outcome.state.second, outcome.state.state) == (model, MODEL, "switched")
    assert (outcome.state.faces, outcome.state.filled) == (4, 4)
    with open_again(place) as new:
        assert (new.model, new.stats().dimension, read_models(new)) == (model, DIMENSIONS[model], {model})
        assert names(new, *pictures.values()) == ["Ann", "Ann", "Ben", "Ben"]
        assert [template.id for person in new.people() for template in person.templates] == ids
        assert new.check() == []
    back = album.migrate_back()
    assert (back.switched, back.state.state, back.state.second, album.model) == (True, "prepared", model, MODEL)
    np.testing.assert_array_equal(album.faces().embeddings, before.embeddings)
    assert names(album, *pictures.values()) == ["Ann", "Ann", "Ben", "Ben"]
    again = album.migrate(model)
    assert again.switched
    assert album.finish_migration().state == "none"
    with open_again(place) as new:
        assert (new.model, new.check()) == (model, [])
    with pytest.raises(UsageError, match="no model to go back to"):
        album.migrate_back()
    assert [(line.action, line.detail) for line in album.audit()][2:] == [
        ("begin migration", f"{MODEL} to {model}"),
        ("migrate", f"{MODEL} to {model}"),
        ("migrate back", f"{model} to {MODEL}"),
        ("migrate", f"{MODEL} to {model}"),
        ("finish migration", f"embeddings of {MODEL} removed"),
    ]


def test_embeddings_are_those_of_enrolling_with_the_new_model(
    album: Gallery, place: str, pictures: dict[str, Path], tmp_path: Path
) -> None:
    album.migrate(TINTS)
    with Gallery(tmp_path / "new.db", model=TINTS, detector=DETECTOR) as new, open_again(place) as changed:
        fill(new, pictures)
        np.testing.assert_array_equal(changed.faces().embeddings, new.faces().embeddings)


# Photos that are gone


def test_lost_photos_are_listed_and_nothing_is_switched_until_their_loss_is_accepted(
    album: Gallery, place: str, pictures: dict[str, Path]
) -> None:
    pictures["dark"].unlink()
    pictures["blue"].write_bytes(pictures["red"].read_bytes())
    pictures["pale"].unlink()
    album.add("Cyd", [Template(np.array([0, 1, 0], np.float32), photo_sha256=digest(1), photo="upload.jpg")])
    outcome = album.migrate(TINTS)
    assert (outcome.switched, outcome.refused, album.model) == (False, "lost", MODEL)
    assert "4 faces have neither a kept crop nor a photo" in outcome.message
    assert (outcome.state.filled, outcome.state.faces) == (1, 5)
    assert outcome.lost == (
        LostFaces(1, "Ann", (2,), (), False, (GONE,)),
        LostFaces(2, "Ben", (3, 4), (), True, (REPLACED, GONE)),
        LostFaces(3, "Cyd", (5,), (), True, (NO_PHOTO,)),
    )
    assert names(album, pictures["red"]) == ["Ann"]
    accepted = album.migrate(TINTS, accept_loss=True, accept_errors=True)
    assert (accepted.switched, accepted.lost) == (True, outcome.lost)
    assert [(person.name, len(person.templates)) for person in album.people()] == [("Ann", 1)]
    with open_again(place) as new:
        assert new.check() == []
    removed = [(line.action, line.person_id) for line in album.audit()][-4:-1]
    assert removed == [("remove template", 1), ("remove", 2), ("remove", 3)]


def test_lost_faces_are_tried_once_and_traces_are_erased_once(
    album: Gallery, place: str, pictures: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two attempts to switch fail, as another process enrolls just before."""
    pictures["dark"].unlink()
    late = [photo(tmp_path / f"late{i}.png", ((220, 5, i), 30, 30, 60)) for i in range(2)]
    read_photo, erase = _second_embeddings._read_photo, Database.erase_traces
    tried: list[str] = []
    erased: list[bool] = []
    steps: list[tuple[int, int]] = []

    def count_reading(paths: set[str], digest: str) -> tuple[bytes | None, str]:
        tried.extend(Path(path).name for path in paths)
        return read_photo(paths, digest)

    def count_erasing(database: Database) -> None:
        erased.append(True)
        erase(database)

    monkeypatch.setattr(_second_embeddings, "_read_photo", count_reading)
    monkeypatch.setattr(Database, "erase_traces", count_erasing)
    with open_again(place) as second:

        def enroll(done: int, total: int) -> bool:
            steps.append((done, total))
            if len(steps) in {4, 8}:
                second.enroll("Ann", [late.pop()])
            return True

        assert album.migrate(TINTS, accept_loss=True, accept_errors=True, progress=enroll).switched
    assert steps == [(0, 4), (3, 4), (3, 4), (3, 4), (3, 5), (4, 5), (4, 5), (4, 5), (4, 6), (5, 6), (5, 6), (5, 6)]
    assert sorted(tried) == ["blue.png", "dark.png", "late0.png", "late1.png", "pale.png", "red.png"]
    assert erased == [True]
    with open_again(place) as new:
        assert (len(new.find("Ann").templates), new.check()) == (3, [])


def test_an_accepted_loss_is_a_removal_like_others(
    place: str, pictures: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit log counts what was removed, and the cache forgets the photos."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    with Gallery(place, model=MODEL, detector=DETECTOR) as album:
        fill(album, pictures)
        purple = photo(tmp_path / "purple.png", ((200, 0, 90), 40, 50, 60))
        album.reject(purple, "Ann")
        face = Template(np.array([0, 1, 0], np.float32), photo_sha256=digest(9), photo="gone.png")
        album.add_photos([IndexedPhoto("gone.png", digest(9), "ok", (face,))])
        hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in pictures.items()}
        nothing = CachedPhoto(10, 10, (), (), np.empty((0, 16), np.float32))
        with EmbeddingCache(Recognizer()) as cache:
            cache.keep(dict.fromkeys([*hashes.values(), digest(9)], nothing))
            for path in (purple, pictures["blue"]):
                path.unlink()
            assert album.migrate(TINTS, accept_loss=True, accept_errors=True).switched
            left = {*cache.recall([*hashes.values(), digest(9)])}
        assert left == {hashes[name] for name in ("red", "dark", "pale")}
        assert [(line.action, line.person_id, line.detail) for line in album.audit()][-4:] == [
            ("remove template", 2, f"1 templates, lost in the change to {TINTS}"),
            ("remove template", None, f"1 templates, lost in the change to {TINTS}"),
            ("undo rejection", None, f"1 rejections, lost in the change to {TINTS}"),
            ("migrate", None, f"{MODEL} to {TINTS}"),
        ]


class CountedId(int):
    """An id that counts how often any is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        CountedId.comparisons += 1
        return int(self) == other

    __hash__ = int.__hash__


@in_a_file
def test_the_work_for_lost_faces_grows_with_their_number_not_with_its_square(
    store: str, album: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    album.add_many([(f"P {i}", [Template(np.array([1, i, 9], np.float32), photo_sha256=digest(i))]) for i in range(90)])
    read_owners, read_people = _lost_faces._read_owners, records.read_people_of_templates

    def count_owners(*options: Any) -> Iterator[Any]:
        for face, person in read_owners(*options):
            yield face, None if person is None else CountedId(person)

    def count_people(*options: Any) -> dict[int, Any]:
        return {face: None if person is None else CountedId(person) for face, person in read_people(*options).items()}

    monkeypatch.setattr(_lost_faces, "_read_owners", count_owners)
    monkeypatch.setattr(records, "read_people_of_templates", count_people)
    monkeypatch.setattr(CountedId, "comparisons", 0)
    outcome = album.migrate(TINTS, accept_loss=True)
    assert (outcome.switched, len(outcome.lost), outcome.lost[89].name) == (True, 90, "P 89")
    assert CountedId.comparisons < 10 * 90
    assert [person.name for person in album.people()] == ["Ann", "Ben"]


def test_crops_take_the_place_of_photos(place: str, pictures: dict[str, Path]) -> None:
    with Gallery(place, model=MODEL, detector=DETECTOR) as album:
        assert not album.keeps_crops
        album.keep_crops(True)
        fill(album, pictures)
        album.reject(pictures["blue"], "Ann")
        for path in pictures.values():
            path.unlink()
        outcome = album.migrate(TINTS)
        assert (outcome.switched, outcome.lost, outcome.state.faces) == (True, (), 5)
    with open_again(place) as album:
        assert album.check() == []
        assert [one.name for one in album.rejections()] == ["Ann"]


def test_a_rejection_counts_with_the_new_model(
    album: Gallery, place: str, pictures: dict[str, Path], tmp_path: Path
) -> None:
    purple = photo(tmp_path / "purple.png", ((200, 0, 90), 40, 50, 60))
    assert names(album, purple) == ["Ann"]
    album.reject(purple, "Ann")
    assert album.migrate(TINTS).switched
    with open_again(place) as new:
        assert names(new, purple, pictures["red"]) == [None, "Ann"]
        purple.unlink()
        new.finish_migration()
        lost = new.migrate(SAME_LENGTH)
    assert (lost.refused, lost.lost) == ("lost", (LostFaces(1, "Ann", (), (1,), False, (GONE,)),))


def test_a_rejected_photo_that_was_named_by_a_relative_path_is_not_lost(
    album: Gallery, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purple = photo(tmp_path / "purple.png", ((200, 0, 90), 40, 50, 60))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    assert album.reject("purple.png", "Ann").photo == str(purple)
    monkeypatch.chdir(elsewhere)
    assert album.migrate(TINTS).switched
    with open_again(place) as new:
        assert names(new, purple) == [None]


# The comparison


def test_a_worse_model_is_refused_unless_that_is_accepted(album: Gallery) -> None:
    outcome = album.migrate(GRAYS)
    assert (outcome.switched, outcome.refused) == (False, "worse")
    assert outcome.old is not None
    assert outcome.new is not None
    assert (outcome.old.model, outcome.old.same_pairs, outcome.old.missed, outcome.old.stranger_pairs) == (
        MODEL,
        2,
        0,
        4,
    )
    assert (outcome.new.model, outcome.new.missed, outcome.new.accepted) == (GRAYS, 2, 0)
    assert f"{GRAYS} misses 2 of 2 pairs of one person, {MODEL} 0: nothing was switched." in outcome.message
    accepted = album.migrate(GRAYS, accept_errors=True)
    assert (accepted.switched, accepted.state.model) == (True, GRAYS)


def test_a_gallery_without_pairs_is_switched_only_unmeasured(place: str, pictures: dict[str, Path]) -> None:
    with Gallery(place, model=MODEL, detector=DETECTOR) as album:
        album.enroll("Ann", [pictures["red"]])
        album.enroll("Ben", [pictures["blue"]])
        outcome = album.migrate(TINTS)
        assert (outcome.switched, outcome.refused) == (False, "unmeasured")
        assert "0 pairs of one person and 1 of two" in outcome.message
        assert album.migrate(TINTS, accept_errors=True).switched


def table(model: str) -> compare.Calibration:
    return compare.parse_calibration(
        {"model": model, "far_threshold": [[0.1, 0.5], [0.001, 0.3]], "logistic": [-20, 8]}
    )


def test_thresholds_go_with_their_model(album: Gallery, place: str) -> None:
    album.calibrate(table(MODEL))
    assert album.migrate(TINTS).refused == "uncalibrated"
    with pytest.raises(UsageError):
        album.migrate(TINTS, thresholds=table(GRAYS))
    assert album.migrate(TINTS, thresholds=table(TINTS)).switched
    with open_again(place) as new:
        assert new.calibration == table(TINTS)
    album.migrate_back()
    assert album.calibration == table(MODEL)


def test_thresholds_of_embeddings_of_another_length_are_refused(album: Gallery, place: str) -> None:
    """The tints have five values."""
    wrong = replace(table(TINTS), poor=PoorPhotos((1.0, 0.0, 0.0), ((0.1, 1.0), (0.5, 0.5))))
    for thresholds in (wrong, None):  # the first call stores the table
        with pytest.raises(UsageError, match="of embeddings of 3 values, and these have 5"):
            album.migrate(TINTS, thresholds=thresholds)
    assert album.migration().state == "prepared"
    assert album.migrate(TINTS, thresholds=table(TINTS)).switched
    with open_again(place) as new:
        assert new.calibration == table(TINTS)


def test_an_empty_gallery_switches_at_once(place: str, pictures: dict[str, Path]) -> None:
    with Gallery(place, model=MODEL, detector=DETECTOR) as album:
        album.enroll("Ann", [pictures["red"]])
        album.remove("Ann")
        assert album.migrate(TINTS).switched
    with open_again(place) as album:
        album.enroll("Ann", [pictures["red"]])
        assert (names(album, pictures["red"]), album.check()) == (["Ann"], [])


# Other processes


def test_faces_enrolled_during_the_change_are_filled_before_the_switch(
    album: Gallery, place: str, pictures: dict[str, Path], tmp_path: Path
) -> None:
    """The second process enrolls when all templates are filled and rejections are looked for: before the switch."""
    late = photo(tmp_path / "late.png", ((220, 5, 0), 30, 30, 60))
    steps: list[tuple[int, int]] = []
    with open_again(place) as second:

        def enroll(done: int, total: int) -> bool:
            steps.append((done, total))
            if steps.count((4, 4)) == 2:
                second.enroll("Ann", [late])
            return True

        assert album.migrate(TINTS, progress=enroll).switched
    assert steps == [(0, 4), (4, 4), (4, 4), (4, 5), (4, 5), (5, 5), (5, 5), (5, 5)]
    with open_again(place) as new:
        assert (len(new.find("Ann").templates), read_models(new), new.check()) == (3, {TINTS}, [])
        assert names(new, late) == ["Ann"]


def test_faces_enrolled_after_the_switch_are_filled_before_going_back(
    album: Gallery, place: str, pictures: dict[str, Path], tmp_path: Path
) -> None:
    album.migrate(TINTS)
    late = photo(tmp_path / "late.png", ((220, 5, 0), 30, 30, 60))
    with open_again(place) as new:
        new.enroll("Ann", [late])
    assert album.migration().filled == 4
    late.rename(tmp_path / "moved.png")
    assert album.migrate_back().refused == "lost"
    (tmp_path / "moved.png").rename(late)
    assert album.migrate_back().switched
    assert (len(album.find("Ann").templates), read_models(album), album.check()) == (3, {MODEL}, [])


@pytest.mark.parametrize("model", [TINTS, SAME_LENGTH])
def test_an_open_gallery_refuses_to_mix_the_models(
    album: Gallery, place: str, pictures: dict[str, Path], model: str
) -> None:
    with open_again(place) as other:
        red = next(iter(other.recognizer.represent([pictures["red"]]))).embeddings
        assert red is not None
        assert other.search(red)[0][0].name == "Ann"
        album.migrate(model)
        probe = np.array([[1, 0, 0]], np.float32)
        for use in (
            lambda: other.search(probe),
            lambda: other.identify_embeddings(probe, threshold=0.1),
            lambda: other.identify(pictures["red"], threshold=0.1),
            lambda: other.lookalikes(probe),
            lambda: other.similar(pictures["red"]),
            lambda: other.why(pictures["red"], "Ann", threshold=0.1),
            lambda: other.add("Dan", [Template(probe[0])]),
            lambda: other.enroll("Dan", [pictures["red"]]),
            lambda: other.reject(pictures["blue"], "Ann"),
            lambda: other.rejection_effect(pictures["blue"], "Ann"),
            other.faces,
            lambda: other.cluster(threshold=0.1),
            lambda: other.threshold(fpir=0.1),
            lambda: other.calibrate(table(MODEL)),
            other.coach,
            lambda: other.migrate(TINTS),
        ):
            with pytest.raises(GalleryError, match=f"become a gallery of {model}, no longer of {MODEL}: open it"):
                use()
        assert [person.name for person in other.people()] == ["Ann", "Ben"]
    with open_again(place) as reopened:
        assert (reopened.model, names(reopened, pictures["red"])) == (model, ["Ann"])


def test_another_process_notices_the_switch_at_once(album: Gallery, place: str, pictures: dict[str, Path]) -> None:
    with child("search_process", place, pictures["red"]) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask() -> str:
            process.stdin.write("search\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert ask() == f"{MODEL}: Ann"
        album.migrate(TINTS)
        assert ask() == f"this has become a gallery of {TINTS}, no longer of {MODEL}: open it again."
        album.migrate_back()
        assert ask() == f"{MODEL}: Ann"
        process.communicate()


def test_two_processes_that_change_the_model_at_once_do_it_once(album: Gallery, place: str) -> None:
    with open_again(place) as other:

        def interfere(done: int, total: int) -> bool:
            if done == 0 and not other.has_another_model():
                assert other.migrate(TINTS).switched
            return True

        with pytest.raises(GalleryError, match=f"become a gallery of {TINTS}, no longer of {MODEL}"):
            album.migrate(TINTS, progress=interfere)
        assert other.migration().filled == 4
    with open_again(place) as new:
        assert (new.model, new.check(), read_models(new)) == (TINTS, [], {TINTS})


def test_a_second_change_waits_for_the_first_to_be_finished(album: Gallery) -> None:
    album.migrate(TINTS, progress=lambda done, total: False)
    with pytest.raises(UsageError, match=f"second set of embeddings of {TINTS}"):
        album.migrate(GRAYS)
    with pytest.raises(UsageError, match=f"of {MODEL} already"):
        album.migrate(MODEL)
    assert album.finish_migration().model == MODEL
    with pytest.raises(UsageError, match="no second set"):
        album.finish_migration()
    assert album.migrate(SAME_LENGTH).switched


def test_a_stopped_change_goes_on(album: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visavis.gallery._second_embeddings.BLOCK", 1)
    outcome = album.migrate(TINTS, progress=lambda done, total: done < 2)
    assert (outcome.refused, outcome.state.filled, outcome.state.state) == ("stopped", 2, "prepared")
    seen: list[int] = []
    assert album.migrate(TINTS, progress=lambda done, total: not seen.append(done)).switched
    assert seen[0] == 2


def test_a_change_that_is_stopped_before_the_switch_does_not_switch(album: Gallery, place: str) -> None:
    steps: list[tuple[int, int]] = []

    def stop_at(count: int) -> Callable[[int, int], bool]:
        steps.clear()

        def progress(done: int, total: int) -> bool:
            steps.append((done, total))
            return len(steps) < count

        return progress

    assert album.migrate(TINTS, progress=stop_at(99), confirm=lambda: False).refused == "stopped"
    assert steps == [(0, 4), (4, 4), (4, 4), (4, 4)]  # the last is the switch
    assert album.migrate(TINTS, progress=stop_at(3)).refused == "stopped"
    assert steps == [(4, 4), (4, 4), (4, 4)]
    assert (album.migration().state, album.migration().filled) == ("prepared", 4)
    assert album.check() == []
    assert album.migrate(TINTS, progress=stop_at(4)).switched
    assert album.migrate_back(confirm=lambda: False).refused == "stopped"
    assert album.migration().state == "switched"


def test_a_missing_model_begins_nothing(album: Gallery) -> None:
    with pytest.raises(UsageError, match="test-nothing"):
        album.migrate("test-nothing")
    assert album.migration().state == "none"


# Kill


@pytest.mark.slow
def test_killed_at_each_statement_the_gallery_is_of_one_model_and_the_next_call_ends_the_change(
    tmp_path: Path, path: Path, pictures: dict[str, Path]
) -> None:
    with Gallery(path, model=MODEL, detector=DETECTOR) as gallery:
        fill(gallery, pictures)
    with child("kill_migration", tmp_path / "died", path) as process:
        deaths = int(process.communicate()[0])
    files = sorted((tmp_path / "died").glob("*.db"))
    assert deaths == len(files) - 1 >= 15
    models = []
    for file in files:
        with Gallery(file, detector=DETECTOR) as gallery:
            assert gallery.check() == []
            assert len(read_models(gallery)) == 1
            assert names(gallery, *pictures.values()) == ["Ann", "Ann", "Ben", "Ben"]
            models.append(gallery.model)
            if gallery.model == MODEL:
                assert gallery.migrate(TINTS).switched
        with Gallery(file, detector=DETECTOR) as gallery:
            assert (gallery.check(), read_models(gallery)) == ([], {TINTS})
    assert models == sorted(models)  # colors before tints: once switched, it stays switched
    assert {*models} == {MODEL, TINTS}


# Privacy


def test_removed_people_leave_neither_crops_nor_second_embeddings(album: Gallery, pictures: dict[str, Path]) -> None:
    album.keep_crops(True)
    album.enroll("Cyd", [photo(pictures["red"].parent / f"c{i}.png", ((10 * i, 255, 0), 9, 9, 60)) for i in range(4)])
    album.reject(pictures["blue"], "Cyd")
    album.migrate(TINTS)

    def count() -> list[int]:
        tables = ("crops", "rejection_crops", "second_templates", "second_rejections")
        with album.opened.database.read() as conn:
            return [conn.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in tables]

    assert count() == [4, 1, 8, 1]
    first, second, *_ = album.find("Cyd").templates
    album.remove_template(first.id)
    assert count() == [3, 1, 7, 1]
    album.forget(second.photo_sha256 or "", named=True)
    assert count() == [2, 1, 6, 1]
    album.remove("Cyd")
    assert count() == [0, 0, 4, 0]
    album.finish_migration()
    assert count() == [0, 0, 0, 0]


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.glob("faces.db*")))


@in_a_file
def test_nothing_of_crops_or_of_the_former_model_stays_in_the_file(
    store: str, path: Path, pictures: dict[str, Path]
) -> None:
    with Gallery(path, model=MODEL, detector=DETECTOR) as album:
        album.keep_crops(True)
        fill(album, pictures)
        former = album.faces().embeddings[1].tobytes()
        assert (contents(path.parent).count(b"\x89PNG"), former in contents(path.parent)) == (4, True)
        assert album.keep_crops(False) == 4
        assert contents(path.parent).count(b"\x89PNG") == 0
        album.migrate(TINTS)
        assert former in contents(path.parent)
        album.finish_migration()
        assert former not in contents(path.parent)
        assert not album.keeps_crops


@in_a_file
def test_crops_and_both_sets_are_encrypted(store: str, path: Path, pictures: dict[str, Path]) -> None:
    pytest.importorskip("cryptography")
    key = path.with_name("faces.key")
    key.write_bytes(b"k" * 64)
    key.chmod(0o600)
    with Gallery(path, model=MODEL, detector=DETECTOR, key_file=key) as album:
        album.keep_crops(True)
        fill(album, pictures)
        former = album.faces().embeddings
        for picture in pictures.values():
            picture.unlink()
        assert album.migrate(TINTS).switched
        with Gallery(path, detector=DETECTOR, key_file=key) as changed:
            new = changed.faces().embeddings
            assert changed.check() == []
        stored = contents(path.parent)
        assert not any(row.tobytes() in stored for row in (*former, *new))
        assert b"\x89PNG" not in stored
        album.migrate_back()
        np.testing.assert_array_equal(album.faces().embeddings, former)


def test_exports_hold_the_model_that_answers_alone(album: Gallery, place: str, tmp_path: Path) -> None:
    album.keep_crops(True)
    album.migrate(TINTS)
    with open_again(place) as changed:
        changed.export(tmp_path / "out")
        embeddings = changed.faces().embeddings
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"gallery.json", "embeddings.npz"}
    with Gallery(tmp_path / "copy.db", model=TINTS, detector=DETECTOR) as copy:
        copy.import_from(tmp_path / "out")
        np.testing.assert_array_equal(copy.faces().embeddings, embeddings)
        assert (copy.model, copy.migration().state, copy.check()) == (TINTS, "none", [])
    with Gallery(tmp_path / "old.db", model=MODEL) as old, pytest.raises(UsageError, match=f"embeddings of {TINTS}"):
        old.import_from(tmp_path / "out")


# Work of this process that began before the switch


@pytest.mark.parametrize("model", [TINTS, SAME_LENGTH])
def test_an_enrollment_in_another_thread_that_embedded_before_the_switch_stores_nothing(
    album: Gallery, place: str, pictures: dict[str, Path], monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    embedded, switched = threading.Event(), threading.Event()
    represent = Recognizer.represent

    def pause(self: Recognizer, *photos: Any, **options: Any) -> list[Any]:
        answers = [*represent(self, *photos, **options)]
        if threading.current_thread().name == "enrolling":
            embedded.set()
            assert switched.wait(60)
        return answers

    monkeypatch.setattr(Recognizer, "represent", pause)
    errors: list[GalleryError] = []

    def enroll() -> None:
        try:
            album.enroll("Dan", [pictures["red"]], new=True)
        except GalleryError as error:
            errors.append(error)

    thread = threading.Thread(target=enroll, name="enrolling")
    thread.start()
    assert embedded.wait(60)
    assert album.migrate(model).switched
    switched.set()
    thread.join()
    assert [f"become a gallery of {model}, no longer of {MODEL}" in str(error) for error in errors] == [True]
    with open_again(place) as new:
        assert [person.name for person in new.people()] == ["Ann", "Ben"]
        assert new.check() == []


def test_a_generator_that_began_before_the_switch_ends_with_an_error(album: Gallery, pictures: dict[str, Path]) -> None:
    answers = album.identify_photos([pictures["red"], pictures["blue"]] * 40, threshold=0.1)
    assert next(answers).names == ("Ann",)
    assert album.migrate(SAME_LENGTH).switched
    with pytest.raises(GalleryError, match=f"become a gallery of {SAME_LENGTH}, no longer of {MODEL}"):
        list(answers)
    assert album.model == MODEL
    assert album.migrate_back().switched
    assert names(album, pictures["red"]) == ["Ann"]


@in_a_file
def test_damage_in_the_second_set_is_found(store: str, path: Path, album: Gallery) -> None:
    album.migrate(TINTS)
    raw = sqlite3.connect(path)
    raw.execute("UPDATE second_templates SET embedding = x'00' WHERE face_id = 2")
    raw.commit()
    raw.close()
    assert [problem.kind for problem in album.check()] == ["damaged"]


@in_a_file
def test_a_picture_that_was_altered_is_a_sentence(store: str, path: Path, pictures: dict[str, Path]) -> None:
    with Gallery(path, model=MODEL, detector=DETECTOR) as album:
        album.keep_crops(True)
        fill(album, pictures)
        raw = sqlite3.connect(path)
        raw.execute("UPDATE crops SET picture = x'0011' WHERE face_id = 2")
        raw.commit()
        raw.close()
        with pytest.raises(GalleryError, match="the crop of template 2 is damaged"):
            album.migrate(TINTS)
        assert album.model == MODEL
