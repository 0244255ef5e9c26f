"""Faces that lose their person again: the undo of a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.errors import UnknownNameError, UsageError
from visavis.gallery import Gallery, IndexedPhoto, Template
from visavis.gallery.near_people import find_people_near_faces
from visavis.gallery.unassigned_faces import read_unassigned_photos, unassign_faces

AXES = np.eye(128, dtype=np.float32)


@pytest.fixture(params=["plain", "encrypted"])
def gallery(request: pytest.FixtureRequest, tmp_path: Path) -> Gallery:
    """Ann with two templates, one of them of an indexed photo, and another photo with an unassigned face."""
    key = tmp_path / "faces.key"
    key.write_text("17" * 32)
    key.chmod(0o600)
    key_file = key if request.param == "encrypted" else None
    store = Gallery(tmp_path / "faces.db", model="sface", key_file=key_file)
    store.add("Ann", [Template(AXES[0])])
    photos = [
        IndexedPhoto(f"{number}.jpg", 31 * "0a" + end, "ok", (Template(AXES[number]),))
        for number, end in ((1, "01"), (2, "02"))
    ]
    store.add_photos(photos)
    store.name_faces("Ann", [2])
    return store


def test_faces_lose_their_person_and_keep_their_place(gallery: Gallery) -> None:
    assert unassign_faces(gallery.opened, [2]) == []
    assert [template.id for template in gallery.person(1).templates] == [1]
    faces = gallery.faces(unassigned=True)
    assert (faces.ids.tolist(), faces.photos) == ([2, 3], ("1.jpg", "2.jpg"))
    assert [hit.person_id for hit in gallery.search(AXES[1:2])[0]] == [1]
    assert gallery.search(AXES[1:2])[0][0].distance == pytest.approx(1, abs=1e-6)  # the index follows
    assert [(entry.action, entry.person_id, entry.detail) for entry in gallery.audit()][-1] == (
        "unassign", 1, "templates 2"
    )  # fmt: skip


def test_who_has_no_template_left_is_removed_with_permission_alone(gallery: Gallery) -> None:
    with pytest.raises(UsageError, match="person 1 would have no template left"):
        unassign_faces(gallery.opened, [1, 2])
    assert len(gallery.person(1).templates) == 2
    assert unassign_faces(gallery.opened, [1, 2], with_person=True) == [1]
    assert gallery.people() == []
    assert gallery.faces().ids.tolist() == [1, 2, 3]
    assert gallery.check() == []


def test_details_of_a_person_are_not_lost(gallery: Gallery) -> None:
    gallery.describe(1, note="badge 17")
    with pytest.raises(UsageError, match="person 1 would have no template left"):
        unassign_faces(gallery.opened, [1, 2], with_person=True)
    assert (gallery.person(1).note, len(gallery.person(1).templates)) == ("badge 17", 2)


def test_all_or_none(gallery: Gallery) -> None:
    with pytest.raises(UnknownNameError, match="no template 99"):
        unassign_faces(gallery.opened, [2, 99])
    with pytest.raises(UsageError, match="no template to take"):
        unassign_faces(gallery.opened, [])
    assert len(gallery.person(1).templates) == 2


def test_unassigned_faces_are_found_by_the_end_of_their_hash(gallery: Gallery) -> None:
    unassign_faces(gallery.opened, [2])
    assert read_unassigned_photos(gallery.opened, hash_end="0a02") == [(3, "2.jpg", 31 * "0a" + "02")]
    assert [row[0] for row in read_unassigned_photos(gallery.opened, hash_end="")] == [2, 3]


def test_people_near_faces(gallery: Gallery) -> None:
    gallery.add("Ben", [Template(AXES[2] + 0.5 * AXES[9])])
    near = find_people_near_faces(gallery.opened, [3], top=1)
    assert [(person.name, round(person.distance, 4)) for person in near] == [("Ben", round(1 - 1 / 1.25**0.5, 4))]
    assert find_people_near_faces(gallery.opened, [1]) == []  # it has a person
