"""What changes a gallery beside enrolling and removing: merging, moving, naming faces, describing, many at once."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import Gallery, IndexedPhoto, Template

from .faces import MODEL, digest, embedding, in_a_file, person, template


def indexed(seed: int, *, faces: int = 2) -> IndexedPhoto:
    """A photo of so many faces, side by side."""
    made = tuple(
        Template(
            embedding(10 * seed + n), photo="", box=np.array([50 * n, 0, 50 * n + 40, 40], np.float32), quality=0.9
        )
        for n in range(faces)
    )
    return IndexedPhoto(f"{seed}.jpg", digest(seed), "ok" if faces else "no_face", made)


# Merging and moving


def test_a_merged_person_is_gone_and_all_templates_are_the_others(gallery: Gallery) -> None:
    ann, again = gallery.add(*person(1)).person_id, gallery.add(*person(2), note="twin of 1").person_id
    gallery.merge(again, into=ann)
    (left,) = gallery.people()
    assert (left.id, left.name, left.note, [one.id for one in left.templates]) == (
        ann,
        "person 1",
        "",
        [1, 2, 3, 4, 5, 6],
    )
    assert {one.person_id for hits in gallery.lookalikes(embedding(2000)[None], top=6) for one in hits} == {ann}
    assert gallery.check() == []
    with pytest.raises(UnknownNameError, match=f"no person {again}"):
        gallery.merge(again, into=ann)
    with pytest.raises(UsageError, match="into itself"):
        gallery.merge(ann, into=ann)


@in_a_file
def test_merging_leaves_no_trace_of_the_name(gallery: Gallery, path: Path) -> None:
    ann = gallery.add(*person(1)).person_id
    gone = gallery.add("a name that is found in no other file", [template(5)]).person_id
    gallery.merge(gone, into=ann)
    gallery.close()
    assert b"a name that is found in no other file" not in path.read_bytes()


def test_templates_move_but_nobody_is_left_without_one(gallery: Gallery) -> None:
    ann, bob = (gallery.add(*person(i)).person_id for i in (1, 2))
    gallery.move([2, 4], bob)
    assert [[one.id for one in who.templates] for who in gallery.people()] == [[1, 3], [2, 4, 5, 6]]
    assert gallery.lookalikes(embedding(1001)[None], top=1)[0][0].person_id == bob
    with pytest.raises(UsageError, match=f"person {ann} would have no template left"):
        gallery.move([1, 3], bob)
    with pytest.raises(UnknownNameError, match="no template 99"):
        gallery.move([1, 99], bob)
    with pytest.raises(UsageError, match="no template to move"):
        gallery.move([], bob)
    assert [len(who.templates) for who in gallery.people()] == [2, 4]  # each refusal changed nothing
    assert gallery.check() == []


# What is told of people


def test_consent_has_a_day_and_metadata_is_what_json_can_hold(gallery: Gallery) -> None:
    told = {"desk": 4, "groups": ["a", "b"], "left": None}
    done = gallery.add(*person(1), consent="in writing", consented=date(2026, 5, 2), metadata=told)
    assert gallery.person(done.person_id).consented == date(2026, 5, 2)
    assert gallery.person(done.person_id).metadata == told
    gallery.describe(done.person_id, metadata={"desk": 5})
    ann = gallery.person(done.person_id)
    assert (ann.consent, ann.consented, ann.metadata) == ("in writing", date(2026, 5, 2), {"desk": 5})
    for wrong in ({"x": float("nan")}, {"x": b"bytes"}, {"x": {1, 2}}):
        with pytest.raises(UsageError, match="metadata must be what JSON can hold"):
            gallery.describe(done.person_id, metadata=wrong)
    with pytest.raises(UnknownNameError):
        gallery.describe(7, note="x")


def test_the_audit_log_says_who_did_what_and_never_a_name(path: Path) -> None:
    with Gallery(path, model=MODEL, actor="reception") as gallery:
        ann = gallery.add(*person(1)).person_id
        gallery.rename(ann, "Zacharias")
    with Gallery(path, actor="night shift") as gallery:
        bob = gallery.add(*person(2)).person_id
        gallery.move([1], bob)
        gallery.merge(bob, into=ann)
        gallery.remove(ann)
        log = gallery.audit()
    assert [(one.actor, one.action, one.person_id) for one in log] == [
        ("reception", "enroll", ann),
        ("reception", "rename", ann),
        ("night shift", "enroll", bob),
        ("night shift", "move", bob),
        ("night shift", "merge", ann),
        ("night shift", "remove", ann),
    ]
    assert all(a.at <= b.at for a, b in pairwise(log))
    assert not any("Zach" in one.detail or "person 1" in one.detail for one in log)


# Many at once


def test_many_people_are_stored_as_one_by_one(gallery: Gallery, tmp_path: Path) -> None:
    everybody = [person(i) for i in range(40)]
    done = gallery.add_many([*everybody, ("person 3", [template(90_000)]), (" person 5 ", [template(5000)])])
    with Gallery(tmp_path / "single.db", model=MODEL) as single:
        for name, templates in everybody:
            single.add(name, templates)
        single.add("person 3", [template(90_000)])
        names = [(one.name, sorted(t.photo for t in one.templates)) for one in single.people()]
    assert [(one.name, sorted(t.photo for t in one.templates)) for one in gallery.people()] == names
    assert [one.name for one in done] == [name for name, _ in everybody]  # each once, where it comes first
    assert (len(done[3].added), len(done[5].added), len(done[5].duplicates)) == (4, 3, 1)
    assert all(one.new for one in done)
    again = gallery.add_many([("person 1", [template(777)]), ("somebody else", person(2)[1])])
    assert [(one.person_id, one.new, len(one.added), len(one.duplicates)) for one in again] == [
        (2, False, 1, 0),
        (0, False, 0, 3),
    ]
    assert gallery.stats().people == 40
    assert gallery.check() == []


def test_one_wrong_embedding_among_many_stores_nobody(gallery: Gallery) -> None:
    with pytest.raises(UsageError, match="embedding 3 is zero or not finite"):
        gallery.add_many([person(1), ("Zero", [Template(np.zeros(16, np.float32))])])
    gallery.add("Ann", [template(1)])
    gallery.add("Ann", [template(2)], new=True)
    with pytest.raises(UsageError, match="2 people are called 'Ann'"):
        gallery.add_many([person(1), ("Ann", [template(3)])])
    assert [one.name for one in gallery.people()] == ["Ann", "Ann"]
    assert gallery.add_many([]) == []


# Faces of nobody


def test_indexed_photos_are_known_once_and_their_faces_are_nobodys(gallery: Gallery) -> None:
    assert gallery.add_photos([indexed(1), indexed(2, faces=0), indexed(1)]) == 2
    assert gallery.add_photos([indexed(2, faces=0), indexed(3)]) == 1
    assert gallery.find_indexed([digest(1), digest(2), digest(3), digest(4)]) == {digest(1), digest(2), digest(3)}
    stats = gallery.stats()
    assert (stats.people, stats.templates, stats.unassigned, stats.photos) == (0, 0, 4, 3)
    assert gallery.search(embedding(10)[None]) == [[]]  # nobody is there to be named
    (found,) = gallery.lookalikes(embedding(31)[None], top=2)
    assert (found[0].photo, found[0].person_id, found[0].name) == ("3.jpg", None, None)
    assert found[0].box is not None
    assert found[0].box.tolist() == [50, 0, 90, 40]
    assert found[0].distance < 1e-6
    assert gallery.check() == []


def test_an_indexed_face_becomes_somebodys_when_it_is_named_or_enrolled(gallery: Gallery) -> None:
    gallery.add_photos([indexed(1), indexed(2)])
    ann = gallery.name_faces("Ann", [1, 3])
    assert [one.id for one in ann.templates] == [1, 3]
    same = Template(embedding(11), digest(1), "1.jpg", np.array([52, 1, 91, 41], np.float32))  # the second face again
    done = gallery.add("Bob", [same])
    assert (done.new, done.added, done.duplicates) == (True, (2,), ())
    assert gallery.stats().unassigned == 1
    assert [hits[0].name for hits in gallery.search([embedding(10), embedding(11)], top=1)] == ["Ann", "Bob"]
    assert gallery.add("Bob", [same]).duplicates[0].name == "Bob"
    with pytest.raises(UsageError, match="would have no template left"):
        gallery.name_faces("Cy", [2])
    assert [one.name for one in gallery.people()] == ["Ann", "Bob"]
    assert gallery.check() == []


def test_a_photo_that_somebody_was_enrolled_from_adds_its_other_faces_only(gallery: Gallery) -> None:
    gallery.add("Ann", [Template(embedding(10), digest(1), "ann.jpg", np.array([1, 0, 41, 40], np.float32))])
    assert gallery.add_photos([indexed(1)]) == 1
    assert gallery.faces().people.tolist() == [1, 0]


def test_faces_come_as_columns_and_keep_their_clusters(gallery: Gallery) -> None:
    gallery.add(*person(1))
    gallery.add_photos([indexed(2)])
    gallery.set_clusters([1, 4], [7, 9])
    gallery.set_clusters([1], [-1])
    faces = gallery.faces()
    assert (faces.ids.tolist(), faces.people.tolist()) == ([1, 2, 3, 4, 5], [1, 1, 1, 0, 0])
    assert faces.clusters.tolist() == [-1, -1, -1, 9, -1]
    np.testing.assert_array_equal(faces.embeddings[3], embedding(20))
    assert (faces.photos[3:], faces.sha256[3]) == (("2.jpg", "2.jpg"), digest(2))
    assert (faces.boxes[4].tolist(), faces.quality.tolist()) == ([50, 0, 90, 40], pytest.approx([0.5] * 3 + [0.9] * 2))
    assert gallery.faces(unassigned=True).ids.tolist() == [4, 5]


@in_a_file
def test_whoever_is_removed_takes_the_photos_along_that_show_nobody_else(gallery: Gallery, path: Path) -> None:
    gallery.add_photos([indexed(1), indexed(2, faces=1), indexed(3, faces=1)])
    ann = gallery.name_faces("Ann", [1, 3])
    gallery.remove(ann.id)
    assert gallery.find_indexed([digest(1), digest(2), digest(3)]) == {digest(1), digest(3)}
    assert gallery.faces().ids.tolist() == [2, 4]
    gallery.close()
    assert b"2.jpg" not in path.read_bytes()


def test_a_photo_of_a_wrong_embedding_stores_none(gallery: Gallery) -> None:
    wrong = IndexedPhoto("9.jpg", digest(9), "ok", (Template(np.full(16, np.nan, np.float32)),))
    with pytest.raises(UsageError, match="not finite"):
        gallery.add_photos([indexed(1), wrong])
    short = IndexedPhoto("9.jpg", digest(9), "ok", (Template(np.ones(3, np.float32)),))
    gallery.add_photos([indexed(2)])
    with pytest.raises(UsageError, match="holds embeddings of 16 values, got 3"):
        gallery.add_photos([short])
    assert gallery.stats().photos == 1
