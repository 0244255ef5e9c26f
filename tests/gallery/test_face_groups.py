"""Groups of faces: listed, read with their doubts and suggestions, moved, named, and unassigned again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from visavis import Gallery
from visavis.errors import GroupChangedError, SamePhotoError, SimilarNameError, UnknownNameError, UsageError
from visavis.gallery.change_groups import NamedGroup, move_faces, name_group, unname_faces
from visavis.gallery.face_groups import FaceGroup, find_near_groups, list_face_ids, list_groups, read_group
from visavis.gallery.sql import records
from visavis.gallery.types import IndexedPhoto, Template

from .grouped import TABLE, add_group, make_embedding


@pytest.fixture
def gallery(place: str) -> Iterator[Gallery]:
    with Gallery(place, model="sface") as opened:
        opened.calibrate(TABLE)
        yield opened


def clusters(gallery: Gallery) -> dict[int, int]:
    faces = gallery.faces(unassigned=True)
    return dict(zip(faces.ids.tolist(), faces.clusters.tolist(), strict=True))


def test_groups_are_listed_the_largest_first(gallery: Gallery) -> None:
    gallery.keep_crops(True)
    large = add_group(gallery, 7, [make_embedding(1, n) for n in range(3)], quality=[0.5, 0.9, 0.7])
    small = add_group(gallery, 3, [make_embedding(2, n) for n in range(2)])
    gallery.keep_crops(False)
    single = add_group(gallery, 9, [make_embedding(3, 0)])
    loose = add_group(gallery, -1, [make_embedding(4, 0), make_embedding(5, 1)])
    overview = list_groups(gallery.opened)
    assert overview.groups == (FaceGroup(7, 3, None), FaceGroup(3, 2, None), FaceGroup(9, 1, None))
    assert (overview.aside, overview.ungrouped) == (0, 2)
    gallery.name_faces("Ann", large[:2])
    assert list_groups(gallery.opened).groups == (FaceGroup(3, 2, None), FaceGroup(7, 1, None), FaceGroup(9, 1, None))
    aside = list_groups(gallery.opened, {small[1], 10**9}, aside=True)
    assert (aside.groups, aside.aside) == ((FaceGroup(3, 2, None),), 1)
    assert [group.number for group in list_groups(gallery.opened, {small[1]}).groups] == [7, 9]
    assert list_face_ids(gallery.opened) == {*large, *small, *single, *loose}


def test_the_cover_is_the_best_face_whose_crop_is_kept(gallery: Gallery) -> None:
    gallery.keep_crops(True)
    ids = add_group(gallery, 7, [make_embedding(1, n) for n in range(3)], quality=[0.5, 0.9, 0.7])
    assert list_groups(gallery.opened).groups == (FaceGroup(7, 3, ids[1]),)
    assert [(face.template_id, face.has_picture) for face in read_group(gallery.opened, 7).faces] == [
        (ids[1], True), (ids[2], True), (ids[0], True)
    ]  # fmt: skip


def test_faces_that_disagree_are_doubtful_and_stand_first(gallery: Gallery) -> None:
    faces = [make_embedding(1, n) for n in range(6)] + [make_embedding(2, 6 + n, near=(1, 0.3)) for n in range(2)]
    ids = add_group(gallery, 4, faces, quality=[0.9] * 6 + [0.4, 0.5])
    details = read_group(gallery.opened, 4)
    assert [(face.template_id, face.doubtful) for face in details.faces[:3]] == [
        (ids[7], True), (ids[6], True), (ids[0], False)
    ]  # fmt: skip
    assert sum(face.doubtful for face in details.faces) == 2
    with pytest.raises(UnknownNameError, match="no group 5"):
        read_group(gallery.opened, 5)


def test_only_people_within_the_threshold_of_a_search_are_suggested(gallery: Gallery) -> None:
    """The mean of a group of four is at 1 - .8 * .7 from the nearest, at 1 - .8 * .2 from the other."""
    near = gallery.add("Near", [Template(make_embedding(1, 60), photo="a.jpg")])
    gallery.add("Far", [Template(make_embedding(2, 61), photo="b.jpg")])
    add_group(gallery, 4, [make_embedding(1, n) for n in range(4)])
    (suggestion,) = read_group(gallery.opened, 4).suggestions
    assert (suggestion.person_id, suggestion.name) == (near.person_id, "Near")
    assert suggestion.distance == pytest.approx(0.2, abs=0.03)
    assert suggestion.far == pytest.approx(0.001)
    add_group(gallery, 5, [make_embedding(3, n, near=(1, 0.15)) for n in range(4)])
    assert read_group(gallery.opened, 5).suggestions == ()


def test_a_group_of_faces_far_from_each_other_is_farther_from_a_person_than_their_mean(gallery: Gallery) -> None:
    """The mean of two people is near to both, and none of their faces are: no name is suggested."""
    gallery.add("Ann", [Template(make_embedding(1, 60), photo="a.jpg")])
    add_group(gallery, 4, [make_embedding(1 + n % 5, n) for n in range(10)])
    assert (
        all(person.distance > 0.5 for person in read_group(gallery.opened, 4).suggestions)
        or not read_group(gallery.opened, 4).suggestions
    )
    details = read_group(gallery.opened, 4)
    assert sum(face.doubtful for face in details.faces) == 8


def test_people_of_the_cluster_are_listed(gallery: Gallery) -> None:
    ids = add_group(gallery, 4, [make_embedding(1, n) for n in range(5)])
    ann = gallery.name_faces("Ann", ids[:2])
    ben = gallery.name_faces("Ben", ids[2:3])
    people = read_group(gallery.opened, 4).people
    assert [(person.person_id, person.name, person.templates) for person in people] == [
        (ann.id, "Ann", 2), (ben.id, "Ben", 1)
    ]  # fmt: skip


def test_a_model_without_thresholds_has_neither_doubts_nor_suggestions(tmp_path: Path) -> None:
    with Gallery(tmp_path / "other.db", model="lbp") as gallery:
        gallery.add("Ann", [Template(make_embedding(1, 60), photo="a.jpg")])
        add_group(gallery, 4, [make_embedding(1 + n, n) for n in range(2)])
        details = read_group(gallery.opened, 4)
        assert (details.suggestions, [face.doubtful for face in details.faces]) == ((), [False, False])
        add_group(gallery, 5, [make_embedding(1, 9)])
        assert [(near.number, near.far) for near in find_near_groups(gallery.opened, 4)] == [(5, None)]


def test_near_groups_are_the_nearest_first_without_those_of_the_same_photos(gallery: Gallery) -> None:
    ids = add_group(gallery, 1, [make_embedding(1, 0), make_embedding(2, 1)])
    add_group(gallery, 2, [make_embedding(1, 5)])
    add_group(gallery, 3, [make_embedding(3, 6)])
    gallery.add_photos([_make_group_photo()])
    both = gallery.faces().ids.tolist()[-2:]
    gallery.set_clusters(both, [4, 5])
    near = find_near_groups(gallery.opened, 1)
    assert [group.number for group in near] == [2, 4, 5, 3]
    assert [group.distance for group in near] == pytest.approx([0.6, 0.6, 0.6, 1], abs=1e-6)
    of_second = find_near_groups(gallery.opened, 1, [ids[1]])
    assert (of_second[0].number, of_second[0].distance) == (5, pytest.approx(0.2, abs=1e-6))
    assert [group.number for group in find_near_groups(gallery.opened, 4)] == [2, 1, 3]
    with pytest.raises(UnknownNameError):
        find_near_groups(gallery.opened, 2, ids)


def _make_group_photo() -> IndexedPhoto:
    faces = (
        Template(make_embedding(1, 8), box=np.array([0, 0, 40, 40], np.float32), quality=0.9),
        Template(make_embedding(2, 9), box=np.array([80, 0, 120, 40], np.float32), quality=0.9),
    )
    return IndexedPhoto("/photos/party.jpg", "ab" * 32, "ok", faces)


def test_groups_are_merged_and_split_and_the_way_back_is_the_same_call(gallery: Gallery) -> None:
    first = add_group(gallery, 1, [make_embedding(1, n) for n in range(3)])
    second = add_group(gallery, 2, [make_embedding(2, n) for n in range(2)])
    before = clusters(gallery)
    assert move_faces(gallery.opened, 2, second, 1) == 1
    assert {*clusters(gallery).values()} == {1}
    assert move_faces(gallery.opened, 1, second, 2, expected=0) == 2
    assert clusters(gallery) == before
    assert move_faces(gallery.opened, 1, first[:1]) == 3
    assert clusters(gallery) == {**before, first[0]: 3}


def test_what_was_changed_meanwhile_is_not_changed_again(gallery: Gallery) -> None:
    first = add_group(gallery, 1, [make_embedding(1, n) for n in range(3)])
    second = add_group(gallery, 2, [make_embedding(2, n) for n in range(2)])
    move_faces(gallery.opened, 1, first[:1], 2)
    with pytest.raises(GroupChangedError, match="group 1 was changed meanwhile"):
        name_group(gallery.opened, 1, first, "Ann")
    with pytest.raises(GroupChangedError):
        move_faces(gallery.opened, 1, first, 2)
    with pytest.raises(GroupChangedError, match="group 2"):
        move_faces(gallery.opened, 1, first[1:], 2, expected=2)
    gallery.name_faces("Ben", second)
    with pytest.raises(GroupChangedError):
        name_group(gallery.opened, 2, second, "Ann")
    assert [person.name for person in gallery.people()] == ["Ben"]
    for wrong in ([], [first[1], first[1]]):
        with pytest.raises(UsageError, match="once"):
            move_faces(gallery.opened, 1, wrong)
    with pytest.raises(UsageError, match="already"):
        move_faces(gallery.opened, 1, first[1:], 1)


def test_two_faces_of_one_photo_stay_in_two_groups(gallery: Gallery) -> None:
    add_group(gallery, 3, [make_embedding(3, 0)])
    gallery.add_photos([_make_group_photo()])
    both = gallery.faces().ids.tolist()[-2:]
    gallery.set_clusters(both, [4, 5])
    with pytest.raises(SamePhotoError, match=r"group 5 has another face of 'party.jpg'"):
        move_faces(gallery.opened, 4, both[:1], 5)
    assert [clusters(gallery)[face] for face in both] == [4, 5]
    gallery.cluster()  # it refuses clusters with two faces of a photo


def test_a_group_is_named_and_unnamed(gallery: Gallery) -> None:
    ids = add_group(gallery, 1, [make_embedding(1, n) for n in range(3)])
    before = clusters(gallery)
    named = name_group(gallery.opened, 1, ids, "Ann")
    assert named == NamedGroup(named.person_id, "Ann", new=True)
    assert [template.id for template in gallery.person(named.person_id).templates] == ids
    unname_faces(gallery.opened, 1, ids, named.person_id)
    assert (gallery.people(), clusters(gallery)) == ([], before)
    assert [entry.action for entry in gallery.audit()][-3:] == ["enroll", "unassign", "remove"]
    assert gallery.check() == []


def test_a_person_with_other_templates_or_details_stays(gallery: Gallery) -> None:
    ids = add_group(gallery, 1, [make_embedding(1, n) for n in range(3)])
    ann = gallery.add("Ann", [Template(make_embedding(1, 60), photo="a.jpg")])
    named = name_group(gallery.opened, 1, ids[:2], "Ann", person_id=ann.person_id)
    assert (named.person_id, named.new) == (ann.person_id, False)
    unname_faces(gallery.opened, 1, ids[:2], ann.person_id)
    assert [template.id for template in gallery.person(ann.person_id).templates] == [*ann.added]
    with pytest.raises(GroupChangedError):
        unname_faces(gallery.opened, 1, ids[:2], ann.person_id)
    ben = name_group(gallery.opened, 1, ids, "Ben")
    gallery.describe(ben.person_id, note="met in May")
    with pytest.raises(UsageError, match="details that would be lost"):
        unname_faces(gallery.opened, 1, ids, ben.person_id)
    assert [template.id for template in gallery.person(ben.person_id).templates] == ids


def test_a_person_whose_other_template_goes_meanwhile_keeps_the_last(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add_group(gallery, 1, [make_embedding(1, n) for n in range(2)])
    ann = name_group(gallery.opened, 1, ids, "Ann")
    read_ids = records.read_template_ids

    def read_before(conn: Connection, person_id: int) -> list[int]:
        monkeypatch.undo()
        before = read_ids(conn, person_id)
        gallery.name_faces("Ben", ids[1:])
        return before

    monkeypatch.setattr(records, "read_template_ids", read_before)
    with pytest.raises(GroupChangedError, match=f"person {ann.person_id} was changed meanwhile"):
        unname_faces(gallery.opened, 1, ids[:1], ann.person_id)
    assert [template.id for template in gallery.person(ann.person_id).templates] == ids[:1]
    assert [problem for problem in gallery.check() if problem.kind != "doubtful"] == []  # the two are alike


def test_a_suggested_person_who_was_renamed_is_not_taken(gallery: Gallery) -> None:
    ids = add_group(gallery, 1, [make_embedding(1, 0)])
    ann = gallery.add("Ann", [Template(make_embedding(1, 60), photo="a.jpg")])
    with pytest.raises(SimilarNameError):
        name_group(gallery.opened, 1, ids, "ann")
    gallery.rename(ann.person_id, "Anna")
    with pytest.raises(UsageError, match="is called 'Anna', not 'Ann'"):
        name_group(gallery.opened, 1, ids, "Ann", person_id=ann.person_id)
    assert [*clusters(gallery)] == ids
