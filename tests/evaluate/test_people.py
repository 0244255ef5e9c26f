from __future__ import annotations

import sys
from pathlib import Path

import pytest

from visavis.errors import UsageError
from visavis.evaluate.data.pairs import PeopleFolder, read_people


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a photo, as far as its name goes")


def test_a_folder_a_person(tmp_path: Path) -> None:
    put(tmp_path, "Eve/2.JPG", "Eve/1.png", "Adam/x.webp", "Adam/notes.txt", "Adam/deeper/y.jpg", "Nobody/notes.txt")
    people = read_people(tmp_path)
    assert people.photos == tuple(str(tmp_path / name) for name in ("Adam/x.webp", "Eve/1.png", "Eve/2.JPG"))
    assert people.names == ("Adam", "Eve", "Eve")
    assert read_people(str(tmp_path)) == people


def test_photos_are_sorted_by_path_and_each_keeps_its_name(tmp_path: Path) -> None:
    put(tmp_path, "a b/1.jpg", "a/1.jpg", "a-b/1.jpg")
    people = read_people(tmp_path)
    assert list(people.photos) == sorted(people.photos)
    assert people.names == tuple(Path(photo).parent.name for photo in people.photos)


def test_what_lies_beside_is_no_person_and_no_photo(tmp_path: Path) -> None:
    """Not least what a Mac leaves: "._1.jpg" beside every "1.jpg" on a disk that is not its own."""
    put(tmp_path, "a/1.jpg", "a/._1.jpg", "b/1.jpg", ".thumbnails/1.jpg", "loose.jpg")
    (tmp_path / "b" / "folder.jpg").mkdir()
    assert [Path(photo).relative_to(tmp_path).as_posix() for photo in read_people(tmp_path).photos] == [
        "a/1.jpg",
        "b/1.jpg",
    ]


@pytest.mark.skipif(sys.platform == "darwin", reason="this file system takes both forms for one")
def test_one_name_in_two_forms_of_unicode_is_one_person(tmp_path: Path) -> None:
    put(tmp_path, "Zoe\u0301/1.jpg", "Zo\u00e9/2.jpg", "Adam/1.jpg")
    people = read_people(tmp_path)
    assert set(people.names) == {"Zo\u00e9", "Adam"}
    assert people.names.count("Zo\u00e9") == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "holds no folder with photos"),
        (("1.jpg", "2.jpg"), "holds no folder with photos"),
        (("a/notes.txt", "b/notes.txt"), "holds no folder with photos"),
        (("a/1.jpg", "a/2.jpg", "b/notes.txt"), "photos of one person only"),
    ],
)
def test_a_folder_without_two_people(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    put(tmp_path, *names)
    with pytest.raises(UsageError, match=message) as raised:
        read_people(tmp_path)
    assert str(raised.value).startswith(repr(str(tmp_path)))
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize("name", ["missing", "file"])
def test_no_folder_at_all(tmp_path: Path, name: str) -> None:
    put(tmp_path, "file")
    with pytest.raises(UsageError, match=rf"{name}' cannot be listed: No[t ]"):
        read_people(tmp_path / name)


def test_a_photo_needs_a_name() -> None:
    with pytest.raises(ValueError, match="2 photos and 1 names"):
        PeopleFolder(("a", "b"), ("A",))
