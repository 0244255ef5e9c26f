"""Where photos lie: files that were moved, swapped, copied or replaced, and photos that are to be forgotten."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from visavis.errors import MissingImageError, UnknownNameError, UsageError
from visavis.gallery import Gallery, IndexedPhoto, Template

from .faces import embedding, in_a_file


def write(path: Path, content: str) -> tuple[str, str]:
    """Write a file; return the hash of its bytes and its path."""
    path.write_bytes(content.encode())
    return hashlib.sha256(content.encode()).hexdigest(), str(path)


def indexed(sha256: str, path: str, *numbers: int) -> IndexedPhoto:
    """Return what indexing makes of a photo: a face for each number."""
    faces = tuple(
        Template(embedding(number), box=np.array([50 * place, 0, 50 * place + 40, 40], np.float32), quality=0.9)
        for place, number in enumerate(numbers)
    )
    return IndexedPhoto(path, sha256, "ok" if faces else "no_face", faces)


def paths(gallery: Gallery) -> dict[str, str]:
    """Return the path of each photo of which there is a template, by hash."""
    faces = gallery.faces()
    return {str(sha256): photo for sha256, photo in zip(faces.sha256, faces.photos, strict=True)}


def test_a_moved_photo_is_found_at_its_new_place(gallery: Gallery, tmp_path: Path) -> None:
    sha256, old = write(tmp_path / "a.jpg", "A")
    gallery.add_photos([indexed(sha256, old, 1, 2)])
    new = str((tmp_path / "a.jpg").rename(tmp_path / "b.jpg"))
    assert gallery.locate_photos([(sha256, new)]) == 1
    assert paths(gallery) == {sha256: new}
    assert gallery.locate_photos([(sha256, new)]) == 0


def test_two_photos_that_took_each_others_names(gallery: Gallery, tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.jpg", "A"), write(tmp_path / "b.jpg", "B")
    gallery.add_photos([indexed(*a, 1), indexed(*b, 2)])
    write(tmp_path / "a.jpg", "B")
    write(tmp_path / "b.jpg", "A")
    assert gallery.locate_photos([(b[0], a[1]), (a[0], b[1])]) == 2
    assert paths(gallery) == {a[0]: b[1], b[0]: a[1]}


@pytest.mark.parametrize("first", ["0.jpg", "z.jpg"])
def test_a_photo_that_moved_and_was_replaced_in_any_order(gallery: Gallery, tmp_path: Path, first: str) -> None:
    """One photo a call, as a run tells of them: sorted by name, the moved one before or after the one in its place."""
    a, b = write(tmp_path / "a.jpg", "A"), write(tmp_path / "b.jpg", "B")
    gallery.add_photos([indexed(*a, 1), indexed(*b, 2)])
    (tmp_path / "a.jpg").rename(tmp_path / first)
    (tmp_path / "b.jpg").rename(tmp_path / "a.jpg")
    found = sorted([(str(tmp_path / first), a[0]), (a[1], b[0])])
    for path, sha256 in found:
        gallery.locate_photos([(sha256, path)])
    assert paths(gallery) == {a[0]: str(tmp_path / first), b[0]: a[1]}


def test_a_replaced_photo_no_longer_claims_the_path(gallery: Gallery, tmp_path: Path) -> None:
    sha256, path = write(tmp_path / "a.jpg", "A")
    gallery.add_photos([indexed(sha256, path, 1)])
    other, _ = write(tmp_path / "a.jpg", "B")
    assert gallery.locate_photos([(other, path)]) == 1
    gallery.add_photos([indexed(other, path, 2)])
    assert paths(gallery) == {sha256: "", other: path}


def test_a_copy_does_not_take_the_place_of_the_first(gallery: Gallery, tmp_path: Path) -> None:
    sha256, path = write(tmp_path / "a.jpg", "A")
    gallery.add_photos([indexed(sha256, path, 1)])
    _, copy = write(tmp_path / "copy.jpg", "A")
    assert gallery.locate_photos([(sha256, copy)]) == 0
    assert gallery.locate_photos([(sha256, path), (sha256, copy)]) == 0
    assert paths(gallery) == {sha256: path}


def test_templates_that_were_enrolled_from_memory_learn_their_file(gallery: Gallery, tmp_path: Path) -> None:
    sha256, path = write(tmp_path / "a.jpg", "A")
    gallery.add("Ann", [Template(embedding(1), sha256, "bytes")])
    gallery.locate_photos([(sha256, path)])
    assert [template.photo for template in gallery.people()[0].templates] == [path]


def test_what_a_place_holds_is_read_as_it_is_told(gallery: Gallery) -> None:
    """URLs are read by whoever knows how."""
    asked = []

    def read(place: str) -> bytes:
        asked.append(place)
        raise MissingImageError("gone.")

    sha256 = hashlib.sha256(b"A").hexdigest()
    gallery.add_photos([indexed(sha256, "s3://bucket/a.jpg", 1)])
    assert gallery.locate_photos([(sha256, "s3://bucket/b.jpg")], read=read) == 1
    assert asked == ["s3://bucket/a.jpg"]
    assert gallery.locate_photos([(sha256, "s3://bucket/c.jpg")], read=lambda _: b"A") == 0


def test_a_photo_is_forgotten_by_path_bytes_or_hash(gallery: Gallery, tmp_path: Path) -> None:
    a, b, c = (write(tmp_path / f"{name}.jpg", name) for name in "abc")
    gallery.add_photos([indexed(*a, 1, 2), indexed(*b), indexed(*c, 3)])
    (tmp_path / "c.jpg").rename(tmp_path / "moved.jpg")
    gone = gallery.forget(a[1], b[0][:8].upper(), tmp_path / "moved.jpg")
    assert [(one.sha256, one.photo, one.templates, one.people) for one in gone] == [
        (a[0], a[1], 2, ()), (b[0], b[1], 0, ()), (c[0], c[1], 1, ()),
    ]  # fmt: skip
    stats = gallery.stats()
    assert (stats.templates, stats.unassigned, stats.photos) == (0, 0, 0)
    assert gallery.find_indexed([a[0], b[0], c[0]]) == set()
    assert gallery.lookalikes(embedding(1)[None], top=3) == [[]]
    assert gallery.check() == []


def test_a_photo_of_people_is_forgotten_only_if_that_is_said(gallery: Gallery, tmp_path: Path) -> None:
    """Ann has another photo and stays; Bob has none and is removed."""
    a = write(tmp_path / "a.jpg", "A")
    gallery.add_photos([indexed(*a, 1, 2)])
    gallery.name_faces("Ann", [1])
    gallery.name_faces("Bob", [2])
    gallery.add("Ann", [Template(embedding(5), "5" * 64, "5.jpg")])
    with pytest.raises(UsageError, match=r"\(Ann, Bob\): give named=True"):
        gallery.forget(a[1])
    assert len(gallery.people()) == 2
    (gone,) = gallery.forget(a[1], named=True)
    assert (gone.templates, gone.people, gone.removed) == (2, ((1, "Ann"), (2, "Bob")), (2,))
    assert [(person.name, len(person.templates)) for person in gallery.people()] == [("Ann", 1)]
    told = [(one.action, one.person_id, one.detail) for one in gallery.audit()[-4:]]
    digits = a[0][:12]
    assert told == [
        ("forget", None, f"photo {digits}, 2 templates"),
        ("forget", 1, f"templates of photo {digits}"),
        ("forget", 2, f"templates of photo {digits}"),
        ("remove", 2, "no template was left"),
    ]
    assert gallery.check() == []


@in_a_file
def test_nothing_of_a_forgotten_photo_stays_in_the_file(gallery: Gallery, path: Path, tmp_path: Path) -> None:
    a = write(tmp_path / "secret.jpg", "A")
    gallery.add_photos([indexed(*a, 1)])
    gallery.forget(a[0])
    gallery.close()
    assert b"secret.jpg" not in path.read_bytes()


def test_which_photo_is_meant(gallery: Gallery, tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.jpg", "A"), write(tmp_path / "b.jpg", "B")
    gallery.add_photos([indexed(*a, 1), indexed(*b, 2)])
    write(tmp_path / "a.jpg", "B")
    with pytest.raises(UsageError, match=r"a\.jpg' stands for 2 photos of this gallery: give one of the hashes"):
        gallery.forget(a[1])
    for unknown in ("nobody.jpg", "0" * 8, a[0][:7]):
        with pytest.raises(UnknownNameError, match="this gallery holds no photo"):
            gallery.forget(unknown)
    assert gallery.stats().photos == 2
