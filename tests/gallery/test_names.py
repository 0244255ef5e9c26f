"""A second person of nearly the same name is asked about; a person is meant by id, by name, or as a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from sqlalchemy import event

from visavis.cli.enroll import _find_new_people
from visavis.errors import SimilarNameError, UnknownNameError, UsageError
from visavis.gallery import Gallery, IndexedPhoto
from visavis.gallery.names import fold_name
from visavis.pipeline import Recognizer

from . import older_schemas as older
from .faces import MODEL, digest, template
from .test_photos import Album

ALIKE = [
    "hugh jackman",
    "HUGH JACKMAN",
    "Hugh  Jackman",
    "Hugh_Jackman",
    "Hugh\u00a0Jackman",
    "\uff28ugh Jackman",
    "Hugh\u200b Jackman",
]


@pytest.mark.parametrize("name", ALIKE)
def test_names_that_are_written_alike_fold_to_one(name: str) -> None:
    assert fold_name(name) == fold_name("Hugh Jackman") == "hugh jackman"


@pytest.mark.parametrize(("a", "b"), [("Jos\u00e9", "Jose"), ("Ann", "Anne"), ("AnnLee", "Ann Lee")])
def test_other_names_do_not(a: str, b: str) -> None:
    assert fold_name(a) != fold_name(b)


@pytest.mark.parametrize("name", ALIKE)
def test_a_second_person_of_nearly_the_same_name_has_to_be_asked_for(gallery: Gallery, name: str) -> None:
    first = gallery.add("Hugh Jackman", [template(1)]).person_id
    with pytest.raises(SimilarNameError, match=rf"is written like 'Hugh Jackman' \(id {first}\): use that name or id"):
        gallery.add(name, [template(2)])
    with pytest.raises(SimilarNameError):
        gallery.add_many([("Ann", [template(3)]), (name, [template(2)])])
    assert [person.name for person in gallery.people()] == ["Hugh Jackman"]
    assert [person.id for person in gallery.similar_names(name)] == [first]
    assert gallery.similar_names("Hugh Jackman") == []
    assert gallery.add(name, [template(2)], new=True).new
    assert not gallery.add(name, [template(4)]).new  # now there is one of just that name
    assert len(gallery.people()) == 2


@pytest.mark.parametrize("name", ["\u200b", "\u2060\u200d", "\u00ad \ufeff"])
def test_a_name_of_which_nothing_is_visible_is_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(UsageError, match="a name needs a visible letter"):
        gallery.add(name, [template(1)])
    assert len(gallery) == 0


@pytest.mark.parametrize("name", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f469\u200d\U0001f52c"])
def test_joiners_within_a_name_stay(gallery: Gallery, name: str) -> None:
    gallery.add(name, [template(1)])
    assert [person.name for person in gallery] == [name]


def test_two_new_names_of_one_call_are_compared_too(gallery: Gallery) -> None:
    with pytest.raises(SimilarNameError, match="'ann' is written like 'Ann'"):
        gallery.add_many([("Ann", [template(1)]), ("ann", [template(2)])])
    assert gallery.people() == []


def test_a_new_name_is_compared_after_renaming_importing_and_naming(gallery: Gallery, path: Path) -> None:
    ann = gallery.add("Ann", [template(1)]).person_id
    gallery.rename(ann, "Zo\u00eb")
    with pytest.raises(SimilarNameError):
        gallery.add("ZO\u00cb", [template(2)])
    gallery.add("Ann", [template(2)])
    gallery.add_photos([IndexedPhoto("b.jpg", digest(7), "ok", (template(7),))])
    (face,) = gallery.faces(unassigned=True).ids.tolist()
    with pytest.raises(SimilarNameError):
        gallery.name_faces("ann", [face])
    assert gallery.name_faces("ann", [face], new=True).name == "ann"
    gallery.export(path.parent / "exported")
    with Gallery(path.parent / "copy.db", model=gallery.model) as copy:
        copy.import_from(path.parent / "exported")
        with pytest.raises(SimilarNameError):
            copy.add("ANN", [template(9)])


@pytest.mark.parametrize("schema", [1, 2])
def test_galleries_of_older_schemas_know_how_their_names_are_written(path: Path, schema: int) -> None:
    older.write(path, schema, people=3)
    with Gallery(path) as gallery:
        assert [person.name for person in gallery.similar_names("PERSON  1")] == ["person 1"]
        with pytest.raises(SimilarNameError):
            gallery.add("Person 2", [template(9)])
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT count(*) FROM people WHERE folded IS NULL").fetchone() == (0,)
    raw.close()


# Whom


def test_a_person_is_meant_by_id_by_name_or_as_a_person(gallery: Gallery) -> None:
    people = [gallery.add(name, [template(n)]) for n, name in enumerate(["Ann", "Bob", "Cy", "Dan"])]
    ann, _, cy, dan = (one.person_id for one in people)
    for who in (ann, str(ann), f"#{ann}", "Ann", np.int64(ann), gallery.find(ann)):
        assert gallery.find(who).id == ann
    assert [person.id for person in gallery.people("Cy", ann)] == [cy, ann]
    gallery.rename("Ann", "Anna")
    gallery.describe("Anna", note="n")
    assert gallery.find("Anna").note == "n"
    gallery.merge(["Bob", cy], into=gallery.find("Anna"))
    assert [person.id for person in gallery] == [ann, dan]
    assert len(gallery.find("Anna").templates) == 3
    gallery.move([2, 3], "Dan")
    assert len(gallery.find("Dan").templates) == 3
    gallery.remove("Anna", dan, "Dan")
    assert len(gallery) == 0


@pytest.mark.parametrize("who", [True, 1.5, None, b"Ann"])
def test_what_means_nobody_is_refused(gallery: Gallery, who: object) -> None:
    gallery.add("Ann", [template(1)])
    with pytest.raises(UsageError, match="a person is meant by a name or an id"):
        gallery.find(who)  # type: ignore[arg-type]
    assert who not in gallery


def test_an_ambiguous_name_is_an_error_that_lists_the_ids(gallery: Gallery) -> None:
    first = gallery.add("Ann", [template(1)]).person_id
    second = gallery.add("Ann", [template(2)], new=True).person_id
    for change in (
        gallery.find,
        gallery.remove,
        gallery.describe,
        gallery.people,
        lambda who: gallery.merge(who, first),
    ):
        with pytest.raises(UsageError, match=rf"2 people are called 'Ann' \(ids {first}, {second}\)"):
            change("Ann")
    assert len(gallery) == 2
    assert "Ann" in gallery


def test_a_gallery_is_a_collection_of_people(gallery: Gallery) -> None:
    assert (len(gallery), list(gallery), "Ann" in gallery) == (0, [], False)
    ann = gallery.add("Ann", [template(1)]).person_id
    bob = gallery.add("Bob", [template(2), template(3)]).person_id
    assert (len(gallery), [person.name for person in gallery]) == (2, ["Ann", "Bob"])
    for who in ("Ann", " Ann ", ann, f"#{bob}", gallery.find("Bob")):
        assert who in gallery
    for who in ("ann", "Cy", 99, "", "#99"):
        assert who not in gallery
    assert repr(gallery) == f"Gallery({gallery.url!r}, model='test-model', people=2)"
    gone = gallery.find("Bob")
    gallery.remove(gone)
    assert gone not in gallery
    with pytest.raises(UnknownNameError):
        gallery.find(gone)


def test_a_closed_gallery_still_shows_what_it_was(path: Path) -> None:
    gallery = Gallery(path, model="test-model")
    gallery.close()
    assert repr(gallery) == f"Gallery({gallery.url!r}, model='test-model')"


def test_a_search_among_some_people_takes_names_too(gallery: Gallery) -> None:
    gallery.add("Ann", [template(1)])
    bob = gallery.add("Bob", [template(2)]).person_id
    for among in (["Bob"], [bob], [gallery.find("Bob")]):
        assert [one.name for one in gallery.search(template(1).embedding[None], among=among)[0]] == ["Bob"]
    with pytest.raises(UnknownNameError):
        gallery.search(template(1).embedding[None], among=["Cy"])


def test_enrolling_by_id_and_by_person(path: Path) -> None:
    with Gallery(path, recognizer=cast(Recognizer, Album())) as album:
        ann = album.enroll("Ann", ["1:50"]).person_id
        assert album.enroll(ann, ["2:50"]).person_id == ann
        assert album.enroll(album.find("Ann"), ["3:50"]).person_id == ann
        assert len(album.find(ann).templates) == 3
        with pytest.raises(UnknownNameError):
            album.enroll(99, ["4:50"])


def test_many_names_are_compared_in_few_statements(path: Path) -> None:
    with Gallery(path, model=MODEL) as gallery:
        gallery.add("Ann", [template(1)])
        gallery.add("3", [template(2)])
        seen: list[str] = []
        event.listen(gallery.opened.database._engine, "connect", lambda raw, _: raw.set_trace_callback(seen.append))
        gallery.opened.database._engine.dispose()
        names = ["Ann", "ANN", "3", *(f"person {i}" for i in range(2000)), "Person 7", " "]
        assert _find_new_people(gallery, names, yes=True) == {"ANN", "Person 7"}
        assert sum("people" in one for one in seen) < 10
