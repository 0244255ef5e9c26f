from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import numpy as np
import pytest

from cli.fakes import BLUE, RED, photo
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.errors import UsageError
from visavis.evaluate.data import templates
from visavis.evaluate.data.templates import Templates, subject, take
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face

from .tiny_photos import DETECTOR, MIN_FACE, MODEL, CountingSquares, album, assert_same, draw, loaded, recognizer, seen

T = TypeVar("T")


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    seen.clear()


def plain(photos: list[str]) -> Templates:
    return take(photos, recognizer(), min_face=MIN_FACE)


def face(x1: float, y1: float, x2: float, y2: float) -> Face:
    return Face(np.array([x1, y1, x2, y2], np.float32), 0.9, np.zeros((5, 2), np.float32))


def test_the_subject_is_large_and_near_the_middle() -> None:
    """Photo of 250 x 250, middle at 125: 100 x 100 there counts 10000, 120 x 120 in the corner 14400 - 2 * 2 * 65²."""
    middle, corner, small = face(75, 75, 175, 175), face(0, 0, 120, 120), face(120, 120, 130, 130)
    assert subject([corner, middle, small], width=250, height=250) == 1
    assert subject([corner, small], width=250, height=250) == 1  # -2500 < 100
    assert subject([corner, small], width=120, height=120) == 0  # its own middle
    assert subject([small], width=250, height=250) == 0


def test_a_larger_face_wins_where_it_is_not_too_far_off() -> None:
    """10 pixels off cost 200: 30 x 30 against 32 x 32 = 1024 - 200 loses, against 35 x 35 = 1225 - 200 wins."""
    middle = face(85, 85, 115, 115)
    assert subject([middle, face(94, 84, 126, 116)], width=200, height=200) == 0
    assert subject([middle, face(92.5, 82.5, 127.5, 117.5)], width=200, height=200) == 1


def test_the_row_of_each_photo(tmp_path: Path) -> None:
    photos = [
        photo(tmp_path / "two.png", (RED, 0, 0, 70), (BLUE, 130, 90, 60)),
        photo(tmp_path / "none.png"),
        photo(tmp_path / "one.png", (RED, 5, 6, 80)),
        tmp_path / "broken.png",
        tmp_path / "missing.png",
        tmp_path,
    ]
    photos[3].write_bytes(b"no picture")
    taken = take([str(path) for path in photos], recognizer())
    assert (taken.model, taken.detector) == (MODEL, DETECTOR)
    assert taken.photos == tuple(str(path) for path in photos)
    assert taken.status == ("ok", "no_face", "ok", "unreadable", "missing", "unreadable")
    assert taken.has_template.tolist() == [True, False, True, False, False, False]
    np.testing.assert_array_equal(taken.embeddings[[0, 2]].argmax(axis=1), [2, 0])  # blue, nearer the middle, and red
    np.testing.assert_array_equal(taken.boxes[[0, 2]], [[115, 75, 205, 165], [-15, -14, 105, 106]])
    assert taken.faces.tolist() == [2, 0, 1, 0, 0, 0]
    assert not taken.embeddings[~taken.has_template].any()
    assert not taken.boxes[~taken.has_template].any()
    (_, blue), _, (red,) = (one.quality for one in recognizer().detect(photos[:3]))
    np.testing.assert_array_equal(taken.quality, np.array([blue.score, 0, red.score, 0, 0, 0], np.float32))
    assert 0 < min(blue.score, red.score) < max(blue.score, red.score) < 1


def test_as_the_recognizer_says_of_each_photo(tmp_path: Path) -> None:
    """More than two groups of photos."""
    photos = album(tmp_path, 150)
    taken = plain(photos)
    answers = list(recognizer().represent(photos, min_face=MIN_FACE))
    assert list(taken.status) == [one.status for one in answers]
    assert {"ok", "no_face"} == set(taken.status)
    for embedding, box, one in zip(taken.embeddings, taken.boxes, answers, strict=True):
        assert one.embeddings is not None
        if one.faces:
            np.testing.assert_array_equal(embedding, one.embeddings[0])
            np.testing.assert_array_equal(box, one.faces[0].box)


def test_photos_of_the_same_bytes_are_computed_once(tmp_path: Path) -> None:
    photos = album(tmp_path, 70)
    copies = [shutil.copy(path, path + ".copy.png") for path in photos]
    mixed = [one for both in zip(photos, copies, strict=True) for one in both] + photos
    taken = plain(mixed)
    assert seen.count("detect") == 70
    assert seen.count("embed") == 60
    np.testing.assert_array_equal(taken.embeddings[0:140:2], taken.embeddings[1:140:2])
    np.testing.assert_array_equal(taken.embeddings[0:140:2], taken.embeddings[140:])
    arrays = (array[140:] for array in (taken.embeddings, taken.boxes, taken.quality, taken.faces))
    assert_same(plain(photos), Templates(MODEL, DETECTOR, taken.photos[140:], taken.status[140:], *arrays))


@pytest.mark.parametrize(("name", "value"), [("GROUP_PHOTOS", 1), ("GROUP_PHOTOS", 7), ("GROUP_BYTES", 300)])
def test_the_size_of_the_groups_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    photos = album(tmp_path, 30)
    expected = plain(photos)
    monkeypatch.setattr(templates, name, value)
    assert_same(plain(photos), expected)


def test_a_file_too_large_to_be_held_is_looked_at_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = album(tmp_path, 10)
    expected = plain(photos)
    monkeypatch.setattr(templates, "MIN_BYTES_LIMIT", 10)
    assert_same(plain(photos), expected)


def test_photos_that_cannot_be_read_load_no_network(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    one = recognizer()
    taken = take([str(broken), str(tmp_path / "missing.png"), "nul\0byte", str(broken)], one)
    assert taken.status == ("unreadable", "missing", "unreadable", "unreadable")
    assert taken.embeddings.shape == (4, 0)
    assert taken.boxes.shape == (4, 4)
    assert loaded(one) == set()


def test_no_photos_at_all() -> None:
    taken = plain([])
    assert (taken.embeddings.shape, taken.boxes.shape, taken.quality.shape) == ((0, 0), (0, 4), (0,))
    assert taken.has_template.shape == (0,)


def test_a_path_alone_is_no_list() -> None:
    with pytest.raises(UsageError, match=r"'me\.jpg' alone: put it in brackets"):
        take("me.jpg", recognizer())


def test_progress_sees_every_photo_as_it_is_done(tmp_path: Path) -> None:
    photos = album(tmp_path, 40)
    steps: list[int] = []

    def progress(answers: Iterable[T], total: int) -> Iterator[T]:
        assert total == 40
        for answer in answers:
            steps.append(seen.count("detect"))
            yield answer

    assert_same(take(photos, recognizer(threads=1), min_face=MIN_FACE, progress=progress), plain(photos))
    assert steps == [16] * 16 + [32] * 16 + [40] * 8  # not all at the end


def test_batches_are_computed_side_by_side_and_answered_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two batches wait for each other, which two that come in turn never would."""
    photos = album(tmp_path, 64)
    expected = take(photos, recognizer(threads=1), min_face=MIN_FACE)
    meeting, detect = Barrier(2, timeout=60), CountingSquares.detect

    def detect_together(self: CountingSquares, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        meeting.wait()
        return detect(self, pictures, min_face=min_face)

    monkeypatch.setattr(CountingSquares, "detect", detect_together)
    assert_same(take(photos, recognizer(threads=2), min_face=MIN_FACE), expected)


def test_a_memory_of_another_recognizer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    one = recognizer()
    with EmbeddingCache(one, min_face=MIN_FACE) as cache:
        for other, min_face in [(one, 20), (Recognizer(), MIN_FACE)]:
            with pytest.raises(ValueError, match="found by another recognizer"):
                take([draw(tmp_path / "a.png", 1)], other, min_face=min_face, cache=cache)
