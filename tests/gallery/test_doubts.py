"""Photos of the wrong person are noticed before they are stored, and among those that are stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from visavis import compare
from visavis.compare import Calibration
from visavis.errors import DoubtfulPhotoError, UsageError
from visavis.gallery import Gallery, Template
from visavis.gallery.misplaced_photos import COMPARED, compute_limits, compute_own_distances
from visavis.pipeline import Recognizer
from visavis.poor_photos import PoorPhotos
from visavis.types import Floats

from .faces import DIMENSION, MODEL, digest
from .test_photos import Album

TABLE = Calibration(MODEL, far=(0.1, 0.03, 1e-3, 1e-6), thresholds=(0.35, 0.3, 0.2, 0.1), slope=-30, intercept=6)


@pytest.fixture(autouse=True)
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "calibration", {MODEL: TABLE}.get)


def face(person: int, number: int, spread: float = 0.25) -> Floats:
    """A unit vector near axis ``person``: two of one person are about .06 apart, two people about 1."""
    noise = np.random.default_rng([person, number]).normal(size=DIMENSION)
    row = np.eye(DIMENSION)[person] + spread * noise / np.linalg.norm(noise)
    return cast(Floats, (row / np.linalg.norm(row)).astype(np.float32))


def photo(person: int, number: int) -> Template:
    return Template(face(person, number), digest(100 * person + number), f"{person}-{number}.jpg")


def photos(person: int, *numbers: int) -> list[Template]:
    return [photo(person, number) for number in numbers]


def test_the_distance_to_the_other_photos_is_their_lower_median() -> None:
    rows = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], np.float32)  # distances of the first: .2, .4, 1
    assert compute_own_distances(rows, rows[:0])[0] == pytest.approx(0.4, abs=1e-6)
    assert compute_own_distances(rows[:3], rows[:0])[0] == pytest.approx(0.2, abs=1e-6)
    assert compute_own_distances(rows[:1], rows[1:])[0] == pytest.approx(0.4, abs=1e-6)
    assert compute_own_distances(rows[:1], rows[:0]) == [None]


def test_a_person_of_very_many_photos_is_compared_with_a_part_of_them() -> None:
    rows = np.stack([face(1, number) for number in range(COMPARED + 500)])
    found = compute_own_distances(rows, rows[:0])
    everything = 1 - rows @ rows.T
    np.fill_diagonal(everything, np.inf)
    assert np.sort(everything, axis=1)[:, len(rows) // 2] == pytest.approx(found, abs=0.02)


def test_limits_follow_from_the_table_and_the_number_of_people() -> None:
    assert compute_limits(TABLE, 1).own == pytest.approx(0.3)
    assert compute_limits(TABLE, 1).other == pytest.approx(TABLE.threshold(0.01))
    assert compute_limits(TABLE, 10_000).other == pytest.approx(TABLE.threshold(compare.search_far(0.01, 10_000)))
    strict = Calibration(MODEL, (1e-2, 1e-4), (0.2, 0.1), slope=-30, intercept=6)
    assert compute_limits(strict, 1).own == pytest.approx(0.2)  # the largest rate that was measured


def test_right_photos_are_not_doubted(gallery: Gallery) -> None:
    for person in range(1, 6):
        assert gallery.doubts(f"person {person}", photos(person, *range(4))) == []
        gallery.add(f"person {person}", photos(person, *range(4)))
        assert gallery.doubts(f"person {person}", photos(person, 5, 6)) == []
    assert gallery.check() == []


def test_a_photo_of_nobody_here_is_far_from_the_others(gallery: Gallery) -> None:
    (doubt,) = gallery.doubts("Ann", [*photos(1, 0, 1, 2), photo(9, 0)])
    assert (doubt.photo, doubt.person_id, doubt.name, doubt.other_distance) == ("9-0.jpg", None, None, None)
    assert doubt.distance == pytest.approx(
        1 - float(np.median(face(9, 0) @ np.stack([face(1, n) for n in range(3)]).T))
    )
    assert doubt.message.startswith(
        f"is far from the other photos of Ann (distance {doubt.distance:.4f}, usual is up to"
    )


def test_a_photo_of_somebody_who_is_here_says_who(gallery: Gallery) -> None:
    bob = gallery.add("Bob", photos(2, 0, 1)).person_id
    gallery.add("Ann", photos(1, 0, 1))
    (doubt,) = gallery.doubts("Ann", [*photos(1, 2), photo(2, 5)])
    expected = 1 - float(face(2, 5) @ compare.person_embedding(np.stack([face(2, 0), face(2, 1)])))
    assert (doubt.photo, doubt.person_id, doubt.name) == ("2-5.jpg", bob, "Bob")
    assert doubt.other_distance == pytest.approx(expected, abs=1e-5)
    assert doubt.message.startswith(f"looks more like Bob (id {bob}, distance {expected:.4f}) than like Ann (")


def test_a_new_person_who_looks_like_somebody_is_doubted(gallery: Gallery) -> None:
    ann = gallery.add("Ann", photos(1, 0, 1, 2)).person_id
    doubts = gallery.doubts("Anna", photos(1, 3, 4, 5))
    assert [doubt.person_id for doubt in doubts] == [ann, ann, ann]
    assert gallery.doubts("Ann", photos(1, 3, 4)) == []
    assert gallery.doubts("Bob", [photo(2, 0)]) == []


def test_what_is_stored_already_is_not_judged_again(gallery: Gallery) -> None:
    gallery.add("Ann", [*photos(1, 0, 1, 2), photo(9, 0)])
    assert gallery.doubts("Ann", [photo(9, 0)]) == []
    assert gallery.doubts("Bob", [photo(9, 0)]) == []


def test_without_a_calibration_nothing_is_doubted(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "calibration", {}.get)
    assert gallery.doubts("Ann", [*photos(1, 0, 1), photo(9, 0)]) == []


def test_check_reports_members_that_seem_to_be_of_somebody_else(gallery: Gallery) -> None:
    gallery.add("Ann", [*photos(1, 0, 1, 2), photo(9, 0), photo(2, 5)])
    assert [problem.kind for problem in gallery.check()] == ["doubtful", "doubtful"]
    bob = gallery.add("Bob", photos(2, 0, 1)).person_id
    stranger, of_bob = gallery.check()
    assert stranger.message.startswith("template 4 (9-0.jpg) is far from the other photos of Ann (distance ")
    assert of_bob.message.startswith(f"template 5 (2-5.jpg) looks more like Bob (id {bob}, distance ")
    assert gallery.repair() == [stranger, of_bob]
    gallery.move([5], "Bob")
    gallery.remove_template(4)
    assert gallery.check() == []


def test_check_finds_the_same_where_only_some_are_searched_for(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.add("Ann", [*photos(1, 0, 1, 2), photo(2, 5)])
    gallery.add("Bob", photos(2, 0, 1))
    monkeypatch.setattr("visavis.gallery.misplaced_photos.SEARCHED", 1)
    (problem,) = gallery.check()
    assert problem.message.startswith("template 4 (2-5.jpg) is far from the other photos of Ann")


# From photos


class FaceAlbum(Album):
    """A source is a text of "person:number"; each photo shows one large face."""

    def represent(self, sources, *, min_face=20):  # type: ignore[no-untyped-def]
        for found, source in zip(super().represent([f"{n}:90" for n, _ in enumerate(sources)]), sources, strict=True):
            person, number = map(int, source.split(":"))
            renamed = found.photo.__class__(found.photo.pixels, source, digest(100 * person + number))
            yield found.__class__(source, "ok", renamed, found.faces, found.quality, face(person, number)[None])


@pytest.fixture
def album(path: Path) -> Gallery:
    return Gallery(path, recognizer=cast(Recognizer, FaceAlbum()))


def test_enrolling_warns_and_strict_refuses(album: Gallery) -> None:
    done = album.enroll("Ann", ["1:0", "1:1", "1:2", "9:0"])
    (doubt,) = done.doubts
    assert (len(done.added), doubt.photo, done.notes) == (4, "9:0", (f"9:0 {doubt.message}",))
    done = album.enroll("Ann", ["1:3", "8:0"], strict=True)
    assert (len(done.added), done.doubts) == (1, ())
    (skipped,) = done.skipped
    assert (skipped.photo, skipped.status) == ("8:0", "doubtful")
    with pytest.raises(
        DoubtfulPhotoError,
        match=r"^7:0 is far from .* of Ann \(.*\): it may show another person\. It was not stored\.$",
    ):
        album.enroll("Ann", ["7:0"], strict=True)
    assert len(album.find("Ann").templates) == 5


def test_a_photo_of_another_person_says_whose_it_is(album: Gallery) -> None:
    album.enroll("Ann", ["1:0", "1:1"])
    done = album.enroll("Bob", ["2:0", "1:0"])
    assert done.notes == ("1:0 is a photo of Ann (id 1) already: it was not stored again.",)
    assert album.enroll("Ann", ["1:0"]).notes == ()
    with pytest.raises(UsageError, match=r"1:0 as 'Ann' \(id 1\)"):
        album.enroll("Cy", ["1:0"])


def test_the_film_stars(data: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of Margot Robbie's with a photo of Ben Affleck's."""
    monkeypatch.undo()
    stars = data / "celebrities"
    margot = [stars / "Margot Robbie" / f"Margot Robbie_{number}.jpg" for number in (1, 2, 3)]
    ben = [stars / "Ben Afflek" / f"Ben Afflek_{number}.jpg" for number in (1, 2, 4)]
    with Gallery(path) as gallery:
        done = gallery.enroll("Margot Robbie", [*margot, ben[0]])
        assert [doubt.photo for doubt in done.doubts] == [str(ben[0])]
        gallery.enroll("Ben Affleck", ben[1:])
        (problem,) = gallery.check()
        assert "looks more like Ben Affleck (id 2" in problem.message
        assert gallery.enroll("Margot Robbie", [ben[0], margot[0]]).doubts == ()  # stored already


# Templates too poor for any answer


def poor(template: Template, quality: float = 0.1) -> Template:
    return replace(template, quality=quality)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces of a score below .5 are too poor to say."""
    table = replace(TABLE, poor=PoorPhotos((0.0,) * DIMENSION, ((0.0, 1.0),), (("score", ((0.5, 0.8), (0.9, 1.0))),)))
    monkeypatch.setattr(compare, "calibration", {MODEL: table}.get)


@pytest.mark.usefixtures("measured")
def test_a_new_photo_too_poor_to_say_is_neither_doubted_nor_a_reason_to_doubt(gallery: Gallery) -> None:
    assert [doubt.photo for doubt in gallery.doubts("Ann", [*photos(1, 0, 1, 2), photo(9, 0)])] == ["9-0.jpg"]
    assert gallery.doubts("Ann", [*photos(1, 0, 1, 2), poor(photo(9, 0))]) == []
    # by the strangers alone, who are the majority, the right photos would be the doubtful ones
    strangers = [poor(photo(9, number)) for number in range(4)]
    assert gallery.doubts("Ann", [*photos(1, 0, 1), *strangers]) == []


@pytest.mark.usefixtures("measured")
def test_stored_photos_too_poor_to_say_doubt_nothing(gallery: Gallery) -> None:
    gallery.add("Ann", [poor(photo(9, number)) for number in range(3)])
    assert gallery.doubts("Ann", photos(1, 0, 1)) == []  # far from all that is stored of Ann
    gallery.add("Bob", [poor(photo(2, 0)), poor(photo(2, 1))])
    assert gallery.doubts("Cy", photos(2, 5, 6)) == []  # as near to Bob's as photos of one person are
    gallery.add("Dan", [poor(photo(3, 0), 0.9), poor(photo(3, 1), 0.9)])
    assert [doubt.name for doubt in gallery.doubts("Eve", photos(3, 5, 6))] == ["Dan", "Dan"]


@pytest.mark.usefixtures("measured")
def test_the_next_person_is_found_behind_one_of_poor_photos(gallery: Gallery) -> None:
    gallery.add("Bob", [poor(photo(2, 0))])
    dan = gallery.add("Dan", photos(2, 2, 3)).person_id
    assert {doubt.person_id for doubt in gallery.doubts("Cy", photos(2, 0, 1))} == {dan}


@pytest.mark.usefixtures("measured")
def test_check_passes_over_photos_too_poor_to_say(gallery: Gallery) -> None:
    gallery.add("Ann", [*photos(1, 0, 1, 2), poor(photo(9, 0)), photo(2, 5)])
    gallery.add("Bob", [poor(photo(2, 0)), poor(photo(2, 1))])
    (problem,) = gallery.check()
    assert problem.message.startswith("template 5 (2-5.jpg) is far from the other photos of Ann")
