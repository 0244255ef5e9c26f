"""Faces that are not a person: the rule by hand and over random galleries, the effect, undoing, retention, exports."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from faultless import FAULTLESS
from visavis import compare
from visavis.errors import NoFaceError, UnknownNameError, UsageError
from visavis.gallery import Gallery, Template
from visavis.gallery._leave_one_out import compute_distances_without_self
from visavis.gallery._negatives import Negatives, take_rejected_names
from visavis.pipeline import Recognizer
from visavis.types import Candidate, Face, Floats, Identification, Photo, PhotoFaces

from .faces import MODEL, digest, in_a_file

DIMENSION = 8
FAR_AWAY = 2e9
"""Seconds since 1970, in 2033."""


def unit(rows: Floats) -> Floats:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def at(distance: float, axis: int = 1) -> Floats:
    """Return the embedding at a cosine distance of the first axis, towards another."""
    row = np.zeros(DIMENSION, np.float32)
    row[0], row[axis] = 1 - distance, np.sqrt(1 - (1 - distance) ** 2)
    return row


class Album:
    """Stands in for a recognizer: a source is a text of "distance:axis" a face; see ``at``."""

    embedder = SimpleNamespace(name=MODEL)

    def represent(self, sources: Iterable[str], *, min_face: float = 20) -> Iterator[PhotoFaces]:
        for source in sources:
            rows = [at(float(text.split(":")[0]), int(text.split(":")[1])) for text in source.split()]
            faces = tuple(
                Face(np.array([40 * i, 0, 40 * i + 30, 40], np.float32), 0.9, np.zeros((5, 2), np.float32))
                for i in range(len(rows))
            )
            photo = Photo(np.full((60, 200, 3), 128, np.uint8), source, digest(sum(source.encode())))
            found = np.array(rows, np.float32).reshape(-1, DIMENSION)
            yield PhotoFaces(source, "ok" if rows else "no_face", photo, faces, (FAULTLESS,) * len(rows), found)


@pytest.fixture
def album(place: str) -> Iterator[Gallery]:
    """Ann has one template on the first axis, Ben one on the fourth."""
    with Gallery(place, recognizer=cast(Recognizer, Album())) as opened:
        opened.add("Ann", [Template(at(0), photo="ann.jpg")])
        opened.add("Ben", [Template(at(1, 3), photo="ben.jpg")])
        yield opened


def names(gallery: Gallery, photo: str, threshold: float = 0.5) -> list[str | None]:
    return [answer.name for answer in gallery.identify(photo, threshold=threshold)]


def test_a_face_nearer_to_the_rejected_one_than_to_the_person_is_unknown(album: Gallery) -> None:
    """In the plane of two axes: the rejected face is at 60 degrees of Ann, faces beyond 30 degrees are nearer to it."""
    near, beyond = f"{1 - np.cos(np.radians(29)):.6f}:1", f"{1 - np.cos(np.radians(31)):.6f}:1"
    assert names(album, near) == names(album, beyond) == names(album, "0.5:1") == ["Ann"]
    rejection = album.reject("0.5:1", "Ann", days=10)
    assert (rejection.id, rejection.person_id, rejection.name, rejection.photo) == (1, 1, "Ann", "0.5:1")
    assert rejection.box == (0, 0, 30, 40)
    assert rejection.expires - rejection.created == pytest.approx(timedelta(days=10), abs=timedelta(seconds=5))
    assert names(album, near) == ["Ann"]
    assert names(album, beyond) == names(album, "0.5:1") == [None]
    (answer,) = album.identify(beyond, threshold=0.5)
    assert (answer.probability, answer.person_id, answer.candidates[0].name) == (None, None, "Ann")
    assert answer.notes[-1].startswith(
        "this face looks like Ann (distance 0.1428), but more like a face that was rejected"
    )
    assert names(album, "0.1:2") == ["Ann"]  # in another direction
    assert album.identify_embeddings(at(0.49)[None], threshold=0.5)[0].name is None
    explained = album.why("0.5:1", "Ann", threshold=0.5)
    (face,) = explained.faces
    assert (explained.recognized, explained.reason, face.fpir) == (False, "rejected", None)
    assert "rejection 1" in explained.message


def test_a_rejection_is_listed_undone_and_in_the_audit_log(album: Gallery) -> None:
    first, second = album.reject("0.5:1", "Ann"), album.reject("0.9:2", "Ben")
    assert album.rejections() == [first, second]
    assert album.rejections("Ann") == [first]
    assert album.undo_rejection(first.id) == first
    assert names(album, "0.5:1") == ["Ann"]
    assert (album.rejections("Ann"), album.rejections("Ben")) == ([], [second])
    with pytest.raises(UnknownNameError, match="there is no rejection 1"):
        album.undo_rejection(first.id)
    lines = [(line.action, line.person_id, line.detail) for line in album.audit()][-3:]
    assert lines == [
        ("reject", 1, "rejection 1, 365 days"),
        ("reject", 2, "rejection 2, 365 days"),
        ("undo rejection", 1, "rejection 1"),
    ]
    assert album.check() == []


def test_the_same_face_is_stored_once_and_the_later_end_counts(album: Gallery) -> None:
    long, short = album.reject("0.5:1", "Ann", days=100), album.reject("0.5:1", "Ann", days=10)
    assert short == long
    later = album.reject("0.5:1", "Ann", days=200)
    assert (later.id, later.expires > long.expires, len(album.rejections())) == (long.id, True, 1)


def test_the_face_that_is_nearest_to_the_person_is_rejected(album: Gallery) -> None:
    assert album.reject("0.9:2 0.4:1", "Ann").box == (40, 0, 70, 40)


def test_wrong_requests_store_nothing(album: Gallery) -> None:
    album.enroll("Ann", ["0.05:2"])
    for call, error, message in (
        (lambda: album.reject("", "Ann"), NoFaceError, "no face"),
        (lambda: album.reject("0.5:1", "Cyd"), UnknownNameError, "Cyd"),
        (lambda: album.reject("0.5:1", "Ann", days=0), UsageError, "days"),
        (lambda: album.reject("0.05:2", "Ann"), UsageError, "enrolled as template 3 of Ann"),
        (lambda: album.rejection_effect("0.05:2", "Ann"), UsageError, "enrolled as template 3 of Ann"),
    ):
        with pytest.raises(error, match=message):
            call()
    assert album.rejections() == []


def test_a_rejected_face_does_not_pass_its_name_to_another_face(album: Gallery) -> None:
    """The second face of the photo was unknown before, as the first was nearer; it stays unknown."""
    assert names(album, "0.3:1 0.4:2") == ["Ann", None]
    album.reject("0.3:1", "Ann")
    assert names(album, "0.3:1 0.4:2") == [None, None]


# The effect


def test_the_effect_is_shown_and_comes_true(album: Gallery) -> None:
    """Of templates at 0, 50 and -50 degrees, a face at 60 degrees takes the name of the second."""
    far = f"{1 - np.cos(np.radians(50)):.6f}"
    ids = album.add("Cyd", [Template(at(0, 5)), Template(at(float(far), 1)), Template(at(float(far), 2))]).added
    album.remove("Ann")
    album.calibrate(compare.parse_calibration({"model": MODEL, "far_threshold": [[0.5, 0.9], [0.001, 0.6]],
                                               "logistic": [-20, 8]}))  # fmt: skip
    effect = album.rejection_effect("0.5:1", "Cyd")
    assert (effect.compared, effect.lost, effect.name) == (3, (ids[1],), "Cyd")
    assert album.rejections() == []  # nothing was stored
    album.reject("0.5:1", "Cyd")
    assert album.rejection_effect("0.5:1", "Cyd").lost == ()  # lost already
    assert names(album, f"{far}:1", 2.0) == [None]
    assert names(album, f"{far}:2", 2.0) == ["Cyd"]
    assert album.rejection_effect("0.5:1", "Ben").compared == 0


@settings(max_examples=examples(50), deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 6))
def test_distances_without_self_are_those_of_the_other_templates(seed: int, count: int) -> None:
    templates = unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)))
    expected = [
        1 - float(compare.person_embedding(np.delete(templates, row, axis=0)) @ templates[row]) for row in range(count)
    ]
    np.testing.assert_allclose(compute_distances_without_self(templates), np.clip(expected, 0, 2), atol=1e-6)
    assert np.isinf(compute_distances_without_self(templates[:1])).all()


# Stricter and never other


def test_over_random_galleries_answers_stay_or_become_unknown(path: Path) -> None:
    """At any threshold; with a rejection of each of many random faces, also of photos of several faces."""
    rng = np.random.default_rng(11)
    changed = 0
    for trial in range(12):
        with Gallery(path.with_name(f"{trial}.db"), model=MODEL) as gallery:
            for person in range(4):
                center = rng.normal(size=DIMENSION)
                rows = unit(center + rng.normal(size=(rng.integers(1, 4), DIMENSION)) * 0.5)
                gallery.add(f"person {person}", [Template(row) for row in rows])
            probes = unit(rng.normal(size=(60, DIMENSION)))
            threshold = float(rng.uniform(0.3, 1.2))
            before = gallery.identify_embeddings(probes, threshold=threshold)
            faces = unit(probes[:20] + rng.normal(size=(20, DIMENSION)) * 0.2)
            for face in faces:
                store_face(gallery, face, int(rng.integers(1, 5)))
            after = gallery.identify_embeddings(probes, threshold=threshold)
            for old, new in zip(before, after, strict=True):
                assert new.name in {old.name, None}
                assert new.distance == old.distance
                changed += new.name != old.name
    assert changed > 20


def store_face(gallery: Gallery, face: Floats, person: int) -> None:
    from visavis.gallery.sql import rejections

    with gallery.opened.database.write() as conn:
        rejections.store_rejection(conn, person, Template(face), datetime.now(UTC) + timedelta(days=1))


@settings(max_examples=examples(100), deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 5))
def test_the_rule_takes_names_and_gives_none(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    probes = unit(rng.normal(size=(6, DIMENSION)))
    people = [None if rng.random() < 0.3 else int(rng.integers(1, 3)) for _ in probes]
    answers = [
        Identification(who and f"p{who}", who, float(rng.uniform(0, 1)), 1.0, None, (Candidate(who or 1, "p", 0.1),))
        for who in people
    ]
    negatives = {1: Negatives(tuple(range(count)), unit(rng.normal(size=(count, DIMENSION))), (FAR_AWAY,) * count)}
    after = take_rejected_names(answers, probes, negatives if count else {})
    for row, (old, new) in enumerate(zip(answers, after, strict=True)):
        distances = 1 - negatives[1].embeddings @ probes[row]
        taken = old.person_id == 1 and count > 0 and old.distance is not None and distances.min() < old.distance
        assert (new.name is None) == (old.name is None or taken)
        assert new.name in {old.name, None}


# Retention, removal, other processes, exports


@in_a_file
def test_an_expired_rejection_counts_no_more_and_leaves_the_file_at_the_next_opening(
    album: Gallery, place: str
) -> None:
    secret = at(0.5).astype("<f4").tobytes()
    album.reject("0.5:1", "Ann", days=1)
    assert names(album, "0.5:1") == [None]
    with sqlite3.connect(place) as raw:
        raw.execute("UPDATE rejections SET expires = '2026-01-01T00:00:00.000+00:00'")
        raw.execute("UPDATE meta SET change = change")
    raw.close()
    assert album.rejections() == []
    album.add("Dan", [Template(at(1, 6))])  # a change, so that searches read the records again
    assert names(album, "0.5:1") == ["Ann"]
    assert stored(place) == 1
    with Gallery(place, recognizer=cast(Recognizer, Album())) as again:
        assert (again.rejections(), stored(place)) == ([], 0)
    assert secret not in Path(place).read_bytes()


@in_a_file
def test_compact_removes_expired_rejections(album: Gallery, place: str) -> None:
    album.reject("0.5:1", "Ann", days=1)
    kept = album.reject("0.6:2", "Ann", days=1)
    with sqlite3.connect(place) as raw:
        raw.execute("UPDATE rejections SET expires = '2026-01-01T00:00:00.000+00:00' WHERE id = 1")
    raw.close()
    album.compact()
    assert (stored(place), album.rejections()) == (1, [kept])


def stored(place: str) -> int:
    with sqlite3.connect(place) as raw:
        (count,) = raw.execute("SELECT count(*) FROM rejections").fetchone()
    raw.close()
    return int(count)


def test_a_rejection_goes_with_the_person_and_with_the_photo(album: Gallery) -> None:
    album.reject("0.5:1", "Ann")
    album.reject("0.9:2", "Ben")
    album.remove("Ann")
    assert [rejection.name for rejection in album.rejections()] == ["Ben"]
    (forgotten,) = album.forget("0.9:2")
    assert (forgotten.templates, album.rejections(), album.check()) == (0, [], [])
    album.add("Ann", [Template(at(0))])
    assert names(album, "0.5:1") == ["Ann"]


def test_a_merged_person_keeps_the_rejections(album: Gallery) -> None:
    album.reject("0.5:1", "Ann")
    album.merge("Ann", "Ben")
    assert [rejection.name for rejection in album.rejections()] == ["Ben"]
    assert names(album, "0.5:1", 2.0) == [None]


def test_another_opening_of_the_gallery_sees_a_rejection_at_once(album: Gallery, place: str) -> None:
    with Gallery(place, recognizer=cast(Recognizer, Album())) as other:
        assert names(other, "0.5:1") == ["Ann"]
        rejection = album.reject("0.5:1", "Ann")
        assert names(other, "0.5:1") == [None]
        album.undo_rejection(rejection.id)
        assert names(other, "0.5:1") == ["Ann"]


def test_an_export_carries_rejections(album: Gallery, tmp_path: Path) -> None:
    album.reject("0.5:1", "Ann", days=20)
    album.export(tmp_path / "out")
    with Gallery(tmp_path / "new.db", recognizer=cast(Recognizer, Album())) as new:
        new.import_from(tmp_path / "out")
        assert new.rejections() == album.rejections()
        assert names(new, "0.5:1") == [None]
        assert new.check() == []
        new.reject("0.6:2", "Ben")
        assert [rejection.id for rejection in new.rejections()] == [1, 2]


def test_an_encrypted_gallery_hides_the_rejected_face(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    key = tmp_path / "faces.key"
    key.write_text("5" * 64)
    key.chmod(0o600)
    with Gallery(tmp_path / "faces.db", recognizer=cast(Recognizer, Album()), key_file=key) as opened:
        opened.add("Ann", [Template(at(0))])
        opened.reject("0.5:1", "Ann")
        assert (names(opened, "0.5:1"), opened.rejections()[0].photo) == ([None], "0.5:1")
        assert opened.check() == []
    content = (tmp_path / "faces.db").read_bytes()
    assert (at(0.5).astype("<f4").tobytes() in content, b"0.5:1" in content) == (False, False)
